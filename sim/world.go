package sim

import (
	"container/heap"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"vsys/seal/cert"
)

// Config says what a world is made of. The zero value is three hosts on a
// network without faults.
type Config struct {
	Hosts   int       // 0: 3; at most 26
	Network Network   // may be changed later, by World.Network
	Sealed  bool      // the hosts are of a domain, and seal what they send
	Trace   io.Writer // gets a ladder of the packets, and notes; nil: none
}

// World is a number of hosts on one network. It is for one goroutine. All that
// happens in it follows from its seed and from what its user does.
type World struct {
	// Rand is the world's randomness; its user may draw from it too.
	Rand *rand.Rand
	// Network is how packets between hosts fare from now on.
	Network Network
	// Tap sees each datagram that a host sends over the network, before anything
	// happens to it; nil: nobody does. b is only read.
	Tap func(from, to netip.AddrPort, b []byte)
	// Arrived is called when a host has taken a datagram; nil: it is not.
	Arrived func(Arrival)

	now    time.Duration
	events events
	serial uint64
	hosts  []*Host
	byAddr map[netip.AddrPort]*Host
	cut    map[way]bool
	trace  trace
	packet PacketStats
	domain *Domain  // nil: the world is clear
	due    []ticker // memory of nextTick
}

// New returns the world of a seed, with its hosts booted.
func New(seed uint64, c Config) *World {
	if c.Hosts == 0 {
		c.Hosts = 3
	}
	w := &World{
		Rand:    rand.New(rand.NewPCG(seed, 0)),
		Network: c.Network,
		byAddr:  map[netip.AddrPort]*Host{},
		cut:     map[way]bool{},
	}
	w.trace.init(c.Trace, c.Hosts)
	if c.Sealed {
		w.domain = w.NewDomain()
	}
	for i := range c.Hosts {
		h := newHost(w, i)
		if w.domain != nil {
			h.identity = w.domain.Identity(h.Name, w.Wall(), w.Wall().Add(cert.Term))
		}
		w.hosts = append(w.hosts, h)
		w.byAddr[h.addr] = h
	}
	for _, h := range w.hosts {
		h.Boot()
	}
	return w
}

// Domain returns the world's domain, nil if it is clear.
func (w *World) Domain() *Domain { return w.domain }

// Now returns the time since the world began.
func (w *World) Now() time.Duration { return w.now }

// Hosts returns the hosts of the world, in order.
func (w *World) Hosts() []*Host { return w.hosts }

// After calls f when d has passed. Calls that are due at one time are made in
// the order of After.
func (w *World) After(d time.Duration, f func()) {
	w.serial++
	heap.Push(&w.events, event{w.now + d, w.serial, f})
}

// Run lets the world go on until the given time.
func (w *World) Run(until time.Duration) {
	for w.step(until) {
	}
	w.now = max(w.now, until)
}

// step does what is to be done next, unless that is later than until.
func (w *World) step(until time.Duration) bool {
	at, t := w.nextTick()
	if len(w.events) > 0 && w.events[0].at <= at {
		if w.events[0].at > until {
			return false
		}
		e := heap.Pop(&w.events).(event)
		w.now = max(w.now, e.at)
		e.f()
		return true
	}
	if at > until {
		return false
	}
	w.now = max(w.now, at)
	t.Tick()
	return true
}

// nextTick returns who wants to be called next, and when.
func (w *World) nextTick() (at time.Duration, next ticker) {
	at = never
	w.due = w.due[:0]
	for _, h := range w.hosts {
		if !h.paused {
			w.due = h.tickers(w.due)
		}
	}
	for _, t := range w.due {
		if d := t.Deadline(); d < at {
			at, next = d, t
		}
	}
	return at, next
}

const never = time.Duration(1<<63 - 1)

// event is a call that is due at a time.
type event struct {
	at     time.Duration
	serial uint64
	f      func()
}

// events is a heap.Interface by time, then in order of making.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}
