package pair

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"time"

	"vsys/seal/cert"
)

// answer is a Respond of this host, and what becomes of it if it is confirmed.
type answer struct {
	digest  [digestSize]byte // of the Initiate
	from    netip.AddrPort
	body    []byte   // the Respond
	again   bucket   // how often it may go out again
	session *Session // half-open
	peer    *payload
	skew    time.Duration
	verdict Verdict // if not Welcome the session is never good for anything
	err     error   // why not Welcome
	until   time.Duration
}

// heardInitiate answers an Initiate: again if it was answered before, by a cookie
// if there are too many.
func (t *Table) heardInitiate(in arrival, out []Packet) ([]Packet, error) {
	d := digest(in.body[initiateHead:])
	at := slices.IndexFunc(t.half, func(a *answer) bool { return a.digest == d && a.from == in.from })
	if at >= 0 {
		if !t.half[at].again.take(in.now) {
			return out, ErrBusy
		}
		return append(out, in.reply(t.half[at].body)), nil
	}
	p, err := parsePayload(in.body[payloadOffset:])
	if err != nil {
		return out, err
	}
	if err := t.outdated(in.now, p); err != nil {
		return out, err
	}
	if i := t.towards(in.from, p.number, p.epoch); i != nil && t.precedes(p) {
		// Both have begun. This host's Initiate counts, and the other answers it.
		i.earn(Size)
		return i.send(in.now, out), nil
	}
	if ok, out, err := t.admit(in, p.id, d, out); !ok {
		return out, err
	}
	a, err := t.answerTo(in, p)
	if err != nil {
		return out, err
	}
	a.digest = d
	t.keep(a)
	return append(out, in.reply(a.body)), nil
}

// outdated fails for an Initiate that is an echo of this host's, or of an earlier
// boot of a host with which a session stands.
func (t *Table) outdated(now time.Duration, p *payload) error {
	key := p.certificate.Key
	if key == t.c.Identity().Key.Public && p.number == t.c.Number && p.epoch == t.c.Epoch {
		return ErrReplayed
	}
	if x := t.withKey(&key); x != nil && x.succeeds(now, p) {
		return ErrReplayed
	}
	return nil
}

// precedes tells whether this host's Initiate counts before that of p.
func (t *Table) precedes(p *payload) bool {
	if t.c.Number != p.number {
		return t.c.Number < p.number
	}
	own := t.c.Identity().Key.Public
	return bytes.Compare(own[:], p.certificate.Key[:]) < 0
}

// admit tells whether an Initiate may cost Diffie-Hellman work: some may, more
// with a cookie. To others without one it sends one.
func (t *Table) admit(in arrival, id uint32, d [digestSize]byte, out []Packet) (bool, []Packet, error) {
	if t.free.take(in.now) {
		return true, out, nil
	}
	if t.jar.know(in.now, cookie(in.body[headSize:]), in.from) {
		if t.jar.admit(in.now, in.from.Addr()) && t.cookied.take(in.now) {
			return true, out, nil
		}
		return false, out, ErrBusy
	}
	c, err := t.jar.bake(in.now, in.from)
	if err != nil {
		return false, out, err
	}
	b := append(appendHead(make([]byte, 0, cookieBody), kindCookie, id), c[:]...)
	return false, append(out, in.reply(append(b, d[:]...))), nil
}

// answerTo makes the Respond to an Initiate that says p.
func (t *Table) answerTo(in arrival, p *payload) (*answer, error) {
	state, err := newState(&t.c.Identity().Key, t.c.Trust().Domain, false, t.c.Rand)
	if err != nil {
		return nil, err
	}
	if _, _, _, err := state.ReadMessage(nil, in.body[initiateHead:]); err != nil {
		return nil, ErrForged
	}
	if !bytes.Equal(state.PeerStatic(), p.certificate.Key[:]) {
		return nil, ErrForged
	}
	id, err := t.newID()
	if err != nil {
		return nil, err
	}
	a := &answer{
		from: in.from, peer: p, skew: in.skew(p), until: in.now + halfTime,
		again: bucket{rate: againRate, burst: againRate},
	}
	a.verdict, a.err = t.judge(in, p)
	own := t.self(id, in.wall)
	own.verdict = a.verdict
	body, toResponder, toInitiator, err := state.WriteMessage(
		appendHead(make([]byte, 0, Size), kindRespond, p.id), own.append(nil, respondRoom))
	if err != nil {
		return nil, ErrForged // a key of low order
	}
	a.body = body
	a.session = t.newSession(in, id, p, newKeys(toResponder, toInitiator))
	a.session.Send, a.session.Receive = a.session.keys.toInitiator, a.session.keys.toResponder
	return a, nil
}

// keep remembers an answer. Of too many, from one address or in all, the oldest
// goes: a host that is really there has confirmed it long before.
func (t *Table) keep(a *answer) {
	n := 0
	for _, x := range t.half {
		if x.from.Addr() == a.from.Addr() {
			n++
		}
	}
	if n >= maxHalfSource {
		at := slices.IndexFunc(t.half, func(x *answer) bool { return x.from.Addr() == a.from.Addr() })
		t.half = slices.Delete(t.half, at, at+1)
	}
	if len(t.half) >= maxHalf {
		t.half = slices.Delete(t.half, 0, 1)
	}
	t.half = append(t.half, a)
	t.schedule(a.until)
}

// answered returns the answer with that session.
func (t *Table) answered(id uint32) *answer {
	if at := slices.IndexFunc(t.half, func(a *answer) bool { return a.session.ID == id }); at >= 0 {
		return t.half[at]
	}
	return nil
}

// settle takes an answer that the peer has confirmed out of those that wait, and
// does what its verdict is. Errors are those of establish.
func (t *Table) settle(now time.Duration, a *answer) error {
	t.half = slices.DeleteFunc(t.half, func(x *answer) bool { return x == a })
	if a.verdict == Welcome {
		// What has happened since the Initiate counts too.
		a.verdict, a.err = t.judgeNumber(a.peer)
	}
	if a.verdict != Welcome {
		t.refuse(now, Refused, a.session, a.verdict, a.err)
		return nil
	}
	a.session.state = proven
	return t.establish(now, a.session, a.peer, a.skew)
}

// judge tells what this host thinks of one that says p, if that is proven.
func (t *Table) judge(in arrival, p *payload) (Verdict, error) {
	if p.certificate.Key == t.c.Identity().Key.Public {
		return SameKey, errSameKey
	}
	if err := t.verify(p, in.wall); err != nil {
		return verdictOf(err), err
	}
	return t.judgeNumber(p)
}

// judgeNumber tells whether p's number and epoch are its own.
func (t *Table) judgeNumber(p *payload) (Verdict, error) {
	if p.number == t.c.Number && p.epoch == t.c.Epoch {
		return SameNumber, sameNumber(t.c.Identity().Certificate.Name)
	}
	if x := t.peer(p.number, p.epoch); x != nil && x.key != p.certificate.Key {
		return SameNumber, sameNumber(x.current().Name)
	}
	return Welcome, nil
}

// verify judges a certificate. One that is signed by a key of the domain that this
// host does not know yet counts if the peer's successions lead to it.
func (t *Table) verify(p *payload, wall time.Time) error {
	trust := *t.c.Trust()
	err := trust.Verify(&p.certificate, wall)
	for _, s := range p.successions {
		var e *cert.Error
		if !errors.As(err, &e) || e.Reason != cert.BadSignature {
			break
		}
		if trust.Succeed(s) == nil {
			err = trust.Verify(&p.certificate, wall)
		}
	}
	return err
}
