package uio_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// source is a stream that yields what comes from blocks, also to who has given
// up.
type source struct {
	reading chan context.Context // gets the context of each read
	blocks  chan string          // io.EOF when closed
	infos   atomic.Int32         // how often Info was called
}

func newSource() *source {
	return &source{reading: make(chan context.Context, 10), blocks: make(chan string, 10)}
}

func (s *source) Info() uio.Info {
	s.infos.Add(1)
	return uio.Info{Attributes: uio.Stream | uio.Readable}
}

func (s *source) ReadStream(ctx context.Context, p []byte) (int, error) {
	s.reading <- ctx
	block, ok := <-s.blocks
	if !ok {
		return 0, io.EOF
	}
	return copy(p, block), nil
}

func (s *source) Release(bool) error { return nil }

// unreader is a source that takes back.
type unreader struct {
	*source
	back chan string
}

func (u unreader) Unread(data []byte) { u.back <- string(data) }

// killRead begins a read of f and gives it up when the object has it; the context
// of the object has then ended.
func (w *world) killRead(f *uio.File, s *source) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	failed := make(chan error, 1)
	go func() { // ends when ctx does; waited for below
		_, err := f.ReadContext(ctx, make([]byte, 10))
		failed <- err
	}()
	visit := <-s.reading
	if err := visit.Err(); err != nil {
		w.Errorf("while the client waits: %v", err)
	}
	cancel()
	w.want("read that is given up", <-failed, ipc.Aborted)
	if visit.Err() != context.Canceled {
		w.Errorf("when the client has given up: %v", visit.Err())
	}
	select {
	case <-visit.Done():
	case <-time.After(5 * time.Second):
		w.Error("Err says that it has ended, Done does not")
	}
}

// TestUndeliveredIsKept: what was read for nobody is read again, in parts if
// less is asked for.
func TestUndeliveredIsKept(t *testing.T) {
	w, s := newWorld(t, nil), newSource()
	f := w.open(s, uio.Read)
	w.killRead(f, s)
	s.blocks <- "abcde"
	buf := make([]byte, 3)
	for _, want := range []string{"abc", "de", "fg"} {
		if want == "fg" {
			s.blocks <- want
		}
		if n, err := f.Read(buf); string(buf[:n]) != want || err != nil {
			t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	close(s.blocks)
	if n, err := f.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d octets, %v", n, err)
	}
}

// TestUndeliveredIsGivenBack: an object that takes back has it at once.
func TestUndeliveredIsGivenBack(t *testing.T) {
	w := newWorld(t, nil)
	u := unreader{newSource(), make(chan string, 1)}
	f := w.open(u, uio.Read)
	w.killRead(f, u.source)
	u.blocks <- "abcde"
	select {
	case got := <-u.back:
		if got != "abcde" {
			t.Errorf("it got back %q", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("it got nothing back")
	}
	u.blocks <- "fg"
	buf := make([]byte, 10)
	if n, err := f.Read(buf); string(buf[:n]) != "fg" || err != nil {
		t.Errorf("then read %q, %v", buf[:n], err)
	}
}

// TestPolling gives up more reads of a stream than may wait at once: each makes
// room for the next.
func TestPolling(t *testing.T) {
	w := newWorld(t, func(m *uiotest.Memory) { m.MaxWorkers = 16 })
	f, err := uio.Open(t.Context(), w.client, "/mem/a.pipe", uio.Read|uio.Create, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := f.ReadContext(ctx, make([]byte, 1))
		cancel()
		w.want("poll", err, ipc.UserTimeout)
	}
}

// TestWatch: the object is told of a client that has given up, without a look of
// its own and without another request.
func TestWatch(t *testing.T) {
	w := newWorld(t, func(m *uiotest.Memory) { m.ProbeInterval = time.Millisecond })
	s := newSource()
	f := w.open(s, uio.Read)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { // ends when ctx does; waited for below
		_, err := f.ReadContext(ctx, make([]byte, 10))
		failed <- err
	}()
	visit := <-s.reading
	cancel()
	w.want("read that is given up", <-failed, ipc.Aborted)
	select {
	case <-visit.Done():
	case <-time.After(5 * time.Second):
		t.Error("it is not told")
	}
	close(s.blocks)
}

// TestInfoIsNotAskedToRead: what an instance can do is known from its opening.
func TestInfoIsNotAskedToRead(t *testing.T) {
	w, s := newWorld(t, nil), newSource()
	f := w.open(s, uio.Read)
	for range 5 {
		s.blocks <- "x"
		if _, err := f.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.infos.Load(); n != 1 {
		t.Errorf("Info was called %d times, want 1", n)
	}
	if _, err := f.Query(t.Context()); err != nil || s.infos.Load() != 2 {
		t.Errorf("query: %v, Info was called %d times", err, s.infos.Load())
	}
}

// ownedBytes is an object that wants to know whose it is.
type ownedBytes struct {
	uio.Object
	owner chan ipc.PID
}

func (o ownedBytes) SetOwner(owner ipc.PID) { o.owner <- owner }

func TestOwnedIsTold(t *testing.T) {
	w := newWorld(t, nil)
	o := ownedBytes{uio.NewBytes(nil, naming.Descriptor{}), make(chan ipc.PID, 1)}
	f := w.open(o, uio.Read)
	heir := newProcess(t, w)
	if err := f.SetOwner(t.Context(), heir.PID()); err != nil {
		t.Fatal(err)
	}
	if got := <-o.owner; got != heir.PID() {
		t.Errorf("it belongs to %v, want %v", got, heir.PID())
	}
}
