package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"vsys/link/frame"
	"vsys/seal"
	"vsys/seal/cert"
	"vsys/seal/pair"
	"vsys/vmtp/packet"
)

// worldBegin is the wall clock when a world begins.
var worldBegin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Wall returns the wall clock, the same on all hosts.
func (w *World) Wall() time.Time { return worldBegin.Add(w.now) }

// Domain is the V domain of a sealed world: the keeper's key, and what all its
// hosts know. Its randomness is its own, for keys of hosts too.
type Domain struct {
	Key    cert.DomainKey
	Trust  cert.Trust
	random *rand.ChaCha8
}

// NewDomain makes a domain without hosts. Worlds have one already; another is for
// strangers.
func (w *World) NewDomain() *Domain {
	var seed [32]byte
	for i := 0; i < len(seed); i += 8 {
		binary.BigEndian.PutUint64(seed[i:], w.Rand.Uint64())
	}
	d := &Domain{random: rand.NewChaCha8(seed)}
	var err error
	if d.Key, d.Trust, _, err = cert.NewDomain(d.random, w.Wall(), "keeper"); err != nil {
		panic(err) // only without randomness
	}
	return d
}

// Identity returns a new key and a certificate for it, which holds from an hour
// ago until then.
func (d *Domain) Identity(name string, wall, until time.Time) cert.Identity {
	key, err := cert.NewHostKey(d.random)
	if err != nil {
		panic(err) // only without randomness
	}
	c := cert.New(d.Trust.Domain, key.Public, name, cert.RoleHost, wall)
	c.NotAfter = until
	return cert.Identity{Key: key, Certificate: cert.Issue(d.Key, c)}
}

// Expel takes the certificates of a key back. All hosts know it at once.
func (w *World) Expel(f cert.Fingerprint) error {
	d := w.domain
	r := cert.Revocation{Fingerprint: f, Until: w.Wall().Add(cert.Term).Unix()}
	if err := cert.Expel(d.Key, &d.Trust, r, w.Wall(), d.random); err != nil {
		return err
	}
	for _, h := range w.hosts {
		if h.trust != nil {
			h.trust.review()
		}
	}
	return nil
}

// trust is what a host has beside its kernels in one boot of it in a sealed world,
// as kernel's type of that name: the sessions with the other hosts, and the frames
// between host kernels. A hello only says that a host is there.
type trust struct {
	w        *World
	domain   *Domain
	identity cert.Identity
	number   uint16
	epoch    uint64
	aes      bool
	send     func(to netip.AddrPort, b []byte)
	others   func() []netip.AddrPort // to say hello to

	pairs      *pair.Table
	known      cert.Trust
	groups     []group // newest first
	self       seal.Secret
	sequence   uint64 // of hellos
	helloAt    time.Duration
	ids        uint64 // stands for the sessions that there are
	generation uint64 // counts their changes
	handedOn   uint64 // frames to dead teams

	events   []pair.Event
	believed map[hello]bool // the hellos that were
}

// group is a group key that opens.
type group struct {
	generation uint32
	*seal.Group
}

// hello is all that one says here.
type hello struct {
	number   uint16
	epoch    uint64
	sequence uint64
}

const helloEvery = time.Second

// start begins a boot: what identifies it and send are set.
func (r *trust) start() {
	r.domain.random.Read(r.self[:])
	r.aes = r.w.Rand.IntN(2) == 0
	r.generation, r.helloAt, r.believed = 1, r.w.now, map[hello]bool{}
	r.known = r.domain.Trust
	r.noteGroups()
	r.pairs = pair.New(pair.Config{
		Number: r.number, Epoch: r.epoch, Rand: r.domain.random, AES: r.aes,
		Identity: func() *cert.Identity { return &r.identity },
		Trust:    func() *cert.Trust { return &r.known },
		Sequence: func() uint64 { return r.sequence + 1 },
	})
}

func (r *trust) noteGroups() {
	r.groups = nil
	for _, g := range r.known.Groups {
		r.groups = append(r.groups, group{g.Generation, seal.NewGroup(&g.Key)})
	}
}

// review does what follows when the domain's trust has changed.
func (r *trust) review() {
	r.known = r.domain.Trust
	r.noteGroups()
	r.pairs.Review(r.w.now, r.w.Wall())
	r.after(nil)
}

// Deadline implements ticker.
func (r *trust) Deadline() time.Duration { return min(r.pairs.Deadline(), r.helloAt) }

// Tick implements ticker.
func (r *trust) Tick() {
	if r.w.now >= r.helloAt {
		r.helloAt = r.w.now + helloEvery
		for _, to := range r.others() {
			r.sayHello(to)
		}
	}
	r.after(r.pairs.Tick(r.w.now, r.w.Wall(), nil))
}

// Where a hello's fields are, as kernel and package hello have them.
const (
	atSequence = 0
	atNumber   = 12
	atEpoch    = 16
	helloSize  = 8 + pair.Size
)

func (r *trust) sayHello(to netip.AddrPort) {
	r.sequence++
	r.sendGroup(frame.Hello, 0, to, hello{r.number, r.epoch, r.sequence}.body())
}

func (h hello) body() []byte {
	b := make([]byte, helloSize)
	binary.BigEndian.PutUint64(b[atSequence:], h.sequence)
	binary.BigEndian.PutUint16(b[atNumber:], h.number)
	binary.BigEndian.PutUint64(b[atEpoch:], h.epoch)
	return b
}

// sendGroup sends a frame, sealed by the group key of that generation or, if it is
// 0, the newest.
func (r *trust) sendGroup(kind frame.Type, generation uint32, to netip.AddrPort, body []byte) {
	for _, g := range r.groups {
		if generation == 0 || g.generation == generation {
			if b, err := g.Seal(nil, kind, body, r.domain.random); err == nil {
				r.send(to, b)
			}
			return
		}
	}
}

// hear takes a frame for the host kernel, and spoils its memory. It tells whether
// it was worth anything.
func (r *trust) hear(from netip.AddrPort, head *frame.Header, b []byte) bool {
	for i, g := range r.groups {
		if g.ID != head.Key {
			continue
		}
		body, err := g.Open(head, b)
		switch {
		case err != nil:
			return false
		case head.Type == frame.Hello:
			return r.hearHello(from, g.generation, i == 0, body)
		}
		out, err := r.pairs.Heard(r.w.now, r.w.Wall(), from, g.generation, body, nil)
		r.after(out)
		return err == nil
	}
	return false
}

// hearHello takes a hello: it is believed only if its sender has proven, in this
// boot of it, who it is, and has not sent it before, and if it is by the newest
// group key, which who was expelled does not have; else a handshake is begun.
func (r *trust) hearHello(from netip.AddrPort, generation uint32, newest bool, body []byte) bool {
	if len(body) < atEpoch+8 {
		return false
	}
	h := hello{binary.BigEndian.Uint16(body[atNumber:]), binary.BigEndian.Uint64(body[atEpoch:]), binary.BigEndian.Uint64(body[atSequence:])}
	if newest && r.pairs.Accept(r.w.now, h.number, h.epoch, h.sequence) {
		r.believed[h] = true
		return true
	}
	r.after(r.pairs.Begin(r.w.now, r.w.Wall(), pair.Stranger{
		Addr: from, Number: h.number, Epoch: h.epoch, Generation: generation, Octets: len(body) - atNumber + 4,
	}, nil))
	return false
}

// after sends what a call of the handshakes returned, and notes what has happened.
func (r *trust) after(out []pair.Packet) {
	for _, p := range out {
		r.sendGroup(frame.Handshake, p.Generation, p.To, p.Body)
	}
	for _, e := range r.pairs.Events() {
		r.w.Note("%s: %v", r.identity.Certificate.Name, e)
		r.events = append(r.events, e)
	}
	var ids uint64
	for _, s := range r.pairs.Inbound() {
		ids += uint64(s.ID)<<32 ^ uint64(s.PeerID)*0x9E3779B97F4A7C15
	}
	if ids != r.ids {
		r.ids = ids
		r.generation++
	}
}

// receivers returns what opens frames for a team: of the sessions with other hosts,
// those with the host that has its number.
func (r *trust) receivers(team uint16) []seal.Receiver {
	all := []seal.Receiver{r.selfReceiver(team)}
	for _, s := range r.pairs.Inbound() {
		if r.mayReceive(s) {
			all = append(all, seal.NewReceiver(s.ID, s.Number, s.AES, &s.Receive, team))
		}
	}
	return all
}

// mayReceive tells whether what comes by a session is from the host that has its
// number here: who came second with that number is not.
func (r *trust) mayReceive(s *pair.Session) bool {
	holder := r.pairs.Session(s.Number)
	return holder == nil || holder.Fingerprint == s.Fingerprint
}

func (r *trust) selfReceiver(team uint16) seal.Receiver {
	return seal.NewReceiver(seal.SelfSession, r.number, r.aes, &r.self, team)
}

// sendKey returns by which key a team of this host seals for a team of a host.
func (r *trust) sendKey(sender seal.Team, host, team uint16) (seal.SendKey, bool) {
	if host == r.number {
		v := r.selfReceiver(team)
		return v.SendKey(sender), true
	}
	s := r.pairs.Session(host)
	if s == nil {
		return seal.SendKey{}, false
	}
	v := seal.NewReceiver(s.PeerID, r.number, s.AES, &s.Send, team)
	return v.SendKey(sender), true
}

// open opens a sealed frame for any team of the host, in a copy, and returns which
// host has sealed it. It may have come before.
func (r *trust) open(h *frame.Header, b []byte) (body []byte, from uint16, err error) {
	id, sender := seal.SenderOf(h)
	v := r.selfReceiver(h.Slot)
	if id != v.Session {
		s := r.pairs.ByID(id)
		if s == nil || !r.mayReceive(s) {
			return nil, 0, seal.ErrForged
		}
		v = seal.NewReceiver(id, s.Number, s.AES, &s.Receive, h.Slot)
	}
	body, err = seal.NewOpener(&v, sender).Open(h, slices.Clone(b), new(seal.Nonce))
	return body, v.Host, err
}

// handOn makes of a sealed frame for a dead team one for the host kernel, nil if it
// is not genuine, or of another host than it says. kernel.Host's kernel opens such
// frames by itself.
func (r *trust) handOn(incarnation uint16, from netip.AddrPort, h *frame.Header, b []byte) []byte {
	body, host, err := r.open(h, b)
	if err != nil {
		return nil
	}
	p, _, err := packet.Decode(body)
	sender := p.Client
	if p.Response {
		sender = p.Server
	}
	if err != nil || sender.Host() != host && (p.Response || p.ForwardCount == 0) {
		return nil
	}
	wrapped := frame.AppendWrapped(make([]byte, 0, len(body)+frame.Overhead+frame.WrapOverhead), 0, from, body)
	v := r.selfReceiver(0)
	self := seal.Team{Incarnation: incarnation}
	r.handedOn++
	out, err := seal.NewSealer(v.SendKey(self), self).Seal(wrapped, r.handedOn, new(seal.Nonce))
	if err != nil {
		return nil
	}
	return out
}

// keys is the kernel.Keys of one life of a team.
type keys struct {
	*trust
	team seal.Team
}

func (k keys) Receivers(generation uint64) (all []seal.Receiver, current uint64, unchanged bool) {
	if generation == k.generation {
		return nil, generation, true
	}
	return k.receivers(k.team.Number), k.generation, false
}

func (k keys) SendKey(host, team uint16) (seal.SendKey, netip.AddrPort, bool) {
	key, ok := k.sendKey(k.team, host, team)
	return key, netip.AddrPort{}, ok
}

// Renew has the sessions with other hosts made anew. That of the host with itself is
// not: no host of a world has so many teams.
func (k keys) Renew(session uint32) {
	for _, s := range k.pairs.Sessions() {
		if session == 0 || s.ID == session {
			k.pairs.Rekey(s.Number)
		}
	}
	k.after(k.pairs.Tick(k.w.now, k.w.Wall(), nil))
}

// Check tells what is not as it has to be when a sealed world has had some quiet
// seconds: each host that is up has a session with each other, in this boot of it, and
// believes nobody else to be it.
func (w *World) Check() error {
	for _, h := range w.hosts {
		for _, o := range w.hosts {
			if h == o || h.trust == nil || o.trust == nil {
				continue
			}
			s := h.trust.pairs.Session(o.Number)
			switch {
			case s == nil:
				return fmt.Errorf("%s has no session with %s", h.Name, o.Name)
			case s.Fingerprint != o.identity.Key.Fingerprint():
				return fmt.Errorf("%s takes another host, %s, for %s", h.Name, s.Name, o.Name)
			case s.Epoch != o.trust.epoch:
				return fmt.Errorf("%s has a session with an earlier boot of %s", h.Name, o.Name)
			}
		}
	}
	return nil
}
