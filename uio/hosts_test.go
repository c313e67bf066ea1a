package uio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/kernel"
	"vsys/link/faulty"
	"vsys/naming"
	"vsys/servers/process"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// domain is the V domain as the kernel of a host knows it.
type domain struct{ h *kernel.Host }

func (d domain) Hosts() (list []naming.Host) {
	states := map[hello.State]naming.HostState{hello.Self: naming.HostSelf, hello.Live: naming.HostLive}
	for _, h := range d.h.Hosts() {
		state, ok := states[h.State]
		if !ok {
			state = naming.HostLost
		}
		list = append(list, naming.Host{Number: h.Number, Name: h.Name, Server: h.Kernel, State: state})
	}
	return list
}

func (d domain) Prefixes() (list []naming.Prefix) {
	for _, m := range d.h.Prefixes() {
		list = append(list, naming.Prefix{
			Name: m.Prefix.Name, Server: m.Prefix.Server, Context: m.Prefix.Context,
			Host: m.Host.Number, HostName: m.Host.Name, Lost: m.Host.State == hello.Lost,
		})
	}
	return list
}

func (d domain) AddPrefix(p naming.Prefix) error {
	return d.h.AddPrefix(hello.Prefix{Name: p.Name, Server: p.Server, Context: p.Context})
}

func (d domain) DeletePrefix(name string, server ipc.PID) error {
	return d.h.RemovePrefix(name, server)
}

// nothing is a kernel that the process server has nothing to show of.
type nothing struct{}

func (nothing) Processes() []process.ProcessInfo { return nil }
func (nothing) Groups() []process.GroupInfo      { return nil }
func (nothing) Teams() []process.TeamInfo        { return nil }
func (nothing) Stats() map[string]uint64         { return nil }

// boot boots a host with a process server, at a loopback address whose last octet
// is number. It lives as long as the test.
func boot(t testing.TB, name string, number byte, c kernel.HostConfig) *kernel.Host {
	t.Helper()
	c.Name, c.Addr = name, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, number}), 0)
	h, err := kernel.NewHost(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	p, err := h.NewServer(context.Background(), "process", h.HostServer().Process())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when p is destroyed; waited for below
		defer close(done)
		s := process.Server{Domain: domain{h}, Kernel: nothing{}}
		if err := s.Serve(context.Background(), p); err != nil {
			t.Errorf("process server of %s: %v", name, err)
		}
	}()
	t.Cleanup(func() { p.Destroy(); <-done })
	return h
}

// serveMemory starts a team of h with a server in memory, at "/mem"; stop ends
// the team.
func serveMemory(t testing.TB, h *kernel.Host, m *uiotest.Memory) (stop func()) {
	t.Helper()
	team, err := h.NewTeam("memory")
	if err != nil {
		t.Fatal(err)
	}
	_, end := uiotest.Serve(t, team, &m.Server, "/mem")
	stop = func() { end(); team.Close() }
	t.Cleanup(stop)
	return stop
}

// newClient returns a client in a team of h, when that has heard of "/mem".
func newClient(t testing.TB, h *kernel.Host) *naming.Client {
	t.Helper()
	team, err := h.NewTeam("client")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(team.Close)
	c := naming.NewClient(team)
	t.Cleanup(c.Close)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	heard := func(p naming.Prefix) bool { return p.Name == "/mem" && !p.Lost }
	for deadline := time.Now().Add(10 * time.Second); !slices.ContainsFunc(domain{h}.Prefixes(), heard); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not heard of /mem", h.Host())
		}
	}
	return c
}

// networks are those that hosts are tried on.
var networks = []struct {
	name   string
	config kernel.HostConfig
}{
	{"loopback", kernel.HostConfig{}},
	{"small MTU", kernel.HostConfig{MTU: 1472}},
	{"bad network", kernel.HostConfig{
		MTU: 1472, Faults: faulty.Config{Seed: 1, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05},
	}},
}

// TestHosts uses a server on another host: files, a directory, a stream, and the
// server's successor.
func TestHosts(t *testing.T) {
	for _, network := range networks {
		t.Run(network.name, func(t *testing.T) {
			alpha := boot(t, "alpha", 1, network.config)
			network.config.Peers = []netip.AddrPort{alpha.Addr()}
			beta := boot(t, "beta", 2, network.config)
			memory := uiotest.NewMemory()
			stop := serveMemory(t, beta, memory)
			c := newClient(t, alpha)
			testMegabyte(t, c)
			testStream(t, c)
			testWarm(t, c)
			stop()
			_, err := uio.ReadFile(t.Context(), c, "/mem/megabyte")
			if !errors.Is(err, ipc.Unreachable) || !strings.Contains(err.Error(), "beta") {
				t.Errorf("without a server: %v; want unreachable, with the name beta", err)
			}
			successor := uiotest.NewMemory()
			successor.Tree.Root = memory.Tree.Root
			serveMemory(t, beta, successor)
			testRepair(t, c)
		})
	}
}

// testMegabyte writes and reads a megabyte and lists it.
func testMegabyte(t *testing.T, c *naming.Client) {
	data := make([]byte, 1<<20)
	r := rand.NewChaCha8([32]byte{})
	r.Read(data)
	ctx := t.Context()
	if err := uio.WriteFile(ctx, c, "/mem/megabyte", data, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := uio.ReadFile(ctx, c, "/mem/megabyte")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d octets, %v; equal: %v", len(got), err, bytes.Equal(got, data))
	}
	f, err := uio.Open(ctx, c, "/mem/megabyte", uio.Read, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var copied bytes.Buffer
	if n, err := io.Copy(&copied, f); n != 1<<20 || err != nil || !bytes.Equal(copied.Bytes(), data) {
		t.Errorf("copied %d octets, %v; equal: %v", n, err, bytes.Equal(copied.Bytes(), data))
	}
	list, err := uio.ReadDir(ctx, c, "/mem")
	if err != nil || len(list) != 1 || list[0].Name != "megabyte" || list[0].Size != 1<<20 {
		t.Errorf("/mem holds %v, %v", list, err)
	}
	if list, err = uio.ReadDir(ctx, c, "/proc"); err != nil || len(list) != 2 {
		t.Errorf("/proc holds %v, %v; want alpha and beta", list, err)
	}
}

// testStream sends 200 KB through a pipe on the other host, after a reader that
// was killed.
func testStream(t *testing.T, c *naming.Client) {
	w, err := uio.Open(t.Context(), c, "/mem/a.pipe", uio.Write|uio.Create, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*uio.File
	for i := range ends {
		if ends[i], err = uio.Open(t.Context(), c, "/mem/a.pipe", uio.Read, 0); err != nil {
			t.Fatal(err)
		}
		defer ends[i].Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := ends[0].ReadContext(ctx, make([]byte, 10)); !errors.Is(err, ipc.UserTimeout) {
		t.Errorf("read of an empty pipe: %v", err)
	}
	data := bytes.Repeat([]byte("0123456789"), 20_000)
	sent := make(chan error, 1)
	go func() { // ends when all is written; waited for below
		_, err := w.Write(data)
		sent <- errors.Join(err, w.Close())
	}()
	if got, err := io.ReadAll(ends[1]); err != nil || !bytes.Equal(got, data) {
		t.Errorf("of %d octets %d came, %v", len(data), len(got), err)
	}
	if err := <-sent; err != nil {
		t.Errorf("write: %v", err)
	}
}

// testWarm counts questions for a name whose prefix is known: there are none, so
// to open is one transaction.
func testWarm(t *testing.T, c *naming.Client) {
	before := c.Stats()
	for range 10 {
		f, err := uio.Open(t.Context(), c, "/mem/megabyte", uio.Read, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(make([]byte, 100), 0); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	after := c.Stats()
	before.Hits += 10
	if after != before {
		t.Errorf("the client counts %+v, want %+v", after, before)
	}
}

// testRepair reads a file of a server that another one has replaced, of which
// neither the client nor perhaps its host has heard.
func testRepair(t *testing.T, c *naming.Client) {
	if got, err := uio.ReadFile(t.Context(), c, "/mem/megabyte"); len(got) != 1<<20 || err != nil {
		t.Errorf("from the successor: %d octets, %v", len(got), err)
	}
}

// hostVariable has the address of a host that the test binary is started to be
// the neighbour of.
const hostVariable = "VSYS_TEST_NEIGHBOUR"

// TestSilentHost stops a host in the middle of everything: what waits and what is
// asked then fails within five seconds, and says which host is lost.
func TestSilentHost(t *testing.T) {
	if address := os.Getenv(hostVariable); address != "" {
		beNeighbour(t, address)
		return
	}
	alpha := boot(t, "alpha", 1, kernel.HostConfig{})
	beta := startNeighbour(t, alpha)
	c := newClient(t, alpha)
	pipe, err := uio.Open(t.Context(), c, "/mem/a.pipe", uio.Read|uio.Create, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { // ends when beta is lost; waited for below
		_, err := pipe.Read(make([]byte, 1))
		failed <- err
	}()
	stopProcess(t, beta)
	begin := time.Now()
	_, err = uio.Open(t.Context(), c, "/mem/file", uio.Read, 0)
	for what, err := range map[string]error{"open": err, "read that waits": <-failed} {
		if !errors.Is(err, ipc.Unreachable) || !strings.Contains(fmt.Sprint(err), "beta") {
			t.Errorf("%s: %v; want unreachable, with the name beta", what, err)
		}
	}
	if d := time.Since(begin); d > 5500*time.Millisecond {
		t.Errorf("said only after %v", d)
	}
	begin = time.Now()
	if _, err = c.Stat(t.Context(), "/mem/file"); !errors.Is(err, ipc.Unreachable) || time.Since(begin) > time.Second {
		t.Errorf("when it is known: %v after %v", err, time.Since(begin))
	}
}

// startNeighbour starts an operating system's process that is the host beta.
func startNeighbour(t *testing.T, h *kernel.Host) *os.Process {
	t.Helper()
	beta := exec.Command(os.Args[0], "-test.run=^TestSilentHost$")
	beta.Env = append(os.Environ(), fmt.Sprintf("%s=%v", hostVariable, h.Addr()))
	stdin, err := beta.StdinPipe()
	if err == nil {
		err = beta.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = beta.Process.Kill() // it is stopped, and could not say goodbye
		_ = beta.Wait()
	})
	return beta.Process
}

// stopProcess stops an operating system's process, and waits until it stands.
func stopProcess(t *testing.T, p *os.Process) {
	t.Helper()
	var status syscall.WaitStatus
	err := p.Signal(syscall.SIGSTOP)
	for err == nil && !status.Stopped() {
		_, err = syscall.Wait4(p.Pid, &status, syscall.WUNTRACED, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// beNeighbour is a host with a server in memory until the standard input ends.
func beNeighbour(t *testing.T, address string) {
	peer, err := netip.ParseAddrPort(address)
	if err != nil {
		t.Fatal(err)
	}
	serveMemory(t, boot(t, "beta", 2, kernel.HostConfig{Peers: []netip.AddrPort{peer}}), uiotest.NewMemory())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
