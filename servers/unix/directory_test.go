package unix

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// TestLargeDirectory: a directory of 100,000 names, of which no more is read
// than is asked for, and each part once.
func TestLargeDirectory(t *testing.T) {
	const names = 100_000
	w := newWorld(t)
	w.put(t, "dir/0", "")
	dir, err := unix.Open(filepath.Join(w.dir, "dir"), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	file := "0" // has links, which are made quickly, but no file may have as many
	for i := 1; i < names; i++ {
		name := strconv.Itoa(i)
		if i%10_000 == 0 {
			w.put(t, "dir/"+name, "")
			file = name
		} else if err := unix.Linkat(dir, file, dir, name, 0); err != nil {
			t.Fatal(err)
		}
	}
	d, err := w.server.newDirectory(place{name: "dir"}, dup(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, ipc.MaxAppended)
	if n, err := d.ReadAt(block, 0); n != len(block) || err != nil {
		t.Errorf("the first block: %d octets, %v", n, err)
	}
	if len(d.data) > 10*len(block) {
		t.Errorf("for the first block %d octets are read", len(d.data))
	}
	if err := d.Release(true); err != nil {
		t.Error(err)
	}
	list, err := uio.ReadDir(w.ctx, w.client, "/unix/alpha/dir")
	if err != nil || len(list) != names {
		t.Fatalf("it has %d names, %v", len(list), err)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Name == list[i-1].Name {
			t.Fatalf("it has %s twice", list[i].Name)
		}
	}
}

func dup(t *testing.T, dir int) int {
	fd, err := unix.Openat(dir, ".", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestDirectory(t *testing.T) {
	w := newWorld(t)
	w.put(t, "dir/file", "text")
	w.symlink(t, "file", "dir/link")
	list, err := uio.ReadDir(w.ctx, w.client, "/unix/alpha/dir")
	if err != nil || len(list) != 2 {
		t.Fatalf("it has %v, %v", list, err)
	}
	if d := list[0]; d.Name != "file" || d.Size != 4 || d.ID != w.stat(t, "dir/file").ID {
		t.Errorf("it has %+v", d)
	}
	if d := list[1]; d.Name != "link" || d.Tag != naming.TagLink || d.Value("target") != "file" {
		t.Errorf("it has %+v", d)
	}
	f := w.open(t, "dir", uio.Read|uio.Directory)
	if info, err := f.Stat(); err != nil || !info.IsDir() || info.Name() != "dir" {
		t.Errorf("described, it is %v, %v", info, err)
	}
	for _, mode := range []uio.Mode{uio.Write, uio.Write | uio.Create | uio.Truncate, uio.Execute} {
		_, err := uio.Open(w.ctx, w.client, "/unix/alpha/dir", mode, 0o644)
		want(t, fmt.Sprintf("open it with mode %#x", mode), err, ipc.IsAContext)
	}
	if err := w.client.Remove(w.ctx, "/unix/alpha/dir"); ipc.CodeOf(err) != ipc.ContextNotEmpty {
		t.Errorf("remove it: %v", err)
	}
}

// TestDirectoryReadsTheSame: what was read once reads the same again, and what
// is gone or can't be looked at does not break the list.
func TestDirectoryReadsTheSame(t *testing.T) {
	w := newWorld(t)
	for i := range 200 {
		w.put(t, fmt.Sprintf("dir/%d", i), "")
	}
	fd, err := unix.Open(filepath.Join(w.dir, "dir"), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.server.newDirectory(place{name: "dir"}, fd)
	if err != nil {
		t.Fatal(err)
	}
	first, again := make([]byte, 1000), make([]byte, 1000)
	if _, err := d.ReadAt(first, 500); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.dir, "dir")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadAt(again, 500); err != nil || string(first) != string(again) {
		t.Errorf("it reads otherwise, %v", err)
	}
	if n, err := d.ReadAt(again, 1<<40); n != 0 || err != io.EOF {
		t.Errorf("at its end: %d octets, %v", n, err)
	}
	if _, err := naming.DecodeDescriptors(d.data); err != nil {
		t.Error(err)
	}
	if d.fd != -1 {
		t.Error("read to its end, it keeps its descriptor")
	}
	d.data = make([]byte, maxDirectory+1)
	d.fd = 0 // not used
	if _, err := d.ReadAt(again, maxDirectory+1); err != ipc.NoServerResources {
		t.Errorf("a directory that is too large: %v", err)
	}
}

func TestDirectoryWithAnError(t *testing.T) {
	w := newWorld(t)
	d := &directory{s: w.server, fd: -1}
	if err := d.add("gone", unix.AT_FDCWD, filepath.Join(w.dir, "none")); err != nil || len(d.data) > 0 {
		t.Errorf("what is gone: %d octets, %v", len(d.data), err)
	}
	if err := d.add("bad", -1, "none"); err != nil {
		t.Fatal(err)
	}
	list, err := naming.DecodeDescriptors(d.data)
	if err != nil || len(list) != 1 || list[0].Name != "bad" || list[0].Value("error") == "" {
		t.Errorf("what can't be looked at: %+v, %v", list, err)
	}
}
