package pair

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"vsys/seal/cert"
)

// The rules of the protocol, docs/wire/handshake.md.
const (
	repeatEvery = 250 * time.Millisecond // an Initiate; a Confirm at first
	begunTime   = 2 * time.Second        // an Initiate is repeated for
	halfTime    = 5 * time.Second        // an unconfirmed Respond is remembered for
	confirmTime = 2 * time.Second        // longest pause between two Confirms of one session
	rekeyTime   = time.Hour
	rekeyLate   = 5 * time.Minute // the host with the higher number lets the other rekey first
	rekeyRetry  = time.Minute
	graceTime   = 5 * time.Minute // an old session can be received by for
	aliveTime   = 4 * time.Second // a host that was heard so lately is taken to live
	retryTime   = 10 * time.Second
	reportTime  = 10 * time.Minute // between two events about one refusal
	cookieTime  = time.Minute
	maxSkew     = time.Minute

	never = time.Duration(1<<63 - 1)
)

// How much a table holds, and does in a second.
const (
	maxPeers      = 1024
	maxSessions   = 4 // with one host
	maxBegun      = 64
	maxSameBegun  = 4 // towards one host, at several addresses
	maxHalf       = 64
	maxHalfSource = 8 // from one IP address
	maxRefusals   = 64
	maxAddresses  = 256
	maxCookies    = 2 // that one handshake takes

	beginRate   = 50 // handshakes begun for hellos
	freeRate    = 20 // Initiates answered without a cookie
	cookieRate  = 60 // and with one
	addressRate = 8  // with one, from one IP address
	againRate   = 8  // the same Respond again
	readRate    = 100
)

// Packet is what the table wants sent: the body of a handshake frame, to be sealed
// with the group key of that generation. The body must not be changed.
type Packet struct {
	To         netip.AddrPort
	Generation uint32
	Body       []byte
}

// Config says who keeps a table. The functions are called by the table's methods
// and must not call them; nothing may be nil. What they return is only read.
type Config struct {
	Number   uint16
	Epoch    uint64 // of this boot, larger than at any before
	Identity func() *cert.Identity
	Trust    func() *cert.Trust
	// Sequence returns the sequence number of the first of this host's hellos
	// that others may believe which have just made a session with it: that of
	// the next, or of one sent a few seconds ago.
	Sequence func() uint64
	Rand     io.Reader // secure
	AES      bool      // AES-GCM is in hardware here
}

// Table is the sessions of one host. Its methods must not be called at the same
// time; now is a time since an arbitrary origin that never goes back, wall the
// clock that certificates are judged by.
type Table struct {
	c        Config
	peers    []*peer             // in the order of their first sessions
	sessions map[uint32]*Session // of the peers, by ID
	begun    []*initiation       // oldest first
	half     []*answer           // oldest first
	refusals []refusal           // oldest first
	jar      cookieJar

	begins, free, cookied, reads bucket

	due    time.Duration // not later than anything that Tick is to do
	events []Event
}

// New returns a table without sessions.
func New(c Config) *Table {
	return &Table{
		c: c, sessions: map[uint32]*Session{}, jar: cookieJar{rand: c.Rand},
		begins:  bucket{rate: beginRate, burst: maxBegun},
		free:    bucket{rate: freeRate, burst: freeRate},
		cookied: bucket{rate: cookieRate, burst: cookieRate},
		reads:   bucket{rate: readRate, burst: readRate},
		due:     never,
	}
}

// Session returns the session by which to send to the host with that number: the
// newest that it has proven to know, or if there is none the newest. nil: none
// stands. Where two hosts claim one number it is the one that was first here.
func (t *Table) Session(number uint16) *Session {
	if p := t.find(func(p *peer) bool { return p.number == number }); p != nil {
		return p.current()
	}
	return nil
}

// SessionOf is Session for that number in that boot only.
func (t *Table) SessionOf(number uint16, epoch uint64) *Session {
	if p := t.peer(number, epoch); p != nil {
		return p.current()
	}
	return nil
}

// ByID returns the session by which a frame came, to open it; nil if there is none.
// When a frame was genuine, say so by Proven before anything is done for it.
func (t *Table) ByID(id uint32) *Session {
	if s := t.sessions[id]; s != nil {
		return s
	}
	if a := t.answered(id); a != nil && a.verdict == Welcome {
		return a.session
	}
	return nil
}

// Sessions returns the newest session with each host.
func (t *Table) Sessions() []*Session {
	var all []*Session
	for _, p := range t.peers {
		all = append(all, p.current())
	}
	return all
}

// Accept tells whether a hello that claims to be from that host in that boot, with
// that sequence number, may be believed: a session with it stands, and no such
// hello was accepted before. If false because none stands, see Begin.
func (t *Table) Accept(now time.Duration, number uint16, epoch, sequence uint64) bool {
	p := t.peer(number, epoch)
	if p == nil || !p.window.accept(sequence) {
		return false
	}
	p.heard = now
	return true
}

// Moved says that the host with that number is at another address now, where
// handshakes with it are to go.
func (t *Table) Moved(number uint16, to netip.AddrPort) {
	if p := t.find(func(p *peer) bool { return p.number == number }); p != nil {
		p.addr = unmap(to)
	}
}

// Drop forgets the sessions with the host, or the hosts, of that number.
func (t *Table) Drop(number uint16) {
	for _, p := range slices.Clone(t.peers) {
		if p.number == number {
			t.forget(p)
		}
	}
}

// Review judges the certificates of all hosts again, after Trust has changed.
// Sessions with those that are refused now are gone.
func (t *Table) Review(now time.Duration, wall time.Time) {
	t.refusals = nil
	for _, p := range slices.Clone(t.peers) {
		s := p.current()
		if err := t.c.Trust().Verify(&s.Certificate, wall); err != nil {
			t.refuse(now, Refused, s, verdictOf(err), err)
		}
	}
}

// Rekey asks for a new session with the host of that number; the next Tick begins
// it, the old one stays good meanwhile and for five minutes.
func (t *Table) Rekey(number uint16) {
	if p := t.find(func(p *peer) bool { return p.number == number }); p != nil {
		p.rekey = 0
		t.schedule(0)
	}
}

// Deadline returns when Tick is to be called next; any other call may have made
// it earlier.
func (t *Table) Deadline() time.Duration { return t.due }

// schedule has Tick called at d or before.
func (t *Table) schedule(d time.Duration) { t.due = min(t.due, d) }

// Tick does what is due at now. Calling it early does no harm.
func (t *Table) Tick(now time.Duration, wall time.Time, out []Packet) []Packet {
	if now < t.due {
		return out
	}
	t.due = never
	t.half = slices.DeleteFunc(t.half, func(a *answer) bool { return now >= a.until })
	for _, a := range t.half {
		t.schedule(a.until)
	}
	t.begun = slices.DeleteFunc(t.begun, func(i *initiation) bool { return now >= i.until })
	for _, p := range slices.Clone(t.peers) {
		if t.retire(now, p); len(p.sessions) == 0 {
			t.forget(p)
			continue
		}
		out = t.repeatConfirms(now, p, out)
		if now >= p.rekey {
			p.rekey = now + rekeyRetry
			t.beginRekey(now, wall, p)
		}
		t.schedule(p.rekey)
	}
	for _, i := range t.begun {
		out = i.send(now, out)
		t.schedule(i.deadline())
	}
	return out
}

// retire ends the sessions of p whose time is over. The newest stays.
func (t *Table) retire(now time.Duration, p *peer) {
	current := p.current()
	p.sessions = slices.DeleteFunc(p.sessions, func(s *Session) bool {
		// The peer has forgotten an answer that was not confirmed for so long.
		lost := current.state != proven && now >= s.Since+halfTime
		if !lost && (s == current || now < s.retire) {
			return false
		}
		delete(t.sessions, s.ID)
		return true
	})
	for _, s := range p.sessions {
		if current.state != proven {
			t.schedule(s.Since + halfTime)
		}
		if s != current {
			t.schedule(s.retire)
		}
	}
}

// repeatConfirms sends those that nothing has shown to have come.
func (t *Table) repeatConfirms(now time.Duration, p *peer, out []Packet) []Packet {
	for _, s := range p.sessions {
		if now >= s.next {
			if s.wait *= 2; s.wait > confirmTime {
				s.next = never
				continue
			}
			s.next = now + s.wait
			out = append(out, s.confirm())
		}
		t.schedule(s.next)
	}
	return out
}

// find returns the first peer of which is true.
func (t *Table) find(is func(*peer) bool) *peer {
	if i := slices.IndexFunc(t.peers, is); i >= 0 {
		return t.peers[i]
	}
	return nil
}

func (t *Table) peer(number uint16, epoch uint64) *peer {
	return t.find(func(p *peer) bool { return p.stands(number, epoch) })
}

func (t *Table) withKey(key *[32]byte) *peer {
	return t.find(func(p *peer) bool { return p.key == *key })
}

// forget ends a peer's sessions.
func (t *Table) forget(p *peer) {
	for _, s := range p.sessions {
		delete(t.sessions, s.ID)
	}
	t.peers = slices.DeleteFunc(t.peers, func(x *peer) bool { return x == p })
}

// newID draws an identifier that no session has, nor one that is being made.
func (t *Table) newID() (uint32, error) {
	for {
		id, err := randomID(t.c.Rand)
		if err != nil {
			return 0, err
		}
		if validID(id) && t.sessions[id] == nil && t.answered(id) == nil && t.initiated(id) == nil {
			return id, nil
		}
	}
}

// unmap returns a as IPv4 where it is IPv4 inside IPv6, so that one address has
// one form.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
