package unix

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/uio"
)

// limited runs the test in an OS process of its own, as limits can't be given
// back by who is not root. It returns true in that process.
func limited(t *testing.T) bool {
	const mark = "VSYS_TEST_LIMITED"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// TestDiskFull stands a limit on the size of files in for a full disk.
func TestDiskFull(t *testing.T) {
	if !limited(t) {
		return
	}
	signal.Ignore(unix.SIGXFSZ)
	const limit = 100_000
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	err := uio.WriteFile(w.ctx, w.client, "/unix/alpha/file", pattern(2*limit), 0o644)
	want(t, "write more than there is room for", err, ipc.NoSpace)
	f := w.open(t, "file", uio.Read|uio.Write)
	n, err := f.WriteAt(pattern(20_000), limit-10_000)
	want(t, "write over the end", err, ipc.NoSpace)
	if n != 10_000 {
		t.Errorf("%d octets are written, there was room for 10,000", n)
	}
	want(t, "set such a size", f.Truncate(limit+1), ipc.NoSpace)
	a := w.open(t, "file", uio.Write|uio.Append)
	_, err = a.Write([]byte("x"))
	want(t, "append to a full file", err, ipc.NoSpace)
	if err := w.client.Remove(w.ctx, "/unix/alpha/file"); err != nil {
		t.Errorf("then there is room again: %v", err)
	}
	if err := uio.WriteFile(w.ctx, w.client, "/unix/alpha/file", pattern(limit), 0o644); err != nil {
		t.Errorf("write as much as there is room for: %v", err)
	}
}

// TestNoDescriptors opens files until the OS process has no descriptor left:
// what is open goes on, and so does all when some are closed.
func TestNoDescriptors(t *testing.T) {
	if !limited(t) {
		return
	}
	w := newWorld(t)
	w.put(t, "file", "text")
	limit := unix.Rlimit{Cur: uint64(openFiles(t) + 20), Max: 1 << 10}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var files []*uio.File
	var err error
	for err == nil && len(files) < 100 {
		var f *uio.File
		if f, err = uio.Open(w.ctx, w.client, "/unix/alpha/file", uio.Read, 0); err == nil {
			files = append(files, f)
		}
	}
	want(t, fmt.Sprintf("open file %d", len(files)+1), err, ipc.NoServerResources)
	buf := make([]byte, 4)
	for i, f := range files {
		if n, err := f.ReadAt(buf, 0); n != 4 {
			t.Errorf("file %d: %d octets, %v", i, n, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if got, err := w.read("file"); got != "text" || err != nil {
		t.Errorf("when they are closed: %q, %v", got, err)
	}
}

// TestInstancesAreBounded: the server leaves descriptors to others.
func TestInstancesAreBounded(t *testing.T) {
	if !limited(t) {
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.put(t, "file", "text")
	opened := 0
	for ; opened < 64; opened++ {
		if _, err := uio.Open(w.ctx, w.client, "/unix/alpha/file", uio.Read, 0); err != nil {
			want(t, "one too many", err, ipc.NoServerResources)
			break
		}
	}
	if opened != 32 {
		t.Errorf("%d files can be open, want half of 64", opened)
	}
	if d := w.stat(t, "file"); d.Size != 4 {
		t.Errorf("meanwhile it is %+v", d)
	}
}
