package pair

import (
	"net/netip"
	"slices"
	"time"

	"vsys/seal"
	"vsys/seal/cert"
)

// validID tells whether id may name a session of a pair.
func validID(id uint32) bool { return id >= 1 && id < seal.SelfSession }

// Session is what two hosts share after a handshake. The Table owns it: others
// read it, between calls of the Table, and don't change it.
type Session struct {
	ID     uint32 // in the peer's frames to this host, 20 bits
	PeerID uint32 // in this host's frames to the peer
	AES    bool   // AES-128-GCM, else ChaCha20-Poly1305

	Send, Receive seal.Secret // the roots of both directions

	Number      uint16 // of the peer, as Epoch
	Epoch       uint64
	Name        string // as Certificate has it, as Roles
	Roles       cert.Roles
	Fingerprint cert.Fingerprint
	Certificate cert.Certificate
	Addr        netip.AddrPort // where the handshake was made
	Since       time.Duration

	state  state
	begun  bool // by this host
	keys   keys
	answer [digestSize]byte // of the Respond, if begun

	// Of the Confirm, if begun.
	generation uint32
	next       time.Duration // when it is repeated, never if not
	wait       time.Duration

	retire time.Duration // when it ends
}

// state is how far a session is.
//
//	answered Initiate ──► halfOpen ──Confirm, or a frame──► proven
//	Respond ──► unproven ──Acknowledge, or a frame──► proven
type state uint8

const (
	// halfOpen: the keys are known to this host and, if the Initiate was genuine
	// and new, to the peer. Nothing is sent by them, and nobody is believed.
	halfOpen state = iota
	// unproven: the peer has answered; whether it knows that its answer came is
	// not known. Sent by only if there is no better one.
	unproven
	// proven: the peer has used the keys.
	proven
)

// peer is another host: who has one certain key. It has at least one session.
type peer struct {
	key      [32]byte
	number   uint16
	epoch    uint64
	addr     netip.AddrPort
	heard    time.Duration
	window   window
	skewed   bool          // said so
	sessions []*Session    // newest first
	rekey    time.Duration // when to make the next, never if the peer does
}

// current returns the newest session to send by.
func (p *peer) current() *Session {
	if i := slices.IndexFunc(p.sessions, func(s *Session) bool { return s.state == proven }); i >= 0 {
		return p.sessions[i]
	}
	return p.sessions[0]
}

// succeeds tells whether x is a later boot than who says p, and lives. If it is
// silent, it may have been a copy of the other: a copied state directory.
func (x *peer) succeeds(now time.Duration, p *payload) bool {
	return p.epoch < x.epoch && now < x.heard+aliveTime
}

// stands tells whether p is that number in that boot.
func (p *peer) stands(number uint16, epoch uint64) bool {
	return p.number == number && p.epoch == epoch
}

// retireOld sets an end to the sessions that are older than a proven one.
func (p *peer) retireOld(now time.Duration) {
	superseded := false
	for _, s := range p.sessions {
		if superseded {
			s.retire = min(s.retire, now+graceTime)
		}
		superseded = superseded || s.state == proven
	}
}

// window remembers which hello sequence numbers of a peer came, the last 64 of
// them (RFC 4303 §3.4.3).
type window struct {
	floor uint64 // lower ones are not believed
	top   uint64 // the highest that came
	seen  uint64 // bit i: top-i came
}

func newWindow(floor uint64) window { return window{floor: floor, top: floor} }

// accept tells whether n is new, and notes it.
func (w *window) accept(n uint64) bool {
	if n < w.floor {
		return false
	}
	if n > w.top {
		w.seen = w.seen<<min(n-w.top, 64) | 1 // by 64 and more all are shifted out
		w.top = n
		return true
	}
	bit := uint64(1) << min(w.top-n, 63)
	if w.top-n > 63 || w.seen&bit != 0 {
		return false
	}
	w.seen |= bit
	return true
}

// restart begins anew at floor if the window is further ahead than hellos can
// have come since the peer said so: then some were not the peer's.
func (w *window) restart(floor uint64) {
	if w.top > floor && w.top-floor > 1024 {
		*w = newWindow(floor)
	}
}
