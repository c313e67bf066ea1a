package pair

import (
	"slices"
	"time"

	"vsys/seal/cert"
)

// newSession returns the session that a handshake with who says p has made.
func (t *Table) newSession(in arrival, id uint32, p *payload, k keys) *Session {
	return &Session{
		ID: id, PeerID: p.id, AES: t.c.AES && p.aes,
		Number: p.number, Epoch: p.epoch, Name: p.certificate.Name, Roles: p.certificate.Roles,
		Fingerprint: cert.FingerprintOf(p.certificate.Key), Certificate: p.certificate,
		Addr: in.from, Since: in.now, generation: in.generation,
		keys: k, next: never, retire: never,
	}
}

// confirm makes the Confirm of a session that this host has begun.
func (s *Session) confirm() Packet {
	return Packet{s.Addr, s.generation, confirmation(kindConfirm, &s.keys.confirm, s.PeerID, Welcome)}
}

// establish takes in a session with a host that has proven to be who says p, and
// is welcome. One with a later boot of it ends what stands. ErrReplayed: one with a
// later boot stands, and was heard lately. ErrBusy: there is no place.
func (t *Table) establish(now time.Duration, s *Session, p *payload, skew time.Duration) error {
	event := about(Established, s)
	x := t.withKey(&p.certificate.Key)
	if x != nil && !x.stands(p.number, p.epoch) {
		if x.succeeds(now, p) {
			return ErrReplayed
		}
		event.Kind, event.Old = Replaced, x.current()
		t.forget(x)
		x = nil
	}
	first := x == nil
	if first {
		if !t.makePlace(now) {
			return ErrBusy
		}
		x = &peer{
			key: p.certificate.Key, number: p.number, epoch: p.epoch,
			window: newWindow(p.sequence), rekey: never,
		}
		t.peers = append(t.peers, x)
	}
	x.window.restart(p.sequence)
	x.addr, x.heard = s.Addr, now
	t.add(now, x, s)
	if first {
		t.event(event)
	}
	if !x.skewed && skew.Abs() > maxSkew {
		x.skewed = true
		e := about(Skew, s)
		e.Skew = skew.Round(time.Second)
		t.event(e)
	}
	if s.state == proven {
		t.prove(now, s)
	}
	t.begun = slices.DeleteFunc(t.begun, func(i *initiation) bool { return i.number == p.number && i.epoch == p.epoch })
	return nil
}

// add makes s the newest session of x.
func (t *Table) add(now time.Duration, x *peer, s *Session) {
	x.sessions = slices.Insert(x.sessions, 0, s)
	t.sessions[s.ID] = s
	if len(x.sessions) > maxSessions {
		current := x.current()
		for at := len(x.sessions) - 1; ; at-- {
			if old := x.sessions[at]; old != current {
				delete(t.sessions, old.ID)
				x.sessions = slices.Delete(x.sessions, at, at+1)
				break
			}
		}
	}
	t.planRekey(now, x)
}

// prove notes that the peer has the keys of s.
func (t *Table) prove(now time.Duration, s *Session) {
	x := t.withKey(&s.Certificate.Key)
	s.state, s.next, s.retire = proven, never, never
	x.heard = now
	if at := slices.IndexFunc(x.sessions, func(o *Session) bool { return o != s && o.state == proven }); at >= 0 && x.current() == s {
		e := about(Renewed, s)
		e.Old = x.sessions[at]
		t.event(e)
	}
	x.retireOld(now)
	for _, o := range x.sessions {
		t.schedule(o.retire)
	}
	t.planRekey(now, x)
}

// planRekey sets when the next session with x is to be made: by the host with the
// lower number, and if that fails by the other.
func (t *Table) planRekey(now time.Duration, x *peer) {
	s := x.sessions[0]
	x.rekey = now + rekeyTime
	if t.c.Number > s.Number {
		x.rekey += rekeyLate
	}
	if s.state == unproven && len(x.sessions) > 1 {
		x.rekey = now + rekeyRetry // unless it is proven before
	}
	t.schedule(x.rekey)
}

// makePlace makes sure that there is place for one more peer: the one that was
// heard least lately goes, if that is more than a minute ago.
func (t *Table) makePlace(now time.Duration) bool {
	if len(t.peers) < maxPeers {
		return true
	}
	oldest := slices.MinFunc(t.peers, func(a, b *peer) int { return int(max(-1, min(1, a.heard-b.heard))) })
	if now-oldest.heard < time.Minute {
		return false
	}
	t.forget(oldest)
	return true
}
