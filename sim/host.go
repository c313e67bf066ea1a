package sim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/seal"
	"vsys/seal/cert"
)

// Teams is the number of teams of a host that is up: the host kernel and one
// other.
const Teams = 2

// Host is one host of a world: a host kernel and a team.
type Host struct {
	Name   string
	Number uint16

	world    *World
	index    int
	addr     netip.AddrPort
	uses     uint16 // incarnations given
	teams    [Teams]*Team
	relay    kernel.Relay
	identity cert.Identity // in a sealed world
	trust    *trust        // the same, if it is up
	paused   bool
	buffered []received
	deferred []func()
}

// Team is one life of a team of a host. Its Kernel is the real one.
type Team struct {
	Host   *Host
	Number uint16
	Kernel *kernel.Kernel

	incarnation uint16
}

var hostNames = [...]string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}

func newHost(w *World, i int) *Host {
	name := string(rune('a' + i))
	if i < len(hostNames) {
		name = hostNames[i]
	}
	return &Host{
		Name: name, Number: uint16(i + 1), world: w, index: i,
		addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 8145),
	}
}

// Up tells whether the host runs; one that is paused does.
func (h *Host) Up() bool { return h.teams[0] != nil }

// Team returns the team with that number, 0 for the host kernel; nil if it is
// dead.
func (h *Host) Team(number int) *Team { return h.teams[number] }

// Boot starts the host kernel, then the other team. It does nothing to a host
// that is up.
func (h *Host) Boot() {
	if h.Up() {
		return
	}
	h.world.Note("%s boots", h.Name)
	if h.world.domain != nil {
		h.newTrust()
	}
	h.startTeam(0)
	h.relay = h.teams[0].Kernel.BeHostKernel(h.others)
	h.StartTeam()
}

// newTrust begins a boot in a sealed world.
func (h *Host) newTrust() {
	h.trust = &trust{
		w: h.world, domain: h.world.domain, identity: h.identity, number: h.Number, epoch: uint64(h.world.Wall().UnixNano()),
		send: func(to netip.AddrPort, b []byte) { h.world.send(h, to, b) },
		others: func() (all []netip.AddrPort) {
			for _, o := range h.others() {
				all = append(all, o.Addr)
			}
			return all
		},
	}
	h.trust.start()
}

// StartTeam starts the host's team 1, in a new incarnation. It does nothing if
// the team lives, or the host does not.
func (h *Host) StartTeam() {
	if h.Up() && h.teams[1] == nil {
		t := h.startTeam(1)
		h.relay.Alive(1, t.incarnation)
	}
}

func (h *Host) startTeam(number uint16) *Team {
	w := h.world
	h.uses++
	t := &Team{Host: h, Number: number, incarnation: h.uses}
	c := kernel.Config{
		Host: h.Name, LogicalHost: ipc.MakeLogicalHost(h.Number, number), Incarnation: h.uses,
		Link: port{h}, Domain: domain{h, number}, Clock: w.Now,
		Rand: rand.New(rand.NewPCG(w.Rand.Uint64(), w.Rand.Uint64())),
	}
	if h.trust != nil {
		c.Keys = keys{h.trust, seal.Team{Number: number, Incarnation: h.uses}}
	}
	t.Kernel = kernel.New(c)
	h.teams[number] = t
	return t
}

// others returns the other hosts.
func (h *Host) others() []kernel.HostAddr {
	var out []kernel.HostAddr
	for _, o := range h.world.hosts {
		if o != h {
			out = append(out, kernel.HostAddr{Number: o.Number, Addr: o.addr})
		}
	}
	return out
}

// Crash ends the host without a word. Boot starts it again.
func (h *Host) Crash() {
	h.world.Note("%s crashes", h.Name)
	h.teams, h.trust = [Teams]*Team{}, nil
	h.paused, h.buffered, h.deferred = false, nil, nil
}

// CrashTeam ends the host's team 1 without a word; the host kernel sees it, and
// answers for it.
func (h *Host) CrashTeam() {
	if h.Up() && h.teams[1] != nil {
		h.world.Note("%s: team 1 crashes", h.Name)
		h.teams[1] = nil
		h.relay.Dead(1)
	}
}

// Pause stops the host, with what arrives in its sockets' buffers, until Resume.
func (h *Host) Pause() {
	h.world.Note("%s pauses", h.Name)
	h.paused = h.Up()
}

// Resume lets a paused host go on: with its timers or with what has arrived, as
// chance has it.
func (h *Host) Resume() {
	if !h.paused {
		return
	}
	h.world.Note("%s resumes", h.Name)
	h.paused = false
	if h.world.Rand.IntN(2) == 0 {
		for _, t := range h.tickers(nil) {
			t.Tick()
		}
	}
	buffered, deferred := h.buffered, h.deferred
	h.buffered, h.deferred = nil, nil
	for _, r := range buffered {
		h.arrive(r)
	}
	for _, f := range deferred {
		f()
	}
}

// ticker wants to be called at a time.
type ticker interface {
	Deadline() time.Duration
	Tick()
}

// tickers appends to all what of the host wants to be called.
func (h *Host) tickers(all []ticker) []ticker {
	if h.trust != nil {
		all = append(all, h.trust)
	}
	for _, t := range h.teams {
		if t != nil {
			all = append(all, t.Kernel)
		}
	}
	return all
}

// Alive tells whether this life of the team has not ended.
func (t *Team) Alive() bool { return t.Host.teams[t.Number] == t }

// After calls f when d has passed, later if the host is paused then, and not if
// the team has died.
func (t *Team) After(d time.Duration, f func()) {
	var run func()
	run = func() {
		switch {
		case !t.Alive():
		case t.Host.paused:
			t.Host.deferred = append(t.Host.deferred, run)
		default:
			f()
		}
	}
	t.Host.world.After(d, run)
}

// Spawn makes a process of the team. step is called when what the process waits
// for may have come, never from within an operation of it.
func (t *Team) Spawn(name string, step func()) (*kernel.Async, error) {
	due := false
	return t.Kernel.NewAsync(name, func() {
		if !due {
			due = true
			t.After(0, func() { due = false; step() })
		}
	})
}
