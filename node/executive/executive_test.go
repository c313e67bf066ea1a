package executive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/node"
	"vsys/program"
	"vsys/servers/unix"
	"vsys/shell"
)

// world is two hosts, alpha and beta, with a directory each that can be written,
// and a session on alpha.
type world struct {
	*Session
	sys  *system
	dirs [2]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	var peers []netip.AddrPort
	sockets := make([]string, 2)
	for i, name := range []string{"alpha", "beta"} {
		w.dirs[i] = t.TempDir()
		sockets[i] = fmt.Sprintf("@vsys-executive-test-%d-%s-%s", os.Getpid(), t.Name(), name)
		n, err := node.Start(t.Context(), node.Config{
			Name: name, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), 0),
			Peers: peers, State: t.TempDir(), Socket: sockets[i], Clear: true,
			Exports: []unix.Export{{Path: "/"}, {Name: "lab", Path: w.dirs[i], Writable: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		peers = append(peers, n.Addr())
	}
	s, err := Join(t.Context(), sockets[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.Session, w.sys = s, newSystem(s, io.Discard)
	limit := time.After(5 * time.Second) // until the hello about beta's last prefix is here
	for {
		if list, err := s.Names.Prefixes(t.Context(), "/exec"); err == nil && len(list) == 2 {
			return w
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatal("alpha does not know beta")
		}
	}
}

func TestJoinNobody(t *testing.T) {
	_, err := Join(t.Context(), "@vsys-nobody")
	var advice interface{ Hint() string }
	if !errors.Is(err, ipc.Unreachable) || !errors.As(err, &advice) || !strings.Contains(advice.Hint(), "vsys boot") {
		t.Errorf("%v", err)
	}
}

func TestOpen(t *testing.T) {
	w := newWorld(t)
	create := os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	for i, host := range []string{"alpha", "beta"} {
		name := "/unix/" + host + "/lab/f"
		for _, text := range []string{"some text", "other"} { // the second cuts the first
			f, err := w.sys.Open(t.Context(), name, create, 0o640)
			if err != nil {
				t.Fatal(err)
			}
			if _, own := f.(*os.File); own != (host == "alpha") {
				t.Errorf("%s opens as %T", name, f)
			}
			if _, err := io.WriteString(f, text); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		f, err := w.sys.Open(t.Context(), name, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, " text"); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		path := filepath.Join(w.dirs[i], "f")
		if b, err := os.ReadFile(path); err != nil || string(b) != "other text" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		if _, err := w.sys.Open(t.Context(), name, create|os.O_EXCL, 0o640); !errors.Is(err, ipc.DuplicateName) {
			t.Errorf("exclusive: %v", err)
		}
		// The same file by a name that is for reading only.
		if _, err := w.sys.Open(t.Context(), "/unix/"+host+path, os.O_WRONLY, 0); !errors.Is(err, ipc.ReadOnly) {
			t.Errorf("read-only: %v", err)
		}
		if _, err := w.sys.Open(t.Context(), "/unix/"+host, os.O_RDONLY, 0); !errors.Is(err, ipc.IsAContext) {
			t.Errorf("a context: %v", err)
		}
	}
	if _, err := w.sys.Open(t.Context(), "/unix/gamma/f", os.O_RDONLY, 0); !errors.Is(err, ipc.NotFound) {
		t.Errorf("no such host: %v", err)
	}
}

func TestStatAndPlace(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dirs[1], "f")
	if err := os.WriteFile(file, []byte("text"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("f", filepath.Join(w.dirs[1], "l")); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.sys.Stat(t.Context(), "/unix/beta/lab/l", true)
	if err != nil {
		t.Fatal(err)
	}
	a, b := got.Sys().(*syscall.Stat_t), want.Sys().(*syscall.Stat_t)
	if a.Ino != b.Ino || a.Dev != b.Dev || a.Mode != b.Mode || a.Uid != b.Uid || a.Gid != b.Gid ||
		a.Nlink != b.Nlink || a.Mtim != b.Mtim || a.Ctim != b.Ctim || a.Size != 4 || got.Name() != "l" {
		t.Errorf("%+v, want %+v", a, b)
	}
	if link, err := w.sys.Stat(t.Context(), "/unix/beta/lab/l", false); err != nil || link.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("%v, %v", link, err)
	}
	if top, err := w.sys.Stat(t.Context(), "/unix", true); err != nil || !top.IsDir() || top.Sys() != nil {
		t.Errorf("%v, %v", top, err)
	}
	for dir, want := range map[string]shell.Place{
		"/": {}, "/unix": {}, "/unix/beta": {Host: "beta", Path: "/"}, "/proc/beta": {Host: "beta"},
		"/unix/beta/lab": {Host: "beta", Path: w.dirs[1]}, "/unix/alpha/etc": {Host: "alpha", Path: "/etc"},
	} {
		if got, err := w.sys.Place(t.Context(), dir); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", dir, got, err, want)
		}
	}
	for dir, want := range map[string]ipc.Code{"/nosuch": ipc.NotFound, "/unix/beta/lab/f": ipc.NotAContext} {
		if p, err := w.sys.Place(t.Context(), dir); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v", dir, p, err)
		}
	}
	list, err := w.sys.ReadDir(t.Context(), "/unix")
	if err != nil || len(list) != 2 || list[0].Name() != "alpha" || !list[1].IsDir() {
		t.Errorf("%v, %v", list, err)
	}
}

// output runs a program on beta and returns its output and how it ended.
func (w *world) output(t *testing.T, spec shell.Spec) (string, shell.Status) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	spec.Host, spec.Path = "beta", "/usr/bin:/bin"
	spec.Stdio[1] = shell.End{File: out}
	spec.Stdio[2] = spec.Stdio[1]
	p, err := w.sys.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if where := p.Where(); !strings.HasPrefix(where, "beta, pid ") {
		t.Errorf("it runs on %s", where)
	}
	status, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), status
}

func script(dir, text string) shell.Spec {
	return shell.Spec{Lookup: shell.Lookup{Name: "sh", Dir: dir}, Args: []string{"sh", "-c", text}, Env: []string{"A=b"}}
}

func TestStart(t *testing.T) {
	w := newWorld(t)
	if out, status := w.output(t, script("/unix/beta/lab", "pwd; echo $A >&2; exit 7")); out != w.dirs[1]+"\nb\n" || status.Code() != 7 {
		t.Errorf("%q, %v", out, status)
	}
	if out, status := w.output(t, script("/unix/beta/lab", "kill -TERM $$")); out != "" || status.Signal != syscall.SIGTERM {
		t.Errorf("%q, %v", out, status)
	}
	// A relative name hits nothing where the directory is not on that host.
	if out, _ := w.output(t, script("/unix/alpha/lab", "ls -A; basename $(pwd)")); out != "empty\n" {
		t.Errorf("%q", out)
	}
	if err := w.Names.Bind("/src", "/unix/beta/lab"); err != nil {
		t.Fatal(err)
	}
	if out, _ := w.output(t, script("/src", "pwd")); out != w.dirs[1]+"\n" {
		t.Errorf("under an alias: %q", out)
	}
	for name, want := range map[string]ipc.Code{"nosuch": ipc.NotFound} {
		l := shell.Lookup{Host: "beta", Name: name, Path: "/bin", Dir: "/"}
		if _, err := w.sys.Start(t.Context(), shell.Spec{Lookup: l, Args: []string{name}}); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.sys.Find(t.Context(), l); !errors.Is(err, want) {
			t.Errorf("find %s: %v", name, err)
		}
	}
	if _, err := w.sys.Start(t.Context(), shell.Spec{Lookup: shell.Lookup{Host: "gamma", Name: "true"}, Args: []string{"true"}}); !errors.Is(err, ipc.HostUnknown) {
		t.Errorf("no such host: %v", err)
	}
	if path, err := w.sys.Find(t.Context(), shell.Lookup{Host: "beta", Name: "sh", Path: "/bin", Dir: "/"}); err != nil || path != "/bin/sh" {
		t.Errorf("%q, %v", path, err)
	}
}

// TestPipe joins two programs by a pipe of beta's; a third reads a file by name.
func TestPipe(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.dirs[0], "f"), []byte("some text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, pw, err := w.sys.NewPipe(t.Context(), "beta")
	if err != nil {
		t.Fatal(err)
	}
	upper := script("/", "tr a-z A-Z")
	upper.Stdio[0] = shell.End{Name: "/unix/alpha/lab/f"}
	upper.Stdio[1] = shell.End{Pipe: pw}
	upper.Host, upper.Path = "beta", "/usr/bin:/bin"
	p, err := w.sys.Start(t.Context(), upper)
	if err != nil {
		t.Fatal(err)
	}
	last := script("/", "cat")
	last.Stdio[0] = shell.End{Pipe: r}
	if out, status := w.output(t, last); out != "SOME TEXT\n" || status.Code() != 0 {
		t.Errorf("%q, %v", out, status)
	}
	if status, err := p.Wait(t.Context()); err != nil || status.Code() != 0 {
		t.Errorf("%v, %v", status, err)
	}
	if _, _, err := w.sys.NewPipe(t.Context(), "gamma"); !errors.Is(err, ipc.HostUnknown) {
		t.Errorf("no such host: %v", err)
	}
}

func TestSignalAndCancel(t *testing.T) {
	w := newWorld(t)
	spec := shell.Spec{
		Lookup: shell.Lookup{Host: "beta", Name: "sleep", Path: "/usr/bin:/bin", Dir: "/"}, Args: []string{"sleep", "100000"},
	}
	p, err := w.sys.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(t.Context(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status, err := p.Wait(t.Context()); err != nil || status.Signal != syscall.SIGINT {
		t.Errorf("%v, %v", status, err)
	}
	if p, err = w.sys.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestHostNames(t *testing.T) {
	w := newWorld(t)
	limit := time.After(5 * time.Second)
	for len(w.sys.HostNames()) < 2 { // the first call only asks
		select {
		case <-time.After(time.Millisecond):
		case <-limit:
			t.Fatal("no names")
		}
	}
	if host, why, err := w.sys.Pick(t.Context(), shell.Lookup{}); err != nil || host == "" || !strings.HasPrefix(why, "least loaded") {
		t.Errorf("%q, %q, %v", host, why, err)
	}
}

// TestRun runs a script with V's own commands in it, and looks at it from outside.
func TestRun(t *testing.T) {
	w := newWorld(t)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := Config{
		Text: "cat /exec/alpha/1; ls /unix; own x | cat; exit 4", Dir: "/unix/alpha/lab", Stdout: out, Stderr: out,
		Builtins: map[string]shell.Command{"own": func(_ context.Context, c *shell.Call) int {
			fmt.Fprintln(c.Stdout, c.Args, c.Dir)
			return 0
		}},
	}
	status := w.Run(t.Context(), c)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := "no terminal in /unix/alpha/lab: cat /exec/alpha/1; ls /unix; own x | cat; exit 4\nalpha\nbeta\n[own x] /unix/alpha/lab\n"
	if _, got, _ := strings.Cut(string(text), " on "); got != want || status != 4 {
		t.Errorf("%q, %d, want %q", text, status, want)
	}
	if _, err := w.Names.Stat(t.Context(), "/exec/alpha/1"); !errors.Is(err, ipc.NotFound) {
		t.Errorf("it is listed still: %v", err)
	}
	c.Text, c.File = "", "nosuch"
	if status := w.Run(t.Context(), c); status != 1 {
		t.Errorf("no such file: %d", status)
	}
}

// What could not be written is said, and that nobody reads is not.
func TestStatusOfStreams(t *testing.T) {
	for _, c := range []struct {
		state program.State
		want  shell.Status
		says  string
	}{
		{program.State{Exit: 3}, shell.Status{Exit: 3}, ""},
		{program.State{Signal: syscall.SIGPIPE}, shell.Status{Signal: syscall.SIGPIPE}, ""},
		{program.State{Stdio: ipc.NoSpace, Exit: 141}, shell.Status{Exit: 1}, "cat on gamma: standard output: no space left\ntry: "},
		{program.State{Stdio: ipc.NoSpace, Signal: syscall.SIGPIPE}, shell.Status{Exit: 1}, "cat on gamma: standard output: no space left\n"},
		{program.State{Stdio: ipc.Unreachable}, shell.Status{Exit: 1}, "cat on gamma: standard input or output: unreachable\n"},
		{program.State{Stdio: ipc.NoSpace, Exit: 2}, shell.Status{Exit: 2}, "cat on gamma: "},
	} {
		var errs strings.Builder
		c.state.Host = "gamma"
		p := running{name: "cat", stderr: &errs}
		if got := p.status(&c.state); got != c.want || !strings.HasPrefix(errs.String(), c.says) || c.says == "" && errs.Len() > 0 {
			t.Errorf("%+v: %+v, %q", c.state, got, errs.String())
		}
	}
}

// The shell says that the outcome is unknown; once is enough.
func TestCause(t *testing.T) {
	err := cause(&ipc.OpError{Op: "program.Wait", Host: "beta", Err: &program.Lost{Err: ipc.RetransTimeout}})
	if strings.Contains(err.Error(), "outcome") || !strings.Contains(err.Error(), "beta") || !errors.Is(err, ipc.RetransTimeout) {
		t.Errorf("%v", err)
	}
}
