package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/servers/unix"
	"vsys/uio"
)

// config returns the configuration of a host that meets no other test's.
func config(t *testing.T, name string) Config {
	return Config{
		Name: name, Addr: netip.MustParseAddrPort("127.0.0.1:0"), State: t.TempDir(), Clear: true,
		Socket: fmt.Sprintf("@vsys-node-test-%d-%s-%s", os.Getpid(), t.Name(), name),
	}
}

func start(t *testing.T, c Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func client(t *testing.T, socket string) *naming.Client {
	t.Helper()
	k, err := kernel.Join(t.Context(), socket, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := naming.NewClient(k)
	t.Cleanup(c.Close)
	return c
}

func TestStart(t *testing.T) {
	c := config(t, "beta")
	dir := t.TempDir()
	c.Exports = []unix.Export{{Path: "/"}, {Name: "lab", Path: dir, Writable: true}}
	n := start(t, c)
	names := client(t, c.Socket)
	for _, name := range []string{"/proc/beta", "/log/beta", "/unix/beta", "/pipe/beta", "/team/beta", "/exec/beta"} {
		if d, err := names.Stat(t.Context(), name); err != nil || !d.IsContext() {
			t.Errorf("%s: %v, %v", name, d.Mode, err)
		}
	}
	if err := uio.WriteFile(t.Context(), names, "/unix/beta/lab/f", []byte("here"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(b) != "here" {
		t.Errorf("%q, %v", b, err)
	}
	hosts, err := names.Hosts(t.Context())
	if err != nil || len(hosts) != 1 {
		t.Fatalf("%v, %v", hosts, err)
	}
	h := hosts[0]
	if h.Name != "beta" || h.State != naming.HostSelf || h.MemoryTotal == 0 || h.Processor == "" || h.Address != n.Addr().String() {
		t.Errorf("%+v", h)
	}
	if log, err := uio.ReadFile(t.Context(), names, "/log/beta/kernel"); err != nil || !strings.Contains(string(log), `msg="host is up" host=beta`) {
		t.Errorf("its log: %v\n%s", err, log)
	}
	if err := n.Alive(t.Context()); err != nil {
		t.Errorf("alive: %v", err)
	}
	if n.Number() != h.Number || n.State() != c.State || n.Socket() != c.Socket || len(n.Hosts()) != 1 {
		t.Errorf("it is number %d, with %q and %q", n.Number(), n.State(), n.Socket())
	}
	n.Close()
	n.Close()
	if _, err := kernel.Join(t.Context(), c.Socket, "late"); !errors.Is(err, ipc.Unreachable) {
		t.Errorf("after Close: %v", err)
	}
}

// TestKernelState reads what the process server shows.
func TestKernelState(t *testing.T) {
	c := config(t, "alpha")
	start(t, c)
	names := client(t, c.Socket)
	for file, parts := range map[string][]string{
		"teams":     {"kernel", "log server", "unix server", "pipe server", "team server", "exec server", "test"},
		"processes": {"alpha.0:1", "process server", "receive-blocked"},
		"groups":    {ipc.CSNHGroup.String(), ipc.TeamServerGroup.String()},
		"stats":     {"requests", "local_sends", "bad_packets"},
	} {
		text, err := uio.ReadFile(t.Context(), names, "/proc/alpha/"+file)
		for _, p := range parts {
			if err != nil || !strings.Contains(string(text), p) {
				t.Errorf("%s has no %q: %v\n%s", file, p, err, text)
			}
		}
	}
}

func TestTwoHosts(t *testing.T) {
	a, b := config(t, "alpha"), config(t, "beta")
	one := start(t, a)
	b.Peers = []netip.AddrPort{one.Addr()}
	b.Addr = netip.MustParseAddrPort("127.0.0.2:0")
	start(t, b)
	text, err := uio.ReadFile(t.Context(), client(t, b.Socket), "/proc/alpha/host")
	if err != nil || !strings.Contains(string(text), "alpha") {
		t.Errorf("%q, %v", text, err)
	}
	b.Name, b.State, b.Socket = "alpha", t.TempDir(), NoSocket
	b.Addr = netip.MustParseAddrPort("127.0.0.3:0")
	if n, err := Start(t.Context(), b); !errors.Is(err, ipc.DuplicateName) {
		t.Errorf("a name that is taken: %v, %v", n, err)
	}
}

func TestStartRefuses(t *testing.T) {
	running := config(t, "alpha")
	n := start(t, running)
	for name, c := range map[string]struct {
		change func(*Config)
		want   error
	}{
		"name":         {func(c *Config) { c.Name = "a b" }, ipc.IllegalName},
		"port":         {func(c *Config) { c.Addr = n.Addr() }, ipc.DuplicateName},
		"state":        {func(c *Config) { c.State = running.State }, ipc.DuplicateName},
		"socket":       {func(c *Config) { c.Socket = running.Socket }, ipc.DuplicateName},
		"state a file": {func(c *Config) { c.State = "node_test.go" }, nil},
		"export":       {func(c *Config) { c.Exports = []unix.Export{{Path: "/nosuch"}} }, ipc.NotFound},
	} {
		bad := config(t, "beta")
		bad.Addr = netip.MustParseAddrPort("127.0.0.2:0")
		good := bad
		c.change(&bad)
		n, err := Start(t.Context(), bad)
		if n != nil || err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if name == "export" { // nothing is left of what was booted before
			start(t, good).Close()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := Start(ctx, config(t, "gamma")); n != nil || err == nil {
		t.Errorf("cancelled: %v", err)
	}
}

// TestPrefixOfDeadTeam: a prefix does not stay with a team that is gone.
func TestPrefixOfDeadTeam(t *testing.T) {
	n := start(t, config(t, "alpha"))
	team, err := n.host.NewTeam("test")
	if err != nil {
		t.Fatal(err)
	}
	defer team.Close()
	other := ipc.MakePID(team.LogicalHost(), team.HostServer().Incarnation()+100, 16)
	p, err := team.NewProcess(t.Context(), "server")
	if err != nil {
		t.Fatal(err)
	}
	dead := ipc.MakePID(ipc.MakeLogicalHost(p.PID().Host(), 4000), 1, 16)
	for _, server := range []ipc.PID{dead, p.PID()} {
		if err := n.domain.AddPrefix(naming.Prefix{Name: "/x", Server: server}); err != nil {
			t.Errorf("server %v: %v", server, err)
		}
	}
	if err := n.domain.AddPrefix(naming.Prefix{Name: "/x", Server: other}); !errors.Is(err, ipc.DuplicateName) {
		t.Errorf("a prefix of a team that lives: %v", err)
	}
	if err := n.domain.DeletePrefix("/x", p.PID()); err != nil {
		t.Error(err)
	}
	if slices.ContainsFunc(n.domain.Prefixes(), func(p naming.Prefix) bool { return p.Name == "/x" }) {
		t.Error("a deleted prefix is there")
	}
}

func TestMapPath(t *testing.T) {
	exports := []unix.Export{{Path: "/"}, {Name: "lab", Path: "/tmp/lab"}}
	for name, want := range map[string]string{
		"/unix/beta": "/", "/unix/beta/etc/x": "/etc/x", "/unix/beta/lab": "/tmp/lab",
		"/unix/beta/lab/a/b": "/tmp/lab/a/b", "/unix/beta/labs": "/labs", "/unix/beta/lab/../x": "/x",
		"/unix/gamma/x": "", "/unix/betas": "", "/unix": "", "relative": "", "": "", "/unix/beta/\x00": "",
	} {
		if got, ok := mapPath("beta", exports, name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", name, got, ok, want)
		}
	}
	if got, ok := mapPath("beta", exports[1:], "/unix/beta/etc"); ok {
		t.Errorf("outside of what is exported: %q", got)
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if _, err := TryLock(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	l, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if owner, err := LockOwner(dir); owner != os.Getpid() || err != nil {
		t.Errorf("its owner is %d, %v", owner, err)
	}
	for _, lock := range []func(string) (*Lock, error){LockDir, TryLock} {
		if _, err := lock(dir); !errors.Is(err, ipc.DuplicateName) || !strings.Contains(err.Error(), fmt.Sprintf("process %d has it", os.Getpid())) {
			t.Errorf("locked: %v", err)
		}
	}
	l.Close()
	for _, dir := range []string{dir, filepath.Dir(dir)} {
		if owner, err := LockOwner(dir); owner != 0 || err != nil {
			t.Errorf("nobody's: %d, %v", owner, err)
		}
	}
	l, err = TryLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestDefaults(t *testing.T) {
	var c Config
	if name := c.name(); name == "" || strings.Contains(name, ".") {
		t.Errorf("name %q", name)
	}
	if a := c.addr(); a.String() != "0.0.0.0:8145" {
		t.Errorf("address %v", a)
	}
	if s := (&Config{Socket: NoSocket}).socket(); s != "" {
		t.Errorf("no socket: %q", s)
	}
	if !filepath.IsAbs(c.socket()) || !filepath.IsAbs(c.state()) || Version() == "" {
		t.Errorf("%q, %q, %q", c.socket(), c.state(), Version())
	}
	for field, want := range map[string]string{"Requests": "requests", "BadPackets": "bad_packets"} {
		if got := snake(field); got != want {
			t.Errorf("%s: %s", field, got)
		}
	}
}
