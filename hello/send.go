package hello

import (
	"net/netip"
	"slices"
	"time"
)

// interval returns the time between two rounds of beats: BeatInterval, or more
// where that many beats would cost more than nine tenths of the budget.
func (t *Table) interval() time.Duration {
	octets := (t.count(Live) + 1) * (headSize + Overhead) // one goes to a silent address
	spread := time.Duration(octets) * time.Second / (Budget * 9 / 10)
	return max(BeatInterval, spread.Round(time.Millisecond))
}

// jitter returns a time up to a tenth longer than interval, so that hosts that
// started together do not beat together.
func (t *Table) jitter() time.Duration {
	d := t.interval()
	return d + time.Duration(t.rand.Int64N(int64(d/10)))
}

// packet makes a packet about the own host.
func (t *Table) packet(to netip.AddrPort, kind Kind, flags Flags) Packet {
	p := Body{Kind: kind, Flags: flags, Revision: t.revision, Interval: t.interval(), Host: t.self}
	return Packet{To: to, Body: p.Append(nil)}
}

// introduction makes a hello with the addresses of other live hosts, a random
// choice of as many as fit.
func (t *Table) introduction(to netip.AddrPort, flags Flags) Packet {
	const fieldSize = fieldHead + 16 + 2
	p := Body{Kind: Full, Flags: flags, Revision: t.revision, Interval: t.interval(), Host: t.self}
	room := min(maxNeighbours, (MaxBody-len(p.Append(nil)))/fieldSize)
	for _, i := range t.rand.Perm(len(t.hosts)) {
		if e := t.hosts[i]; e.State == Live && e.Addr != to && len(p.Neighbours) < room {
			p.Neighbours = append(p.Neighbours, e.Addr)
		}
	}
	return Packet{To: to, Body: p.Append(nil)}
}

// greet sends a hello to each address that is due, and drops those learned
// ones whose time is over.
func (t *Table) greet(now time.Duration, out []Packet) []Packet {
	if !slices.ContainsFunc(t.peers, func(p *peer) bool { return p.next <= now }) {
		return out
	}
	live := t.liveAddrs()
	for _, p := range t.peers {
		if p.next > now {
			continue
		}
		if live[p.addr] || now >= p.until {
			p.next = never
			continue
		}
		p.next = now + greetEvery
		out = append(out, t.packet(p.addr, Full, Ask))
	}
	t.peers = slices.DeleteFunc(t.peers, func(p *peer) bool { return !p.fixed && p.next == never })
	return out
}

// learn adds addresses to those that are greeted.
func (t *Table) learn(now time.Duration, addrs []netip.AddrPort) {
	if len(addrs) == 0 {
		return
	}
	live := t.liveAddrs()
	for _, a := range addrs {
		if live[a] || a == t.self.Addr {
			continue
		}
		if p := t.peer(a); p != nil {
			if p.next == never {
				p.next, p.until = now, now+greetTime
			}
		} else if len(t.peers) < maxPeers {
			t.peers = append(t.peers, &peer{addr: a, next: now, until: now + greetTime})
		}
	}
}

// beat sends a round of beats: one to each live host, and one, with the wish
// for a hello, to the next of the addresses that are silent, so that hosts meet
// again after a partition.
func (t *Table) beat(now time.Duration, out []Packet) []Packet {
	p := t.packet(netip.AddrPort{}, Beat, 0)
	for _, e := range t.hosts {
		if e.State == Live {
			out = append(out, Packet{To: e.Addr, Body: p.Body})
		}
	}
	if silent := t.silent(); len(silent) > 0 {
		out = append(out, t.packet(silent[t.turn%len(silent)], Beat, Ask))
		t.turn++
	}
	t.nextBeat = now + t.jitter()
	return out
}

// silent returns the addresses where a host may be and none is heard: of lost
// hosts that did not say goodbye, and the configured ones.
func (t *Table) silent() (addrs []netip.AddrPort) {
	live := t.liveAddrs()
	for _, e := range t.hosts {
		if e.State == Lost && !e.left && !live[e.Addr] {
			addrs = append(addrs, e.Addr)
		}
	}
	for _, p := range t.peers {
		if p.fixed && !live[p.addr] && !slices.Contains(addrs, p.addr) {
			addrs = append(addrs, p.addr)
		}
	}
	return addrs
}

// change notes that the own hello says something new and tells all, now or as
// soon as it may.
func (t *Table) change(now time.Duration, out []Packet) []Packet {
	t.revision++
	if !t.started {
		return out
	}
	t.announceAt = min(t.announceAt, max(now, t.announced+announceEvery))
	if t.announceAt > now {
		return out
	}
	return t.announce(now, out)
}

// announce sends a hello to all live hosts.
func (t *Table) announce(now time.Duration, out []Packet) []Packet {
	t.announced, t.announceAt = now, never
	return t.toLive(Full, out)
}

// Goodbye tells all live hosts that this one leaves. Nothing is to be sent
// after it.
func (t *Table) Goodbye(out []Packet) []Packet {
	return t.toLive(Goodbye, out)
}

func (t *Table) toLive(kind Kind, out []Packet) []Packet {
	p := t.packet(netip.AddrPort{}, kind, 0)
	for _, e := range t.hosts {
		if e.State == Live {
			out = append(out, Packet{To: e.Addr, Body: p.Body})
		}
	}
	return out
}
