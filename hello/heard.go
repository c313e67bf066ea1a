package hello

import (
	"net/netip"
	"slices"
	"time"
)

// Heard takes in a packet that came from the address from, and answers it. An
// error wraps ErrBody: the packet is none of this protocol and changed nothing.
func (t *Table) Heard(now time.Duration, from netip.AddrPort, body []byte, out []Packet) ([]Packet, error) {
	p, err := Decode(body)
	if err != nil {
		return out, err
	}
	p.Host.Addr, p.Host.State = unmap(from), Live
	if t.isSelf(p) {
		t.peers = slices.DeleteFunc(t.peers, func(x *peer) bool { return x.addr == p.Host.Addr })
		return out, nil
	}
	known := true
	switch p.Kind {
	case Beat:
		known = t.heardBeat(now, p)
	case Full:
		t.heardHello(now, p)
		t.learn(now, p.Neighbours)
	case Goodbye:
		t.heardGoodbye(p)
		return out, nil
	}
	out = t.answer(p, known, out)
	return t.greet(now, out), nil
}

// isSelf tells whether p is an echo of an own packet, from an address that was
// configured or learned as another's.
func (t *Table) isSelf(p *Body) bool {
	return p.Host.Number == t.self.Number && p.Host.Epoch == t.self.Epoch &&
		(p.Kind != Full || p.Host.Name == t.self.Name && p.Host.Kernel == t.self.Kernel)
}

// answer sends what p asks for, and asks for the hello that is missing.
func (t *Table) answer(p *Body, known bool, out []Packet) []Packet {
	var ask Flags
	if !known {
		ask = Ask
	}
	switch to := p.Host.Addr; {
	case !t.started:
	case p.Flags&Ask != 0:
		out = append(out, t.introduction(to, ask))
	case ask != 0 || p.Flags&Probe != 0:
		out = append(out, t.packet(to, Beat, ask))
	}
	return out
}

// heardBeat returns false if the hello that belongs to the beat is missing.
func (t *Table) heardBeat(now time.Duration, p *Body) bool {
	e := t.find(p.Host.Number)
	if e == nil || e.Epoch != p.Host.Epoch {
		return false
	}
	if e.left {
		return true // it was overtaken by the goodbye
	}
	t.becomeLive(now, e, p)
	return int32(p.Revision-e.revision) <= 0
}

func (t *Table) heardGoodbye(p *Body) {
	if e := t.find(p.Host.Number); e != nil && e.Epoch == p.Host.Epoch && !e.left {
		e.left = true
		if e.State == Live {
			t.becomeLost(e)
			t.forget()
		}
	}
}

// heardHello updates a known boot of a host, or lets a new one claim its name
// and number.
func (t *Table) heardHello(now time.Duration, p *Body) {
	e := t.find(p.Host.Number)
	if e == nil || e.Epoch != p.Host.Epoch || e.Name != p.Host.Name {
		t.claims(now, p)
		return
	}
	if e.left {
		return
	}
	if news := int32(p.Revision - e.revision); news >= 0 {
		e.describe(p)
		if news > 0 {
			t.event(Event{Kind: Changed, Host: e.Host})
			t.checkPrefixes(e.Host)
		}
	}
	t.becomeLive(now, e, p)
}

// describe takes over what only a hello says.
func (e *entry) describe(p *Body) {
	state, heard := e.State, e.Heard
	e.Host, e.revision = p.Host, p.Revision
	e.State, e.Heard = state, heard
}

// claims decides whether a host that is not known in this boot gets its name
// and number, against all that hold one of them, and if so enters it.
func (t *Table) claims(now time.Duration, p *Body) {
	h := p.Host
	if h.Number == t.self.Number || h.Name == t.self.Name {
		t.claimsOurs(&h)
		return
	}
	again := false
	for _, e := range t.hosts {
		if e.Number != h.Number && e.Name != h.Name {
			continue
		}
		if !t.yields(now, e, &h) {
			return
		}
		again = again || e.Name == h.Name
	}
	for _, e := range t.hosts {
		if rival(e, &h) && e.State == Live && e.Addr != h.Addr {
			t.claim(e.Host, h)
		}
	}
	t.hosts = slices.DeleteFunc(t.hosts, func(e *entry) bool { return rival(e, &h) })
	t.enter(now, p, again)
}

// rival tells whether e holds h's name or number.
func rival(e *entry, h *Host) bool { return e.Number == h.Number || e.Name == h.Name }

// claimsOurs settles h's claim to the own host's name or number. A packet of
// an earlier boot of this host means nothing.
func (t *Table) claimsOurs(h *Host) {
	switch {
	case h.Addr == t.self.Addr:
	case elder(h, &t.self):
		t.claim(t.self, *h)
	default:
		t.claim(*h, t.self)
	}
}

// yields tells whether e gives its name and number to h. One address is one
// host, so there the later boot counts; elsewhere the elder keeps them, if it
// lives, which is asked at once.
func (t *Table) yields(now time.Duration, e *entry, h *Host) bool {
	switch {
	case e.State == Lost:
		return !e.left || e.Epoch != h.Epoch
	case e.Addr == h.Addr:
		return e.Epoch < h.Epoch
	case elder(h, &e.Host):
		return true
	}
	if e.Name != h.Name || e.Number != h.Number {
		t.claim(*h, e.Host)
	}
	t.suspect(now, e)
	return false
}

// enter adds a host; again says that there was one of that name before.
func (t *Table) enter(now time.Duration, p *Body, again bool) {
	if t.count(Live) >= maxLive {
		return
	}
	e := &entry{Host: p.Host, revision: p.Revision}
	t.becomeLive(now, e, p)
	i, _ := t.search(e.Number)
	t.hosts = slices.Insert(t.hosts, i, e)
	kind := Joined
	if again {
		kind = Back
	}
	t.event(Event{Kind: kind, Host: e.Host})
	t.checkPrefixes(e.Host)
}
