package kernel

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/seal"
	"vsys/vmtp"
)

// Domain is what a team asks its host kernel about the rest of the V domain.
// Its methods may take as long as a message to the host kernel.
type Domain interface {
	// Locate returns the address of a host.
	Locate(host uint16) (netip.AddrPort, bool)
	// HostName returns the name of a host, "" if it is not known.
	HostName(host uint16) string
	// Members tells that this team now has, or no longer has, members of group.
	Members(group ipc.PID, has bool) error
}

// Config says what a team is. The zero value is a team without a network.
type Config struct {
	Host        string          // the name of the host
	LogicalHost ipc.LogicalHost // the team's; 0: host 1, team 0
	Incarnation uint16          // of the team number, 0 to 4095
	HostServer  ipc.PID         // the host's kernel server; 0: process 1 of the host's team 0

	Link   link.Link    // to other teams; nil: none
	Domain Domain       // nil: none
	Keys   Keys         // nil: the domain is clear
	Logger *slog.Logger // nil: discard
	Rand   *rand.Rand   // nil: seeded by the runtime

	// Clock returns the time since some origin; nil: the runtime's monotonic
	// clock. With a Clock of its own, for the simulator, a kernel starts no
	// goroutine and no timer: the caller calls Input and Tick.
	Clock func() time.Duration
}

// Kernel is one team's kernel. Its methods may be called by any goroutine.
type Kernel struct {
	config    Config
	log       *slog.Logger
	base      ipc.PID // process 0 of the team: the management module
	origin    time.Time
	ctx       context.Context // of the kernel's own processes
	cancel    context.CancelFunc
	processes processTable
	reader    atomic.Pointer[Process] // who has the reader's role; see baton.go

	announcing sync.Mutex // taken before mu; see announce
	keys       *keyring   // nil in a clear domain

	// What came and was worth nothing.
	badPackets, forged, replayed atomic.Uint64

	mu       sync.Mutex // guards what follows
	endpoint *vmtp.Endpoint
	groups   map[ipc.PID][]*Process
	routes   map[uint16]netip.AddrPort
	narrow   map[uint16]bool // hosts that only small datagrams get to
	baton    baton
	relay    *relay // nil but in a host kernel
	closed   bool
	closing  func()     // tells the host kernel; may be nil
	movers   []*Process // idle processes for MoveTo and MoveFrom
	timer    deadlineTimer
	loops    sync.WaitGroup
	stats    Stats
}

// Stats counts what a kernel did since it was made.
type Stats struct {
	LocalSends uint64 // transactions within the team
	BadPackets uint64 // what came over the link and was neither frame nor packet
	Forged     uint64 // frames that nobody of the domain has sealed, or who may not
	Replayed   uint64 // frames that came before
	Misrouted  uint64 // packets for other teams
	vmtp.Stats
}

// New returns a kernel for a team and starts its loops, if it has a link. Close
// ends them.
func New(c Config) *Kernel {
	k := newKernel(c)
	k.startLoops()
	return k
}

func newKernel(c Config) *Kernel {
	if c.LogicalHost == 0 {
		c.LogicalHost = ipc.MakeLogicalHost(1, 0)
	}
	if c.HostServer == 0 {
		c.HostServer = ipc.MakePID(ipc.MakeLogicalHost(c.LogicalHost.Host(), 0), c.Incarnation, 1)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = randomSource()
	}
	k := &Kernel{
		config: c,
		log:    c.Logger,
		base:   ipc.MakePID(c.LogicalHost, c.Incarnation, 0),
		origin: time.Now(),
		groups: map[ipc.PID][]*Process{},
		routes: map[uint16]netip.AddrPort{},
		narrow: map[uint16]bool{},
	}
	k.endpoint = vmtp.New(k.base, local{k}, c.Rand)
	if c.Keys != nil {
		k.keys = newKeyring(c.Keys, seal.Team{Number: c.LogicalHost.Team(), Incarnation: k.base.Incarnation()}, k.now)
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.timer.init(k)
	k.baton.init(k)
	return k
}

// startLoops begins to read the link.
func (k *Kernel) startLoops() {
	if k.keys != nil {
		k.keys.refreshed(0) // the first message need not wait for it
	}
	k.baton.run()
}

// Host returns the name of the team's host.
func (k *Kernel) Host() string { return k.config.Host }

// HostServer returns the kernel server of the team's host.
func (k *Kernel) HostServer() ipc.PID { return k.config.HostServer }

// HostName returns the name of a host, "" if it is not known.
func (k *Kernel) HostName(number uint16) string {
	switch {
	case number == k.base.Host():
		return k.config.Host
	case k.config.Domain == nil:
		return ""
	}
	return k.config.Domain.HostName(number)
}

// LogicalHost returns the team's logical host.
func (k *Kernel) LogicalHost() ipc.LogicalHost { return k.base.LogicalHost() }

// now returns the time as the transport sees it.
func (k *Kernel) now() time.Duration {
	if k.config.Clock != nil {
		return k.config.Clock()
	}
	return time.Since(k.origin)
}

// Stats returns the counters.
func (k *Kernel) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stats
	s.Stats = k.endpoint.Stats()
	s.BadPackets, s.Forged, s.Replayed = k.badPackets.Load(), k.forged.Load(), k.replayed.Load()
	return s
}

// Close ends all processes and loops of the team and closes its link. It waits
// for the loops, not for the goroutines that hold processes, whose operations
// return Aborted.
func (k *Kernel) Close() {
	k.mu.Lock()
	closed := k.closed
	k.closed = true
	k.mu.Unlock()
	if closed {
		return
	}
	k.cancel()
	for p := range k.processes.all() {
		p.Destroy()
	}
	k.timer.stop()
	k.baton.stop()
	k.loops.Wait()
	if k.config.Link != nil {
		k.config.Link.Close()
	}
	if k.closing != nil {
		k.closing()
	}
}

// NewProcess makes a process; see ipc.Team. Codes: NoServerResources (65,535
// processes are there), Aborted (the team is closed).
func (k *Kernel) NewProcess(ctx context.Context, name string) (ipc.Process, error) {
	p, err := k.newProcess(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// NewServer is NewProcess for a process with a number that others know, as the
// host's kernel server has 1. Code: DuplicateName if the number is in use.
func (k *Kernel) NewServer(ctx context.Context, name string, number uint16) (ipc.Process, error) {
	p, err := k.newProcess(ctx, name, number)
	if err != nil {
		return nil, err
	}
	return p, nil
}
