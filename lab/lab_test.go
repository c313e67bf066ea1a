package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link/faulty"
	"vsys/node"
)

// scriptVariable makes the test's program a lab that runs the script in it.
const scriptVariable = "VSYS_TEST_SCRIPT"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == HostVerb {
		os.Exit(HostMain())
	}
	if script := os.Getenv(scriptVariable); script != "" {
		os.Exit(Run(context.Background(), Config{Text: script, Stdout: os.Stdout, Stderr: os.Stderr}))
	}
	os.Exit(m.Run())
}

// temporary gives the test a directory of its own for labs.
func temporary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// run runs a script in a lab of this process.
func run(t *testing.T, c Config) (stdout, stderr string, status int) {
	t.Helper()
	var err error
	dir := t.TempDir()
	if c.Stdout, err = os.Create(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	defer c.Stdout.Close()
	if c.Stderr, err = os.Create(filepath.Join(dir, "err")); err != nil {
		t.Fatal(err)
	}
	defer c.Stderr.Close()
	status = Run(t.Context(), c)
	out, _ := os.ReadFile(c.Stdout.Name())
	errs, _ := os.ReadFile(c.Stderr.Name())
	return string(out), string(errs), status
}

func TestRun(t *testing.T) {
	dir := temporary(t)
	out, errs, status := run(t, Config{Hosts: 2, Text: "ls /unix; echo $VSYS_HOST $# >/unix/beta/lab/f; cat /unix/beta/lab/f; exit 3", Args: []string{"one"}})
	if out != "alpha\nbeta\nalpha 1\n" || errs != "" || status != 3 {
		t.Errorf("%q, %q, %d", out, errs, status)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"too few":  {Hosts: -1},
		"too many": {Hosts: MaxHosts + 1},
		"loss":     {Faults: faulty.Config{Loss: 0.51}},
		"negative": {Faults: faulty.Config{Reorder: -0.1}},
		"no loss":  {Faults: faulty.Config{Duplicate: math.NaN()}},
		"mtu":      {MTU: minMTU - 1},
	} {
		c.Text = "true"
		var advice interface{ Hint() string }
		if err := c.check(); !errors.Is(err, ipc.BadArgs) || !errors.As(err, &advice) {
			t.Errorf("%s: %v", name, err)
		}
		if _, errs, status := run(t, c); status != 2 || !strings.Contains(errs, "\ntry: ") {
			t.Errorf("%s: status %d, %q", name, status, errs)
		}
	}
	if c := (Config{Faults: faulty.Config{Loss: 0.1, Seed: 7}}); c.mtu() != ethernetMTU || c.faults(0).Seed == c.faults(1).Seed {
		t.Errorf("with faults: datagrams of %d octets, %+v, %+v", c.mtu(), c.faults(0), c.faults(1))
	}
	if err := (&Config{Hosts: MaxHosts, MTU: minMTU, Faults: faulty.Config{Loss: maxFault}}).check(); err != nil {
		t.Error(err)
	}
}

// TestHostCommands does to hosts what befalls them. That a lost host is noticed is
// tested by script, and takes its time; here nobody asks it meanwhile.
func TestHostCommands(t *testing.T) {
	temporary(t)
	out, errs, status := run(t, Config{Hosts: 2, Text: `
		echo kept >/unix/beta/lab/f
		sh -c 'sleep 100000 & echo $!; exec sleep 100000' @beta >pid &
		while [ -z "$(cat pid)" ]; do :; done
		lab kill beta
		lab hosts | awk '{print $1, $2}'
		cat /unix/alpha/proc/$(cat pid)/cmdline
		lab kill beta
		lab boot beta
		cat /unix/beta/lab/f
		lab pause beta; lab hosts | awk '$1 == "beta" {print $2}'; lab resume beta
		lab hosts --json | tail -n 1 | sed 's/"os_pid.*//'
		cat /unix/beta/lab/f`})
	want := "HOST STATE\nalpha runs\nbeta ended\nkept\npaused\n" + `{"address":"` // and what sed leaves
	if !strings.HasPrefix(out, want) || !strings.HasSuffix(out, "kept\n") || status != 0 {
		t.Errorf("%q, %d", out, status)
	}
	if !strings.Contains(errs, "lab kill beta: it does not run: no such process\ntry: lab boot beta\n") {
		t.Errorf("%q", errs)
	}
}

// TestKilled kills a lab, with a host that is paused and programs that hide.
func TestKilled(t *testing.T) {
	dir := temporary(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), scriptVariable+`=
		sleep 100001 & sh -c 'setsid sleep 100002 & exec sleep 100003' @beta &
		lab pause gamma; lab hosts --json; read x; while :; do sleep 1; done`)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var hosts []int
	for len(hosts) < defaultHosts && lines.Scan() {
		var h struct {
			PID int `json:"os_pid"`
		}
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h.PID)
	}
	labs, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil || len(labs) != 1 || len(hosts) != defaultHosts {
		t.Fatalf("directories %v, hosts %v", labs, hosts)
	}
	mark := strings.TrimPrefix(filepath.Base(labs[0]), prefix)
	soon(t, "the programs run", func() bool { return len(marked(mark)) >= 3 })
	begin := time.Now()
	cmd.Process.Kill()
	cmd.Wait()
	soon(t, "all is gone", func() bool {
		for _, pid := range hosts {
			if len(proc(pid, "cmdline")) > 0 { // of one that only waits to be reaped it is empty
				return false
			}
		}
		_, err := os.Stat(labs[0])
		return len(marked(mark)) == 0 && errors.Is(err, os.ErrNotExist)
	})
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("gone after %v only", d)
	}
}

// soon waits until ok.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestSweep(t *testing.T) {
	dir := temporary(t)
	lab := func() *directory {
		d, err := makeDirectory()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(d.path, "beta", "files", "sealed"), 0o700); err != nil {
			t.Fatal(err)
		}
		return d
	}
	killed, runs := lab(), lab()
	killed.lock.Close()
	if err := os.Chmod(filepath.Join(killed.path, "beta", "files"), 0o500); err != nil {
		t.Fatal(err)
	}
	defer runs.lock.Close()
	stays := map[string]bool{killed.path: false, runs.path: true}
	for name, files := range map[string][]string{
		"other": {"notes"}, prefix + "notes": {"today"}, prefix + "empty": nil,
		prefix + "locked": {"lock"}, prefix + "named": {"lock", markFile},
	} {
		path := filepath.Join(dir, name)
		stays[path] = true
		for _, f := range append(files, ".") {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			if f == "." {
				continue
			}
			stays[filepath.Join(path, f)] = true
			if err := os.WriteFile(filepath.Join(path, f), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		past := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	for path, stays := range stays {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: stays %v, want %v", path, err == nil, stays)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, prefix+"named", "lock")); string(text) != "mine" {
		t.Errorf("a file of somebody became %q", text)
	}
}

func TestHostThatDoesNotBoot(t *testing.T) {
	p := parameters{Name: "beta", Addr: netip.MustParseAddrPort("192.0.2.1:8145"), Root: t.TempDir(), Socket: node.NoSocket, Mark: "test"}
	proc, err := p.startProcess(t.Context())
	if err == nil {
		proc.stop()
	}
	if err == nil || !strings.Contains(err.Error(), "192.0.2.1:8145") {
		t.Errorf("%v", err)
	}
	p.Root = filepath.Join(p.Root, "file")
	if err := os.WriteFile(p.Root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.startProcess(t.Context()); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v", err)
	}
}

func TestKillTree(t *testing.T) {
	if got := parent(os.Getpid()); got != os.Getppid() {
		t.Errorf("parent %d, want %d", got, os.Getppid())
	}
	cmd := exec.Command("sh", "-c", "sleep 100004 & setsid sh -c 'sleep 100004; :' & echo; wait")
	cmd.Env = append(os.Environ(), markName+"=kill-tree-test")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	soon(t, "all four run", func() bool { return len(marked("kill-tree-test")) == 4 })
	killTree(cmd.Process.Pid)
	soon(t, "all are gone", func() bool { return len(marked("kill-tree-test")) == 0 })
}

// TestKilledAfterHost kills a lab that has lost a host before.
func TestKilledAfterHost(t *testing.T) {
	dir := temporary(t)
	cmd, _ := script(t, "lab kill beta; echo begun; sleep 100005 @gamma")
	cmd.Process.Kill()
	cmd.Wait()
	soon(t, "the directory is gone", func() bool {
		left, err := os.ReadDir(dir)
		return err == nil && len(left) == 0
	})
}

// TestOwnHostKilled kills the host that the executive belongs to.
func TestOwnHostKilled(t *testing.T) {
	for name, rest := range map[string]string{
		"local": "while :; do sleep 1; done", "away": "sleep 100006 @beta; echo not reached",
	} {
		t.Run(name, func(t *testing.T) {
			dir := temporary(t)
			cmd, errs := script(t, "lab hosts --json | head -n 1; "+rest)
			begin := time.Now()
			err := cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 123 {
				t.Errorf("%v", err)
			}
			want := "lab: host alpha has ended, and the executive belonged to it\ntry: vsys lab\n"
			if errs.String() != want {
				t.Errorf("%q, want %q", errs, want)
			}
			if d := time.Since(begin); d > 3*time.Second {
				t.Errorf("it took %v", d)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// script starts a lab of its own that runs text, and returns when that has printed
// a line. If the line describes a host the host is killed.
func script(t *testing.T, text string) (cmd *exec.Cmd, errs *bytes.Buffer) {
	t.Helper()
	errs = new(bytes.Buffer)
	cmd = exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), scriptVariable+"="+text)
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v, %s", err, errs)
	}
	var h struct {
		PID int `json:"os_pid"`
	}
	if json.Unmarshal(line, &h) == nil {
		if err := syscall.Kill(h.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	return cmd, errs
}
