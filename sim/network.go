package sim

import (
	"net/netip"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
)

// Network says how packets between two hosts fare. Those within a host only take
// some time.
type Network struct {
	Loss      float64       // probability that a packet is lost, 0 to 1
	Duplicate float64       // that it arrives twice
	Late      float64       // that it is overtaken: it takes up to Lateness more
	Lateness  time.Duration // 0: 50 ms; much less than a record of a client is kept
	Delay     time.Duration // of each packet; 0: 100 µs
	Jitter    time.Duration // up to so much more
	MTU       int           // octets in a datagram; 0: Ethernet's
}

// PacketStats counts what became of the packets.
type PacketStats struct {
	Sent, Lost, Cut, Duplicated, Late, Delivered uint64
}

// Packets returns what became of the packets so far.
func (w *World) Packets() PacketStats { return w.packet }

// way is one direction between two hosts, by index.
type way struct{ from, to int }

// Cut cuts the way from one host to the other, or mends it. The other direction
// stays as it is.
func (w *World) Cut(from, to *Host, cut bool) {
	w.cut[way{from.index, to.index}] = cut
	w.Note("%s to %s: cut %v", from.Name, to.Name, cut)
}

// MendAll mends all ways.
func (w *World) MendAll() {
	clear(w.cut)
	w.Note("all ways mended")
}

const (
	lateness   = 50 * time.Millisecond
	delay      = 100 * time.Microsecond
	localDelay = 5 * time.Microsecond
)

// send carries a datagram of a host to an address.
func (w *World) send(from *Host, to netip.AddrPort, b []byte) {
	h := w.byAddr[to]
	if h != from && w.Tap != nil {
		w.Tap(from.addr, to, b)
	}
	if h == nil {
		return
	}
	w.packet.Sent++
	n := &w.Network
	switch {
	case h == from:
		w.deliver(localDelay, from, h, b)
	case w.cut[way{from.index, h.index}]:
		w.packet.Cut++
		w.trace.packet(w.now, from, h, b, fateCut)
	case w.Rand.Float64() < n.Loss:
		w.packet.Lost++
		w.trace.packet(w.now, from, h, b, fateLost)
	default:
		w.deliver(w.flight(), from, h, b)
		if w.Rand.Float64() < n.Duplicate {
			w.packet.Duplicated++
			w.deliver(w.flight(), from, h, b)
		}
	}
}

// Inject has a datagram arrive at a host when d has passed, as if it came from any
// address.
func (w *World) Inject(d time.Duration, from netip.AddrPort, to *Host, b []byte) {
	b = slices.Clone(b)
	w.After(d, func() {
		w.trace.packet(w.now, to, to, b, fateInjected)
		to.arrive(received{from, b, true})
	})
}

// flight returns how long a packet takes.
func (w *World) flight() time.Duration {
	n := &w.Network
	d := delay
	if n.Delay > 0 {
		d = n.Delay
	}
	d += w.upTo(n.Jitter)
	if w.Rand.Float64() < n.Late {
		w.packet.Late++
		late := lateness
		if n.Lateness > 0 {
			late = n.Lateness
		}
		d += w.upTo(late)
	}
	return d
}

// upTo returns a random time from 0 to d.
func (w *World) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(w.Rand.Int64N(int64(d) + 1))
}

func (w *World) deliver(d time.Duration, from, to *Host, b []byte) {
	b = slices.Clone(b)
	w.After(d, func() {
		w.trace.packet(w.now, from, to, b, fateArrived)
		to.arrive(received{from.addr, b, false})
	})
}

// Arrival is a datagram that a host has taken.
type Arrival struct {
	Host     *Host
	Team     *Team // whose kernel has looked at it; of a hello or handshake the host kernel
	From     netip.AddrPort
	Datagram []byte // as it came
	Injected bool
	Refused  bool // it was worth nothing, and has changed nothing
}

// arrive takes a datagram off the network.
func (h *Host) arrive(r received) {
	w := h.world
	switch {
	case !h.Up():
	case h.paused:
		if len(h.buffered) < socketBuffer {
			h.buffered = append(h.buffered, r)
		}
	case w.Arrived == nil:
		w.packet.Delivered++
		h.take(r)
	default:
		w.packet.Delivered++
		a := Arrival{Host: h, From: r.from, Datagram: slices.Clone(r.b), Injected: r.injected}
		a.Team, a.Refused = h.take(r)
		w.Arrived(a)
	}
}

// socketBuffer is how many datagrams wait for a host that is paused.
const socketBuffer = 256

type received struct {
	from     netip.AddrPort
	b        []byte
	injected bool
}

// take gives a datagram to whom it is for, and returns who that is and whether it
// was refused: the team of the frame's slot, or if that is dead the host kernel.
func (h *Host) take(r received) (t *Team, refused bool) {
	f, _, err := frame.Decode(r.b)
	t = h.teams[0]
	switch {
	case err != nil || h.trust == nil:
	case f.Type == frame.Hello || f.Type == frame.Handshake:
		return t, !h.trust.hear(r.from, &f, r.b)
	}
	b := r.b
	if err == nil && int(f.Slot) < len(h.teams) {
		if h.teams[f.Slot] != nil {
			t = h.teams[f.Slot]
		} else if h.trust != nil && f.Type == frame.Sealed {
			b = h.trust.handOn(t.incarnation, r.from, &f, b)
		}
	}
	if h.world.Arrived == nil {
		t.Kernel.Input(r.from, b)
		return t, false
	}
	before := t.refused()
	t.Kernel.Input(r.from, b)
	return t, t.refused() != before
}

// refused counts what the team's kernel found to be worth nothing.
func (t *Team) refused() uint64 {
	s := t.Kernel.Stats()
	return s.BadPackets + s.Forged + s.Replayed
}

// port is the link.Link of a team. Its kernel has a Clock, so it only sends.
type port struct{ host *Host }

func (p port) Send(to netip.AddrPort, b []byte) error {
	p.host.world.send(p.host, to, b)
	return nil
}

func (p port) SendGroup(to netip.AddrPort, bs [][]byte) error {
	for _, b := range bs {
		p.host.world.send(p.host, to, b)
	}
	return nil
}

func (p port) MTU(to netip.AddrPort) int {
	if m := p.host.world.Network.MTU; m > 0 && to != p.host.addr {
		return m
	}
	if to == p.host.addr {
		return link.LoopbackMTU4
	}
	return link.EthernetMTU4
}

func (p port) Addr() netip.AddrPort       { return p.host.addr }
func (p port) TryReceive(*link.Batch) int { return 0 }
func (p port) Sleep(time.Duration)        {}
func (p port) Park(time.Duration)         {}
func (p port) Kick()                      {}
func (p port) Near() bool                 { return false }
func (p port) Stats() link.Stats          { return link.Stats{} }
func (p port) Close() error               { return nil }

// hostOf returns the host with a number, nil if there is none.
func (w *World) hostOf(number uint16) *Host {
	for _, h := range w.hosts {
		if h.Number == number {
			return h
		}
	}
	return nil
}

// domain is what a team knows of the other hosts.
type domain struct {
	host *Host
	team uint16
}

func (d domain) Locate(number uint16) (netip.AddrPort, bool) {
	if h := d.host.world.hostOf(number); h != nil {
		return h.addr, true
	}
	return netip.AddrPort{}, false
}

func (d domain) HostName(number uint16) string {
	if h := d.host.world.hostOf(number); h != nil {
		return h.Name
	}
	return ""
}

func (d domain) Members(group ipc.PID, has bool) error {
	d.host.relay.Members(group, d.team, has)
	return nil
}
