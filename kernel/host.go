package kernel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link"
	"vsys/link/faulty"
	"vsys/link/udp"
)

// HostConfig says what a host is.
type HostConfig struct {
	Name   string         // see hello.ValidName
	Addr   netip.AddrPort // one UDP port for all teams; port 0 takes a free one
	Peers  []netip.AddrPort
	Socket string // Unix socket for teams that join: a path, or "@name"; "": none
	// Listener, if set, is that socket, open already; the host closes it.
	Listener *net.UnixListener
	State    string  // directory for the host's number and incarnations; "": kept nowhere
	Version  string  // of the program
	Member   *Member // nil: the domain is clear, nothing is sealed
	// Multicast has the host look for others on every sane interface (package nic),
	// or on those named.
	Multicast  bool
	Interfaces []string
	// Lost is called, at most once and from a goroutine of its own, when the name, the
	// number or the key of the running host turns out to be another's (*Taken).
	Lost func(error)

	MTU    int           // octets in a datagram; 0: what the network has
	Faults faulty.Config // to be done to what is sent
	Logger *slog.Logger  // nil: discard
}

// The sockets of a host's pool: as many at boot, and at most. A team number comes
// back after all others were used.
const (
	firstTeams = 64
	MaxTeams   = 4096
)

// Host is the host kernel: the first team of a host, which makes the others.
// Its methods may be called by any goroutine.
type Host struct {
	*Kernel
	config HostConfig
	log    *slog.Logger
	pool   *udp.Pool
	ids    incarnations
	ctx    context.Context
	cancel context.CancelFunc
	loops  sync.WaitGroup
	slept  atomic.Int64      // nanoseconds since the machine booted
	socket *net.UnixListener // nil: none

	mu       sync.Mutex                                        // guards what follows; taken before Kernel.mu
	used     map[uint16]*[(ipc.MaxIncarnation + 1) / 64]uint64 // incarnations that keys were dealt to, by team number
	after    time.Duration                                     // sessions made before are not for teams made from now on
	teams    map[uint16]*Team
	lastTeam uint16
	dead     map[uint16]*deadTeam
	closed   bool

	hosts hosts
}

// Team is one team of a host, as its host kernel sees it.
type Team struct {
	Number      uint16 // and slot of its socket
	Incarnation uint16
	Name        string
	OSProcess   int           // its Linux process
	kernel      *Kernel       // if it lives in the host kernel's Linux process
	after       time.Duration // sessions made before are not for it
}

// NewHost boots the kernel of a host: it binds the port, greets the other hosts
// and accepts teams. It returns an error that says what is wrong, with the Code
// DuplicateName where a port, a socket or the name is taken.
func NewHost(ctx context.Context, c HostConfig) (*Host, error) {
	if err := CheckName(c.Name); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Host{config: c, log: c.Logger, teams: map[uint16]*Team{}, dead: map[uint16]*deadTeam{}}
	h.used = map[uint16]*[(ipc.MaxIncarnation + 1) / 64]uint64{}
	var err error
	if h.ids, err = openIncarnations(c.State); err != nil {
		return nil, err
	}
	if h.pool, err = udp.NewPool(c.Addr, firstTeams); err != nil {
		return nil, fmt.Errorf("host %s: %w", c.Name, err)
	}
	if err := h.start(ctx); err != nil {
		h.pool.Close()
		return nil, err
	}
	return h, nil
}

// CheckName returns IllegalName, in words, if no host can be called so.
func CheckName(name string) error {
	if hello.ValidName(name) {
		return nil
	}
	return fmt.Errorf("%q can't be the name of a host: it takes 1 to 63 letters, digits, hyphens: %w", name, ipc.IllegalName)
}

// start makes team 0, then lets others in.
func (h *Host) start(ctx context.Context) error {
	l, err := h.link(0)
	if err != nil {
		return err
	}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	incarnation, err := h.ids.next()
	if err != nil {
		return err
	}
	own := hostDomain{h, &Team{Incarnation: incarnation}}
	h.Kernel = newKernel(Config{
		Host: h.config.Name, LogicalHost: ipc.MakeLogicalHost(h.ids.number, 0),
		Incarnation: incarnation, Link: l, Domain: own, Keys: own.keys(), Logger: h.log,
	})
	h.Kernel.relay = &relay{
		k: h.Kernel, teams: map[uint16]*Team{}, members: map[ipc.PID]map[uint16]bool{},
		hosts: h.hosts.addresses, host: &h.hosts,
	}
	if err := h.hosts.init(h); err != nil {
		h.Kernel.Close()
		return err
	}
	h.Kernel.startLoops()
	if err := h.hosts.claim(ctx); err != nil {
		h.hosts.stop()
		h.Kernel.Close()
		return err
	}
	if h.socket = h.config.Listener; h.socket != nil || h.config.Socket != "" {
		if h.socket == nil {
			h.socket, err = listen(h.config.Socket)
		}
		if err != nil {
			h.hosts.goodbye()
			h.Kernel.Close()
			return fmt.Errorf("host %s: socket for teams: %w", h.config.Name, err)
		}
		h.loops.Add(1)
		go h.acceptLoop()
	}
	return nil
}

// Close ends the host: it says goodbye, ends the teams that live in its process,
// and leaves the others without a host.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	teams := h.teams
	h.teams = map[uint16]*Team{}
	dead := h.dead
	h.dead = map[uint16]*deadTeam{}
	h.mu.Unlock()
	h.hosts.goodbye()
	if h.socket != nil {
		h.socket.Close()
	}
	h.cancel()
	for _, t := range teams {
		if t.kernel != nil {
			t.kernel.Close()
		}
	}
	for _, d := range dead {
		d.stop()
	}
	h.loops.Wait()
	h.Kernel.Close()
	h.pool.Close()
}

// Listener returns the socket for teams that join, nil if there is none. It is the
// host's, to be copied only.
func (h *Host) Listener() *net.UnixListener { return h.socket }

// Addr returns the address of the host's port.
func (h *Host) Addr() netip.AddrPort { return h.pool.Addr() }

// link returns the link of the team in slot, in this process.
func (h *Host) link(slot uint16) (link.Link, error) {
	l, err := h.pool.Link(int(slot), udp.Options{MTU: h.config.MTU})
	if err != nil {
		return nil, fmt.Errorf("host %s: socket of team %d: %w", h.config.Name, slot, err)
	}
	return withFaults(l, h.config.Faults, slot), nil
}

// withFaults wraps l if there are faults to be done.
func withFaults(l link.Link, f faulty.Config, slot uint16) link.Link {
	if f.Loss == 0 && f.Duplicate == 0 && f.Reorder == 0 {
		return l
	}
	f.Seed += uint64(slot)
	return faulty.New(l, f)
}

// NewTeam makes a team that lives in this Linux process, called name in listings.
// Closing its kernel ends it.
func (h *Host) NewTeam(name string) (*Kernel, error) {
	t, err := h.admit(name, os.Getpid())
	if err != nil {
		return nil, err
	}
	l, err := h.link(t.Number)
	if err != nil {
		h.bury(t)
		return nil, err
	}
	domain := hostDomain{h, t}
	k := newKernel(Config{
		Host: h.config.Name, LogicalHost: ipc.MakeLogicalHost(h.ids.number, t.Number),
		Incarnation: t.Incarnation, HostServer: h.HostServer(),
		Link: l, Domain: domain, Keys: domain.keys(), Logger: h.log,
	})
	k.closing = func() { h.bury(t) }
	k.startLoops()
	h.mu.Lock()
	lives := h.teams[t.Number] == t
	if lives {
		t.kernel = k
	}
	h.mu.Unlock()
	if !lives { // the host was closed meanwhile
		k.Close()
		return nil, &ipc.OpError{Op: "kernel.NewTeam", Name: name, Host: h.config.Name, Err: ipc.Aborted}
	}
	return k, nil
}

// admit gives out a team number: the next one that no living team has.
func (h *Host) admit(name string, process int) (*Team, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &ipc.OpError{Op: "kernel.Join", Name: name, Host: h.config.Name, Err: ipc.Aborted}
	}
	number, err := h.freeTeam()
	if err != nil {
		return nil, &ipc.OpError{Op: "kernel.Join", Name: name, Host: h.config.Name, Err: err}
	}
	incarnation, err := h.ids.next()
	if err != nil {
		return nil, err
	}
	if d := h.dead[number]; d != nil {
		delete(h.dead, number)
		d.stop()
	}
	t := &Team{Number: number, Incarnation: incarnation, Name: name, OSProcess: process}
	if h.usedBefore(t) {
		h.after = h.hosts.renewKeys()
		clear(h.used)
		for _, living := range h.teams {
			h.usedBefore(living)
		}
		h.usedBefore(t)
	}
	t.after = h.after
	h.teams[number] = t
	h.lastTeam = number
	h.Kernel.mu.Lock()
	h.Kernel.relay.teams[number] = t
	h.Kernel.mu.Unlock()
	return t, nil
}

// usedBefore notes that keys are dealt to a team, and tells whether they may have been
// to another of that number and incarnation. h.mu is held.
func (h *Host) usedBefore(t *Team) bool {
	bits := h.used[t.Number]
	if bits == nil {
		bits = new([(ipc.MaxIncarnation + 1) / 64]uint64)
		h.used[t.Number] = bits
	}
	word, bit := &bits[t.Incarnation/64], uint64(1)<<(t.Incarnation%64)
	used := *word&bit != 0
	*word |= bit
	return used
}

// freeTeam returns a free team number; h.mu is held. It makes more sockets when
// three quarters are in use.
func (h *Host) freeTeam() (uint16, error) {
	n := h.pool.Len()
	if len(h.teams)+1 > n*3/4 && n < MaxTeams {
		if err := h.pool.Grow(min(2*n, MaxTeams)); err == nil {
			n = h.pool.Len()
		} else if len(h.teams)+1 >= n {
			return 0, errors.Join(ipc.NoServerResources, err)
		}
	}
	for i := 1; i < n; i++ {
		number := uint16((int(h.lastTeam) + i) % n)
		if number != 0 && h.teams[number] == nil {
			return number, nil
		}
	}
	return 0, ipc.NoServerResources
}

// bury takes a team that has ended out of all tables and answers for it until
// its number is used again.
func (h *Host) bury(t *Team) {
	k := h.Kernel
	k.mu.Lock()
	if k.relay.teams[t.Number] == t {
		delete(k.relay.teams, t.Number)
		for group, teams := range k.relay.members {
			if delete(teams, t.Number); len(teams) == 0 {
				delete(k.relay.members, group)
			}
		}
	}
	k.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.teams[t.Number] != t || h.closed {
		return
	}
	delete(h.teams, t.Number)
	h.hosts.removeServer(ipc.MakeLogicalHost(h.ids.number, t.Number))
	d, err := newDeadTeam(h, t.Number)
	if err != nil {
		h.log.Warn("nobody answers for a dead team", "team", t.Name, "err", err)
		return
	}
	h.dead[t.Number] = d
}

// Teams returns the teams that live.
func (h *Host) Teams() []Team {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []Team{{Name: "kernel", OSProcess: os.Getpid(), Incarnation: h.base.Incarnation()}}
	for _, t := range h.teams {
		out = append(out, Team{Number: t.Number, Incarnation: t.Incarnation, Name: t.Name, OSProcess: t.OSProcess})
	}
	return out
}

// deadTeam reads what still comes for a team that has ended, and lets the host
// kernel answer NONEXISTENT_ENTITY.
type deadTeam struct {
	link    *udp.Link
	stopped chan struct{}
	done    chan struct{}
}

func newDeadTeam(h *Host, slot uint16) (*deadTeam, error) {
	l, err := h.pool.Link(int(slot), udp.Options{})
	if err != nil {
		return nil, err
	}
	h.pool.Retire(int(slot))
	d := &deadTeam{link: l, stopped: make(chan struct{}), done: make(chan struct{})}
	go d.answerLoop(h)
	return d, nil
}

// answerLoop ends when stop is called.
func (d *deadTeam) answerLoop(h *Host) {
	defer close(d.done)
	batch := link.NewBatch(1, maxDatagram)
	for {
		for d.link.TryReceive(batch) > 0 {
			p := batch.Packets[0]
			h.Input(p.From, p.Data)
		}
		select {
		case <-d.stopped:
			return
		default:
		}
		d.link.Park(parkLimit)
	}
}

func (d *deadTeam) stop() {
	close(d.stopped)
	d.link.Close()
	<-d.done
}

// hostDomain is the Domain, and the Keys, of one team, as the host kernel answers
// for it.
type hostDomain struct {
	h    *Host
	team *Team
}

// keys returns the team's Keys, nil in a clear domain.
func (d hostDomain) keys() Keys {
	if d.h.config.Member == nil {
		return nil
	}
	return d
}

func (d hostDomain) Locate(host uint16) (netip.AddrPort, bool) { return d.h.hosts.locate(host) }

func (d hostDomain) HostName(host uint16) string { return d.h.hosts.name(host) }

func (d hostDomain) Members(group ipc.PID, has bool) error {
	k := d.h.Kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	teams := k.relay.members[group]
	switch {
	case has && teams == nil:
		k.relay.members[group] = map[uint16]bool{d.team.Number: true}
	case has:
		teams[d.team.Number] = true
	default:
		if delete(teams, d.team.Number); len(teams) == 0 {
			delete(k.relay.members, group)
		}
	}
	return nil
}

// randomSource returns a source of randomness seeded by the runtime.
func randomSource() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }

// since returns the time as the host table sees it: it goes on while the machine
// sleeps, other than Go's, from the next tick on.
func (h *Host) since() time.Duration { return h.Kernel.now() + time.Duration(h.slept.Load()) }

// noteSleep finds out how long the machine has slept.
func (h *Host) noteSleep() {
	var boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) == nil && unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) == nil {
		h.slept.Store(max(h.slept.Load(), boot.Nano()-awake.Nano()))
	}
}
