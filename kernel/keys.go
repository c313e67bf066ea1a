package kernel

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vsys/link/frame"
	"vsys/seal"
)

// Keys is what a team of a sealed domain asks its host kernel about keys. Its
// methods may take as long as a message to the host kernel.
type Keys interface {
	// Receivers returns what opens frames for this team, one for each session of
	// its host. If that is still what it was in the given generation, unchanged is
	// true. Where a host is, too, may be another in another generation.
	Receivers(generation uint64) (all []seal.Receiver, current uint64, unchanged bool)
	// SendKey returns by which key this team seals for a team of a host, and where the
	// host is, if that is known.
	SendKey(host, team uint16) (seal.SendKey, netip.AddrPort, bool)
	// Renew asks for a new session in the place of the one with that identifier, or
	// with 0 of all: too much has been sent by it, or by too many.
	Renew(session uint32)
}

// Times of asking the host kernel.
const (
	keysAge     = 2 * time.Second        // of what is known, at most, where frames come or go
	keysDoubt   = 100 * time.Millisecond // the same if a peer does not answer
	keysUnknown = 50 * time.Millisecond  // on average, if frames are of sessions that are not known
	keysBurst   = 16                     // and so often at once
)

// How many keys a team keeps. Sealers are made anew when they are needed; of
// openers, which remember what was replayed, no more are made in one session.
const (
	maxSealers = 8192
	maxOpeners = 8192

	// renewFrames is after how many frames of a team all its sessions are renewed, far
	// before the limits of the ciphers.
	renewFrames = 1 << 30
)

// keyring is a team's keys: it seals what goes out and opens what comes in, while
// Kernel.mu is not held.
type keyring struct {
	source Keys
	self   seal.Team
	now    func() time.Duration
	count  atomic.Uint64 // of the team's frames, under all keys
	asked  atomic.Int64  // when Receivers was asked last

	mu         sync.RWMutex // guards what follows
	generation uint64
	sealers    map[uint32]*seal.Sealer // by host and team

	opening  sync.Mutex // guards what follows; taken before mu
	sessions map[uint32]*inbound
	spared   int           // questions that may be asked at once about unknown sessions
	sparedAt time.Duration // when there was one more
	nonce    seal.Nonce
}

// inbound is what a team receives by one session.
type inbound struct {
	seal.Receiver
	openers map[seal.Team]*seal.Opener
	full    bool // a new session was asked for
}

func newKeyring(source Keys, self seal.Team, now func() time.Duration) *keyring {
	r := &keyring{
		source: source, self: self, now: now,
		sealers: map[uint32]*seal.Sealer{}, sessions: map[uint32]*inbound{}, spared: keysBurst,
	}
	r.asked.Store(-int64(time.Hour))
	return r
}

// refresh asks the host kernel for what has changed, if that was not done for so
// long, and tells whether something has. r.opening is held.
func (r *keyring) refresh(age time.Duration) bool {
	now := r.now()
	if now-time.Duration(r.asked.Load()) < age {
		return false
	}
	r.asked.Store(int64(now))
	receivers, generation, unchanged := r.source.Receivers(r.generation)
	if unchanged {
		return false
	}
	sessions := make(map[uint32]*inbound, len(receivers))
	for _, v := range receivers {
		in := r.sessions[v.Session]
		if in == nil || in.Receiver != v {
			in = &inbound{Receiver: v, openers: map[seal.Team]*seal.Opener{}}
		}
		sessions[v.Session] = in
	}
	r.sessions = sessions
	r.mu.Lock()
	r.generation = generation
	clear(r.sealers)
	r.mu.Unlock()
	return true
}

// mayAsk tells whether the host kernel may be asked about a session that is not
// known: strangers can make up as many as they like. r.opening is held.
func (r *keyring) mayAsk() bool {
	now := r.now()
	if more := (now - r.sparedAt) / keysUnknown; more > 0 {
		r.spared, r.sparedAt = int(min(time.Duration(r.spared)+more, keysBurst)), now
	}
	if r.spared == 0 {
		return false
	}
	r.spared--
	return true
}

// refreshed is refresh for who does not hold r.opening.
func (r *keyring) refreshed(age time.Duration) bool {
	if r.now()-time.Duration(r.asked.Load()) < age {
		return false
	}
	r.opening.Lock()
	defer r.opening.Unlock()
	return r.refresh(age)
}

// sealer returns the sealer for a team, nil if there is no key for it, and if the
// host kernel was asked, where the team's host is.
func (r *keyring) sealer(host, team uint16) (*seal.Sealer, netip.AddrPort) {
	to := uint32(host)<<16 | uint32(team)
	r.mu.RLock()
	s := r.sealers[to]
	generation := r.generation
	r.mu.RUnlock()
	if s != nil {
		return s, netip.AddrPort{}
	}
	key, addr, ok := r.source.SendKey(host, team)
	if !ok {
		return nil, addr
	}
	s = seal.NewSealer(key, r.self)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.generation == generation { // else the key may be old
		if len(r.sealers) >= maxSealers {
			clear(r.sealers)
		}
		r.sealers[to] = s
	}
	return s, addr
}

// seal makes b, a header and a body, a sealed frame.
func (r *keyring) seal(s *seal.Sealer, b []byte, n *seal.Nonce) ([]byte, error) {
	count := r.count.Add(1)
	if count%renewFrames == 0 {
		r.source.Renew(0)
	}
	return s.Seal(b, count, n)
}

// open opens a frame for this team and returns which team of which host has
// sealed it.
func (r *keyring) open(h *frame.Header, b []byte) (body []byte, from origin, err error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	r.refresh(keysAge)
	session, sender := seal.SenderOf(h)
	in := r.sessions[session]
	if in == nil && r.mayAsk() && r.refresh(0) {
		in = r.sessions[session]
	}
	if in == nil {
		return nil, from, seal.ErrForged
	}
	o := in.openers[sender]
	known := o != nil
	if !known {
		if len(in.openers) >= maxOpeners/2 && !in.full {
			in.full = true
			r.source.Renew(session)
		}
		if len(in.openers) >= maxOpeners {
			return nil, from, seal.ErrReplayed
		}
		o = seal.NewOpener(&in.Receiver, sender)
	}
	o.Age(r.now())
	if body, err = o.Open(h, b, &r.nonce); err != nil {
		return nil, from, err
	}
	if !known {
		in.openers[sender] = o
	}
	return body, origin{host: in.Host, team: sender, self: seal.IsSelf(session)}, nil
}
