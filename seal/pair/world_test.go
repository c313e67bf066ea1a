package pair

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"vsys/seal/cert"
)

// epoch0 is the wall clock at the begin of every world.
var epoch0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// randomness is a seeded reader.
type randomness struct{ r *rand.ChaCha8 }

func newRandomness(seed uint64) randomness {
	var s [32]byte
	binary.BigEndian.PutUint64(s[:], seed)
	return randomness{rand.NewChaCha8(s)}
}

func (r randomness) Read(b []byte) (int, error) { return r.r.Read(b) }

// parcel is a packet on its way: a handshake body or a hello.
type parcel struct {
	from, to   netip.AddrPort
	generation uint32
	body       []byte
	hello      *hello
	at         time.Duration
}

// hello is all of one that this package cares for.
type hello struct {
	number   uint16
	epoch    uint64
	sequence uint64
}

// world is some hosts on a lossy network, and one goroutine.
type world struct {
	t      testing.TB
	rand   *rand.Rand
	random randomness
	now    time.Duration
	domain cert.DomainKey
	trust  cert.Trust
	nodes  []*node
	air    []parcel
	record []parcel // all that was ever sent

	loss, dup float64
	delay     func() time.Duration
	filter    func(*parcel) bool // false: lost
}

// node is one host in one boot.
type node struct {
	*Table
	w        *world
	number   uint16
	epoch    uint64
	addr     netip.AddrPort
	identity cert.Identity
	trust    cert.Trust
	ahead    time.Duration // of its clock
	sequence uint64
	down     bool
	believed []hello
	events   []Event
	errs     []error
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 8145)), random: newRandomness(seed)}
	w.delay = func() time.Duration { return time.Millisecond }
	var err error
	if w.domain, w.trust, _, err = cert.NewDomain(w.random, epoch0, "keeper"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return w
}

func (w *world) wall() time.Time { return epoch0.Add(w.now) }

func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 8145)
}

// identity makes a host key and a certificate for it.
func (w *world) identity(name string) cert.Identity {
	key, err := cert.NewHostKey(w.random)
	if err != nil {
		w.t.Fatal(err)
	}
	c := cert.New(w.trust.Domain, key.Public, name, cert.RoleHost, w.wall())
	return cert.Identity{Key: key, Certificate: cert.Issue(w.domain, c)}
}

// boot adds host i, with a new identity.
func (w *world) boot(i int) *node {
	return w.bootAs(i, uint64(w.now)+1000+uint64(i), w.identity(fmt.Sprintf("h%d", i)))
}

// bootAs adds host i; one that is at its address is down from then on.
func (w *world) bootAs(i int, epoch uint64, id cert.Identity) *node {
	n := &node{w: w, number: uint16(i), epoch: epoch, addr: addr(i), identity: id, trust: w.trust, sequence: 1}
	n.Table = New(Config{
		Number: n.number, Epoch: n.epoch, Rand: w.random, AES: true,
		Identity: func() *cert.Identity { return &n.identity },
		Trust:    func() *cert.Trust { return &n.trust },
		Sequence: func() uint64 { return n.sequence },
	})
	for _, x := range w.nodes {
		x.down = x.down || x.addr == n.addr
	}
	w.nodes = append(w.nodes, n)
	return n
}

func (n *node) wall() time.Time { return n.w.wall().Add(n.ahead) }

// send puts packets on the air.
func (n *node) send(out []Packet) {
	for _, p := range out {
		n.w.put(parcel{from: n.addr, to: p.To, generation: p.Generation, body: p.Body})
	}
	n.events = append(n.events, n.Table.Events()...)
}

// greet sends a hello to each.
func (n *node) greet(others ...*node) {
	for _, o := range others {
		n.w.put(parcel{from: n.addr, to: o.addr, hello: &hello{n.number, n.epoch, n.sequence}})
		n.sequence++
	}
}

func (w *world) put(p parcel) {
	w.record = append(w.record, p)
	if w.filter != nil && !w.filter(&p) || w.rand.Float64() < w.loss {
		return
	}
	for {
		p.at = w.now + w.delay()
		w.air = append(w.air, p)
		if w.rand.Float64() >= w.dup {
			return
		}
	}
}

// at returns who is up at an address.
func (w *world) at(a netip.AddrPort) *node {
	if i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.addr == a && !n.down }); i >= 0 {
		return w.nodes[i]
	}
	return nil
}

// deliver gives a parcel to whom it is for, who answers.
func (w *world) deliver(p parcel) {
	n := w.at(p.to)
	if n == nil {
		return
	}
	if h := p.hello; h != nil {
		if n.Accept(w.now, h.number, h.epoch, h.sequence) {
			n.believed = append(n.believed, *h)
			return
		}
		n.send(n.Begin(w.now, n.wall(), Stranger{p.from, h.number, h.epoch, 1, Size}, nil))
		return
	}
	out, err := n.Heard(w.now, n.wall(), p.from, p.generation, p.body, nil)
	if err != nil {
		n.errs = append(n.errs, err)
	}
	n.send(out)
}

// step does what comes next, until then at most.
func (w *world) step(until time.Duration) {
	next := until
	for _, p := range w.air {
		next = min(next, p.at)
	}
	for _, n := range w.nodes {
		if !n.down {
			next = min(next, n.Deadline())
		}
	}
	w.now = max(w.now, next)
	for _, n := range w.nodes {
		if !n.down && n.Deadline() <= w.now {
			n.send(n.Tick(w.now, n.wall(), nil))
			if n.Deadline() <= w.now {
				w.t.Fatalf("deadline %v is past at %v", n.Deadline(), w.now)
			}
		}
	}
	i := slices.IndexFunc(w.air, func(p parcel) bool { return p.at <= w.now })
	if i >= 0 {
		p := w.air[i]
		w.air = slices.Delete(w.air, i, i+1)
		w.deliver(p)
	}
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	for end := w.now + d; w.now < end || slices.ContainsFunc(w.air, func(p parcel) bool { return p.at <= w.now }); {
		w.step(end)
	}
}

// greetFor lets d pass, while all hosts greet all four times a second.
func (w *world) greetFor(d time.Duration) {
	for end := w.now + d; w.now < end; w.run(250 * time.Millisecond) {
		w.greetAll()
	}
}

func (w *world) greetAll() {
	for _, n := range w.nodes {
		for _, o := range w.nodes {
			if n != o && !n.down && !o.down {
				n.greet(o)
			}
		}
	}
}

// both fails unless a and b can talk both ways, and returns a's session.
func (w *world) both(a, b *node) *Session {
	w.t.Helper()
	s, r := a.Session(b.number), b.Session(a.number)
	if s == nil || r == nil {
		w.t.Fatalf("sessions %v, %v; errors %v, %v; events %v, %v", s, r, a.errs, b.errs, a.events, b.events)
	}
	w.opens(s, b)
	w.opens(r, a)
	return s
}

// opens fails unless what is sent by s can be opened by the host at its other end.
func (w *world) opens(s *Session, to *node) {
	w.t.Helper()
	if s.Number != to.number || s.Epoch != to.epoch || s.Certificate.Key != to.identity.Key.Public {
		w.t.Fatalf("the session is with %d, %d", s.Number, s.Epoch)
	}
	r := to.ByID(s.PeerID)
	if r == nil || r.Receive != s.Send || r.Send != s.Receive || r.AES != s.AES || r.PeerID != s.ID || r.Send == r.Receive {
		w.t.Fatalf("what is sent by %+v is received by %+v", s, r)
	}
}

func (n *node) kinds() (k []EventKind) {
	for _, e := range n.events {
		k = append(k, e.Kind)
	}
	return k
}

// forget begins the record of all that is to be asserted anew.
func (w *world) forget() {
	w.record = nil
	for _, n := range w.nodes {
		n.events, n.errs, n.believed = nil, nil, nil
	}
}

// sent counts what was sent of a kind since forget.
func (w *world) sent(k kind) (count int) {
	for _, p := range w.record {
		if p.body != nil && kind(p.body[0]) == k {
			count++
		}
	}
	return count
}

// snapshot says all that a replay must leave as it is.
func (n *node) snapshot() string {
	var s string
	for _, p := range n.peers {
		s += fmt.Sprintf("%d/%d %v %+v:", p.number, p.epoch, p.addr, p.window)
		for _, x := range p.sessions {
			s += fmt.Sprintf(" %x>%x %d %x %x;", x.ID, x.PeerID, x.state, x.Send[:4], x.Receive[:4])
		}
	}
	return s
}

// rotate gives the domain a new key.
func (w *world) rotate() {
	k, err := cert.Rotate(w.domain, &w.trust, w.random)
	if err != nil {
		w.t.Fatal(err)
	}
	w.domain = k
}
