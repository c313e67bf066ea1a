package pair

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

// Errors of Heard about packets that changed nothing. See also ErrBody.
var (
	// ErrForged: it is not by whom it says, or was changed.
	ErrForged = fmt.Errorf("pair: forged or changed: %w", ipc.VMTPError)
	// ErrReplayed: it is of an earlier boot, or an echo of this host's own.
	ErrReplayed = fmt.Errorf("pair: old: %w", ipc.VMTPError)
	// ErrUnknown: it answers nothing that this host has sent lately.
	ErrUnknown = fmt.Errorf("pair: an answer to nothing: %w", ipc.VMTPError)
	// ErrBusy: others are busy with it; it may be sent again.
	ErrBusy = fmt.Errorf("pair: too many at once: %w", ipc.Busy)
)

var errSameKey = fmt.Errorf("it has this host's key, the state directory was copied: %w", ipc.NoPermission)

// sameNumber is the error about a host that claims what the host called name has.
func sameNumber(name string) error {
	return fmt.Errorf("its number and boot epoch are those of host %s, boot it again: %w", name, ipc.NoPermission)
}

// refusal is a host that was refused, or has refused this one, lately.
type refusal struct {
	kind     EventKind
	key      cert.Fingerprint
	verdict  Verdict
	number   uint16
	epoch    uint64
	addr     netip.AddrPort
	at       time.Duration // the last time
	reported time.Duration
}

// refuse ends what stands with the host at the other end of s, tells it by an
// event, every ten minutes at most, and keeps Begin from it for a while.
func (t *Table) refuse(now time.Duration, k EventKind, s *Session, v Verdict, err error) {
	if v == SameKey {
		k = OwnKey
	}
	if p := t.withKey(&s.Certificate.Key); p != nil && v != SameNumber {
		t.forget(p)
	}
	r := refusal{kind: k, key: s.Fingerprint, verdict: v, number: s.Number, epoch: s.Epoch, addr: s.Addr, at: now, reported: now}
	at := slices.IndexFunc(t.refusals, func(x refusal) bool { return x.kind == k && x.key == r.key && x.verdict == v })
	if at >= 0 {
		if old := t.refusals[at].reported; now < old+reportTime {
			r.reported = old
		}
		t.refusals = slices.Delete(t.refusals, at, at+1)
	}
	if len(t.refusals) >= maxRefusals {
		t.refusals = slices.Delete(t.refusals, 0, 1)
	}
	t.refusals = append(t.refusals, r)
	if r.reported == now {
		e := about(k, s)
		e.Session, e.Verdict, e.Err = nil, v, err
		t.event(e)
	}
}

// refusedLately tells whether there is no use to begin with that host at that
// address.
func (t *Table) refusedLately(now time.Duration, number uint16, epoch uint64, at netip.AddrPort) bool {
	return slices.ContainsFunc(t.refusals, func(r refusal) bool {
		return r.number == number && r.epoch == epoch && r.addr == at && now < r.at+retryTime
	})
}

// verdictOf says over the wire what Trust.Verify has said.
func verdictOf(err error) Verdict {
	var e *cert.Error
	if errors.As(err, &e) && e.Reason >= cert.WrongDomain && e.Reason <= cert.OldKey {
		return Verdict(e.Reason)
	}
	return Unacceptable
}
