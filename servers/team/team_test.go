package team

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/program"
	"vsys/uio"
)

func TestExitStatus(t *testing.T) {
	w := newWorld(t, 2)
	dir := t.TempDir()
	write := func(name, contents string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(contents), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\x16\x00" + strings.Repeat("\x00", 44)
	foreign := write("foreign", elf, 0o755)
	noMode := write("data", "#!/bin/sh\n", 0o644)
	noInterpreter := write("script", "#!/nowhere/sh\n", 0o755)
	for _, c := range []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"false"}, 1, "exit status 1"},
		{[]string{"sh", "-c", "exit 77"}, 77, "exit status 77"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, "signal: killed"},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, "signal: terminated"},
		{[]string{"no-such-program"}, 127, "no such program"},
		{[]string{"/no/such/program"}, 127, "no such program"},
		{[]string{noMode}, 126, "cannot be executed"},
		{[]string{dir}, 126, "cannot be executed"},
		{[]string{noInterpreter}, 126, "cannot be executed"},
		{[]string{foreign}, 126, "the program is for s390x: cannot be executed"},
	} {
		for _, host := range []string{"alpha", "beta"} {
			cmd := w.hosts[0].client.Command(c.args[0], c.args[1:]...)
			cmd.Host = host
			err := cmd.Run(within(t))
			if got := program.Status(err); got != c.status || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v on %s: status %d, %v; want %d, %s", c.args, host, got, err, c.status, c.text)
			}
		}
	}
}

func TestDirectory(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "prog"), []byte("#!/bin/sh\npwd\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, dir string
		code      ipc.Code
		text      string
	}{
		{"pwd", h.unix(dir), ipc.OK, ""},
		{"./prog", h.unix(dir), ipc.OK, ""},
		{h.unix(dir) + "/prog", h.unix(dir), ipc.OK, ""},
		{filepath.Join(dir, "prog"), h.unix(dir), ipc.OK, ""},
		{"pwd", "/tmp", ipc.CrossServer, "the working directory is not on that host"},
		{"pwd", h.unix(dir + "/none"), ipc.NotFound, "working directory: no such name"},
		{"pwd", h.unix(dir + "/prog"), ipc.NotAContext, "working directory: not a directory"},
		{"pwd", "relative", ipc.BadArgs, "not absolute"},
	} {
		cmd := h.client.Command(c.path)
		cmd.Dir, cmd.Host = c.dir, "alpha"
		out, err := cmd.Output(within(t))
		switch {
		case c.code == ipc.OK:
			if err != nil || string(out) != dir+"\n" {
				t.Errorf("%s in %s: %q, %v", c.path, c.dir, out, err)
			}
		case !errors.Is(err, c.code) || program.Status(err) != 125 || !strings.Contains(err.Error(), c.text):
			t.Errorf("%s in %s: status %d, %v; want %v", c.path, c.dir, program.Status(err), err, c.text)
		}
	}
}

func TestEnvironment(t *testing.T) {
	w := newWorld(t, 2)
	cmd, out := w.hosts[0].sh("echo $X $VSYS_HOST $VSYS_JOB $VSYS_ORIGIN; nice")
	cmd.Env = []string{"X=1", "VSYS_HOST=liar", "PATH=" + os.Getenv("PATH")}
	cmd.Host = "beta"
	if err := cmd.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("1 beta beta/%d alpha\n%d\n", cmd.State.ID, guestNice)
	if out.String() != want || cmd.State.Where() != fmt.Sprintf("beta, pid %d", cmd.State.Unix) {
		t.Errorf("%q at %s, want %q", out, cmd.State.Where(), want)
	}
	cmd, out = w.hosts[0].sh("nice; echo $HOME")
	if err := cmd.Run(within(t)); err != nil || out.String() != "0\n"+os.Getenv("HOME")+"\n" {
		t.Errorf("at home: %q, %v", out, err)
	}
}

func TestFind(t *testing.T) {
	w := newWorld(t, 2)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "prog"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range []program.Spec{
		{Path: "prog", Search: "/none:" + dir},
		{Path: "prog", Env: []string{"PATH=" + dir}},
		{Path: "prog", Search: ".", Dir: "/unix/beta" + dir},
		{Path: "./prog", Dir: "/unix/beta" + dir},
		{Path: "/unix/beta" + dir + "/prog"},
	} {
		got, err := w.hosts[0].client.Find(within(t), "beta", &s)
		if err != nil || got != filepath.Join(dir, "prog") {
			t.Errorf("%+v: %q, %v", s, got, err)
		}
	}
	_, err := w.hosts[0].client.Find(within(t), "beta", &program.Spec{Path: "prog"})
	if program.Status(err) != 127 {
		t.Errorf("nowhere: %v", err)
	}
	_, err = newWorld(t, 1).hosts[0].client.Find(within(t), "nohost", &program.Spec{Path: "prog"})
	if !errors.Is(err, ipc.HostUnknown) {
		t.Errorf("no host: %v", err)
	}
}

// A megabyte goes through a program, read from and written to the caller.
func TestCallersStdio(t *testing.T) {
	w := newWorld(t, 2)
	data := make([]byte, 1<<20)
	rand.New(rand.NewSource(1)).Read(data)
	for _, host := range []string{"alpha", "beta"} {
		cmd := w.hosts[0].client.Command("cat")
		cmd.Host, cmd.Stdin = host, bytes.NewReader(data)
		out, err := cmd.Output(within(t))
		if err != nil || !bytes.Equal(out, data) {
			t.Errorf("%s: %d octets, %v", host, len(out), err)
		}
	}
}

// Two programs on two hosts are joined by a pipe that neither's caller reads.
func TestPipeline(t *testing.T) {
	w := newWorld(t, 2)
	alpha, beta := w.hosts[0], w.hosts[1]
	beta.pipes()
	r, wr := beta.pipe("/pipe/beta/x", alpha)
	first := alpha.client.Command("head", "-c", "1000000", "/dev/zero")
	first.Host, first.Stdout = "alpha", wr
	second := alpha.client.Command("sha256sum")
	var out bytes.Buffer
	second.Host, second.Stdin, second.Stdout = "beta", r, &out
	for _, cmd := range []*program.Cmd{first, second} {
		if err := cmd.Start(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range []*program.Cmd{first, second} {
		if err := cmd.Wait(within(t)); err != nil {
			t.Errorf("%v: %v", cmd, err)
		}
	}
	sum := sha256.Sum256(make([]byte, 1000000))
	if got, _, _ := strings.Cut(out.String(), " "); got != hex.EncodeToString(sum[:]) {
		t.Errorf("it got %q", out.String())
	}
}

// The writer of a pipe that nobody reads any more is killed by SIGPIPE.
func TestBrokenPipe(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	h.pipes()
	r, w := h.pipe("/pipe/alpha/x", h)
	yes, head := h.client.Command("yes"), h.client.Command("head", "-1")
	var out bytes.Buffer
	yes.Stdout, head.Stdin, head.Stdout = w, r, &out
	if err := errors.Join(yes.Start(within(t)), head.Start(within(t)), head.Wait(within(t))); err != nil {
		t.Fatal(err)
	}
	if err := yes.Wait(within(t)); program.Status(err) != 128+int(syscall.SIGPIPE) || out.String() != "y\n" {
		t.Errorf("%v, %q", err, &out)
	}
}

// failing is a writer that takes a few octets.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestReaderGone(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	cmd := h.client.Command("yes")
	cmd.Stdout = &failing{1 << 20}
	if err := cmd.Run(within(t)); program.Status(err) != 128+int(syscall.SIGPIPE) {
		t.Errorf("%v", err)
	}
}

// What could not be written is not passed over.
func TestOutputFails(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	cmd := h.client.Command("echo", "x")
	cmd.Stdout = writerFunc(func([]byte) (int, error) { return 0, ipc.NoSpace })
	err := cmd.Run(within(t))
	if program.Status(err) != 1 || cmd.State.Stdio != ipc.NoSpace || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v, %+v", err, cmd.State)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestFiles(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	h.memory("/mem")
	in := strings.Repeat("line\n", 20000)
	if err := uio.WriteFile(within(t), h.names, "/mem/in", []byte(in), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := h.client.Command("sh", "-c", "cat; echo end >&2")
	cmd.Stdin = program.Named{Name: "/mem/in", Mode: uio.Read}
	cmd.Stdout = program.Named{Name: "/mem/out", Mode: uio.Write | uio.Create | uio.Truncate}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	if got, err := uio.ReadFile(within(t), h.names, "/mem/out"); err != nil || string(got) != in+"end\n" {
		t.Errorf("%d octets, %v", len(got), err)
	}
	cmd = h.client.Command("true")
	cmd.Stdin = program.Named{Name: "/mem/none", Mode: uio.Read}
	if err := cmd.Run(within(t)); program.Status(err) != 125 || !strings.Contains(err.Error(), "standard input: no such name") {
		t.Errorf("no input: %v", err)
	}
}

// A lent file is the caller's before, between and after.
func TestLent(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	h.memory("/mem")
	f, err := uio.Open(within(t), h.names, "/mem/log", uio.Write|uio.Create|uio.Append, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := h.client.Command("echo", "x")
		cmd.Stdout = program.Lend(f)
		if err := cmd.Run(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got, err := uio.ReadFile(within(t), h.names, "/mem/log"); err != nil || string(got) != "x\nx\nx\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A specification that does not fit in one packet group is fetched.
func TestLongArguments(t *testing.T) {
	w := newWorld(t, 2)
	args := []string{"-c", `echo $#`, "sh"}
	for range 5000 {
		args = append(args, strings.Repeat("x", 100))
	}
	cmd := w.hosts[0].client.Command("sh", args...)
	cmd.Host = "beta"
	if out, err := cmd.Output(within(t)); err != nil || string(out) != "5000\n" {
		t.Errorf("%q, %v", out, err)
	}
	cmd = w.hosts[0].client.Command("sh", make([]string, program.MaxSpec/4)...)
	if err := cmd.Run(within(t)); !errors.Is(err, ipc.BadArgs) || program.Status(err) != 125 {
		t.Errorf("too long: %v", err)
	}
}

// startTree starts a shell with a child, and returns the child's process id.
func startTree(t *testing.T, h *host, cmd *program.Cmd) int {
	t.Helper()
	r, w := io.Pipe()
	cmd.Stdout = w
	if err := cmd.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	var line [64]byte
	n, err := r.Read(line[:])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

const tree = "sleep 1000 & echo $!; wait"

func TestSignal(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	cmd.Host = "beta"
	child := startTree(t, w.hosts[0], cmd)
	if err := cmd.Signal(within(t), 65); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("signal 65: %v", err)
	}
	if err := cmd.Signal(within(t), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); program.Status(err) != 130 {
		t.Errorf("%v", err)
	}
	gone(t, child)
	if err := cmd.Signal(within(t), syscall.SIGINT); err != nil {
		t.Errorf("when it has ended: %v", err)
	}
}

func TestTerminate(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	cmd, _ := h.sh("trap '' TERM; " + tree)
	child := startTree(t, h, cmd)
	begin := time.Now()
	if err := cmd.Terminate(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); program.Status(err) != 137 {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took < grace {
		t.Errorf("it had only %v to obey", took)
	}
	gone(t, child)
}

// The end of the first process is the end of the program.
func TestLeftBehind(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	cmd, _ := h.sh("sleep 1000 & echo $!")
	child := startTree(t, h, cmd)
	if err := cmd.Wait(within(t)); err != nil {
		t.Error(err)
	}
	gone(t, child)
}

func TestWaitEndsEarly(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	cmd.Host = "beta"
	child := startTree(t, w.hosts[0], cmd)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := cmd.Wait(ctx); !errors.Is(err, ipc.UserTimeout) || program.Status(err) != 124 {
		t.Errorf("%v", err)
	}
	gone(t, child)
}

func TestWaitFromElsewhere(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	startTree(t, w.hosts[0], cmd)
	other, err := w.hosts[1].client.Attach(within(t), "alpha", cmd.State.ID)
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() { waited <- other.Wait(within(t)) }() // ends with the program
	if err := cmd.Signal(within(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); program.Status(err) != 137 {
		t.Error(err)
	}
	if err := <-waited; program.Status(err) != 137 {
		t.Error(err)
	}
	late, err := w.hosts[1].client.Attach(within(t), "alpha", cmd.State.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Wait(within(t)); program.Status(err) != 137 {
		t.Errorf("late: %v", err)
	}
	none, err := w.hosts[1].client.Attach(within(t), "alpha", 999)
	if err != nil {
		t.Fatal(err)
	}
	if err := none.Wait(within(t)); !errors.Is(err, ipc.NotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestOwnerEnds(t *testing.T) {
	for _, host := range []string{"alpha", "beta"} {
		t.Run(host, func(t *testing.T) {
			w := newWorld(t, 2)
			cmd, _ := w.hosts[0].sh(tree)
			cmd.Host = host
			child := startTree(t, w.hosts[0], cmd)
			begin := time.Now()
			w.hosts[0].names.Close()
			gone(t, child)
			gone(t, cmd.State.Unix)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestOwnersHostIsLost(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	cmd.Host = "beta"
	child := startTree(t, w.hosts[0], cmd)
	begin := time.Now()
	w.hosts[0].k.Close()
	gone(t, child)
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestHostIsLost(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	cmd.Host = "beta"
	startTree(t, w.hosts[0], cmd)
	waited := make(chan error)
	go func() { waited <- cmd.Wait(within(t)) }() // ends when the host is found to be silent
	w.hosts[1].k.Close()
	if err := <-waited; program.Status(err) != 123 {
		t.Errorf("%v", err)
	}
}

func TestKeep(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	h.pipes()
	cmd := h.client.Command("sh", "-c", "cat; exit 5")
	r, w := h.pipe("/pipe/alpha/x", h)
	cmd.Stdin, cmd.Keep = r, true
	if err := cmd.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	server := h.server
	if len(server.owners.all) != 0 {
		t.Errorf("it has an owner: %v", server.owners.all)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); program.Status(err) != 5 {
		t.Error(err)
	}
}

// What a program that is kept has left behind lives on, also when the server ends.
func TestKeepLeavesTheRest(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	cmd, _ := h.sh("sleep 1000 & echo $!")
	cmd.Keep = true
	child := startTree(t, h, cmd)
	if err := cmd.Wait(within(t)); err != nil {
		t.Error(err)
	}
	h.stop()
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	gone(t, child)
}

func TestServerEnds(t *testing.T) {
	w := newWorld(t, 1)
	h := w.hosts[0]
	cmd, _ := h.sh(tree)
	cmd.Keep = true
	child := startTree(t, h, cmd)
	waited := make(chan error)
	go func() { waited <- cmd.Wait(within(t)) }() // ends with the server
	h.stop()
	gone(t, child)
	if err := <-waited; program.Status(err) != 123 {
		t.Errorf("%v", err)
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

func TestManyPrograms(t *testing.T) {
	w := newWorld(t, 2)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			cmd := w.hosts[0].client.Command("sh", "-c", "read x; echo $x")
			cmd.Host, cmd.Stdin = hostNames[i%2], strings.NewReader(fmt.Sprintln(i))
			if out, err := cmd.Output(within(t)); err != nil || string(out) != fmt.Sprintln(i) {
				t.Errorf("%d: %q, %v", i, out, err)
			}
		})
	}
	all.Wait()
	for _, h := range w.hosts {
		h.stop()
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

func TestLimit(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	h.server.table.mu.Lock()
	h.server.table.limit = 1
	h.server.table.mu.Unlock()
	cmd, _ := h.sh(tree)
	startTree(t, h, cmd)
	if err := h.client.Command("true").Run(within(t)); !errors.Is(err, ipc.NoServerResources) || program.Status(err) != 125 {
		t.Errorf("one too many: %v", err)
	}
	if err := cmd.Terminate(within(t)); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait(within(t)) // it was killed
	if err := h.client.Command("true").Run(within(t)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
