package pair

import (
	"fmt"
	"net/netip"
	"time"

	"vsys/seal/cert"
)

// EventKind says what an event is about.
type EventKind uint8

const (
	// Established: Session is the first with that host in this boot of it.
	Established EventKind = iota
	// Replaced: the same, with a host that had booted before, as Old, which
	// is gone.
	Replaced
	// Renewed: Session takes the place of Old, which ends in five minutes.
	Renewed
	// Refused: this host does not take the other's word for who it is, for
	// Verdict and Err. Sessions with it are gone.
	Refused
	// RefusedBy: the other host, which is what it says, does not take this
	// one's, for Verdict. Sessions with it are gone.
	RefusedBy
	// OwnKey: the other host has this host's key.
	OwnKey
	// Skew: the other host's clock is ahead of this one's by Skew, which is
	// more than a minute, or behind if negative.
	Skew
)

// Event is something that the log should know. Kind says which fields count; Name,
// Number, Epoch, Fingerprint and Addr, of the other host, always do. All of it is
// proven: the other host holds the key that Fingerprint is of, now. What it says
// beyond that, its name above all, is worth nothing in Refused and OwnKey.
type Event struct {
	Kind        EventKind
	Name        string
	Number      uint16
	Epoch       uint64
	Fingerprint cert.Fingerprint
	Addr        netip.AddrPort
	Session     *Session
	Old         *Session
	Verdict     Verdict
	Err         error
	Skew        time.Duration
}

// String says it in words, and where something is wrong what to do.
func (e Event) String() string {
	who := fmt.Sprintf("host %s at %v", e.Name, e.Addr)
	switch e.Kind {
	case Established:
		return fmt.Sprintf("session with %s, key %v", who, e.Fingerprint)
	case Replaced:
		return fmt.Sprintf("session with %s, key %v, which has booted again", who, e.Fingerprint)
	case Renewed:
		return fmt.Sprintf("new session with %s", who)
	case Refused:
		return fmt.Sprintf("%s is refused: %v", who, e.Err)
	case RefusedBy:
		return fmt.Sprintf("%s refuses this host: %s", who, e.Verdict)
	case OwnKey:
		return fmt.Sprintf("another host, at %v, calls itself %s and has this host's key: the state directory was copied; "+
			"on one of the two stop vsys, remove it and join again (vsys join)", e.Addr, e.Name)
	}
	if e.Skew < 0 {
		return fmt.Sprintf("the clock of %s is %v behind the one here: set the clock that is wrong", who, -e.Skew)
	}
	return fmt.Sprintf("the clock of %s is %v ahead of the one here: set the clock that is wrong", who, e.Skew)
}

// Verdict is what one host thinks of another, as it goes over the wire.
type Verdict uint8

// The numbers are the wire's.
const (
	Welcome      Verdict = 0
	WrongDomain  Verdict = 1 // of the certificate, as cert.WrongDomain; and so on
	BadSignature Verdict = 2
	Expired      Verdict = 3
	NotYetValid  Verdict = 4
	Revoked      Verdict = 5
	OldKey       Verdict = 6
	SameKey      Verdict = 16 // the key of the receiver's is the sender's
	SameNumber   Verdict = 17 // another host has that number and boot epoch
	Unacceptable Verdict = 31 // any other reason
)

// String says it to the host that is refused.
func (v Verdict) String() string {
	switch v {
	case Welcome:
		return "welcome"
	case WrongDomain:
		return "the certificate here is of another domain: join (vsys invite there, vsys join here)"
	case BadSignature:
		return "the certificate here is not signed by a key that it knows: join again (vsys invite there, vsys join here)"
	case Expired:
		return "the certificate here has ended: set the clock that is wrong, or join again (vsys invite there, vsys join here)"
	case NotYetValid:
		return "the certificate here is not valid yet: set the clock that is wrong"
	case Revoked:
		return "this host was expelled from the domain: to come back, join anew (vsys invite there, vsys join here)"
	case OldKey:
		return "the certificate here is signed by a key that the domain has retired: join again (vsys invite there, vsys join here)"
	case SameKey:
		return "both have one key: the state directory was copied"
	case SameNumber:
		return "another host has this one's number and boot epoch: boot again"
	}
	return fmt.Sprintf("for a reason that this version does not know (%d)", uint8(v))
}

// maxEvents bounds the events that wait for Events.
const maxEvents = 256

// Events returns what has happened since the last call, oldest first. Of more
// than 256 the later ones are dropped.
func (t *Table) Events() []Event {
	ev := t.events
	t.events = nil
	return ev
}

func (t *Table) event(e Event) {
	if len(t.events) < maxEvents {
		t.events = append(t.events, e)
	}
}

// about begins an event about the other end of s.
func about(k EventKind, s *Session) Event {
	return Event{Kind: k, Name: s.Name, Number: s.Number, Epoch: s.Epoch, Fingerprint: s.Fingerprint, Addr: s.Addr, Session: s}
}
