package sim

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"time"

	"vsys/link/frame"
	"vsys/seal"
	"vsys/seal/pair"
	"vsys/vmtp/packet"
)

// attacker sees all that is on the network of a load's world and puts into it what it
// likes, from any address. It may have an insider, too: one that has, or had, keys of
// the domain.
type attacker struct {
	l       *load
	kind    insider
	rogue   *trust // of the insider; nil: none
	recent  []overheard
	hash    maphash.Seed
	wire    map[uint64]netip.AddrPort // where what hosts have sent went to, by its hash
	came    map[uint64]bool           // what hosts have taken
	taken   map[taking]int
	balance map[netip.AddrPort]int // octets that came from addresses of no host, less those sent there
	sent    [actions]int
	refused int
}

// overheard is a datagram that was seen.
type overheard struct {
	from, to netip.AddrPort
	b        []byte
	at       time.Duration
}

// What the attacker does not do: it does not hold a packet back for longer than holds,
// which is VMTP's packet lifetime, and it does not pass handshakes on, younger than
// passes, in the name of another address.
const (
	holds  = time.Hour
	passes = 0
)

// taking is a frame that a team has taken.
type taking struct {
	team  *Team
	frame uint64
}

// insider says which keys the attacker has.
type insider int

const (
	outsider insider = iota
	expelled         // the group key of before, and a certificate that is revoked
	expired          // the group key, and a certificate that has ended
	stranger         // the group key, and a certificate of its own domain's
	member           // all that a host has
	insiders
)

var insiderNames = [insiders]string{"an outsider", "an expelled host", "a host with an old certificate", "a host of another domain", "a member"}

// Addresses of no host.
var (
	rogueAddr   = netip.MustParseAddrPort("10.9.9.9:8145")
	rogueNumber = uint16(99)
)

func victim(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}), 8145)
}

// newAttacker lets an attacker into a load's world, which must be sealed.
func newAttacker(l *load, kind insider) *attacker {
	a := &attacker{
		l: l, kind: kind, hash: maphash.MakeSeed(),
		wire: map[uint64]netip.AddrPort{}, came: map[uint64]bool{}, taken: map[taking]int{}, balance: map[netip.AddrPort]int{},
	}
	l.w.Tap = func(from, to netip.AddrPort, b []byte) {
		l.read(b)
		a.see(overheard{from, to, bytes.Clone(b), l.w.Now()})
	}
	l.w.Arrived = a.judge
	l.w.After(0, a.act)
	if kind != outsider {
		l.w.After(l.between(0, 3*time.Second), a.turn)
	}
	return a
}

// turn makes the insider one.
func (a *attacker) turn() {
	w := a.l.w
	now, world := w.Wall(), w.Domain()
	own := *world
	id := world.Identity("mallory", now, now.Add(time.Hour))
	switch a.kind {
	case expelled:
		if err := w.Expel(id.Key.Fingerprint()); err != nil {
			a.l.failf("%v", err)
		}
	case expired:
		id = world.Identity("mallory", now.Add(-2*time.Hour), now.Add(-time.Second))
	case stranger:
		own = *w.NewDomain()
		id = own.Identity("mallory", now, now.Add(time.Hour))
		own.Trust.Groups = world.Trust.Groups
		if a.l.chance(0.5) { // it says that it is of this one
			own.Trust.Domain = world.Trust.Domain
			id.Certificate.Domain = world.Trust.Domain
		}
	}
	a.rogue = &trust{
		w: w, domain: &own, identity: id, number: rogueNumber, epoch: uint64(now.UnixNano()),
		send: func(to netip.AddrPort, b []byte) { a.inject(rogueAddr, w.byAddr[to], b) },
		others: func() (all []netip.AddrPort) {
			for _, h := range w.hosts {
				all = append(all, h.addr)
			}
			return all
		},
	}
	if a.kind != member && a.l.chance(0.5) {
		a.rogue.number = w.hosts[0].Number
	}
	a.rogue.start()
}

// see takes down what a host has sent.
func (a *attacker) see(d overheard) {
	a.wire[maphash.Bytes(a.hash, d.b)] = d.to
	if a.l.w.byAddr[d.to] == nil {
		a.owe(d)
		return
	}
	if len(a.recent) < 256 {
		a.recent = append(a.recent, d)
	} else {
		a.recent[a.l.w.Rand.IntN(len(a.recent))] = d
	}
	if a.l.chance(0.02) { // at once, perhaps before it is there
		a.count(replay, d.from, a.l.w.byAddr[d.to], d.b)
	}
}

// owe takes a datagram to an address of no host: who sends there more than came from
// there can be made to flood others.
func (a *attacker) owe(d overheard) {
	if a.balance[d.to] -= len(d.b); a.balance[d.to] < 0 && (d.to != rogueAddr || a.kind != member) {
		a.l.failf("%v sends %d octets more to %v than came from there", d.from, -a.balance[d.to], d.to)
	}
	f, _, err := frame.Decode(d.b)
	if d.to == rogueAddr && err == nil && a.rogue != nil {
		a.l.w.After(time.Millisecond, func() { a.rogue.hear(d.from, &f, bytes.Clone(d.b)) })
	}
}

// judge looks at what a host makes of a datagram.
func (a *attacker) judge(v Arrival) {
	h := maphash.Bytes(a.hash, v.Datagram)
	to, genuine := a.wire[h]
	f, _, err := frame.Decode(v.Datagram)
	handshake := err == nil && f.Type == frame.Handshake
	if !v.Refused {
		a.came[h] = true
	}
	switch {
	case v.Refused:
		a.refused++
	case handshake, v.Injected && v.From == rogueAddr && a.kind == member: // Check judges what comes of it
	case v.Injected && !genuine:
		a.l.failf("%s takes a datagram of the attacker's: %s", v.Host.Name, v.Host.describe(v.Datagram))
	case !v.Injected && v.From == v.Host.addr: // it was not on the network
	case f.Type != frame.Hello && to != v.Host.addr:
		a.l.failf("%s takes a datagram for %v", v.Host.Name, to)
	case int(f.Slot) == int(v.Team.Number): // for a dead team it may come again
		if a.taken[taking{v.Team, h}]++; a.taken[taking{v.Team, h}] > 1 {
			a.l.failf("%s takes a datagram twice: %s", v.Host.Name, v.Host.describe(v.Datagram))
		}
	}
}

// What an attacker does.
const (
	replay     = iota // a datagram again, from where it came or from elsewhere
	misroute          // to another host
	flip              // a bit of it
	cut               // its end, or add to it
	reslot            // for another team
	rehead            // with another field in its header
	splice            // one's header, the other's body
	null              // a packet in clear
	wrap              // one that the host kernel seems to have handed on
	forgeGroup        // a group's frame, by another key of that name
	garbage           // anything
	flood             // handshakes, from many addresses
	insiding          // what an insider can
	actions
)

// act does something, and comes again.
func (a *attacker) act() {
	w := a.l.w
	if a.rogue != nil && a.rogue.Deadline() <= w.now {
		a.rogue.Tick()
	}
	if len(a.recent) > 0 && len(a.l.calls) > 0 {
		a.do(w.Rand.IntN(actions))
	}
	if a.l.open+a.l.left > 0 {
		w.After(a.l.between(0, 60*time.Millisecond), a.act)
	}
}

func (a *attacker) do(action int) {
	w := a.l.w
	d, o := a.any(), a.any()
	from, to, b := a.from(d), w.byAddr[d.to], bytes.Clone(d.b)
	switch action {
	case misroute:
		to = a.host()
	case flip:
		bit := w.Rand.IntN(8 * len(b))
		b[bit/8] ^= 1 << (bit % 8)
	case cut:
		if b = b[:w.Rand.IntN(len(b)+1)]; len(b) == len(d.b) {
			b = append(b, 0)
		}
	case reslot:
		binary.BigEndian.PutUint16(b[2:], uint16(w.Rand.IntN(4)))
	case rehead:
		at := w.Rand.IntN(frame.HeaderSize)
		b[at] = byte(w.Rand.Uint32())
	case splice:
		b = append(b[:frame.HeaderSize], o.b[frame.HeaderSize:]...)
	case null:
		b = a.request(frame.Header{Type: frame.Null, Slot: uint16(w.Rand.IntN(Teams))}.Append(nil))
		b = frame.AppendNullTag(b)
	case wrap:
		b = frame.AppendWrapped(nil, uint16(w.Rand.IntN(Teams)), to.addr, a.request(nil))
		b, from = frame.AppendNullTag(b), to.addr
	case forgeGroup:
		b = a.forgedGroup()
	case garbage:
		b = make([]byte, w.Rand.IntN(200))
		for i := range b {
			b[i] = byte(w.Rand.Uint32())
		}
		if len(b) > 2 && a.l.chance(0.8) {
			b[0], b[1] = 0x40|b[0]&0x0F, frame.Version<<4
		}
	case flood:
		a.flood()
		return
	case insiding:
		a.inside()
		return
	}
	a.count(action, from, to, b)
}

// any returns something that was seen.
func (a *attacker) any() overheard {
	for {
		if len(a.recent) == 0 {
			h := a.host()
			return overheard{h.addr, a.host().addr, frame.AppendNullTag(frame.Header{Type: frame.Null}.Append(nil)), a.l.w.Now()}
		}
		i := a.l.w.Rand.IntN(len(a.recent))
		d := a.recent[i]
		if a.l.w.Now()-d.at <= holds || frame.TypeOf(d.b) != frame.Sealed || a.came[maphash.Bytes(a.hash, d.b)] {
			return d
		}
		a.recent[i] = a.recent[len(a.recent)-1]
		a.recent = a.recent[:len(a.recent)-1]
	}
}

// mayPass tells whether d may come from elsewhere.
func (a *attacker) mayPass(d overheard) bool {
	return frame.TypeOf(d.b) != frame.Handshake || a.l.w.Now()-d.at > passes
}

func (a *attacker) host() *Host { return a.l.w.hosts[a.l.w.Rand.IntN(len(a.l.w.hosts))] }

// from returns an address to send d from.
func (a *attacker) from(d overheard) netip.AddrPort {
	switch n := a.l.w.Rand.IntN(4); {
	case !a.mayPass(d):
	case n == 0:
		return victim(a.l.w.Rand.IntN(8))
	case n == 1:
		return a.host().addr
	}
	return d.from
}

func (a *attacker) count(action int, from netip.AddrPort, to *Host, b []byte) {
	a.sent[action]++
	a.inject(from, to, b)
}

func (a *attacker) inject(from netip.AddrPort, to *Host, b []byte) {
	d := a.l.between(0, 2*time.Millisecond)
	if a.l.w.byAddr[from] == nil {
		a.l.w.After(d, func() { a.balance[from] += len(b) })
	}
	a.l.w.Inject(d, from, to, b)
}

// request appends a Request that a server would serve, in the name of a client.
func (a *attacker) request(b []byte) []byte {
	l := a.l
	c := l.calls[l.w.Rand.IntN(len(l.calls))]
	h := packet.Header{
		Client: l.all[l.w.Rand.IntN(len(l.all))].proc.PID(), Version: packet.Version, Domain: packet.Domain,
		Transaction: l.w.Rand.Uint32(), Server: l.target().proc.PID(), Message: c.request(),
	}
	return h.Append(b, nil)
}

// forgedGroup returns a hello or a handshake that is sealed by a key that only has
// the name of the group's.
func (a *attacker) forgedGroup() []byte {
	w := a.l.w
	g := seal.NewGroup(&seal.Secret{byte(w.Rand.Uint32())})
	g.ID = w.Domain().Trust.Groups[0].ID()
	h := a.host()
	kind, body := frame.Hello, hello{h.Number, uint64(w.Wall().UnixNano()), w.Rand.Uint64()}.body()
	if a.l.chance(0.5) {
		kind, body = frame.Handshake, body[:pair.Size]
	}
	b, err := g.Seal(nil, kind, body, w.Domain().random)
	if err != nil {
		a.l.failf("%v", err)
	}
	return b
}

// flood sends a host many of the handshakes and hellos that were seen.
func (a *attacker) flood() {
	to := a.host()
	for range 100 {
		d := a.any()
		if t := frame.TypeOf(d.b); t == frame.Hello || t == frame.Handshake && a.mayPass(d) {
			a.count(flood, victim(a.l.w.Rand.IntN(250)), to, d.b)
		}
	}
}

// inside does what needs keys.
func (a *attacker) inside() {
	r, w := a.rogue, a.l.w
	if r == nil {
		return
	}
	a.sent[insiding]++
	h, to := a.host(), a.host()
	if a.kind != member {
		// The hello of another, which lies far ahead. With the newest group key it would
		// be believed (package pair, Limits).
		if a.kind == expelled && h.trust != nil {
			r.sendGroup(frame.Hello, 0, to.addr, hello{h.Number, h.trust.epoch, h.trust.sequence + 50}.body())
		}
		return
	}
	slot := uint16(w.Rand.IntN(Teams))
	key, ok := r.sendKey(seal.Team{}, to.Number, slot)
	if !ok {
		return
	}
	b := a.request(frame.Header{Type: frame.Sealed, Slot: slot}.Append(make([]byte, 0, 2048)))
	b, err := seal.NewSealer(key, seal.Team{}).Seal(b, uint64(a.sent[insiding]), new(seal.Nonce))
	if err != nil {
		a.l.failf("%v", err)
	}
	w.Inject(0, victim(0), to, b) // all of it is to be refused
}

// done checks what has come of the attack.
func (a *attacker) done() {
	l, w := a.l, a.l.w
	if a.refused == 0 {
		l.failf("the attacker did nothing")
	}
	for _, h := range w.hosts {
		for _, s := range h.trust.pairs.Sessions() {
			if s.Name == "mallory" && a.kind != member {
				l.failf("%s has a session with %s", h.Name, insiderNames[a.kind])
			}
		}
		for _, e := range h.trust.events {
			if (e.Kind == pair.Refused || e.Kind == pair.RefusedBy || e.Kind == pair.OwnKey) && e.Name != "mallory" {
				l.failf("%s: %v", h.Name, e)
			}
		}
		for s := range h.trust.believed {
			if o := w.hostOf(s.number); s.number != rogueNumber && (s.epoch == o.trust.epoch && s.sequence > o.trust.sequence) {
				l.failf("%s believes a hello that %s has not sent", h.Name, o.Name)
			}
		}
	}
}
