package service

import (
	"context"
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/node"
	"vsys/node/settings"
)

// hostVariable makes this program a host with the flags in it: what Background runs.
const hostVariable = "VSYS_TEST_HOST"

func TestMain(m *testing.M) {
	if args, ok := os.LookupEnv(hostVariable); ok {
		os.Unsetenv(hostVariable)
		os.Exit(host(strings.Fields(args)))
	}
	os.Exit(m.Run())
}

// host is a host in the background.
func host(args []string) int {
	report := NewReporter()
	switch args[0] {
	case "silent":
		return 3
	case "stuck":
		end := make(chan os.Signal, 1)
		signal.Notify(end)
		<-end
	}
	s, err := parse(args)
	if err == nil {
		err = Run(context.Background(), Job{Settings: s, Manager: &Manager{}, Ready: report.Ready})
	}
	report.Write([]byte("no host: " + err.Error() + "\n"))
	return 7
}

func parse(args []string) (*settings.Settings, error) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := settings.AddFlags(set)
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	return f.Load()
}

// flags returns those of a host called one in dir.
func flags(dir string) []string {
	empty := filepath.Join(dir, "empty.toml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		panic(err) // the test's own directory
	}
	return []string{
		"--name=one", "--addr=127.9.5.1:0", "--state=" + filepath.Join(dir, "state"),
		"--socket=" + filepath.Join(dir, "s"), "--config=" + empty,
	}
}

// inBackground boots a host that ends with the test.
func inBackground(t *testing.T, args []string) (*Record, error) {
	t.Helper()
	t.Setenv(hostVariable, strings.Join(args, " "))
	r, err := Background(t.Context(), nil, filepath.Join(t.TempDir(), "log"))
	if r != nil {
		t.Cleanup(func() { Stop(context.Background(), r.State, StopPatience) })
	}
	return r, err
}

func TestBackground(t *testing.T) {
	dir := t.TempDir()
	r, err := inBackground(t, flags(dir))
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "one" || r.Process == os.Getpid() || r.State != filepath.Join(dir, "state") {
		t.Errorf("%+v", r)
	}
	found, err := Find(r.State)
	if err != nil || found == nil || *found != *r {
		t.Errorf("found %+v, %v, want %+v", found, err, r)
	}
	s, err := Ask(t.Context(), r.State)
	if err != nil || !s.Running || s.Problem != "" || s.Live != 1 || s.Lost != 0 || s.Teams != 6 || s.Uptime < 1 {
		t.Errorf("asked: %+v, %v", s, err)
	}
	err = Occupied(r.State)
	if !errors.Is(err, ipc.DuplicateName) || !strings.Contains(err.Error(), r.String()) {
		t.Errorf("occupied: %v", err)
	}
	var failure *Failure
	if _, err := inBackground(t, flags(dir)); !errors.As(err, &failure) || failure.Status != 7 || !strings.HasPrefix(failure.Text, "no host: "+r.String()) {
		t.Errorf("the second one: %v", err)
	}
	ended, err := Stop(t.Context(), r.State, StopPatience)
	if err != nil || *ended != *r {
		t.Errorf("stopped %+v, %v", ended, err)
	}
	for range 2 {
		if found, err := Find(r.State); found != nil || err != nil || Occupied(r.State) != nil {
			t.Errorf("after its end: %+v, %v", found, err)
		}
		if again, err := Stop(t.Context(), r.State, StopPatience); again != nil || err != nil {
			t.Errorf("stopped again: %+v, %v", again, err)
		}
		if s, err := Ask(t.Context(), r.State); s.Running || err != nil {
			t.Errorf("asked again: %+v, %v", s, err)
		}
	}
}

func TestBackgroundFails(t *testing.T) {
	var advice *node.Refusal
	if _, err := inBackground(t, []string{"silent"}); !errors.As(err, &advice) || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("silent: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv(hostVariable, "stuck")
	if _, err := Background(ctx, nil, filepath.Join(t.TempDir(), "log")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := Background(ctx, nil, "/dev/null/log"); err == nil {
		t.Error("no log, no complaint")
	}
	err := failed(t.Context(), "", os.ErrDeadlineExceeded, nil, "log")
	if !errors.As(err, &advice) || !strings.Contains(err.Error(), "10s") || advice.Try != "tail log" {
		t.Errorf("too late: %v", err)
	}
}

// TestStopWaits: a host that does not end is reported with what holds it.
func TestStopWaits(t *testing.T) {
	r, err := inBackground(t, flags(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(r.Process)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_, err = Stop(t.Context(), r.State, pollTime)
	if !errors.Is(err, ipc.UserTimeout) || !strings.Contains(err.Error(), "it is stopped") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Stop(ctx, r.State, StopPatience); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// TestRunUnderSystemd: what a service manager hears in the life of a host.
func TestRunUnderSystemd(t *testing.T) {
	dir := t.TempDir()
	notify := filepath.Join(dir, "notify")
	s := newSystemd(t, notify)
	set, err := parse(flags(dir))
	if err != nil {
		t.Fatal(err)
	}
	m := manager(t, map[string]string{notifySocket: notify, watchdogTime: "1000000"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, ended := make(chan *Record, 1), make(chan error, 1)
	go func() { // ends with ctx
		ended <- Run(ctx, Job{Settings: set, Manager: m, Ready: func(r *Record) { ready <- r }})
	}()
	hear := func(want string) {
		t.Helper()
		for range 100 { // what else it says meanwhile
			if text, _ := s.heard(); strings.HasPrefix(text, want) {
				return
			}
		}
		t.Fatalf("never heard %q", want)
	}
	hear("READY=1\nSTATUS=host one at 127.9.5.1:")
	hear("WATCHDOG=1")
	r := <-ready
	if r.Process != os.Getpid() || r.Log != "" || r.Config != set.File {
		t.Errorf("%+v", r)
	}
	cancel()
	hear("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRestart: the socket of a host goes to the service manager, and comes back with
// the next one, which serves what has come meanwhile.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	notify := filepath.Join(dir, "notify")
	s := newSystemd(t, notify)
	set, err := parse(flags(dir))
	if err != nil {
		t.Fatal(err)
	}
	var kept *net.UnixListener
	for life := range 2 {
		m := manager(t, map[string]string{notifySocket: notify})
		m.kept = kept
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { // ends with ctx
			ended <- Run(ctx, Job{Settings: set, Manager: m, Ready: func(*Record) {}})
		}()
		if life == 0 {
			text, files := s.heard()
			if text != "FDSTORE=1\nFDNAME=vsys" || len(files) != 1 {
				t.Fatalf("heard %q with %d files", text, len(files))
			}
			l, err := net.FileListener(files[0])
			if err != nil {
				t.Fatal(err)
			}
			kept = l.(*net.UnixListener)
		}
		if text, _ := s.heard(); !strings.HasPrefix(text, "READY=1") {
			t.Fatalf("heard %q", text)
		}
		if status, err := Ask(t.Context(), set.Get("state")); err != nil || status.Live != 1 {
			t.Errorf("life %d: %+v, %v", life, status, err)
		}
		cancel()
		if text, _ := s.heard(); !strings.HasPrefix(text, "STOPPING=1") {
			t.Fatalf("heard %q", text)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestFind: a record is believed only of who has the directory.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	if r, err := Find(filepath.Join(dir, "nosuch")); r != nil || err != nil {
		t.Errorf("nowhere: %v, %v", r, err)
	}
	old := &Record{Name: "old", Process: 1, State: dir}
	if err := old.write(); err != nil {
		t.Fatal(err)
	}
	if r, err := Find(dir); r != nil || err != nil {
		t.Errorf("nobody has it: %v, %v", r, err)
	}
	lock, err := node.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	boots := "a host that boots (process " + strconv.Itoa(os.Getpid()) + ")"
	if r, err := Find(dir); err != nil || r.String() != boots {
		t.Errorf("the last one's record: %v, %v", r, err)
	}
	if s, err := Ask(t.Context(), dir); err != nil || s.Problem != "it boots" {
		t.Errorf("asked: %+v, %v", s, err)
	}
	own := &Record{Name: "own", Process: os.Getpid(), State: dir, Started: time.Now()}
	if err := own.write(); err != nil {
		t.Fatal(err)
	}
	if r, err := Find(dir); err != nil || r.Name != "own" {
		t.Errorf("its record: %v, %v", r, err)
	}
	if s, err := Ask(t.Context(), dir); err != nil || !s.Running || !strings.Contains(s.Problem, "no socket") {
		t.Errorf("asked: %+v, %v", s, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpenLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "log")
	for range 2 {
		f, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString("line\n")
		f.Close()
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "line\nline\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := os.Truncate(path, maxLog+1); err != nil {
		t.Fatal(err)
	}
	f, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("a large one: %v, %v", info.Size(), err)
	}
	if _, err := os.Stat(path + ".old"); err != nil {
		t.Error(err)
	}
}
