package hello

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// The rules of the protocol, docs/wire/hello.md.
const (
	// BeatInterval is the time between two beats in a small domain.
	BeatInterval = time.Second
	// ClaimTime is how long a host that boots waits for an elder host of its
	// name, at most.
	ClaimTime = 500 * time.Millisecond
	// Budget bounds what a host sends when nothing happens, in octets a second;
	// beats are spaced for nine tenths of it.
	Budget = 1000
	// Overhead is what every packet has around its body, in octets: IPv4 (20),
	// UDP (8) and the frame (32).
	Overhead = 60

	greetEvery    = 150 * time.Millisecond // to an address that has not answered
	greetTime     = 2 * time.Second        // then only the beats go there
	announceEvery = 100 * time.Millisecond // hellos about a change
	probeEvery    = 250 * time.Millisecond // to a host in doubt
	suspectTime   = time.Second            // from the first probe to lost
	maxInterval   = 2 * time.Minute        // that a host may announce

	never = time.Duration(1<<63 - 1)
)

// How much a table holds.
const (
	maxLive       = 1024
	maxLost       = 256
	maxPeers      = 1024
	maxNeighbours = 64
)

// Packet is what the table wants sent. Body may be shared by several packets
// and must not be changed.
type Packet struct {
	To   netip.AddrPort
	Body []byte
}

// Config says who keeps a table.
type Config struct {
	// Self is the own host. State and Heard are ignored. Addr may be
	// unspecified.
	Self Host
	// Peers are the addresses where other hosts may be; the own one among them
	// does no harm.
	Peers []netip.AddrPort
	// Rand spreads the beats and picks the addresses told to strangers.
	Rand *rand.Rand
}

// Table is what one host knows of all hosts. Its methods must not be called at
// the same time; now is a time since an arbitrary origin that never goes back.
type Table struct {
	self     Host
	revision uint32   // of self's hello
	hosts    []*entry // the others, by number
	peers    []*peer
	rand     *rand.Rand

	started    bool
	start      time.Duration
	nextBeat   time.Duration
	announced  time.Duration // when the last hello about a change was sent
	announceAt time.Duration // when the next is due, never if nothing changed
	turn       int           // which silent address is next

	events   []Event
	reported map[conflictKey]bool
}

// entry is another host.
type entry struct {
	Host
	revision uint32        // of the hello that Host is from
	left     bool          // it said goodbye
	probeAt  time.Duration // when to ask whether it is there, if Live
	lostAt   time.Duration // when it is lost, if Live
}

// peer is an address that is greeted until a host answers from it.
type peer struct {
	addr  netip.AddrPort
	fixed bool          // configured; never forgotten
	until time.Duration // end of the greetings
	next  time.Duration // next greeting, never if there is none
}

// New returns a table that knows only its own host.
func New(c Config) *Table {
	t := &Table{self: c.Self, revision: 1, rand: c.Rand, announceAt: never, reported: map[conflictKey]bool{}}
	t.self.Addr, t.self.State, t.self.Heard = unmap(t.self.Addr), Self, 0
	t.self.Prefixes = slices.Clone(t.self.Prefixes)
	for _, a := range c.Peers {
		if a = unmap(a); a != t.self.Addr && t.peer(a) == nil && len(t.peers) < maxPeers {
			t.peers = append(t.peers, &peer{addr: a, fixed: true, next: never})
		}
	}
	return t
}

// Start greets the configured addresses and begins the claim time.
func (t *Table) Start(now time.Duration, out []Packet) []Packet {
	t.started, t.start, t.announced, t.announceAt = true, now, now, never
	t.nextBeat = now + t.jitter()
	for _, p := range t.peers {
		p.next, p.until = now, now+greetTime
	}
	return t.greet(now, out)
}

// Settled tells whether the claim time is over: all addresses have answered, or
// ClaimTime has passed since Start.
func (t *Table) Settled(now time.Duration) bool {
	if !t.started {
		return false
	}
	live := t.liveAddrs()
	return now >= t.start+ClaimTime || !slices.ContainsFunc(t.peers, func(p *peer) bool { return !live[p.addr] })
}

// Deadline returns when Tick is to be called next; any other call may have
// changed it.
func (t *Table) Deadline() time.Duration {
	if !t.started {
		return never
	}
	d := min(t.nextBeat, t.announceAt)
	for _, e := range t.hosts {
		if e.State == Live {
			d = min(d, e.probeAt, e.lostAt)
		}
	}
	for _, p := range t.peers {
		d = min(d, p.next)
	}
	return d
}

// Tick does what is due at now. Calling it early does no harm.
func (t *Table) Tick(now time.Duration, out []Packet) []Packet {
	if !t.started {
		return out
	}
	out = t.doubt(now, out)
	out = t.greet(now, out)
	if now >= t.announceAt {
		out = t.announce(now, out)
	}
	if now >= t.nextBeat {
		out = t.beat(now, out)
	}
	return out
}

// doubt asks the hosts that are silent, and gives up those that stay so.
func (t *Table) doubt(now time.Duration, out []Packet) []Packet {
	for _, e := range t.hosts {
		switch {
		case e.State != Live:
		case now >= e.lostAt:
			t.becomeLost(e)
		case now >= e.probeAt:
			e.probeAt = now + probeEvery
			out = append(out, t.packet(e.Addr, Beat, Probe))
		}
	}
	t.forget()
	return out
}

// Suspect says that a host did not answer a transaction: it is asked at once,
// and is lost a second later unless it answers.
func (t *Table) Suspect(now time.Duration, number uint16, out []Packet) []Packet {
	e := t.find(number)
	if e == nil || e.State != Live {
		return out
	}
	t.suspect(now, e)
	return t.doubt(now, out)
}

func (t *Table) suspect(now time.Duration, e *entry) {
	e.probeAt = min(e.probeAt, now)
	e.lostAt = min(e.lostAt, now+suspectTime)
}

// becomeLive notes that e was heard from.
func (t *Table) becomeLive(now time.Duration, e *entry, p *Body) {
	back := e.State == Lost
	e.State, e.Heard, e.Addr = Live, now, p.Host.Addr
	e.Load, e.MemoryFree = p.Host.Load, p.Host.MemoryFree
	silence := 2*min(max(p.Interval, BeatInterval), maxInterval) + time.Second
	e.probeAt, e.lostAt = now+silence, now+silence+suspectTime
	if back {
		t.event(Event{Kind: Back, Host: e.Host})
	}
}

func (t *Table) becomeLost(e *entry) {
	e.State = Lost
	t.event(Event{Kind: LostHost, Host: e.Host})
}

// forget drops the longest lost hosts of more than maxLost.
func (t *Table) forget() {
	lost := t.count(Lost)
	for ; lost > maxLost; lost-- {
		oldest := -1
		for i, e := range t.hosts {
			if e.State == Lost && (oldest < 0 || e.Heard < t.hosts[oldest].Heard) {
				oldest = i
			}
		}
		t.hosts = slices.Delete(t.hosts, oldest, oldest+1)
	}
}

// SetLoad notes the own host's load (runnable programs in hundredths) and
// memory (octets), which go out with the next beat.
func (t *Table) SetLoad(load uint32, total, free uint64) {
	t.self.Load, t.self.MemoryTotal, t.self.MemoryFree = load, total, free
}

// liveAddrs returns where the live hosts are.
func (t *Table) liveAddrs() map[netip.AddrPort]bool {
	live := make(map[netip.AddrPort]bool, len(t.hosts))
	for _, e := range t.hosts {
		live[e.Addr] = live[e.Addr] || e.State == Live
	}
	return live
}

func (t *Table) peer(a netip.AddrPort) *peer {
	if i := slices.IndexFunc(t.peers, func(p *peer) bool { return p.addr == a }); i >= 0 {
		return t.peers[i]
	}
	return nil
}

// unmap returns a as IPv4 where it is IPv4 inside IPv6, so that one address has
// one form.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
