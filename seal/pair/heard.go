package pair

import (
	"bytes"
	"net/netip"
	"slices"
	"time"
)

// arrival is a packet that came.
type arrival struct {
	now        time.Duration
	wall       time.Time
	from       netip.AddrPort
	generation uint32
	body       []byte
}

// reply is what goes back.
func (in *arrival) reply(body []byte) Packet { return Packet{in.from, in.generation, body} }

// skew is how far the clock of the sender of p is ahead.
func (in *arrival) skew(p *payload) time.Duration { return p.wall.Sub(in.wall) }

// Heard takes in the body of a handshake frame that was sealed with the group key
// of that generation, and came from the address from; and answers it. body is not
// kept. An error is one of, or wraps one of, ErrBody, ErrForged, ErrReplayed,
// ErrUnknown and ErrBusy, and means that the packet changed nothing but what is
// counted; it may be that of Config.Rand too.
func (t *Table) Heard(now time.Duration, wall time.Time, from netip.AddrPort, generation uint32, body []byte, out []Packet) ([]Packet, error) {
	if err := check(body); err != nil {
		return out, err
	}
	in := arrival{now, wall, unmap(from), generation, body}
	switch kind(body[0]) {
	case kindInitiate:
		return t.heardInitiate(in, out)
	case kindRespond:
		return t.heardRespond(in, out)
	case kindCookie:
		return t.heardCookie(in, out)
	case kindConfirm:
		return t.heardConfirm(in, out)
	}
	return out, t.heardAcknowledge(in)
}

// heardRespond ends a handshake that this host has begun, with a Confirm.
func (t *Table) heardRespond(in arrival, out []Packet) ([]Packet, error) {
	id := headID(in.body)
	i := t.initiated(id)
	if i == nil {
		// Did the Confirm get lost?
		if s := t.sessions[id]; s != nil && s.begun && s.state == unproven && s.answer == digest(in.body) {
			return append(out, in.reply(s.confirm().Body)), nil
		}
		return out, ErrUnknown
	}
	if in.from != i.to {
		return out, ErrUnknown // somebody passes it on, in another's name
	}
	if !t.reads.take(in.now) {
		return out, ErrBusy
	}
	p, k, err := i.read(in.body)
	if err != nil {
		return out, err
	}
	if p.number != i.number || p.epoch != i.epoch || i.renew != nil && i.renew.key != p.certificate.Key {
		return out, ErrUnknown // another host, or boot, than was asked
	}
	s := t.newSession(in, id, p, k)
	s.begun, s.state, s.answer = true, unproven, digest(in.body)
	s.Send, s.Receive = k.toResponder, k.toInitiator
	return t.conclude(in, s, p, out)
}

// conclude does with a host that has answered what is right. If it is not welcome
// the initiation goes on: perhaps another was asked.
func (t *Table) conclude(in arrival, s *Session, p *payload, out []Packet) ([]Packet, error) {
	v, err := t.judge(in, p)
	switch {
	case v != Welcome:
		t.refuse(in.now, Refused, s, v, err)
	case p.verdict != Welcome:
		v = p.verdict
		t.refuse(in.now, RefusedBy, s, v, nil)
	default:
		s.wait, s.next = repeatEvery, in.now+repeatEvery
		t.schedule(s.next)
		t.schedule(s.Since + halfTime)
		if err := t.establish(in.now, s, p, in.skew(p)); err != nil {
			return out, err
		}
		return append(out, s.confirm()), nil
	}
	return append(out, in.reply(confirmation(kindConfirm, &s.keys.confirm, s.PeerID, v))), nil
}

// heardConfirm ends a handshake that another host has begun.
func (t *Table) heardConfirm(in arrival, out []Packet) ([]Packet, error) {
	id, v := headID(in.body), confirmVerdict(in.body)
	a := t.answered(id)
	var s *Session
	if a != nil {
		s = a.session
	} else if s = t.sessions[id]; s == nil || s.begun {
		return out, ErrUnknown
	}
	if !confirmed(in.body, &s.keys.confirm) {
		return out, ErrForged
	}
	switch {
	case a == nil && v != Welcome:
		return out, ErrReplayed
	case a != nil && a.verdict == Welcome && v != Welcome:
		t.half = slices.DeleteFunc(t.half, func(x *answer) bool { return x == a })
		t.refuse(in.now, RefusedBy, s, v, nil)
		return out, nil
	case a != nil:
		s.Addr = in.from
		if err := t.settle(in.now, a); err != nil || t.sessions[id] == nil {
			return out, err
		}
	}
	return append(out, in.reply(confirmation(kindAcknowledge, &s.keys.acknowledge, s.PeerID, Welcome))), nil
}

// heardAcknowledge ends the repeating of the Confirm.
func (t *Table) heardAcknowledge(in arrival) error {
	s := t.sessions[headID(in.body)]
	if s == nil || !s.begun {
		return ErrUnknown
	}
	if !confirmed(in.body, &s.keys.acknowledge) {
		return ErrForged
	}
	t.Proven(in.now, s.ID)
	return nil
}

// heardCookie sends an Initiate again, with the cookie: who sent it has read the
// Initiate, so the address is one that listens.
func (t *Table) heardCookie(in arrival, out []Packet) ([]Packet, error) {
	i := t.initiated(headID(in.body))
	if i == nil || i.to != in.from || i.cookies >= maxCookies {
		return out, ErrUnknown
	}
	c, d := in.body[headSize+idSize:][:cookieSize], in.body[headSize+idSize+cookieSize:]
	if !bytes.Equal(d, i.digest[:]) {
		return out, ErrForged
	}
	i.cookies++
	i.body = slices.Clone(i.body)
	copy(i.body[headSize:], c)
	i.next = in.now
	i.earn(Size)
	out = i.send(in.now, out)
	t.schedule(i.deadline())
	return out, nil
}

// Proven says that a genuine frame came by that session. It may be called for
// each; only the first does anything.
func (t *Table) Proven(now time.Duration, id uint32) {
	if s := t.sessions[id]; s != nil {
		if s.state == unproven {
			t.prove(now, s)
		}
		return
	}
	if a := t.answered(id); a != nil && a.verdict == Welcome {
		_ = t.settle(now, a) // there is nobody to tell
	}
}
