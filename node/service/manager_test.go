package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// systemd is a real socket that plays the service manager.
type systemd struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newSystemd(t *testing.T, path string) *systemd {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &systemd{t, conn, path}
}

// heard returns the next datagram, and the files that came with it.
func (s *systemd) heard() (string, []*os.File) {
	s.t.Helper()
	s.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, oob := make([]byte, 4096), make([]byte, 256)
	n, oobn, _, _, err := s.conn.ReadMsgUnix(b, oob)
	if err != nil {
		s.t.Fatal(err)
	}
	var files []*os.File
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, fd := range fds {
			f := os.NewFile(uintptr(fd), "stored")
			s.t.Cleanup(func() { f.Close() })
			files = append(files, f)
		}
	}
	return string(b[:n]), files
}

// manager returns the manager that the environment names.
func manager(t *testing.T, env map[string]string) *Manager {
	t.Helper()
	for _, v := range []string{notifySocket, watchdogTime, watchdogPID, listenFds, listenPID, listenFdNames} {
		t.Setenv(v, env[v])
	}
	m, err := NewManager()
	if err != nil {
		t.Fatal(err)
	}
	for v := range env {
		if _, set := os.LookupEnv(v); set {
			t.Errorf("%s is left for programs", v)
		}
	}
	return m
}

func TestNotify(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "notify"), "@vsys-notify-" + strconv.Itoa(os.Getpid())} {
		s := newSystemd(t, path)
		m := manager(t, map[string]string{notifySocket: path})
		if err := m.Notify("READY=1", "STATUS=works"); err != nil || !m.There() {
			t.Fatal(err)
		}
		if got, _ := s.heard(); got != "READY=1\nSTATUS=works" {
			t.Errorf("heard %q", got)
		}
	}
}

func TestNoManager(t *testing.T) {
	m := manager(t, nil)
	if err := errors.Join(m.Notify("READY=1"), m.Keep(nil)); err != nil || m.There() || m.Listener("x") != nil {
		t.Errorf("%v, there: %v", err, m.There())
	}
	m.watch(t.Context(), slog.New(slog.DiscardHandler), nil) // ends at once
	gone := manager(t, map[string]string{notifySocket: filepath.Join(t.TempDir(), "nobody")})
	if err := gone.Notify("READY=1"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestWatchdog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	s := newSystemd(t, path)
	for pid, want := range map[string]time.Duration{"": 10 * time.Millisecond, strconv.Itoa(os.Getpid()): 10 * time.Millisecond, "1": 0} {
		m := manager(t, map[string]string{notifySocket: path, watchdogTime: "10000", watchdogPID: pid})
		if m.every != want {
			t.Errorf("for process %q: every %v, want %v", pid, m.every, want)
		}
	}
	m := manager(t, map[string]string{notifySocket: path, watchdogTime: "10000"})
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		m.watch(ctx, slog.New(slog.DiscardHandler), func(context.Context) error {
			if asked++; asked == 2 {
				return context.DeadlineExceeded // it is stuck, and nothing is said
			}
			return nil
		})
	}()
	for range 2 {
		if got, _ := s.heard(); got != "WATCHDOG=1" {
			t.Errorf("heard %q", got)
		}
	}
	cancel()
	<-done
	if asked < 3 {
		t.Errorf("said to live twice, and asked %d times", asked)
	}
}

// TestKeep: a socket goes to the manager, and comes back to the next process as
// systemd passes it: a connection made meanwhile is there.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	notify, path := filepath.Join(dir, "notify"), filepath.Join(dir, "vsys.sock")
	s := newSystemd(t, notify)
	m := manager(t, map[string]string{notifySocket: notify})
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Keep(l); err != nil {
		t.Fatal(err)
	}
	text, files := s.heard()
	if text != "FDSTORE=1\nFDNAME=vsys" || len(files) != 1 {
		t.Fatalf("heard %q with %d files", text, len(files))
	}
	l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("between two lives of the host: %v", err)
	}
	defer c.Close()
	again := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run '^TestTakenBack$'`, os.Args[0])
	again.Env = append(os.Environ(), takenBack+"="+path, listenFds+"=2", listenFdNames+"=other:vsys")
	other, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	again.ExtraFiles = []*os.File{other, files[0]}
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := io.ReadAll(c); string(got) != "taken back" {
		t.Errorf("the connection read %q, %v", got, err)
	}
}

// takenBack names the socket to the process that TestKeep runs.
const takenBack = "VSYS_TEST_TAKEN_BACK"

// TestTakenBack is the next process of TestKeep.
func TestTakenBack(t *testing.T) {
	path := os.Getenv(takenBack)
	if path == "" {
		return
	}
	m, err := NewManager()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self/fd/3"); err == nil {
		if name, _ := os.Readlink("/proc/self/fd/3"); strings.Contains(name, "null") {
			t.Error("the other file is left open")
		}
	}
	l := m.Listener(path)
	if l == nil {
		t.Fatal("no socket came back")
	}
	defer l.Close()
	if m.Listener(path) != nil {
		t.Error("it comes back twice")
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "taken back")
}

// TestListenerOfOthers: what was passed to another process, or is another socket,
// is not taken.
func TestListenerOfOthers(t *testing.T) {
	m := manager(t, map[string]string{listenFds: "1", listenPID: "1", listenFdNames: "vsys"})
	if m.kept != nil {
		t.Error("another process's socket is taken")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	m.kept = l
	if m.Listener("/other") != nil {
		t.Error("a socket of another name is taken")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it is not closed: %v", err)
	}
}
