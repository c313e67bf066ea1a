package uio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// TestServerOfNothing asks a server of which all fields are zero.
func TestServerOfNothing(t *testing.T) {
	w := newWorld(t, nil)
	uiotest.Serve(t, w.team, &uio.Server{}, "/nothing")
	_, err := uio.Open(t.Context(), w.client, "/nothing/x", uio.Read, 0)
	w.want("open", err, ipc.RequestUnsupported)
	_, err = w.client.Stat(t.Context(), "/nothing/x")
	w.want("describe", err, ipc.RequestUnsupported)
	w.want("remove", w.client.Remove(t.Context(), "/nothing/x"), ipc.RequestUnsupported)
	w.want("link", w.client.Link(t.Context(), "/nothing/x", "/nothing/y"), ipc.RequestUnsupported)
	w.want("symlink", w.client.Symlink(t.Context(), "x", "/nothing/y"), ipc.RequestUnsupported)
}

func TestServerInstancesAreBounded(t *testing.T) {
	w := newWorld(t, func(m *uiotest.Memory) { m.MaxInstances = 3 })
	var open []*uio.File
	for range 3 {
		f, err := uio.Open(t.Context(), w.client, "/mem/file", uio.Write|uio.Create, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, f)
	}
	_, err := uio.Open(t.Context(), w.client, "/mem/file", uio.Read, 0)
	w.want("one too many", err, ipc.NoServerResources)
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	f, err := uio.Open(t.Context(), w.client, "/mem/file", uio.Read, 0)
	if err != nil {
		t.Fatalf("after one was closed: %v", err)
	}
	for _, g := range open[1:] {
		if g.ID() == f.ID() || f.ID().ID == 0 {
			t.Errorf("instance %v is given twice", f.ID())
		}
	}
	if f.ID() == open[0].ID() {
		t.Errorf("instance %v is used again at once", f.ID())
	}
}

// TestServerStreamsDoNotBlock lets all readers wait that may: files are served
// nevertheless, and one reader more is refused.
func TestServerStreamsDoNotBlock(t *testing.T) {
	const workers = 24
	w := newWorld(t, func(m *uiotest.Memory) { m.MaxWorkers = workers })
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan error, workers)
	var all sync.WaitGroup
	for i := range workers {
		name := fmt.Sprintf("/mem/%d.pipe", i)
		writer, err := uio.Open(ctx, w.client, name, uio.Write|uio.Create, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		reader, err := uio.Open(ctx, w.client, name, uio.Read, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		all.Go(func() { // ends when ctx does; waited for below
			if _, err := reader.ReadContext(ctx, make([]byte, 1)); !errors.Is(err, ipc.Aborted) {
				refused <- err
			}
		})
	}
	w.want("a reader too many", <-refused, ipc.NoServerResources)
	if err := uio.WriteFile(ctx, w.client, "/mem/file", []byte("x"), 0o644); err != nil {
		t.Errorf("write a file meanwhile: %v", err)
	}
	cancel()
	all.Wait()
}

func TestServerOther(t *testing.T) {
	op := ipc.MakeOp(ipc.InterfaceProgram, 9)
	w := newWorld(t, func(m *uiotest.Memory) {
		m.Other = func(_ context.Context, p ipc.Process, m *ipc.Message, tr ipc.Transaction, segment []byte) bool {
			if m.Op() != op {
				return false
			}
			m.SetCode(ipc.Busy)
			return p.Reply(m, tr, segment) == nil
		}
	})
	send := func(op ipc.Op) (ipc.Message, string) {
		var m ipc.Message
		m.SetOp(op)
		buf := make([]byte, 10)
		if _, err := w.client.Send(t.Context(), &m, w.pid, ipc.Segment{Read: []byte("segment"), Write: buf}); err != nil {
			t.Fatal(err)
		}
		return m, string(buf[:m.SegmentSize()])
	}
	if m, data := send(op); m.Code() != ipc.Busy || data != "segment" {
		t.Errorf("its own operation: %v, %q", m.Code(), data)
	}
	if m, _ := send(op + 1); m.Code() != ipc.IllegalRequest {
		t.Errorf("an unknown operation: %v", m.Code())
	}
}

func TestServerEnds(t *testing.T) {
	w := newWorld(t, nil)
	reader, err := uio.Open(t.Context(), w.client, "/mem/a.pipe", uio.Read|uio.Create, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { // ends when the server does; waited for below
		_, err := reader.Read(make([]byte, 1))
		failed <- err
	}()
	w.stop()
	w.want("a read that waits", <-failed, ipc.Unreachable)
	if n := w.server.Instances(); n != 0 {
		t.Errorf("%d instances are left", n)
	}
	w.want("close", reader.Close(), ipc.Unreachable)
	if _, err := w.server.Adopt(uio.NewBytes(nil, naming.Descriptor{}), w.pid); !errors.Is(err, ipc.Aborted) {
		t.Errorf("adopt: %v", err)
	}
	if err := new(uio.Server).Serve(canceled(t), newProcess(t, w)); err != nil {
		t.Errorf("serve with a context that has ended: %v", err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func newProcess(t *testing.T, w *world) ipc.Process {
	p, err := w.team.NewProcess(t.Context(), "process")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestServerAdopt(t *testing.T) {
	w := newWorld(t, nil)
	owner, err := w.client.Owner()
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.server.Adopt(uio.NewBytes([]byte("given"), naming.Descriptor{Name: "gift"}), owner)
	if err != nil {
		t.Fatal(err)
	}
	f, err := uio.OpenInstance(t.Context(), w.client, uio.InstanceID{Server: w.pid, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); string(got) != "given" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if info, err := f.Stat(); err != nil || info.Name() != "gift" || info.Size() != 5 {
		t.Errorf("described as %v, %v", info, err)
	}
	if err := f.Adopt(t.Context()); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil || w.server.Instances() != 0 {
		t.Errorf("close: %v, %d instances are left", err, w.server.Instances())
	}
}

// TestServerLosesNoOpening opens for a client that gives up meanwhile.
func TestServerLosesNoOpening(t *testing.T) {
	opened, closed := make(chan struct{}), make(chan bool, 1)
	w := newWorld(t, func(m *uiotest.Memory) {
		m.Open = func(ctx context.Context, _ *uio.OpenRequest) (uio.Object, error) {
			opened <- struct{}{}
			<-opened
			return releases{uio.NewBytes(nil, naming.Descriptor{}), closed}, nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { // ends when ctx does; waited for below
		_, err := uio.Open(ctx, w.client, "/mem/x", uio.Read, 0)
		failed <- err
	}()
	<-opened
	cancel()
	w.want("open", <-failed, ipc.Aborted)
	opened <- struct{}{}
	select {
	case keep := <-closed:
		if keep {
			t.Error("it was released to be kept")
		}
	case <-time.After(5 * time.Second):
		t.Error("the instance of nobody was not released")
	}
}

// releases says when an object is released.
type releases struct {
	uio.Object
	released chan bool
}

func (r releases) Release(keep bool) error {
	r.released <- keep
	return nil
}

// TestTreeContexts uses context ids of a Tree.
func TestTreeContexts(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	if err := uio.MkdirAll(ctx, w.client, "/mem/a/b/c", 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := w.client.Resolve(ctx, "/mem/a/b")
	if err != nil || c.Server != w.pid || c.ID == 0 {
		t.Fatalf("resolved %+v, %v", c, err)
	}
	if err := w.client.AddPrefix(ctx, "/short", c); err != nil {
		t.Fatal(err)
	}
	if d, err := w.client.Stat(ctx, "/short/c"); err != nil || !d.IsContext() {
		t.Errorf("/short/c is %+v, %v", d, err)
	}
	if inner, err := w.client.Resolve(ctx, "/short/c"); err != nil || inner.ID == c.ID || inner.ID == 0 {
		t.Errorf("/short/c is %+v, %v", inner, err)
	}
	if id, err := w.server.Tree.ContextOf("/a//b/"); err != nil || id == c.ID {
		t.Errorf("a name that is not clean has context %d, %v", id, err)
	}
	if id, err := w.server.Tree.ContextOf("/a/b"); err != nil || id != c.ID {
		t.Errorf("a/b is context %d, %v; want %d", id, err, c.ID)
	}
	w.want("remove what a prefix stands for", w.client.Remove(ctx, "/short"), ipc.NoPermission)
	if err := uio.RemoveAll(ctx, w.client, "/mem/a"); err != nil {
		t.Fatal(err)
	}
	_, err = w.client.Stat(ctx, "/short/c")
	w.want("a context that is gone", err, ipc.InvalidContext)
}
