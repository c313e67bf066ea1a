package unix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

func TestDescriptor(t *testing.T) {
	w := newWorld(t)
	w.put(t, "file", "hello")
	path := filepath.Join(w.dir, "file")
	modified, accessed := time.Unix(1_000_000_000, 123_456_789), time.Unix(1_100_000_000, 987_654_321)
	if err := os.Chtimes(path, accessed, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	d := w.stat(t, "file")
	if d.Tag != naming.TagFile || d.Size != 5 || d.Mode != 0o644 || d.ID != st.Ino ||
		!d.Modified.Equal(modified) || !d.Accessed.Equal(accessed) || !d.Changed.Equal(time.Unix(st.Ctim.Unix())) {
		t.Errorf("it is %+v", d)
	}
	if os.Getuid() == 0 && d.Owner != "root" {
		t.Errorf("root's file is %q's", d.Owner)
	}
	for key, value := range map[string]string{
		"uid": strconv.Itoa(os.Getuid()), "gid": strconv.Itoa(int(st.Gid)), "links": "2", "path": path,
		"device": fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)),
	} {
		if d.Value(key) != value {
			t.Errorf("%s is %q, want %q", key, d.Value(key), value)
		}
	}
	if d := w.stat(t, "."); d.Tag != naming.TagContext || !d.Mode.IsDir() {
		t.Errorf("the directory is %+v", d)
	}
}

func TestPermissions(t *testing.T) {
	for mode, want := range map[uint32]fs.FileMode{
		0: 0, 0o777: 0o777, 0o4755: fs.ModeSetuid | 0o755, 0o2755: fs.ModeSetgid | 0o755, 0o1777: fs.ModeSticky | 0o777,
	} {
		if got := permissions(mode | unix.S_IFREG); got != want {
			t.Errorf("%o: %v, want %v", mode, got, want)
		}
	}
}

func TestOwnersWithoutName(t *testing.T) {
	var o owners
	if got := o.user(4_000_000_000); got != "4000000000" {
		t.Errorf("a user without name is %q", got)
	}
	if got := o.group(4_000_000_000); got != "4000000000" {
		t.Errorf("a group without name is %q", got)
	}
	o.users[7] = "known"
	if got := o.user(7); got != "known" {
		t.Errorf("a user that was asked for before is %q", got)
	}
	o.since = time.Now().Add(-2 * ownersTerm)
	if got := o.user(7); got == "known" {
		t.Error("a name is believed for ever")
	}
}

func TestModify(t *testing.T) {
	w := newWorld(t)
	w.put(t, "file", "0123456789")
	w.put(t, "dir/file", "")
	w.symlink(t, "file", "link")
	name := "/unix/alpha/file"
	when := time.Unix(1_234_567_890, 11)
	f := w.open(t, "file", uio.Read)
	for _, change := range []func(naming.Descriptor, naming.Fields) error{
		func(d naming.Descriptor, fields naming.Fields) error {
			return w.client.WriteDescriptor(w.ctx, name, d, fields)
		},
		func(d naming.Descriptor, fields naming.Fields) error { return f.WriteDescriptor(w.ctx, d, fields) },
	} {
		w.put(t, "file", "0123456789")
		const all = naming.FieldMode | naming.FieldSize | naming.FieldModified | naming.FieldAccessed
		d := naming.Descriptor{Mode: 0o601 | fs.ModeSetuid, Size: 4, Modified: when, Accessed: when.Add(time.Second)}
		if err := change(d, all); err != nil {
			t.Fatal(err)
		}
		got := w.stat(t, "file")
		if got.Mode != 0o601 || got.Size != 4 || !got.Modified.Equal(when) || !got.Accessed.Equal(when.Add(time.Second)) {
			t.Errorf("it is %+v", got)
		}
		later := naming.Descriptor{Accessed: when.Add(time.Hour)}
		if err := change(later, naming.FieldAccessed); err != nil {
			t.Fatal(err)
		}
		if got := w.stat(t, "file"); !got.Modified.Equal(when) || !got.Accessed.Equal(later.Accessed) {
			t.Errorf("one time changed, it is %+v", got)
		}
		want(t, "change the owner and the mode", change(d, naming.FieldOwner|naming.FieldMode), ipc.RequestUnsupported)
		want(t, "a size of 2^63", change(naming.Descriptor{Size: 1 << 63}, naming.FieldSize), ipc.BadArgs)
		want(t, "no time", change(naming.Descriptor{}, naming.FieldModified), ipc.BadArgs)
	}
	err := w.client.WriteDescriptor(w.ctx, "/unix/alpha/dir", naming.Descriptor{}, naming.FieldSize)
	want(t, "the size of a directory", err, ipc.IsAContext)
	want(t, "of what is not there", w.client.Chmod(w.ctx, "/unix/alpha/none", 0), ipc.NotFound)
	if err := w.client.Chmod(w.ctx, "/unix/alpha/link", 0o640); err != nil || w.stat(t, "file").Mode != 0o640 {
		t.Errorf("through a link: %v, %v", w.stat(t, "file"), err)
	}
}

// TestNotFiles: what is no file is listed, described and not opened; a FIFO
// without another side does not keep anybody waiting.
func TestNotFiles(t *testing.T) {
	w := newWorld(t)
	if err := unix.Mkfifo(filepath.Join(w.dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	if err := unix.Bind(s, &unix.SockaddrUnix{Name: filepath.Join(w.dir, "socket")}); err != nil {
		t.Fatal(err)
	}
	machine := serve(t, Export{Path: "/"})
	for _, test := range []struct {
		w    *world
		name string
		tag  naming.Tag
	}{
		{w, "fifo", naming.TagPipe}, {w, "socket", naming.TagConnection}, {machine, "dev/null", naming.TagDevice},
	} {
		if d := test.w.stat(t, test.name); d.Tag != test.tag {
			t.Errorf("%s is %+v", test.name, d)
		}
		_, err := test.w.read(test.name)
		want(t, "read "+test.name, err, ipc.RequestUnsupported)
	}
	for _, mode := range []uio.Mode{uio.Write, uio.Read | uio.Write, uio.Write | uio.Create | uio.Truncate} {
		_, err := uio.Open(w.ctx, w.client, "/unix/alpha/fifo", mode, 0)
		want(t, fmt.Sprintf("open a FIFO with mode %#x", mode), err, ipc.RequestUnsupported)
	}
	_, err = uio.Open(w.ctx, w.client, "/unix/alpha/fifo", uio.Read|uio.Directory, 0)
	want(t, "open a FIFO as a directory", err, ipc.NotAContext)
	if d := machine.stat(t, "dev/null"); d.Value("rdev") != "1:3" {
		t.Errorf("/dev/null is %+v", d)
	}
}

func TestExecute(t *testing.T) {
	w := newWorld(t)
	w.put(t, "program", "#!/bin/sh\n")
	_, err := uio.Open(w.ctx, w.client, "/unix/alpha/program", uio.Execute, 0)
	want(t, "run what may not", err, ipc.NotExecutable)
	if err := w.client.Chmod(w.ctx, "/unix/alpha/program", 0o755); err != nil {
		t.Fatal(err)
	}
	f := w.open(t, "program", uio.Execute)
	if got, err := io.ReadAll(f); string(got) != "#!/bin/sh\n" || err != nil {
		t.Errorf("it holds %q, %v", got, err)
	}
}

// TestChangesWhileRead reads a file that shrinks and grows meanwhile.
func TestChangesWhileRead(t *testing.T) {
	w := newWorld(t)
	data := pattern(100_000)
	w.put(t, "file", string(data))
	path := filepath.Join(w.dir, "file")
	f := w.open(t, "file", uio.Read)
	buf := make([]byte, 50_000)
	if err := os.Truncate(path, 30_000); err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadAt(buf, 0); n != 30_000 || err != io.EOF || !bytes.Equal(buf[:n], data[:n]) {
		t.Errorf("it has shrunk: %d octets, %v", n, err)
	}
	if n, err := f.ReadAt(buf, 60_000); n != 0 || err != io.EOF {
		t.Errorf("beyond the end: %d octets, %v", n, err)
	}
	if err := os.WriteFile(path, append(data, data...), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadAt(buf, 100_000); n != len(buf) || err != nil || !bytes.Equal(buf, data[:n]) {
		t.Errorf("it has grown: %d octets, %v", n, err)
	}
	if info, err := f.Query(w.ctx); info.Size != 200_000 || err != nil {
		t.Errorf("it is of %d octets, %v", info.Size, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadAt(buf, 100_000); n != len(buf) || err != nil {
		t.Errorf("it is removed: %d octets, %v", n, err)
	}
}

// TestHandle: a descriptor is not closed under somebody's hands, and is none
// afterwards.
func TestHandle(t *testing.T) {
	fd, err := unix.Open(t.TempDir(), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	h := handle{fd: fd}
	closed := make(chan error)
	err = h.use(func(fd int) error {
		go func() { closed <- h.close() }() // ends when nobody uses h; waited for below
		for h.mu.TryRLock() {               // until close waits for its turn
			h.mu.RUnlock()
		}
		_, err := fstat(fd)
		return err
	})
	if err != nil {
		t.Errorf("in use it is closed: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := h.use(func(int) error { return nil }); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("when it is closed: %v", err)
	}
	if err := h.close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestCode(t *testing.T) {
	for errno, want := range map[unix.Errno]ipc.Code{
		unix.ENOSPC: ipc.NoSpace, unix.EDQUOT: ipc.NoSpace, unix.EFBIG: ipc.NoSpace,
		unix.EMFILE: ipc.NoServerResources, unix.ENFILE: ipc.NoServerResources, unix.EMLINK: ipc.NoServerResources,
		unix.EROFS: ipc.ReadOnly, unix.EACCES: ipc.NoPermission, unix.EPERM: ipc.NoPermission,
		unix.ENOENT: ipc.NotFound, unix.EEXIST: ipc.DuplicateName, unix.ENOTEMPTY: ipc.ContextNotEmpty,
		unix.ENOTDIR: ipc.NotAContext, unix.EISDIR: ipc.IsAContext, unix.EXDEV: ipc.CrossServer,
		unix.ENAMETOOLONG: ipc.IllegalName, unix.ELOOP: ipc.IllegalName, unix.EIO: ipc.DeviceError,
		unix.EAGAIN: ipc.Busy, unix.ETXTBSY: ipc.Busy, unix.EBUSY: ipc.Busy, unix.EINVAL: ipc.BadArgs,
		unix.EOVERFLOW: ipc.BadArgs, unix.ESTALE: ipc.InvalidInstance, unix.EOPNOTSUPP: ipc.RequestUnsupported,
	} {
		if got := naming.CodeOf(code(errno)); got != want {
			t.Errorf("%v: %v, want %v", errno, got, want)
		}
	}
}

// TestWriteAll: what was written before an error is told.
func TestWriteAll(t *testing.T) {
	var got []byte
	n, err := writeAll([]byte("0123456789"), func(p []byte, done int) (int, error) {
		if done != len(got) {
			t.Errorf("%d octets are written, it says %d", len(got), done)
		}
		if done == 6 {
			return 0, unix.ENOSPC
		}
		got = append(got, p[:3]...)
		return 3, nil
	})
	if n != 6 || err != unix.ENOSPC || string(got) != "012345" {
		t.Errorf("%d octets, %q, %v", n, got, err)
	}
	interrupted := false
	n, err = writeAll([]byte("x"), func([]byte, int) (int, error) {
		if !interrupted {
			interrupted = true
			return -1, unix.EINTR
		}
		return 1, nil
	})
	if n != 1 || err != nil {
		t.Errorf("after a signal: %d octets, %v", n, err)
	}
}
