package pair

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/seal/cert"
)

var attacker = netip.MustParseAddrPort("192.0.2.66:666")

// inject gives n a packet from an address, and returns what n sends for it. It
// fails if that is more than came.
func (w *world) inject(n *node, from netip.AddrPort, body []byte) []Packet {
	w.t.Helper()
	out, err := n.Heard(w.now, n.wall(), from, 1, body, nil)
	octets := 0
	for _, p := range out {
		octets += len(p.Body)
	}
	if octets > len(body) || err != nil && len(out) > 0 && !errors.Is(err, ErrBusy) {
		w.t.Fatalf("%d octets for %d, %v", octets, len(body), err)
	}
	n.events = append(n.events, n.Table.Events()...)
	return out
}

// unload lets the next Initiates be answered without a cookie.
func (n *node) unload() {
	fresh := New(n.c)
	n.begins, n.free, n.cookied, n.reads = fresh.begins, fresh.free, fresh.cookied, fresh.reads
	n.half = nil
}

// All that two hosts have ever sent, over several boots of both, comes again, from
// where it came and from elsewhere, one by one and in all orders: nothing changes,
// and no more is sent than came.
func TestReplays(t *testing.T) {
	for _, boots := range []string{"within a boot", "after the receiver's", "after the sender's", "after both's"} {
		w := newWorld(t, 30)
		a, b := w.boot(1), w.boot(2)
		for range 3 {
			w.greetFor(time.Second)
			a.Rekey(2)
			w.run(time.Second)
			b.Drop(1)
		}
		w.greetFor(time.Second)
		if boots == "after the receiver's" || boots == "after both's" {
			a = w.bootAs(1, a.epoch+1, a.identity)
		}
		if boots == "after the sender's" || boots == "after both's" {
			b = w.bootAs(2, b.epoch+1, b.identity)
		}
		w.greetFor(time.Second)
		w.run(10 * time.Second)
		w.both(a, b)
		recorded := slices.Clone(w.record)
		w.forget()
		before := a.snapshot() + b.snapshot()
		for range 300 {
			w.run(20 * time.Millisecond)
			p := recorded[w.rand.IntN(len(recorded))]
			from := attacker
			if w.rand.IntN(2) == 0 {
				from = p.from
			}
			for _, n := range []*node{a, b} {
				if p.hello == nil {
					w.inject(n, from, p.body)
					continue
				}
				if n.Accept(w.now, p.hello.number, p.hello.epoch, p.hello.sequence) {
					t.Fatalf("%s: a replayed hello %+v is believed", boots, p.hello)
				}
				s := Stranger{from, p.hello.number, p.hello.epoch, 1, Size}
				out := n.Begin(w.now, n.wall(), s, nil)
				if len(out) > 1 {
					t.Fatalf("%s: %d packets for one", boots, len(out))
				}
				n.send(out)
			}
		}
		// What was begun at the address that the attacker gave times out or, where
		// the real host has answered it, is dropped.
		w.run(10 * time.Second)
		if after := a.snapshot() + b.snapshot(); after != before {
			t.Errorf("%s: before\n%s\nafter\n%s", boots, before, after)
		}
		if len(a.events)+len(b.events) > 0 || len(a.begun)+len(b.begun)+len(a.half)+len(b.half) > 0 {
			t.Errorf("%s: events %v, %v", boots, a.events, b.events)
		}
	}
}

// A hello in a host's name makes one Initiate go out, not one each 250 ms, unless
// more comes; a small one none.
func TestOneForOne(t *testing.T) {
	w := newWorld(t, 31)
	a := w.boot(1)
	s := Stranger{attacker, 2, 5, 1, Size - 1}
	if out := a.Begin(w.now, w.wall(), s, nil); len(out) != 0 || len(a.begun) != 0 {
		t.Error("an Initiate for less than its size")
	}
	s.Octets = Size
	a.send(a.Begin(w.now, w.wall(), s, nil))
	w.run(300 * time.Millisecond)
	s.Octets = Size - 1
	a.send(a.Begin(w.now, w.wall(), s, nil))
	w.run(700 * time.Millisecond)
	s.Octets = Size
	if n := w.sent(kindInitiate); n != 1 {
		t.Errorf("%d Initiates for one hello", n)
	}
	a.send(a.Begin(w.now, w.wall(), s, nil))
	a.send(a.Begin(w.now, w.wall(), s, nil))
	w.run(10 * time.Second)
	if n := w.sent(kindInitiate); n != 3 {
		t.Errorf("%d Initiates for three hellos and a small one", n)
	}
	w.forget()
	s.Octets = Trusted
	a.send(a.Begin(w.now, w.wall(), s, nil))
	w.run(10 * time.Second)
	if n := w.sent(kindInitiate); n != 8 {
		t.Errorf("%d Initiates in 2 s for an address that the owner gave, want 8", n)
	}
	for _, s := range []Stranger{{attacker, 1, a.epoch, 1, Size}, {netip.AddrPort{}, 2, 5, 1, Size}} {
		if out := a.Begin(w.now, w.wall(), s, nil); len(out) > 0 {
			t.Errorf("an Initiate to %+v", s)
		}
	}
}

// Whatever bit is flipped, no session comes of it, none suffers, and the genuine
// packet does its work afterwards.
func TestFlippedBits(t *testing.T) {
	w := newWorld(t, 32)
	a, b := w.boot(1), w.boot(2)
	catch := func() []byte {
		p := w.air[len(w.air)-1]
		w.air = nil
		return p.body
	}
	flip := func(body []byte, step int, heard func(flipped []byte, at int)) {
		for bit := 0; bit < len(body)*8; bit += step {
			x := bytes.Clone(body)
			x[bit/8] ^= 1 << (bit % 8)
			heard(x, bit/8)
		}
	}
	none := func(n *node) {
		if len(n.sessions) > 0 || len(n.events) > 0 {
			t.Fatal("a session of a flipped bit")
		}
	}
	a.send(a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil))
	initiate := catch()
	flip(initiate, 3, func(x []byte, at int) {
		b.unload()
		for _, p := range w.inject(b, a.addr, x) {
			if at < initiateHead {
				continue // the cookie is not looked at, so the session is as good as any
			}
			w.inject(a, b.addr, p.Body)
			none(a)
		}
		none(b)
	})
	b.unload()
	a.unload()
	respond := w.inject(b, a.addr, initiate)[0].Body
	flip(respond, 3, func(x []byte, _ int) {
		a.reads.full = 0
		w.inject(a, b.addr, x)
		none(a)
	})
	a.reads.full = 0
	confirm := w.inject(a, b.addr, respond)[0].Body
	flip(confirm, 1, func(x []byte, _ int) { w.inject(b, a.addr, x); none(b) })
	acknowledge := w.inject(b, a.addr, confirm)[0].Body
	w.both(a, b)
	flip(acknowledge, 1, func(x []byte, _ int) {
		if w.inject(a, b.addr, x); a.Session(2).state == proven {
			t.Fatal("proven by a flipped bit")
		}
	})
	w.inject(a, b.addr, acknowledge)
	if a.Session(2).state != proven {
		t.Error("not proven by the genuine packet")
	}
}

// mallory is a host of the domain, with a certificate of its own, that writes what
// it likes.
func (w *world) mallory(number uint16, epoch uint64) *node {
	m := w.bootAs(66, epoch, w.identity("mallory"))
	m.c.Number = number
	return m
}

// An Initiate with another host's certificate can't be confirmed, and nothing that
// stands suffers.
func TestForgedInitiate(t *testing.T) {
	w := newWorld(t, 33)
	a, b := w.boot(1), w.boot(2)
	w.greetFor(time.Second)
	m := w.mallory(2, b.epoch)
	before := a.snapshot()
	for _, epoch := range []uint64{b.epoch, b.epoch + 1, 1 << 60} {
		m.c.Epoch = epoch
		m.identity.Certificate = b.identity.Certificate
		m.identity.Key.Public = b.identity.Key.Public // but not its private key
		w.forget()
		a.unload()
		out := m.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil)
		if len(out) != 1 {
			t.Fatal("no Initiate")
		}
		reply := w.inject(a, m.addr, out[0].Body)
		if len(reply) != 1 || len(a.half) != 1 {
			t.Fatalf("the forgery was found too early to test what comes later: %d", len(reply))
		}
		if _, err := m.Heard(w.now, w.wall(), a.addr, 1, reply[0].Body, nil); !errors.Is(err, ErrForged) {
			t.Fatalf("the forger can read the answer: %v", err)
		}
		guess := confirmation(kindConfirm, new([32]byte), a.half[0].session.ID, Welcome)
		if _, err := a.Heard(w.now, w.wall(), m.addr, 1, guess, nil); !errors.Is(err, ErrForged) {
			t.Fatalf("a guessed Confirm: %v", err)
		}
		w.run(10 * time.Second)
		if after := a.snapshot(); before != after || len(a.events) > 0 {
			t.Errorf("before\n%s\nafter\n%s\nevents %v", before, after, a.events)
		}
	}
}

// A host of the domain proves its own key and shows another's certificate.
func TestBorrowedCertificate(t *testing.T) {
	w := newWorld(t, 39)
	a, b := w.boot(1), w.boot(2)
	m := w.mallory(2, b.epoch)
	m.identity.Certificate = b.identity.Certificate
	out := m.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil)
	if reply, err := a.Heard(w.now, w.wall(), m.addr, 1, out[0].Body, nil); !errors.Is(err, ErrForged) || len(reply) > 0 {
		t.Errorf("%d packets, %v", len(reply), err)
	}
}

// An echo of a host's own Initiate, and one of an earlier boot, are not worth an
// answer.
func TestOldInitiates(t *testing.T) {
	w := newWorld(t, 47)
	a, b := w.boot(1), w.boot(2)
	out := a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil)
	if reply, err := a.Heard(w.now, w.wall(), b.addr, 1, out[0].Body, nil); !errors.Is(err, ErrReplayed) || len(reply) > 0 {
		t.Errorf("an echo: %d packets, %v", len(reply), err)
	}
	again := w.bootAs(1, a.epoch+1, a.identity)
	again.greet(b)
	w.run(time.Second)
	w.both(again, b)
	if reply, err := b.Heard(w.now, w.wall(), a.addr, 1, out[0].Body, nil); !errors.Is(err, ErrReplayed) || len(reply) > 0 {
		t.Errorf("an earlier boot: %d packets, %v", len(reply), err)
	}
}

// Two hosts claim one number and epoch, and both are answered before either has
// confirmed: the first that does has it.
func TestClaimedAtOnce(t *testing.T) {
	w := newWorld(t, 46)
	a, b := w.boot(1), w.boot(2)
	m := w.mallory(2, b.epoch)
	var confirms []Packet
	for _, n := range []*node{b, m} {
		out := n.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil)
		out = w.inject(a, n.addr, out[0].Body)
		confirms = append(confirms, w.inject(n, a.addr, out[0].Body)...)
	}
	w.inject(a, b.addr, confirms[0].Body)
	w.inject(a, m.addr, confirms[1].Body)
	if len(a.peers) != 1 || !slices.Equal(a.kinds(), []EventKind{Established, Refused}) || a.events[1].Verdict != SameNumber ||
		!strings.Contains(a.events[1].String(), "host mallory") || !strings.Contains(a.events[1].String(), "of host h2") {
		t.Errorf("events %v", a.events)
	}
	w.both(a, b)
}

// Respond messages that are not the host's that was asked don't keep its own from
// being taken, whatever is wrong with them.
func TestForgedRespond(t *testing.T) {
	w := newWorld(t, 34)
	a, b := w.boot(1), w.boot(2)
	m := w.mallory(2, b.epoch)
	m.identity.Certificate = b.identity.Certificate
	initiate := a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil)[0].Body
	genuine := w.inject(b, a.addr, initiate)[0].Body
	id := a.begun[0].id
	random := appendHead(make([]byte, 0, Size), kindRespond, id)[:Size]
	w.random.Read(random[respondHead:])
	own := w.mallory(3, 5)
	for _, x := range []struct {
		name string
		body []byte
		want error
	}{
		{"of zeros", appendHead(nil, kindRespond, id), ErrForged},
		{"random", random, ErrForged},
		{"with another's certificate", m.forgeRespond(initiate), ErrForged},
		{"half genuine", genuine[:Size/2], ErrForged},
		{"of a host that was not asked", own.forgeRespond(initiate), ErrUnknown},
	} {
		body := append(bytes.Clone(x.body), make([]byte, Size)...)[:Size]
		if _, err := a.Heard(w.now, w.wall(), b.addr, 1, body, nil); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	confirm := w.inject(a, b.addr, genuine)
	if len(confirm) != 1 {
		t.Fatal("the genuine Respond is not taken")
	}
	w.inject(b, a.addr, confirm[0].Body)
	w.both(a, b)
	if len(a.peers) != 1 {
		t.Error("a session with a host that was not asked")
	}
}

// A host whose certificate has ended answers in another's place: that is refused,
// and told, and the other is taken all the same.
func TestRefusedInAnothersPlace(t *testing.T) {
	w := newWorld(t, 38)
	a, b := w.boot(1), w.boot(2)
	m := w.mallory(2, b.epoch)
	m.identity.Certificate.NotAfter = w.wall().Add(-time.Hour)
	m.identity.Certificate = cert.Issue(w.domain, m.identity.Certificate)
	initiate := a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil)[0].Body
	genuine := w.inject(b, a.addr, initiate)[0].Body
	w.inject(a, m.addr, genuine)
	w.inject(a, m.addr, m.forgeRespond(initiate))
	if len(a.events) > 0 || a.Session(2) != nil || a.refusedLately(w.now, 2, b.epoch, b.addr) {
		t.Error("a Respond counts that comes from elsewhere")
	}
	w.inject(a, b.addr, m.forgeRespond(initiate))
	if !slices.Equal(a.kinds(), []EventKind{Refused}) || a.events[0].Fingerprint != m.identity.Key.Fingerprint() {
		t.Fatalf("events %v", a.events)
	}
	confirm := w.inject(a, b.addr, genuine)
	if len(confirm) != 1 {
		t.Fatal("the genuine Respond is not taken")
	}
	w.inject(b, a.addr, confirm[0].Body)
	w.both(a, b)
}

// forgeRespond answers an Initiate in whose name the certificate is, though n has
// not the key.
func (n *node) forgeRespond(initiate []byte) []byte {
	key := n.identity.Key
	state, _ := newState(&key, n.trust.Domain, false, n.w.random)
	if _, _, _, err := state.ReadMessage(nil, initiate[initiateHead:]); err != nil {
		n.w.t.Fatal(err)
	}
	p := n.self(77, n.wall())
	b, _, _, err := state.WriteMessage(appendHead(nil, kindRespond, payloadID(initiate[payloadOffset:])), p.append(nil, respondRoom))
	if err != nil {
		n.w.t.Fatal(err)
	}
	return b
}

// A host of the domain that says it has another's number.
func TestClaimedNumber(t *testing.T) {
	w := newWorld(t, 35)
	a, b := w.boot(1), w.boot(2)
	w.greetFor(time.Second)
	m := w.mallory(2, b.epoch)
	old := a.Session(2)
	w.forget()
	m.send(m.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil))
	w.run(time.Second)
	if !slices.Equal(a.kinds(), []EventKind{Refused}) || a.events[0].Verdict != SameNumber || a.Session(2) != old {
		t.Fatalf("number and epoch are taken: %v", a.events)
	}
	if !slices.Equal(m.kinds(), []EventKind{RefusedBy}) {
		t.Errorf("mallory: %v", m.events)
	}
	w.run(time.Minute)
	for _, x := range []struct{ number, epoch uint64 }{{1, a.epoch}, {2, b.epoch}} {
		m.c.Number, m.c.Epoch = uint16(x.number), x.epoch
		w.forget()
		m.send(m.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch + 1, 1, Size}, nil))
		w.run(time.Minute)
		if a.SessionOf(m.c.Number, m.c.Epoch) != a.Session(2) && x.number == 2 || len(a.peers) != 1 {
			t.Errorf("%+v: %v", x, a.snapshot())
		}
	}
	m.c.Number, m.c.Epoch = 2, 7 // an elder boot, so the host table has to judge
	m.send(m.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil))
	w.run(time.Second)
	if a.Session(2) != old || a.SessionOf(2, 7) == nil || a.SessionOf(2, 7) == old {
		t.Error("the first with a number keeps it here, and the other is known too")
	}
	a.Drop(2)
	if a.Session(2) != nil || len(a.sessions) != 0 {
		t.Error("not dropped")
	}
}

// Cookies of others, and for what was not sent, don't make an Initiate go out.
func TestForgedCookie(t *testing.T) {
	w := newWorld(t, 36)
	a, b := w.boot(1), w.boot(2)
	a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil)
	i := a.begun[0]
	make := func(id uint32, d [digestSize]byte) []byte {
		c := appendHead(nil, kindCookie, id)
		return append(append(c, bytes.Repeat([]byte{9}, cookieSize)...), d[:]...)
	}
	for name, x := range map[string]struct {
		from netip.AddrPort
		body []byte
		want error
	}{
		"from elsewhere":       {attacker, make(i.id, i.digest), ErrUnknown},
		"for another session":  {b.addr, make(i.id^1, i.digest), ErrUnknown},
		"for another Initiate": {b.addr, make(i.id, [digestSize]byte{1}), ErrForged},
	} {
		if out, err := a.Heard(w.now, w.wall(), x.from, 1, x.body, nil); !errors.Is(err, x.want) || len(out) > 0 {
			t.Errorf("%s: %v, %d packets", name, err, len(out))
		}
	}
	for n := range 5 {
		out, _ := a.Heard(w.now, w.wall(), b.addr, 1, make(i.id, i.digest), nil)
		if want := n < maxCookies; (len(out) == 1) != want {
			t.Errorf("cookie %d: %d packets", n, len(out))
		}
	}
}

// The Initiate of a host that is expelled comes again: it is not even an event.
func TestReplayedInitiateOfAnExpelledHost(t *testing.T) {
	w := newWorld(t, 37)
	a, b := w.boot(1), w.boot(2)
	a.greet(b)
	w.run(time.Second)
	i := slices.IndexFunc(w.record, func(p parcel) bool { return p.body != nil && kind(p.body[0]) == kindInitiate })
	initiate := w.record[i].body
	w.expel(a, b)
	a.Review(w.now, w.wall())
	a.Table.Events()
	w.forget()
	w.inject(a, attacker, initiate)
	w.run(10 * time.Second)
	if len(a.events) > 0 || len(a.sessions) > 0 {
		t.Errorf("events %v", a.events)
	}
}
