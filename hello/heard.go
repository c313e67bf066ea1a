package hello

import (
	"net/netip"
	"slices"
	"time"
)

// Sender is whom a packet is from, as its seal proves.
type Sender struct {
	Addr        netip.AddrPort
	Fingerprint [16]byte // of its key
}

// Heard takes in a packet that came from the address from in a clear domain,
// and answers it. An error wraps ErrBody: the packet is none of this protocol
// and changed nothing.
func (t *Table) Heard(now time.Duration, from netip.AddrPort, body []byte, out []Packet) ([]Packet, error) {
	return t.HeardSealed(now, Sender{Addr: from}, body, out)
}

// HeardSealed is Heard in a domain with keys. The body's host number and epoch
// must be those with which from has proven its key, and the packet no replay.
func (t *Table) HeardSealed(now time.Duration, from Sender, body []byte, out []Packet) ([]Packet, error) {
	p, err := Decode(body)
	if err != nil {
		return out, err
	}
	out = t.wake(now, out)
	p.Host.Addr, p.Host.State, p.Host.Fingerprint = unmap(from.Addr), Live, from.Fingerprint
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
	out = t.answer(now, p, known, out)
	return t.greet(now, out), nil
}

// isSelf tells whether p is an echo of an own packet, from an address that was
// configured or learned as another's.
func (t *Table) isSelf(p *Body) bool {
	return p.Host.Number == t.self.Number && p.Host.Epoch == t.self.Epoch && p.Host.Fingerprint == t.self.Fingerprint &&
		(p.Kind != Full || p.Host.Name == t.self.Name && p.Host.Kernel == t.self.Kernel)
}

// answer sends what p asks for, and asks for the hello that is missing.
func (t *Table) answer(now time.Duration, p *Body, known bool, out []Packet) []Packet {
	var ask Flags
	if !known {
		ask = Ask
	}
	switch to := p.Host.Addr; {
	case !t.started:
	case p.Flags&Multicast != 0:
		return t.answerAll(now, p, known, out)
	case p.Flags&Ask != 0:
		if e := t.boot(&p.Host); e != nil {
			e.owedAt, e.toldAt = never, now
		}
		out = append(out, t.introduction(&p.Host, ask))
	case ask != 0 || p.Flags&Probe != 0:
		out = append(out, t.packet(to, Beat, ask))
	}
	return out
}

// answerAll answers a packet that went to all at once. So that not all answer
// at once, each waits a random time; only the host whose number, name or key
// the sender wants does not, since the sender waits for that.
func (t *Table) answerAll(now time.Duration, p *Body, known bool, out []Packet) []Packet {
	h := &p.Host
	e := t.boot(h)
	chosen := t.rand.IntN(t.live+1) < answerMost
	switch {
	case !known && t.find(h.Number) == nil:
		t.learnLater(now+t.AnswerDelay(), h.Addr)
	case !known:
		if chosen {
			out = append(out, t.packet(h.Addr, Beat, Ask))
		}
	case p.Kind != Full || p.Flags&Ask == 0:
	case e == nil:
		if chosen || t.contests(h) {
			out = append(out, t.introduction(h, 0))
		}
	case e.claimed == t.self.Name:
		out = append(out, t.introduction(h, 0))
	case e.State == Live && now-e.toldAt >= answerEvery:
		e.owedAt = min(e.owedAt, now+t.AnswerDelay())
		e.owedAll = chosen
		t.due(e)
	}
	return out
}

// contests tells whether the own host has the number or the key that h wants.
func (t *Table) contests(h *Host) bool { return h.Number == t.self.Number || sameKey(h, &t.self) }

// AnswerDelay returns for how long to put off what all hosts may do at once, in
// answer to one packet by multicast: a random time, so long that about a hundred
// of them do it a second.
func (t *Table) AnswerDelay() time.Duration {
	return time.Duration(t.rand.Int64N(int64(t.live*int(answerSpread)) + 1))
}

// boot returns the entry of h in this boot, nil if there is none.
func (t *Table) boot(h *Host) *entry {
	if e := t.find(h.Number); e != nil && e.Epoch == h.Epoch && e.Fingerprint == h.Fingerprint {
		return e
	}
	return nil
}

// heardBeat returns false if the hello that belongs to the beat is missing.
func (t *Table) heardBeat(now time.Duration, p *Body) bool {
	e := t.boot(&p.Host)
	if e == nil {
		return false
	}
	if e.left {
		return true // it was overtaken by the goodbye
	}
	t.becomeLive(now, e, p)
	return int32(p.Revision-e.revision) <= 0
}

func (t *Table) heardGoodbye(p *Body) {
	if e := t.boot(&p.Host); e != nil && !e.left {
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
	e := t.boot(&p.Host)
	if e == nil || e.claimed != p.Host.Name {
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
	was := e.Host
	e.Host, e.revision = p.Host, p.Revision
	e.Name, e.Addr, e.State, e.Heard = was.Name, was.Addr, was.State, was.Heard
}

// enter adds a host; again says that there was one of that name before.
func (t *Table) enter(now time.Duration, p *Body, again bool) {
	if t.live >= maxLive {
		return
	}
	e := &entry{
		Host: p.Host, claimed: p.Host.Name, revision: p.Revision,
		askedAt: never, patience: patience, owedAt: never, toldAt: now - answerEvery,
	}
	i, _ := t.search(e.Number)
	t.hosts = slices.Insert(t.hosts, i, e)
	t.live++
	t.becomeLive(now, e, p)
	t.checkName(now, e)
	kind := Joined
	if again {
		kind = Back
	}
	t.event(Event{Kind: kind, Host: e.Host})
	t.checkPrefixes(e.Host)
}
