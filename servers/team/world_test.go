package team

import (
	"bytes"
	"context"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/link/mem"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/program"
	"vsys/servers/pipe"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// world is hosts on one network in memory, named alpha, beta, …, each with a
// kernel server that knows all, a team server, and a client.
type world struct {
	t     testing.TB
	wire  wire
	net   *mem.Network
	hosts []*host
}

// host is one of the hosts. Its Unix files are /unix/NAME.
type host struct {
	w      *world
	name   string
	k      *kernel.Kernel
	domain *namingtest.Domain
	server *Server
	names  *naming.Client
	client *program.Client
	stop   func() // ends the team server
}

var hostNames = []string{"alpha", "beta"}

// wire is what kernels know of one another.
type wire map[uint16]netip.AddrPort

func (w wire) Locate(h uint16) (netip.AddrPort, bool) { a, ok := w[h]; return a, ok }
func (w wire) Members(ipc.PID, bool) error            { return nil }
func (w wire) HostName(h uint16) string {
	if h == 0 || int(h) > len(hostNames) {
		return ""
	}
	return hostNames[h-1]
}

// newWorld starts n hosts.
func newWorld(t testing.TB, n int) *world {
	t.Helper()
	w := &world{t: t, wire: wire{}, net: mem.NewNetwork()}
	w.net.MTU = 1472
	for i := range n {
		w.wire[uint16(i+1)] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), 8145)
	}
	for i := range n {
		w.addHost(i)
	}
	for _, h := range w.hosts {
		h.startTeam(&Server{MapPath: h.mapPath})
	}
	return w
}

func (w *world) addHost(i int) {
	number := uint16(i + 1)
	h := &host{w: w, name: hostNames[i]}
	h.k = kernel.New(kernel.Config{
		Host: h.name, LogicalHost: ipc.MakeLogicalHost(number, 0),
		Link: w.net.Link(w.wire[number]), Domain: w.wire,
	})
	w.t.Cleanup(h.k.Close)
	p, err := h.k.NewServer(context.Background(), "process", 1)
	if err != nil {
		w.t.Fatal(err)
	}
	h.domain = namingtest.NewDomain(w.listing(number)...)
	h.domain.Serve(w.t, p)
	h.names = naming.NewClient(h.k)
	w.t.Cleanup(h.names.Close)
	h.client = program.NewClient(h.names)
	w.t.Cleanup(h.client.Close)
	w.hosts = append(w.hosts, h)
}

// listing is the hosts as the one with that number sees them.
func (w *world) listing(self uint16) []naming.Host {
	var list []naming.Host
	for i := range w.wire {
		h := naming.Host{
			Number: i, Name: w.wire.HostName(i), State: naming.HostLive, Processor: runtime.GOARCH,
			Processors: 2, Load: float64(i), Server: ipc.MakePID(ipc.MakeLogicalHost(i, 0), 0, 1),
		}
		if i == self {
			h.State = naming.HostSelf
		}
		list = append(list, h)
	}
	return list
}

func (h *host) mapPath(name string) (string, bool) {
	path, ok := strings.CutPrefix(name, "/unix/"+h.name)
	return "/" + strings.TrimPrefix(path, "/"), ok
}

// unix returns the V name of a Unix path on the host.
func (h *host) unix(path string) string { return "/unix/" + h.name + path }

// serve lets a server's Serve run on a new process of the host.
func (h *host) serve(name string, serve func(context.Context, ipc.Process) error) (p ipc.Process, stop func()) {
	t := h.w.t
	t.Helper()
	p, err := h.k.NewProcess(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, p) }() // ends with ctx; stop waits for it
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Cleanup(stop)
	return p, stop
}

// startTeam starts the host's team server, tells all hosts, and returns when it
// answers.
func (h *host) startTeam(s *Server) {
	t := h.w.t
	t.Helper()
	h.server = s
	p, stop := h.serve("team", s.Serve)
	h.stop = stop
	var m ipc.Message
	m.SetOp(program.OpQueryHost)
	buf := make([]byte, ipc.MaxAppended)
	if _, err := h.names.Send(within(t), &m, p.PID(), ipc.Segment{Write: buf}); err != nil || m.Code() != ipc.OK {
		t.Fatalf("%s: %v, %v", h.name, err, m.Code())
	}
	h.announce("/team/"+h.name, p.PID())
}

// announce tells all hosts of a prefix.
func (h *host) announce(prefix string, server ipc.PID) {
	for _, other := range h.w.hosts {
		err := other.domain.AddPrefix(naming.Prefix{Name: prefix, Server: server, Host: server.Host(), HostName: h.name})
		if err != nil {
			h.w.t.Fatal(err)
		}
	}
}

// memory starts a server of files and pipes under a prefix.
func (h *host) memory(prefix string) {
	p, _ := h.serve("memory", uiotest.NewMemory().Serve)
	h.announce(prefix, p.PID())
}

// pipes starts a pipe server.
func (h *host) pipes() {
	p, _ := h.serve("pipe", new(pipe.Server).Serve)
	h.announce(pipe.Prefix(h.name), p.PID())
}

// pipe makes a pipe and returns its ends, opened by the client of from.
func (h *host) pipe(name string, from *host) (r, w *uio.File) {
	t := h.w.t
	t.Helper()
	w, err := uio.Open(within(t), from.names, name, uio.Write|uio.Create, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = uio.Open(within(t), from.names, name, uio.Read, 0); err != nil {
		t.Fatal(err)
	}
	return r, w
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// sh returns a Cmd for a shell script, with its output.
func (h *host) sh(script string) (*program.Cmd, *bytes.Buffer) {
	var out bytes.Buffer
	cmd := h.client.Command("sh", "-c", script)
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// gone waits until the Unix process pid has ended, and tells how long that took.
func gone(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	deadline := time.Now().Add(10 * time.Second)
	for {
		n, err := unix.Poll(polls, int(time.Until(deadline).Milliseconds()))
		if n == 1 {
			return
		}
		if err != unix.EINTR {
			t.Fatalf("process %d lives on: %v", pid, err)
		}
	}
}
