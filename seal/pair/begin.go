package pair

import (
	"bytes"
	"io"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/flynn/noise"

	"vsys/seal/cert"
)

// Stranger is a host of which something was heard, without a session.
type Stranger struct {
	Addr       netip.AddrPort
	Number     uint16 // as it says, as Epoch
	Epoch      uint64
	Generation uint32 // of the group key that it used
	// Octets is the size of the body that was heard, before sealing. An Initiate,
	// of Size octets, is sent only for as many octets heard from that address;
	// Trusted for an address that this host's owner gave.
	Octets int
}

// Trusted is the Octets of a Stranger at an address that may be sent to unasked.
const Trusted = math.MaxInt

// initiation is a handshake that this host has begun.
type initiation struct {
	id         uint32
	to         netip.AddrPort
	number     uint16 // of whom, as far as known, as epoch
	epoch      uint64
	generation uint32
	renew      *peer // whose session it renews, if one stands

	key    cert.HostKey
	domain cert.DomainID
	seed   [32]byte // the ephemeral private key
	body   []byte   // the Initiate, Size octets
	digest [digestSize]byte

	credit      int // octets that may still be sent
	cookies     int // taken
	next, until time.Duration
}

// Begin makes a session with a stranger, if it answers: an event tells. If one
// stands, or is refused lately, nothing happens; if one is being made the octets
// heard are counted for it, so it does no harm to call Begin for each hello that
// is not accepted. Too little heard, or too many handshakes at once, also change
// nothing.
func (t *Table) Begin(now time.Duration, wall time.Time, s Stranger, out []Packet) []Packet {
	s.Addr = unmap(s.Addr)
	if !s.Addr.IsValid() || s.Number == t.c.Number && s.Epoch == t.c.Epoch ||
		t.peer(s.Number, s.Epoch) != nil || t.refusedLately(now, s.Number, s.Epoch, s.Addr) {
		return out
	}
	i := t.towards(s.Addr, s.Number, s.Epoch)
	if i == nil {
		if s.Octets < Size || !t.begins.take(now) {
			return out
		}
		var err error
		if i, err = t.initiate(now, wall, s); err != nil {
			return out
		}
	} else {
		i.earn(s.Octets)
	}
	out = i.send(now, out)
	t.schedule(i.deadline())
	return out
}

// beginRekey makes a new session with a peer.
func (t *Table) beginRekey(now time.Duration, wall time.Time, p *peer) {
	s := Stranger{Addr: p.addr, Number: p.number, Epoch: p.epoch, Octets: Trusted, Generation: p.current().generation}
	if g := t.c.Trust().Groups; len(g) > 0 {
		s.Generation = g[0].Generation
	}
	if i, err := t.initiate(now, wall, s); err == nil {
		i.renew = p
	}
}

// initiate makes an Initiate. Of too many that are being made the oldest goes.
func (t *Table) initiate(now time.Duration, wall time.Time, s Stranger) (*initiation, error) {
	i := &initiation{
		to: s.Addr, number: s.Number, epoch: s.Epoch, generation: s.Generation, credit: s.Octets,
		key: t.c.Identity().Key, domain: t.c.Trust().Domain, next: now, until: now + begunTime,
	}
	var err error
	if i.id, err = t.newID(); err != nil {
		return nil, err
	}
	if _, err = io.ReadFull(t.c.Rand, i.seed[:]); err != nil {
		return nil, err
	}
	_, message, err := i.start(t.self(i.id, wall).append(nil, initiateRoom))
	if err != nil {
		return nil, err
	}
	i.body = append([]byte{byte(kindInitiate), version}, make([]byte, cookieSize)...)
	i.body, i.digest = append(i.body, message...), digest(message)
	t.makeRoom(s.Number, s.Epoch)
	t.begun = append(t.begun, i)
	return i, nil
}

// makeRoom drops the oldest initiations of too many, in all and towards one host.
func (t *Table) makeRoom(number uint16, epoch uint64) {
	same := func(i *initiation) bool { return i.number == number && i.epoch == epoch }
	n := 0
	for _, i := range t.begun {
		if same(i) {
			n++
		}
	}
	if n >= maxSameBegun {
		at := slices.IndexFunc(t.begun, same)
		t.begun = slices.Delete(t.begun, at, at+1)
	}
	if len(t.begun) >= maxBegun {
		t.begun = slices.Delete(t.begun, 0, 1)
	}
}

// start makes the Noise state and, of the payload, the Initiate's message. It comes
// out the same each time.
func (i *initiation) start(payload []byte) (*noise.HandshakeState, []byte, error) {
	state, err := newState(&i.key, i.domain, true, bytes.NewReader(i.seed[:]))
	if err != nil {
		return nil, nil, err
	}
	message, _, _, err := state.WriteMessage(nil, payload)
	return state, message, err
}

// read opens a Respond. It may be called for several, of which some are forged:
// each is read by a state of its own.
func (i *initiation) read(body []byte) (*payload, keys, error) {
	state, _, err := i.start(i.body[payloadOffset:])
	if err != nil {
		return nil, keys{}, err
	}
	plain, toResponder, toInitiator, err := state.ReadMessage(nil, body[respondHead:])
	if err != nil {
		return nil, keys{}, ErrForged
	}
	p, err := parsePayload(plain)
	if err != nil {
		return nil, keys{}, err
	}
	if !bytes.Equal(state.PeerStatic(), p.certificate.Key[:]) {
		return nil, keys{}, ErrForged
	}
	return p, newKeys(toResponder, toInitiator), nil
}

// earn notes that octets were heard from where the Initiate goes.
func (i *initiation) earn(octets int) { i.credit += min(octets, math.MaxInt-i.credit) }

// send sends the Initiate if it is time and there is credit for it.
func (i *initiation) send(now time.Duration, out []Packet) []Packet {
	if now < i.next || i.credit < Size {
		return out
	}
	i.credit -= Size
	i.next = now + repeatEvery
	return append(out, Packet{i.to, i.generation, i.body})
}

// deadline returns when something is to be done for i.
func (i *initiation) deadline() time.Duration {
	if i.credit < Size {
		return i.until
	}
	return min(i.next, i.until)
}

// self is what this host says of itself.
func (t *Table) self(id uint32, wall time.Time) *payload {
	p := &payload{
		aes: t.c.AES, id: id, number: t.c.Number, epoch: t.c.Epoch, sequence: t.c.Sequence(), wall: wall,
		certificate: t.c.Identity().Certificate,
		successions: slices.Clone(t.c.Trust().Successions),
	}
	slices.Reverse(p.successions)
	return p
}

// initiated returns the initiation with that session.
func (t *Table) initiated(id uint32) *initiation {
	if at := slices.IndexFunc(t.begun, func(i *initiation) bool { return i.id == id }); at >= 0 {
		return t.begun[at]
	}
	return nil
}

// towards returns the initiation with a host at an address.
func (t *Table) towards(to netip.AddrPort, number uint16, epoch uint64) *initiation {
	at := slices.IndexFunc(t.begun, func(i *initiation) bool {
		return i.to == to && i.number == number && i.epoch == epoch
	})
	if at >= 0 {
		return t.begun[at]
	}
	return nil
}
