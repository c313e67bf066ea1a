package pipe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// world is a host alpha with a kernel server, a client and a pipe server.
type world struct {
	team   *kernel.Kernel
	client *naming.Client
	server *Server
	stop   func() error // ends the server and returns what Serve did
	ctx    context.Context
}

func newWorld(t testing.TB) *world {
	t.Helper()
	team := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(team.Close)
	p, err := team.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	self := naming.Host{Number: p.PID().Host(), Name: "alpha", Server: p.PID(), State: naming.HostSelf}
	namingtest.NewDomain(self).Serve(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	w := &world{team: team, client: naming.NewClient(team), server: &Server{}, ctx: ctx}
	t.Cleanup(w.client.Close)
	w.server.uio.ProbeInterval = 10 * time.Millisecond
	w.start(t)
	return w
}

// start lets the server serve until the test ends, and waits until it does.
func (w *world) start(t testing.TB) {
	t.Helper()
	p, err := w.team.NewProcess(context.Background(), "pipe")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, p) }() // ends with ctx; stop waits for it
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	for {
		if _, err = w.client.Resolve(w.ctx, "/pipe/alpha"); !errors.Is(err, ipc.NotFound) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) open(t testing.TB, name string, mode uio.Mode) *uio.File {
	t.Helper()
	f, err := uio.Open(w.ctx, w.client, "/pipe/alpha/"+name, mode, 0)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(func() { f.Close() }) // closed before, mostly
	return f
}

// ends makes a pipe.
func (w *world) ends(t testing.TB, name string) (r, wr *uio.File) {
	t.Helper()
	wr = w.open(t, name, uio.Write|uio.Create|uio.Exclusive)
	return w.open(t, name, uio.Read), wr
}

func want(t *testing.T, what string, err error, code ipc.Code) {
	t.Helper()
	if ipc.CodeOf(err) != code {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

func TestNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		w := newWorld(t)
		w.open(t, "pipe", uio.Write|uio.Create)
		return namingtest.Target{Client: w.client, Root: "/pipe/alpha", Object: "pipe"}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		w := newWorld(t)
		return uiotest.Target{
			Client: w.client, Root: "/pipe/alpha", Pipe: "pipe", Instances: w.server.uio.Instances,
		}
	})
}

func TestModes(t *testing.T) {
	w := newWorld(t)
	r, _ := w.ends(t, "pipe")
	for _, test := range []struct {
		name string
		mode uio.Mode
		code ipc.Code
	}{
		{"pipe", uio.Write | uio.Create | uio.Exclusive, ipc.DuplicateName},
		{"pipe", uio.Read | uio.Write, ipc.InvalidMode},
		{"new", uio.Read | uio.Write | uio.Create, ipc.InvalidMode},
		{"pipe", uio.Execute, ipc.NotExecutable},
		{"pipe", uio.Read | uio.Directory, ipc.NotAContext},
		{"pipe/x", uio.Read, ipc.NotAContext},
		{"new", uio.Read, ipc.NotFound},
	} {
		_, err := uio.Open(w.ctx, w.client, "/pipe/alpha/"+test.name, test.mode, 0)
		want(t, fmt.Sprintf("open %s with mode %#x", test.name, test.mode), err, test.code)
	}
	_, err := r.Write([]byte("x"))
	want(t, "write to the end that reads", err, ipc.NotWriteable)
	want(t, "cut a pipe", r.Truncate(0), ipc.NotWriteable)
	want(t, "sync it", r.Sync(), ipc.OK)
	want(t, "make a context", w.client.Mkdir(w.ctx, "/pipe/alpha/dir", 0o755), ipc.RequestUnsupported)
}

// TestListing shows who has a pipe and how much is in it.
func TestListing(t *testing.T) {
	w := newWorld(t)
	_, wr := w.ends(t, "b")
	w.open(t, "a", uio.Read|uio.Create)
	if _, err := wr.Write(make([]byte, 12345)); err != nil {
		t.Fatal(err)
	}
	list, err := uio.ReadDir(w.ctx, w.client, "/pipe/alpha")
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" {
		t.Fatalf("the pipes are %v, %v", list, err)
	}
	owner, err := w.client.Owner()
	if err != nil {
		t.Fatal(err)
	}
	if d := list[0]; d.Tag != naming.TagPipe || d.Size != 0 || d.Value("readers") != owner.String() || d.Value("writers") != "" {
		t.Errorf("a is %+v", d)
	}
	if d := list[1]; d.Size != 12345 || d.Value("readers") != owner.String() || d.Value("writers") != owner.String() {
		t.Errorf("b is %+v", d)
	}
	if info, err := wr.Stat(); err != nil || info.Size() != 12345 {
		t.Errorf("described by its end: %v, %v", info, err)
	}
}

// TestLife: a pipe is gone with its last end, its name before if it is removed.
func TestLife(t *testing.T) {
	w := newWorld(t)
	r, wr := w.ends(t, "pipe")
	if err := w.client.Remove(w.ctx, "/pipe/alpha/pipe"); err != nil {
		t.Fatal(err)
	}
	want(t, "remove it again", w.client.Remove(w.ctx, "/pipe/alpha/pipe"), ipc.NotFound)
	r2, wr2 := w.ends(t, "pipe")
	if _, err := wr.Write([]byte("first")); err != nil {
		t.Error(err)
	}
	if _, err := wr2.Write([]byte("second")); err != nil {
		t.Error(err)
	}
	for f, text := range map[*uio.File]string{r: "first", r2: "second"} {
		b := make([]byte, 10)
		if n, err := f.Read(b); string(b[:n]) != text || err != nil {
			t.Errorf("read %q, %v; want %q", b[:n], err, text)
		}
	}
	for _, f := range []*uio.File{r, wr} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.client.Stat(w.ctx, "/pipe/alpha/pipe"); err != nil {
		t.Errorf("the second one is gone with the first: %v", err)
	}
	for _, f := range []*uio.File{wr2, r2} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := w.client.Stat(w.ctx, "/pipe/alpha/pipe")
	want(t, "the second one, closed", err, ipc.NotFound)
	if w.server.root.count != 0 || len(w.server.root.pipes) != 0 {
		t.Errorf("%d pipes are left", w.server.root.count)
	}
}

func TestBroken(t *testing.T) {
	w := newWorld(t)
	r, wr := w.ends(t, "pipe")
	blocked := make(chan error, 1)
	go func() { // ends when the reader goes; waited for below
		_, err := io.Copy(wr, neverEnding{})
		blocked <- err
	}()
	if _, err := io.ReadFull(r, make([]byte, 2*Size)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, "a write that waits, when the reader goes", <-blocked, ipc.Aborted)
	_, err := wr.Write([]byte("x"))
	want(t, "write without a reader", err, ipc.Aborted)
}

// neverEnding yields zeros.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestOwnersDie: what the dead had open is released, and the living are told.
func TestOwnersDie(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		dies string
		code ipc.Code
	}{{"writer", ipc.EndOfFile}, {"reader", ipc.Aborted}} {
		r, wr := w.ends(t, test.dies)
		heir, err := w.team.NewProcess(context.Background(), "heir")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { // ends when the heir dies; waited for below
			if test.dies == "writer" {
				_, err := r.Read(make([]byte, 1))
				if err == io.EOF {
					err = ipc.EndOfFile
				}
				ended <- err
				return
			}
			_, err := io.Copy(wr, neverEnding{})
			ended <- err
		}()
		given := map[string]*uio.File{"writer": wr, "reader": r}[test.dies]
		if err := given.SetOwner(w.ctx, heir.PID()); err != nil {
			t.Fatal(err)
		}
		heir.Destroy()
		want(t, "the "+test.dies+" dies", <-ended, test.code)
	}
}

// TestWriters: writes of several are not mixed, and nothing is lost, with
// several readers.
func TestWriters(t *testing.T) {
	w := newWorld(t)
	const writers, writes, size = 4, 50, 3000
	r, first := w.ends(t, "pipe")
	ends := []*uio.File{first, w.open(t, "pipe", uio.Write), w.open(t, "pipe", uio.Write), w.open(t, "pipe", uio.Write)}
	failed := make(chan error, writers)
	for i, f := range ends {
		go func() { // ends when all is written; waited for below
			var err error
			for n := 0; n < writes && err == nil; n++ {
				record := bytes.Repeat([]byte{byte(i)}, size)
				binary.BigEndian.PutUint32(record, uint32(n))
				_, err = f.Write(record)
			}
			failed <- errors.Join(err, f.Close())
		}()
	}
	var next [writers]uint32
	record := make([]byte, size)
	for range writers * writes {
		if _, err := io.ReadFull(r, record); err != nil {
			t.Fatal(err)
		}
		i := int(record[size-1])
		if i >= writers || !bytes.Equal(record[4:], bytes.Repeat([]byte{byte(i)}, size-4)) {
			t.Fatalf("a record of writer %d is mixed", i)
		}
		if n := binary.BigEndian.Uint32(record); n != next[i] {
			t.Fatalf("writer %d: record %d comes after %d", i, n, next[i])
		}
		next[i]++
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if n, err := r.Read(record); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d octets, %v", n, err)
	}
}

// TestKilledReader: a read that was given up takes nothing with it, and neither
// do many of them.
func TestKilledReader(t *testing.T) {
	w := newWorld(t)
	r, wr := w.ends(t, "pipe")
	for range 20 {
		ctx, cancel := context.WithTimeout(w.ctx, time.Millisecond)
		_, err := r.ReadContext(ctx, make([]byte, 100))
		cancel()
		want(t, "read that is given up", err, ipc.UserTimeout)
	}
	if _, err := wr.Write([]byte("for the living")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, err := r.Read(b); string(b[:n]) != "for the living" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

// TestKilledWriter: a write that was given up while it waited is not done.
func TestKilledWriter(t *testing.T) {
	w := newWorld(t)
	r, wr := w.ends(t, "pipe")
	for range Size / ipc.MaxAppended {
		if _, err := wr.Write(make([]byte, ipc.MaxAppended)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(w.ctx, time.Millisecond)
		_, err := wr.WriteContext(ctx, []byte("dead"))
		cancel()
		want(t, "write that is given up", err, ipc.UserTimeout)
	}
	if err := wr.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, make([]byte, Size)) {
		t.Errorf("read %d octets, %v; want %d", len(got), err, Size)
	}
}

// TestOwners: a listing shows whom the ends belong to now.
func TestOwners(t *testing.T) {
	w := newWorld(t)
	_, wr := w.ends(t, "pipe")
	second := w.open(t, "pipe", uio.Write)
	owner, err := w.client.Owner()
	if err != nil {
		t.Fatal(err)
	}
	heir, err := w.team.NewProcess(w.ctx, "heir")
	if err != nil {
		t.Fatal(err)
	}
	defer heir.Destroy()
	if err := second.SetOwner(w.ctx, heir.PID()); err != nil {
		t.Fatal(err)
	}
	d, err := w.client.Stat(w.ctx, "/pipe/alpha/pipe")
	if got := strings.Fields(d.Value("writers")); err != nil || len(got) != 2 ||
		!slices.Contains(got, owner.String()) || !slices.Contains(got, heir.PID().String()) {
		t.Errorf("the writers are %v, %v; want %v and %v", got, err, owner, heir.PID())
	}
	if err := wr.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = w.client.Stat(w.ctx, "/pipe/alpha/pipe"); d.Value("writers") != heir.PID().String() || err != nil {
		t.Errorf("the writer is %s, %v; want %v", d.Value("writers"), err, heir.PID())
	}
}

// TestOwnerOfReleasedEnd gives away an end that was released meanwhile: that of
// its former owner which is still open stays his.
func TestOwnerOfReleasedEnd(t *testing.T) {
	r := &root{pipes: make(map[string]*pipe)}
	open := func() *end {
		o, err := r.Create(t.Context(), "pipe", &uio.OpenRequest{Mode: uio.Write | uio.Create, Owner: 1})
		if err != nil {
			t.Fatal(err)
		}
		return o.(*end)
	}
	released, kept := open(), open()
	if err := released.Release(true); err != nil {
		t.Fatal(err)
	}
	released.SetOwner(2)
	if d, err := kept.Describe(); err != nil || d.Value("writers") != ipc.PID(1).String() {
		t.Errorf("the writer is %s, %v; want 1", d.Value("writers"), err)
	}
	if err := kept.Release(true); err != nil || r.count != 0 {
		t.Errorf("release: %v; %d pipes are left", err, r.count)
	}
}

// TestManyPipes: each may have an end that waits, and one too many is refused.
func TestManyPipes(t *testing.T) {
	w := newWorld(t)
	var files []*uio.File
	for i := range MaxPipes {
		files = append(files, w.open(t, fmt.Sprint(i), uio.Read|uio.Create))
	}
	_, err := uio.Open(w.ctx, w.client, "/pipe/alpha/more", uio.Read|uio.Create, 0)
	want(t, "one pipe too many", err, ipc.NoServerResources)
	read := make(chan error)
	const waiting = 240 // fewer than a client may have under way
	for _, f := range files[:waiting] {
		go func() { // ends when its pipe is written; waited for below
			_, err := f.Read(make([]byte, 10))
			read <- err
		}()
	}
	for i := range waiting {
		wr := w.open(t, fmt.Sprint(i), uio.Write)
		if _, err := wr.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range waiting {
		if err := <-read; err != nil {
			t.Error(err)
		}
	}
}

// TestServeEnds: what waits is told, and no goroutine is left.
func TestServeEnds(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	t.Run("serve", func(t *testing.T) {
		w := newWorld(t)
		r, wr := w.ends(t, "pipe")
		ended := make(chan error, 2)
		go func() { // ends with the server; waited for below
			_, err := r.Read(make([]byte, 1))
			ended <- err
		}()
		_, full := w.ends(t, "full")
		go func() { // ends with the server; waited for below
			_, err := io.Copy(full, neverEnding{})
			ended <- err
		}()
		for d := (naming.Descriptor{}); d.Size+ipc.MaxAppended <= Size; { // until it is full
			var err error
			if d, err = w.client.Stat(w.ctx, "/pipe/alpha/full"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if c := ipc.CodeOf(<-ended); c != ipc.Aborted && c != ipc.Unreachable && c != ipc.InvalidInstance {
				t.Errorf("what waited: %v", c)
			}
		}
		_, err := wr.Write([]byte("x"))
		want(t, "write to a server that has ended", err, ipc.Unreachable)
		if n := w.server.uio.Instances(); n != 0 {
			t.Errorf("%d instances are left", n)
		}
	})
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after\n%s", goroutines, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// BenchmarkPipe moves octets from a writer to a reader, 16 KiB at a time, with
// one or several of them under way on each side.
func BenchmarkPipe(b *testing.B) {
	for _, flight := range []int{1, 4} {
		b.Run(fmt.Sprintf("in flight %d", flight), func(b *testing.B) {
			w := newWorld(b)
			r, wr := w.ends(b, "pipe")
			var next sync.Mutex
			left := b.N
			take := func() bool {
				next.Lock()
				defer next.Unlock()
				left--
				return left >= 0
			}
			var writers sync.WaitGroup
			for range flight {
				writers.Go(func() { // ends when all is written
					for buf := make([]byte, ipc.MaxAppended); take(); {
						if _, err := wr.Write(buf); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.SetBytes(ipc.MaxAppended)
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := io.CopyN(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, int64(b.N)*ipc.MaxAppended); err != nil {
				b.Fatal(err)
			}
			writers.Wait()
		})
	}
}
