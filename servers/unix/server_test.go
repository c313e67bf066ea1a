package unix

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming/namingtest"
	"vsys/uio"
	"vsys/uio/uiotest"
)

func TestNaming(t *testing.T) {
	for name, writable := range map[string]bool{"writable": true, "read-only": false} {
		t.Run(name, func(t *testing.T) {
			namingtest.Test(t, func(t *testing.T) namingtest.Target {
				dir := t.TempDir()
				w := serve(t, Export{Path: dir, Writable: writable})
				w.put(t, "dir/file", "inner")
				return namingtest.Target{
					Client: w.client, Root: "/unix/alpha", Object: "dir/file", Context: "dir", Writeable: writable,
				}
			})
		})
	}
}

// A context below an export is like the export itself.
func TestNamingOfAnExportBeneath(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		w := serve(t, Export{Name: "lab", Path: t.TempDir(), Writable: true})
		w.put(t, "dir/file", "inner")
		return namingtest.Target{
			Client: w.client, Root: "/unix/alpha", Object: "lab/dir/file", Context: "lab/dir",
		}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		w := newWorld(t)
		w.put(t, "file", "hello, world\n")
		return uiotest.Target{
			Client: w.client, Root: "/unix/alpha", Object: "file", Contents: []byte("hello, world\n"),
			Writeable: true, Instances: w.server.uio.Instances,
		}
	})
}

func TestFS(t *testing.T) {
	w := newWorld(t)
	w.put(t, "file", "hello")
	w.put(t, "dir/inner", "inner")
	if err := fstest.TestFS(uio.FS(w.client, "/unix/alpha"), "file", "dir", "dir/inner"); err != nil {
		t.Error(err)
	}
}

// The whole machine, with a directory of one's own that hides what is there.
func TestMachine(t *testing.T) {
	own := t.TempDir()
	w := serve(t, Export{Path: "/"}, Export{Name: "etc", Path: own, Writable: true})
	if err := uio.WriteFile(w.ctx, w.client, "/unix/alpha/etc/file", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := uio.ReadDir(w.ctx, w.client, "/unix/alpha/etc")
	if err != nil || len(list) != 1 || list[0].Name != "file" {
		t.Errorf("/unix/alpha/etc holds %v, %v", list, err)
	}
	if got, err := w.read(strings.TrimPrefix(own, "/") + "/file"); err != nil || got != "mine" {
		t.Errorf("by its other name it holds %q, %v", got, err)
	}
	want(t, "write there", uio.WriteFile(w.ctx, w.client, "/unix/alpha"+own+"/file", nil, 0), ipc.ReadOnly)
	if list, err = uio.ReadDir(w.ctx, w.client, "/unix/alpha"); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range list {
		count[d.Name]++
	}
	if count["etc"] != 1 || count["proc"] != 1 {
		t.Errorf("the machine's / holds %v", count)
	}
	status, err := w.read("proc/self/status")
	if err != nil || !strings.Contains(status, "VmRSS") {
		t.Errorf("/proc/self/status holds %q, %v", status, err)
	}
	_, err = w.read("proc/self/exe")
	want(t, "read through /proc/self/exe", err, ipc.IllegalName)
}

func TestOnlyExportsBeneath(t *testing.T) {
	w := serve(t, Export{Name: "b", Path: t.TempDir()}, Export{Name: "a", Path: t.TempDir(), Writable: true})
	list, err := uio.ReadDir(w.ctx, w.client, "/unix/alpha")
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" {
		t.Errorf("holds %v, %v", list, err)
	}
	if d := w.stat(t, ""); !d.IsContext() {
		t.Errorf("it is %+v", d)
	}
	_, err = uio.Open(w.ctx, w.client, "/unix/alpha", uio.Read, 0)
	want(t, "open it", err, ipc.IsAContext)
	want(t, "make a context in it", w.client.Mkdir(w.ctx, "/unix/alpha/c", 0o755), ipc.NotFound)
	want(t, "remove an export", w.client.Remove(w.ctx, "/unix/alpha/a"), ipc.NoPermission)
	want(t, "make an export", w.client.Mkdir(w.ctx, "/unix/alpha/a", 0o755), ipc.DuplicateName)
	want(t, "change it", w.client.Chmod(w.ctx, "/unix/alpha", 0), ipc.ReadOnly)
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	w := serve(t, Export{Path: dir})
	w.put(t, "file", "text")
	file := "/unix/alpha/file"
	_, create := uio.Open(w.ctx, w.client, "/unix/alpha/new", uio.Write|uio.Create, 0o644)
	_, write := uio.Open(w.ctx, w.client, file, uio.Write, 0)
	_, both := uio.Open(w.ctx, w.client, file, uio.Read|uio.Write|uio.Truncate, 0)
	for what, err := range map[string]error{
		"create": create, "write": write, "truncate": both,
		"mkdir":   w.client.Mkdir(w.ctx, "/unix/alpha/new", 0o755),
		"remove":  w.client.Remove(w.ctx, file),
		"rename":  w.client.Rename(w.ctx, file, "/unix/alpha/new"),
		"link":    w.client.Link(w.ctx, file, "/unix/alpha/new"),
		"symlink": w.client.Symlink(w.ctx, "file", "/unix/alpha/new"),
		"chmod":   w.client.Chmod(w.ctx, file, 0o600),
	} {
		want(t, what, err, ipc.ReadOnly)
	}
	f := w.open(t, "file", uio.Read)
	want(t, "chmod of an instance", f.WriteDescriptor(w.ctx, w.stat(t, "file"), 1), ipc.ReadOnly)
	if got, err := w.read("file"); got != "text" || err != nil {
		t.Errorf("it holds %q, %v", got, err)
	}
}

func TestExportsThatCantBe(t *testing.T) {
	k := kernel.New(kernel.Config{Host: "alpha"})
	defer k.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for _, test := range []struct {
		code    ipc.Code
		exports []Export
	}{
		{ipc.NotFound, []Export{{Path: dir}, {Name: "a", Path: dir + "/none"}}},
		{ipc.NotAContext, []Export{{Path: file}}},
		{ipc.IllegalName, []Export{{Name: "a/b", Path: dir}}},
		{ipc.IllegalName, []Export{{Name: "..", Path: dir}}},
		{ipc.DuplicateName, []Export{{Name: "a", Path: dir}, {Name: "a", Path: "/"}}},
		{ipc.BadArgs, nil},
	} {
		p, err := k.NewProcess(t.Context(), "unix")
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{Exports: test.exports}
		want(t, fmt.Sprintf("export %v", test.exports), s.Serve(t.Context(), p), test.code)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestServeEnds: no goroutine and no descriptor is left, whatever was open.
func TestServeEnds(t *testing.T) {
	dir := t.TempDir()
	before, goroutines := openFiles(t), runtime.NumGoroutine()
	t.Run("serve", func(t *testing.T) {
		w := serve(t, Export{Path: dir, Writable: true})
		w.put(t, "file", "text")
		w.open(t, "file", uio.Read)
		w.open(t, "new", uio.Write|uio.Create)
		w.open(t, ".", uio.Read|uio.Directory)
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if n := w.server.uio.Instances(); n != 0 {
			t.Errorf("%d instances are left", n)
		}
	})
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after\n%s", goroutines, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// TestCopyTree copies 200 small files, twice: in and out.
func TestCopyTree(t *testing.T) {
	w := newWorld(t)
	for i := range 200 {
		w.put(t, fmt.Sprintf("src/%d/%d", i%10, i), string(pattern(i*37)))
	}
	fsys := uio.FS(w.client, "/unix/alpha")
	err := fs.WalkDir(fsys, "src", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := "/unix/alpha/dst" + strings.TrimPrefix(path, "src")
		if d.IsDir() {
			return w.client.Mkdir(w.ctx, to, 0o755)
		}
		data, err := fs.ReadFile(fsys, path)
		if err != nil {
			return err
		}
		return uio.WriteFile(w.ctx, w.client, to, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		got, err := os.ReadFile(filepath.Join(w.dir, fmt.Sprintf("dst/%d/%d", i%10, i)))
		if err != nil || !bytes.Equal(got, pattern(i*37)) {
			t.Errorf("file %d: %d octets, %v", i, len(got), err)
		}
	}
	if err := uio.RemoveAll(w.ctx, w.client, "/unix/alpha/dst"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "dst")); !os.IsNotExist(err) {
		t.Errorf("the copy is removed: %v", err)
	}
}

// BenchmarkRead16K reads the pages of a file one after the other, each in one
// transaction.
func BenchmarkRead16K(b *testing.B) {
	w := newWorld(b)
	w.put(b, "file", string(pattern(1<<20)))
	f := w.open(b, "file", uio.Read)
	buf := make([]byte, ipc.MaxAppended)
	b.SetBytes(ipc.MaxAppended)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if n, err := f.ReadAt(buf, int64(i%64)*ipc.MaxAppended); n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkOpenReadClose is what a small file costs.
func BenchmarkOpenReadClose(b *testing.B) {
	w := newWorld(b)
	w.put(b, "dir/file", "hello, world\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.read("dir/file"); err != nil {
			b.Fatal(err)
		}
	}
}
