package uiotest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"vsys/ipc"
	"vsys/uio"
)

// edges are sizes at which blocks, transactions and windows of them end.
var edges = []int{0, 1, 511, 512, 513, 10_000, 16_383, 16_384, 16_385, 32_768, 100_000, 300_001}

func testEdges(t *testing.T, s *suite) {
	if !s.Writeable {
		return
	}
	for _, n := range edges {
		data, name := noise(n), s.name(fmt.Sprintf("edge-%d", n))
		if err := uio.WriteFile(s.ctx, s.Client, name, data, 0o644); err != nil {
			t.Fatalf("write %d octets: %v", n, err)
		}
		got, err := uio.ReadFile(s.ctx, s.Client, name)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("wrote %d octets, read %d, %v; equal: %v", n, len(got), err, bytes.Equal(got, data))
		}
		s.readPieces(t, name, data)
		if err := s.Client.Remove(s.ctx, name); err != nil {
			t.Errorf("remove %s: %v", name, err)
		}
	}
}

// readPieces reads the file in several ways.
func (s *suite) readPieces(t *testing.T, name string, data []byte) {
	t.Helper()
	f, err := uio.Open(s.ctx, s.Client, name, uio.Read, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var small bytes.Buffer
	if _, err := io.CopyBuffer(&small, struct{ io.Reader }{f}, make([]byte, 1000)); err != nil || !bytes.Equal(small.Bytes(), data) {
		t.Errorf("%s in pieces of 1,000: %d octets, %v", name, small.Len(), err)
	}
	at := make([]byte, len(data)+10)
	if n, err := f.ReadAt(at, 0); err != io.EOF || !bytes.Equal(at[:n], data) {
		t.Errorf("%s by ReadAt: %d octets, %v", name, n, err)
	}
	if len(data) > 2 {
		if n, err := f.ReadAt(at[:2], int64(len(data)-2)); err != nil || n != 2 || !bytes.Equal(at[:2], data[len(data)-2:]) {
			t.Errorf("%s, its last two: %d octets, %v", name, n, err)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if n, err := f.WriteTo(&all); err != nil || n != int64(len(data)) || !bytes.Equal(all.Bytes(), data) {
		t.Errorf("%s by WriteTo: %d octets, %v", name, n, err)
	}
}

func testAppend(t *testing.T, s *suite) {
	if !s.Writeable {
		return
	}
	if err := uio.WriteFile(s.ctx, s.Client, s.name("log"), []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, b := s.open(t, "log", uio.Write|uio.Append), s.open(t, "log", uio.Write|uio.Append)
	for _, w := range []struct {
		f    *uio.File
		line string
	}{{a, "two\n"}, {b, "three\n"}, {a, "four\n"}} {
		if _, err := io.WriteString(w.f, w.line); err != nil {
			t.Fatalf("append: %v", err)
		}
	}
	got, err := uio.ReadFile(s.ctx, s.Client, s.name("log"))
	if string(got) != "one\ntwo\nthree\nfour\n" {
		t.Errorf("two append: %q, %v", got, err)
	}
	_, err = a.WriteAt([]byte("x"), 0)
	want(t, "write at a position of what is open to append", err, ipc.RequestUnsupported)
	_, err = uio.Open(s.ctx, s.Client, s.name("log"), uio.Write|uio.Create|uio.Exclusive, 0o644)
	want(t, "make what is there", err, ipc.DuplicateName)
}

func testTruncate(t *testing.T, s *suite) {
	if !s.Writeable {
		return
	}
	f := s.open(t, "cut", uio.Read|uio.Write|uio.Create|uio.Truncate)
	if _, err := f.Write([]byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		size int64
		want string
	}{{4, "0123"}, {6, "0123\x00\x00"}, {0, ""}} {
		if err := f.Truncate(step.size); err != nil {
			t.Fatalf("set the size to %d: %v", step.size, err)
		}
		got, err := uio.ReadFile(s.ctx, s.Client, s.name("cut"))
		if string(got) != step.want {
			t.Errorf("with size %d it holds %q, %v", step.size, got, err)
		}
		if info, err := f.Query(s.ctx); err != nil || info.Size != uint64(step.size) {
			t.Errorf("asked for its size it says %d, %v; want %d", info.Size, err, step.size)
		}
	}
	if err := f.Sync(); err != nil {
		t.Errorf("sync: %v", err)
	}
	if got, err := uio.ReadFile(s.ctx, s.Client, s.name("cut")); len(got) > 0 {
		t.Errorf("it holds %q, %v", got, err)
	}
}

func testConcurrency(t *testing.T, s *suite) {
	if !s.Writeable {
		return
	}
	const writers, size = 8, 40_000
	f := s.open(t, "shared", uio.Read|uio.Write|uio.Create)
	data := noise(writers * size)
	results := make(chan error, writers)
	for i := range writers {
		go func() { // ends when it has written and read its part; waited for below
			part := data[i*size : (i+1)*size]
			got := make([]byte, size)
			_, err := f.WriteAt(part, int64(i*size))
			if err == nil {
				_, err = f.ReadAt(got, int64(i*size))
			}
			if (err == nil || err == io.EOF) && !bytes.Equal(got, part) {
				err = fmt.Errorf("part %d is not what was written", i)
			}
			results <- err
		}()
	}
	for range writers {
		if err := <-results; err != nil && err != io.EOF {
			t.Error(err)
		}
	}
	got, err := uio.ReadFile(s.ctx, s.Client, s.name("shared"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the whole is not what was written: %d octets, %v", len(got), err)
	}
}

func testSeek(t *testing.T, s *suite) {
	if !s.Writeable {
		return
	}
	f := s.open(t, "seek", uio.Read|uio.Write|uio.Create)
	model := []byte{}
	r := rand.New(rand.NewPCG(2, 3))
	for i := range 200 {
		pos := r.IntN(len(model) + 1)
		if _, err := f.Seek(int64(pos), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		buf := noise(1 + r.IntN(5000) + i)
		if r.IntN(2) == 0 {
			if _, err := f.Write(buf); err != nil {
				t.Fatal(err)
			}
			model = append(model[:pos], append(buf, model[min(len(model), pos+len(buf)):]...)...)
			continue
		}
		n, err := io.ReadFull(f, buf)
		if !bytes.Equal(buf[:n], model[pos:min(len(model), pos+len(buf))]) {
			t.Fatalf("step %d: read at %d of %d: %d octets, %v", i, pos, len(model), n, err)
		}
	}
	if end, err := f.Seek(0, io.SeekEnd); err != nil || end != int64(len(model)) {
		t.Errorf("the end is at %d, %v; want %d", end, err, len(model))
	}
	_, err := f.Seek(-1, io.SeekStart)
	want(t, "seek before the beginning", err, ipc.BadArgs)
}
