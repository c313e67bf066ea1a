package uio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// The interfaces that a File has.
var (
	_ io.ReadWriteCloser = (*uio.File)(nil)
	_ io.Seeker          = (*uio.File)(nil)
	_ io.ReaderAt        = (*uio.File)(nil)
	_ io.WriterAt        = (*uio.File)(nil)
	_ io.ReaderFrom      = (*uio.File)(nil)
	_ io.WriterTo        = (*uio.File)(nil)
	_ fs.ReadDirFile     = (*uio.File)(nil)
)

// object is an Object of a test's own making.
type object struct {
	info  uio.Info
	read  func(p []byte, off int64) (int, error)
	write func(p []byte, off int64) (int, error)
}

func (o *object) Info() uio.Info                           { return o.info }
func (o *object) Release(bool) error                       { return nil }
func (o *object) ReadAt(p []byte, off int64) (int, error)  { return o.read(p, off) }
func (o *object) WriteAt(p []byte, off int64) (int, error) { return o.write(p, off) }
func (w *world) open(o uio.Object, mode uio.Mode) *uio.File {
	w.Helper()
	w.server.Open = func(context.Context, *uio.OpenRequest) (uio.Object, error) { return o, nil }
	f, err := uio.Open(w.Context(), w.client, "/mem/object", mode, 0)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { f.Close() }) // closed before, mostly
	return f
}

// TestFileReadsAhead reads in order and counts how many reads are under way: more
// and more, at most eight, and none beyond the end.
func TestFileReadsAhead(t *testing.T) {
	const size = 40 * ipc.MaxAppended
	w := newWorld(t, nil)
	var now, most, beyond atomic.Int32
	f := w.open(&object{info: uio.Info{Attributes: uio.Readable, Size: size}, read: func(p []byte, off int64) (int, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if off >= size {
			beyond.Add(1)
			return 0, io.EOF
		}
		runtime.Gosched() // let the others begin
		for i := range p {
			p[i] = byte((off + int64(i)) >> 10)
		}
		return len(p), nil
	}}, uio.Read)
	buf := make([]byte, 1000)
	for pos := 0; pos < size; {
		n, err := f.Read(buf)
		if err != nil {
			t.Fatalf("at %d: %v", pos, err)
		}
		for i := range n {
			if buf[i] != byte((pos+i)>>10) {
				t.Fatalf("octet %d is %d", pos+i, buf[i])
			}
		}
		pos += n
	}
	if _, err := f.Read(buf); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if m := most.Load(); m > 8 || m < 2 {
		t.Errorf("%d reads were under way at most, want 2 to 8", m)
	}
	if b := beyond.Load(); b > 1 {
		t.Errorf("%d reads were beyond the end, want the one that finds it", b)
	}
}

// TestFileWriteError lets a write that is sent behind fail: a later operation
// says so.
func TestFileWriteError(t *testing.T) {
	w := newWorld(t, nil)
	full := &object{info: uio.Info{Attributes: uio.Writeable}, write: func(p []byte, off int64) (int, error) {
		if off >= ipc.MaxAppended {
			return 0, ipc.NoSpace
		}
		return len(p), nil
	}}
	chunk := make([]byte, ipc.MaxAppended)
	for what, last := range map[string]func(f *uio.File) error{
		"Close": (*uio.File).Close,
		"Sync":  (*uio.File).Sync,
		"Write": func(f *uio.File) (err error) {
			for i := 0; i < 1000 && err == nil; i++ {
				_, err = f.Write(chunk)
			}
			return err
		},
	} {
		f := w.open(full, uio.Write)
		if _, err := f.Write(chunk[:10]); err != nil {
			t.Fatalf("the first write: %v", err)
		}
		if _, err := f.Write(chunk); err != nil {
			t.Fatalf("the second write: %v", err)
		}
		if what == "Write" {
			w.want("Write", last(f), ipc.NoSpace)
			continue
		}
		if _, err := f.Write(chunk[:ipc.MaxAppended-10]); err != nil && !errors.Is(err, ipc.NoSpace) {
			t.Fatalf("the third write: %v", err)
		}
		w.want(what, last(f), ipc.NoSpace)
		if !strings.Contains(fmt.Sprint(last(f)), "/mem/object on alpha") {
			t.Errorf("%v: does not say what and where", last(f))
		}
	}
}

// TestFileShortWrites lets a server take less than it is given.
func TestFileShortWrites(t *testing.T) {
	w := newWorld(t, nil)
	var mu sync.Mutex
	data := make([]byte, 100_000)
	stingy := &object{info: uio.Info{Attributes: uio.Writeable}, write: func(p []byte, off int64) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return copy(data[off:], p[:min(len(p), 1000)]), nil
	}}
	f := w.open(stingy, uio.Write)
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	if n, err := f.ReadFrom(bytes.NewReader(want)); n != 100_000 || err != nil {
		t.Errorf("%d octets, %v", n, err)
	}
	if err := f.Close(); err != nil || !bytes.Equal(data, want) {
		t.Errorf("close: %v; equal: %v", err, bytes.Equal(data, want))
	}
	stingy.write = func([]byte, int64) (int, error) { return 0, nil }
	f = w.open(stingy, uio.Write)
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a server that takes nothing: %v", err)
	}
}

// TestFileVariableBlocks reads an object of records.
func TestFileVariableBlocks(t *testing.T) {
	w := newWorld(t, nil)
	lines := []string{"one\n", "two\n", "three\n"}
	f := w.open(&object{
		info: uio.Info{Attributes: uio.Readable | uio.VariableBlock, Size: 14},
		read: func(p []byte, off int64) (int, error) {
			all := strings.Join(lines, "")
			if int(off) >= len(all) {
				return 0, io.EOF
			}
			line, _, _ := strings.Cut(all[off:], "\n")
			return copy(p, line+"\n"), nil
		},
	}, uio.Read)
	if got, err := io.ReadAll(f); string(got) != "one\ntwo\nthree\n" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestFileGrows reads on where an object has grown after its end was seen.
func TestFileGrows(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	if err := uio.WriteFile(ctx, w.client, "/mem/log", []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := uio.Open(ctx, w.client, "/mem/log", uio.Read, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != "one" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	a, err := uio.Open(ctx, w.client, "/mem/log", uio.Write|uio.Append, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := io.WriteString(a, "two"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "two" || err != nil {
		t.Errorf("read on: %q, %v", got, err)
	}
}

// TestFileSeesItsOwnWrites reads what was written and perhaps not yet sent.
func TestFileSeesItsOwnWrites(t *testing.T) {
	w := newWorld(t, nil)
	f, err := uio.CreateFile(t.Context(), w.client, "/mem/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, "hello, world"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if n, err := f.ReadAt(buf, 7); string(buf[:n]) != "world" || err != nil {
		t.Errorf("ReadAt: %q, %v", buf[:n], err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 12 || info.Name() != "file" {
		t.Errorf("Stat: %v, %v", info, err)
	}
	if _, err := f.WriteAt([]byte("W"), 7); err != nil {
		t.Error(err)
	}
	if _, err := f.Seek(-5, io.SeekEnd); err != nil {
		t.Error(err)
	}
	if n, err := io.ReadFull(f, buf); string(buf[:n]) != "World" || err != nil {
		t.Errorf("after WriteAt: %q, %v", buf[:n], err)
	}
	if err := f.WriteDescriptor(t.Context(), naming.Descriptor{Mode: 0o600}, naming.FieldMode); err != nil {
		t.Error(err)
	}
	if d, err := w.client.Stat(t.Context(), "/mem/file"); err != nil || d.Mode != 0o600 {
		t.Errorf("mode %v, %v", d.Mode, err)
	}
}

func TestFileAbandon(t *testing.T) {
	w := newWorld(t, nil)
	released := make(chan bool, 1)
	w.server.Open = func(context.Context, *uio.OpenRequest) (uio.Object, error) {
		return releases{&object{info: uio.Info{Attributes: uio.Writeable}}, released}, nil
	}
	for _, end := range []struct {
		close func(*uio.File) error
		keep  bool
	}{{(*uio.File).Close, true}, {(*uio.File).Abandon, false}} {
		f, err := uio.Open(t.Context(), w.client, "/mem/x", uio.Write, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := end.close(f); err != nil {
			t.Error(err)
		}
		if keep := <-released; keep != end.keep {
			t.Errorf("released with keep %v, want %v", keep, end.keep)
		}
	}
}

func TestDirectoriesAreMerged(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	if err := uio.WriteFile(ctx, w.client, "/mem/file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	uiotest.Serve(t, w.team, &uiotest.NewMemory().Server, "/mem/other")
	uiotest.Serve(t, w.team, &uiotest.NewMemory().Server, "/far/away/mem")
	for name, want := range map[string]string{
		"/": "far mem", "/mem": "file other", "/far": "away", "/far/away": "mem", "/mem/other": "",
	} {
		list, err := uio.ReadDir(ctx, w.client, name)
		var got []string
		for _, d := range list {
			got = append(got, d.Name)
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s holds %v, %v; want %s", name, got, err, want)
		}
	}
	_, err := uio.Open(ctx, w.client, "/far", uio.Read, 0)
	w.want("open a virtual context as a file", err, ipc.IsAContext)
	d, err := uio.Open(ctx, w.client, "/far", uio.Read|uio.Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(d); err != nil || len(raw) == 0 {
		t.Errorf("a virtual context reads as %d octets, %v", len(raw), err)
	}
	w.want("write to it", errOf(d.Write([]byte("x"))), ipc.NotWriteable)
	if info, err := d.Stat(); err != nil || !info.IsDir() {
		t.Errorf("it is %v, %v", info, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func errOf(_ int, err error) error { return err }

// TestHostileDirectory reads directories that no honest server has.
func TestHostileDirectory(t *testing.T) {
	w := newWorld(t, nil)
	serve := func(data []byte, size uint64) error {
		o := &object{
			info: uio.Info{Attributes: uio.Readable | uio.DirectoryFile, Size: size},
			read: func(p []byte, off int64) (int, error) {
				if off >= int64(len(data)) {
					return 0, io.EOF
				}
				return copy(p, data[off:]), nil
			},
		}
		_, err := w.open(o, uio.Read|uio.Directory).ReadDir(-1)
		return err
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", "a\x00"} {
		d := naming.Descriptor{Name: name}
		data, err := d.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		w.want(fmt.Sprintf("a directory with %q", name), serve(data, 1), ipc.IllegalName)
	}
	w.want("junk", serve([]byte("junk"), 1<<62), ipc.BadArgs)
	w.want("nothing, that is said to be much", serve(nil, 1<<62), ipc.OK)
}

func TestRemoveAllAndMkdirAll(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	for range 2 {
		if err := uio.MkdirAll(ctx, w.client, "/mem/a/b/c", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := uio.WriteFile(ctx, w.client, "/mem/a/b/file", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.want("beneath a file", uio.MkdirAll(ctx, w.client, "/mem/a/b/file/c", 0o755), ipc.NotAContext)
	w.want("where nobody is", uio.MkdirAll(ctx, w.client, "/none/a", 0o755), ipc.NotFound)
	for range 2 {
		if err := uio.RemoveAll(ctx, w.client, "/mem/a"); err != nil {
			t.Error(err)
		}
	}
	if list, err := uio.ReadDir(ctx, w.client, "/mem"); len(list) > 0 || err != nil {
		t.Errorf("there is left %v, %v", list, err)
	}
}

func TestFSErrors(t *testing.T) {
	w := newWorld(t, nil)
	fsys := uio.FS(w.client, "/mem")
	for _, err := range []error{
		errOf2(fsys.Open("none")), errOf2(fs.Stat(fsys, "none")), errOf2(fs.ReadFile(fsys, "none")), errOf2(fs.ReadDir(fsys, "none")),
	} {
		var path *fs.PathError
		var op *ipc.OpError
		if !errors.As(err, &path) || !errors.As(err, &op) || !errors.Is(err, fs.ErrNotExist) || path.Path != "none" {
			t.Errorf("%v: not an fs.PathError around an ipc.OpError that is fs.ErrNotExist", err)
		}
	}
	if _, err := fsys.Open("../etc"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("open ../etc: %v", err)
	}
}

func errOf2[T any](_ T, err error) error { return err }
