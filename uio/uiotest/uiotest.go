package uiotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Target is a server to be tested, at work, and what the suite may rely on. What
// is left empty is not tested.
type Target struct {
	Client *naming.Client
	Root   string // an absolute name of one of its contexts
	// Object names, from Root, one that can be read, not a stream; Contents is
	// what is in it, nil if that is not known.
	Object   string
	Contents []byte
	// Writeable says that files can be made, written at any position and removed
	// in Root.
	Writeable bool
	// Pipe is a name, from Root, that is made a pipe when it is created: what its
	// writers write is what its readers read.
	Pipe string
	// Instances says how many instances there are; nil if nobody can tell. The
	// server then asks owners more than once a second.
	Instances func() int
}

// Test holds a server to docs/wire/uio.md. newServer is called once for each of
// the tests.
func Test(t *testing.T, newServer func(t *testing.T) Target) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"directory", testDirectory}, {"modes", testModes}, {"object", testObject},
		{"bad instance", testBadInstance}, {"impossible sizes", testSizes}, {"release", testRelease},
		{"owner", testOwner}, {"edges", testEdges}, {"append", testAppend}, {"truncate", testTruncate},
		{"concurrency", testConcurrency}, {"seek", testSeek}, {"pipe", testPipe},
		{"pipe is cancelled", testPipeCancel}, {"reader of a pipe is killed", testPipeKilled},
		{"pipe is polled", testPipePolled},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			test.run(t, &suite{Target: newServer(t), ctx: ctx})
		})
	}
}

type suite struct {
	Target
	ctx context.Context
}

func (s *suite) name(rest string) string {
	name, err := naming.Join(s.Root, rest)
	if err != nil {
		panic(err) // a bug of the suite
	}
	return name
}

func (s *suite) open(t *testing.T, rest string, mode uio.Mode) *uio.File {
	t.Helper()
	f, err := uio.Open(s.ctx, s.Client, s.name(rest), mode, 0o644)
	if err != nil {
		t.Fatalf("open %s: %v", rest, err)
	}
	t.Cleanup(func() { f.Close() }) // closed before, mostly
	return f
}

// call sends a request for the instance of f, just as it is, and returns the
// code of the reply.
func (s *suite) call(t *testing.T, f *uio.File, op ipc.Op, seg ipc.Segment, set func(m *ipc.Message)) ipc.Code {
	t.Helper()
	var m ipc.Message
	m.SetOp(op)
	m.PutUint32(4, f.ID().ID)
	if set != nil {
		set(&m)
	}
	if _, err := s.Client.Send(s.ctx, &m, f.ID().Server, seg); err != nil {
		t.Fatalf("operation %#x: %v", uint32(op), err)
	}
	return m.Code()
}

func want(t *testing.T, what string, err error, code ipc.Code) {
	t.Helper()
	if ipc.CodeOf(err) != code {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

// noise returns n octets that do not repeat.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func testDirectory(t *testing.T, s *suite) {
	d := s.open(t, ".", uio.Read|uio.Directory)
	if !d.Attributes().Has(uio.Readable | uio.DirectoryFile) {
		t.Errorf("a directory is %v", d.Attributes())
	}
	list, err := d.Descriptors(s.ctx, -1)
	if err != nil {
		t.Fatalf("read the directory: %v", err)
	}
	found := s.Object == ""
	for i := range list {
		found = found || s.name(list[i].Name) == s.name(s.Object)
	}
	if !found && naming.Dir(s.name(s.Object)) == s.name(".") {
		t.Errorf("%s is not in the directory %v", s.Object, list)
	}
	code := s.call(t, d, uio.OpWriteInstance, ipc.Segment{Read: []byte("x")}, func(m *ipc.Message) { m.PutUint32(16, 1) })
	want(t, "write to a directory", code.Err(), ipc.NotWriteable)
	_, err = uio.Open(s.ctx, s.Client, s.Root, uio.Read, 0)
	want(t, "open a context without Directory", err, ipc.IsAContext)
	_, err = uio.Open(s.ctx, s.Client, s.name("no-such-name"), uio.Read, 0)
	want(t, "open what is not there", err, ipc.NotFound)
	if s.Object != "" {
		_, err = uio.Open(s.ctx, s.Client, s.name(s.Object), uio.Read|uio.Directory, 0)
		want(t, "open an object as a directory", err, ipc.NotAContext)
	}
}

// testModes asks with modes that can't be, past the client's own check.
func testModes(t *testing.T, s *suite) {
	for _, mode := range []uint16{
		0, uint16(uio.Create), uint16(uio.Read | uio.Truncate), uint16(uio.Read | uio.Append),
		uint16(uio.Read | uio.Exclusive), uint16(uio.Directory | uio.Write), 0x8001, 0xFFFF,
	} {
		call := naming.Call{Verb: "test", Op: uio.OpCreateInstance, Name: s.name("no-such-name")}
		call.Put16(0, mode)
		_, err := s.Client.Do(s.ctx, call)
		want(t, fmt.Sprintf("open with mode %#x", mode), err, ipc.InvalidMode)
	}
}

func testObject(t *testing.T, s *suite) {
	if s.Object == "" {
		return
	}
	data, err := uio.ReadFile(s.ctx, s.Client, s.name(s.Object))
	if err != nil {
		t.Fatalf("read %s: %v", s.Object, err)
	}
	if s.Contents != nil && !bytes.Equal(data, s.Contents) {
		t.Errorf("%s holds %q, want %q", s.Object, data, s.Contents)
	}
	f := s.open(t, s.Object, uio.Read)
	info, err := f.Stat()
	if err != nil || info.IsDir() || info.Name() != naming.Base(s.name(s.Object)) {
		t.Errorf("describe the instance: %v, %v", info, err)
	}
	code := s.call(t, f, uio.OpWriteInstance, ipc.Segment{Read: []byte("x")}, func(m *ipc.Message) { m.PutUint32(16, 1) })
	want(t, "write to what is open to be read", code.Err(), ipc.NotWriteable)
	end := make([]byte, 1)
	n, err := f.ReadAt(end, int64(len(data))+1<<40)
	if n != 0 || err != io.EOF {
		t.Errorf("read far behind the end: %d octets, %v", n, err)
	}
}

// anything opens something to be read.
func (s *suite) anything(t *testing.T) *uio.File {
	t.Helper()
	if s.Object != "" {
		return s.open(t, s.Object, uio.Read)
	}
	return s.open(t, ".", uio.Read|uio.Directory)
}

func testRelease(t *testing.T, s *suite) {
	before := s.count()
	f := s.anything(t)
	if s.Instances != nil && s.Instances() != before+1 {
		t.Errorf("%d instances, then one is opened, then %d", before, s.Instances())
	}
	code := s.call(t, f, uio.OpReleaseInstance, ipc.Segment{}, func(m *ipc.Message) { m.PutUint32(8, 7) })
	want(t, "release with a mode that is none", code.Err(), ipc.BadArgs)
	if err := f.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if n := s.count(); n != before {
		t.Errorf("%d instances are left, want %d", n, before)
	}
	code = s.call(t, f, uio.OpReleaseInstance, ipc.Segment{}, nil)
	want(t, "release twice", code.Err(), ipc.InvalidInstance)
	want(t, "close twice", f.Close(), ipc.InvalidInstance)
	_, err := f.Read(make([]byte, 1))
	want(t, "read when closed", err, ipc.InvalidInstance)
}

func (s *suite) count() int {
	if s.Instances == nil {
		return 0
	}
	return s.Instances()
}

// testOwner passes an instance on to a process that then dies.
func testOwner(t *testing.T, s *suite) {
	f := s.anything(t)
	p, err := s.Client.Team().NewProcess(s.ctx, "heir")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Destroy()
	if err := f.SetOwner(s.ctx, p.PID()); err != nil {
		t.Fatalf("set owner: %v", err)
	}
	for _, bad := range []ipc.PID{0, ipc.CSNHGroup} {
		want(t, fmt.Sprintf("give it to %v", bad), f.SetOwner(s.ctx, bad), ipc.BadArgs)
	}
	g, err := uio.OpenInstance(s.ctx, s.Client, f.ID())
	if err != nil {
		t.Fatalf("open the instance by its id: %v", err)
	}
	if g.Attributes() != f.Attributes() || g.BlockSize() != f.BlockSize() {
		t.Errorf("it is %v with blocks of %d, and was %v with %d", g.Attributes(), g.BlockSize(), f.Attributes(), f.BlockSize())
	}
	if err := g.Close(); err != nil {
		t.Errorf("close what is not owned: %v", err)
	}
	if _, err := f.Query(s.ctx); err != nil {
		t.Errorf("it is gone while its owner lives: %v", err)
	}
	if s.Instances == nil {
		return
	}
	p.Destroy()
	s.until(t, "the instance of the dead owner is collected", func() bool {
		_, err := f.Query(s.ctx)
		return errors.Is(err, ipc.InvalidInstance)
	})
}

// until waits for what a server does in its own time.
func (s *suite) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			t.Fatalf("%s: not within the time", what)
		}
	}
}
