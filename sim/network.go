package sim

import (
	"net/netip"
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
	if h == nil {
		return
	}
	b = append([]byte(nil), b...)
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
	w.After(d, func() {
		w.trace.packet(w.now, from, to, b, fateArrived)
		to.arrive(from.addr, b)
	})
}

// arrive takes a datagram off the network.
func (h *Host) arrive(from netip.AddrPort, b []byte) {
	switch {
	case !h.Up():
	case !h.paused:
		h.world.packet.Delivered++
		h.team(b).Kernel.Input(from, b)
	case len(h.buffered) < socketBuffer:
		h.buffered = append(h.buffered, received{from, b})
	}
}

// socketBuffer is how many datagrams wait for a host that is paused.
const socketBuffer = 256

type received struct {
	from netip.AddrPort
	b    []byte
}

// team returns the team that a datagram is for: that of the frame's slot, or if
// it is dead the host kernel.
func (h *Host) team(b []byte) *Team {
	if f, _, err := frame.Decode(b); err == nil && int(f.Slot) < len(h.teams) && h.teams[f.Slot] != nil {
		return h.teams[f.Slot]
	}
	return h.teams[0]
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

// domain is what a team knows of the other hosts.
type domain struct {
	host *Host
	team uint16
}

func (d domain) Locate(number uint16) (netip.AddrPort, bool) {
	for _, h := range d.host.world.hosts {
		if h.Number == number {
			return h.addr, true
		}
	}
	return netip.AddrPort{}, false
}

func (d domain) HostName(number uint16) string {
	for _, h := range d.host.world.hosts {
		if h.Number == number {
			return h.Name
		}
	}
	return ""
}

func (d domain) Members(group ipc.PID, has bool) error {
	d.host.relay.Members(group, d.team, has)
	return nil
}
