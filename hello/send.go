package hello

import (
	"net/netip"
	"slices"
	"time"
)

// body returns what the own host says in a packet to another one.
func (t *Table) body(kind Kind, flags Flags) *Body {
	return &Body{Kind: kind, Flags: flags, Revision: t.revision, Interval: t.round.pace.beat, Host: t.self}
}

// packet makes a packet about the own host, to an address or, if that is zero,
// to all.
func (t *Table) packet(to netip.AddrPort, kind Kind, flags Flags) Packet {
	p := t.body(kind, flags)
	if !to.IsValid() {
		p.Flags |= Multicast
		p.Interval = t.round.pace.call
	}
	return Packet{To: to, Body: p.Append(nil)}
}

// stranger makes a packet that asks whoever is there for a hello.
func (t *Table) stranger(to netip.AddrPort, kind Kind) Packet {
	p := t.packet(to, kind, Ask)
	p.Body, p.Stranger = pad(p.Body, AskSize), true
	return p
}

// introduction makes a hello to h with the addresses of other live hosts: first
// of those with h's number, name or key, which h must know of, then a random
// choice of as many as fit.
func (t *Table) introduction(h *Host, flags Flags) Packet {
	p := t.body(Full, flags)
	room := min(maxNeighbours, (MaxBody-len(p.Append(nil)))/addressSize)
	tell := func(e *entry) {
		if a := e.Addr; e.State == Live && a != h.Addr && !a.Addr().IsLinkLocalUnicast() &&
			len(p.Neighbours) < room && !slices.Contains(p.Neighbours, a) {
			p.Neighbours = append(p.Neighbours, a)
		}
	}
	for _, e := range t.hosts {
		if e.Number == h.Number || e.claimed == h.Name || sameKey(&e.Host, h) {
			tell(e)
		}
	}
	for _, i := range t.rand.Perm(len(t.hosts)) {
		tell(t.hosts[i])
	}
	return Packet{To: h.Addr, Body: p.Append(nil)}
}

// settle makes the hello that is owed to e.
func (t *Table) settle(now time.Duration, e *entry) Packet {
	all := e.owedAll
	e.owedAt, e.owedAll, e.toldAt = never, false, now
	if all {
		return t.introduction(&e.Host, 0)
	}
	return t.packet(e.Addr, Full, 0)
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

// announce sends a hello to all at once and to each live host, in a large
// domain to most of them a little later.
func (t *Table) announce(now time.Duration, out []Packet) []Packet {
	t.announced, t.announceAt = now, never
	if t.multicast {
		out = append(out, t.packet(netip.AddrPort{}, Full, 0))
	}
	n := 0
	for _, e := range t.hosts {
		if e.State != Live {
			continue
		}
		if n++; n <= answerMost {
			e.owedAt = now
		} else {
			e.owedAt = min(e.owedAt, now+t.AnswerDelay())
		}
		t.due(e)
	}
	return t.attend(now, out)
}

// Goodbye tells all that this host leaves. Nothing is to be sent after it.
func (t *Table) Goodbye(out []Packet) []Packet {
	if t.multicast {
		out = append(out, t.packet(netip.AddrPort{}, Goodbye, 0))
	}
	for _, e := range t.hosts {
		if e.State == Live {
			out = append(out, t.packet(e.Addr, Goodbye, 0))
		}
	}
	return out
}
