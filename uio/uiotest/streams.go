package uiotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"vsys/ipc"
	"vsys/uio"
)

// ends opens both ends of the pipe.
func (s *suite) ends(t *testing.T) (r, w *uio.File) {
	t.Helper()
	w = s.open(t, s.Pipe, uio.Write|uio.Create)
	return s.open(t, s.Pipe, uio.Read), w
}

func testPipe(t *testing.T, s *suite) {
	if s.Pipe == "" {
		return
	}
	r, w := s.ends(t)
	if !r.Attributes().Has(uio.Stream|uio.Readable) || !w.Attributes().Has(uio.Stream|uio.Writeable) {
		t.Errorf("its ends are %v and %v", r.Attributes(), w.Attributes())
	}
	_, err := r.Seek(0, io.SeekStart)
	want(t, "seek in a stream", err, ipc.RequestUnsupported)
	_, err = r.ReadAt(make([]byte, 1), 0)
	want(t, "read at a position of a stream", err, ipc.RequestUnsupported)
	data := noise(100_000)
	sent := make(chan error, 1)
	go func() { // ends when all is written, or when an end is closed; waited for below
		_, err := io.Copy(w, iotest.OneByteReader(bytes.NewReader(data[:100])))
		if err == nil {
			_, err = io.Copy(w, bytes.NewReader(data[100:]))
		}
		sent <- errors.Join(err, w.Close())
	}()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("wrote %d octets, read %d, %v; equal: %v", len(data), len(got), err, bytes.Equal(got, data))
	}
	if err := <-sent; err != nil {
		t.Errorf("write: %v", err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d octets, %v", n, err)
	}
}

// testPipeCancel gives up a read that waits, and shares an end between two
// readers: nothing is lost by either.
func testPipeCancel(t *testing.T, s *suite) {
	if s.Pipe == "" {
		return
	}
	r, w := s.ends(t)
	ctx, cancel := context.WithCancel(s.ctx)
	failed := make(chan error, 1)
	go func() { // ends when it is cancelled; waited for below
		_, err := r.ReadContext(ctx, make([]byte, 10))
		failed <- err
	}()
	cancel()
	want(t, "read that is cancelled", <-failed, ipc.Aborted)
	other, err := uio.OpenInstance(s.ctx, s.Client, r.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i, reader := range []*uio.File{r, other, other, r, r, other} {
		text := []byte{'a' + byte(i)}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 10)
		n, err := reader.ReadContext(s.ctx, got)
		if err != nil || !bytes.Equal(got[:n], text) {
			t.Fatalf("step %d: wrote %q, read %q, %v", i, text, got[:n], err)
		}
	}
	go func() { // ends when the file is closed; waited for below
		_, err := r.Read(make([]byte, 10))
		failed <- err
	}()
	if err := r.Close(); err != nil {
		t.Errorf("close while somebody reads: %v", err)
	}
	want(t, "read while it is closed", <-failed, ipc.InvalidInstance)
}

// testPipeKilled lets readers of the pipe be killed while they wait: what is
// written then goes to those who live, in order.
func testPipeKilled(t *testing.T, s *suite) {
	if s.Pipe == "" {
		return
	}
	r, w := s.ends(t)
	mortal := s.open(t, s.Pipe, uio.Read)
	for i := range 20 {
		ctx, cancel := context.WithTimeout(s.ctx, time.Millisecond)
		_, err := mortal.ReadContext(ctx, make([]byte, 10))
		cancel()
		want(t, "read that is given up", err, ipc.UserTimeout)
		for _, text := range []string{fmt.Sprint("a", i), fmt.Sprint("b", i)} {
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 10)
			n, err := r.ReadContext(s.ctx, got)
			if err != nil || string(got[:n]) != text {
				t.Fatalf("a reader was killed, %q was written, another one read %q, %v", text, got[:n], err)
			}
		}
	}
}

// testPipePolled gives up reads and writes that wait, again and again, of one
// end and then of several: it does not exhaust the server.
func testPipePolled(t *testing.T, s *suite) {
	if s.Pipe == "" {
		return
	}
	const polls, ends = 300, 300 // more than a server has workers by default
	r, w := s.ends(t)
	poll := func(f *uio.File) error {
		ctx, cancel := context.WithTimeout(s.ctx, 100*time.Microsecond)
		defer cancel()
		_, err := f.ReadContext(ctx, make([]byte, 1))
		return err
	}
	for range polls {
		want(t, "poll", poll(r), ipc.UserTimeout)
	}
	for range ends {
		f := s.open(t, s.Pipe, uio.Read)
		if err := poll(f); ipc.CodeOf(err) == ipc.NoServerResources {
			break // all are in use, of clients that have given up
		}
	}
	if _, err := io.WriteString(w, "x"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "a read is served again", func() bool {
		n, err := r.ReadContext(s.ctx, make([]byte, 1))
		if n == 0 && ipc.CodeOf(err) != ipc.NoServerResources {
			t.Fatalf("read: %v", err)
		}
		return n == 1
	})
}
