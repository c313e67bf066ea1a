package pair

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// flood makes Initiates that are all new, as a host of the domain can: the
// certificate is one that everybody has seen.
func (w *world) flood(n *node) func() []byte {
	key := n.identity.Key
	i := &initiation{key: key, domain: w.trust.Domain}
	_, message, err := i.start(n.self(99, w.wall()).append(nil, initiateRoom))
	if err != nil {
		w.t.Fatal(err)
	}
	i.body = append(append([]byte{byte(kindInitiate), version}, make([]byte, cookieSize)...), message...)
	count := 0
	return func() []byte {
		count++
		b := append([]byte(nil), i.body...)
		b[initiateHead+4], b[initiateHead+5], b[initiateHead+6] = byte(count), byte(count>>8), byte(count>>16)
		return b
	}
}

// 50,000 Initiates a second, new ones and one that is replayed, from as many
// addresses: few are answered at the cost of Diffie-Hellman work, and a host that
// is what it says gets in meanwhile.
func TestFlood(t *testing.T) {
	for _, c := range []struct {
		name          string
		replayed, one bool // one: from one address
		work, cookies int  // at most and at least, in a second
	}{
		{"of new ones", false, false, 2 * freeRate, 49_000},
		{"of new ones from one address", false, true, 2 * freeRate, 49_000},
		{"of one that is replayed", true, false, 2 * freeRate, 49_000},
		{"of one that is replayed from one address", true, true, 3 * againRate, 0},
	} {
		w := newWorld(t, 40)
		a, b, m := w.boot(1), w.boot(2), w.mallory(3, 5)
		next := w.flood(m)
		if c.replayed {
			x := next()
			next = func() []byte { return x }
		}
		work, cookies := 0, 0
		const rate = 50_000
		for i := range rate {
			w.run(time.Second / rate)
			if i == rate/3 {
				b.send(b.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil))
			}
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), 9)
			if c.one {
				from = attacker
			}
			for _, p := range w.inject(a, from, next()) {
				if len(p.Body) == Size {
					work++
				} else {
					cookies++
				}
			}
			if len(a.half) > maxHalf {
				t.Fatalf("%d half-open sessions", len(a.half))
			}
		}
		w.both(a, b)
		if work > c.work || cookies < c.cookies {
			t.Errorf("%s: %d answers, %d cookies", c.name, work, cookies)
		}
	}
}

// The same from addresses that do receive: then cookies are no hindrance, but each
// address gets little, and so do all together.
func TestFloodWithCookies(t *testing.T) {
	w := newWorld(t, 41)
	a, b, m := w.boot(1), w.boot(2), w.mallory(3, 5)
	next := w.flood(m)
	work := 0
	const seconds = 3
	for i := range seconds * 10_000 {
		w.run(time.Second / 10_000)
		if i == 15_000 {
			b.send(b.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil))
		}
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{172, 16, 0, byte(i % 6)}), uint16(i)|1)
		x := next()
		for _, p := range w.inject(a, from, x) {
			if len(p.Body) == Size {
				work++
				continue
			}
			copy(x[headSize:], p.Body[headSize+idSize:][:cookieSize])
			for _, p := range w.inject(a, from, x) {
				if len(p.Body) == Size {
					work++
				}
			}
		}
	}
	w.both(a, b)
	if most := (seconds+1)*freeRate + (seconds+1)*6*addressRate; work > most || work < seconds*freeRate {
		t.Errorf("%d answers in %d s, want at most %d", work, seconds, most)
	}
}

func TestCookies(t *testing.T) {
	w := newWorld(t, 42)
	j := cookieJar{rand: w.random}
	c, err := j.bake(0, addr(1))
	if err != nil || !j.know(0, c, addr(1)) {
		t.Fatal("not known")
	}
	if j.know(0, c, addr(2)) || j.know(0, c, netip.AddrPortFrom(addr(1).Addr(), 9)) || j.know(0, cookie{}, addr(1)) {
		t.Error("known for another address")
	}
	for _, x := range []struct {
		at   time.Duration
		want bool
	}{{59 * time.Second, true}, {61 * time.Second, true}, {119 * time.Second, true}, {121 * time.Second, false}} {
		if got := j.know(x.at, c, addr(1)); got != x.want {
			t.Errorf("after %v: %v", x.at, got)
		}
	}
	c, _ = j.bake(125*time.Second, addr(1))
	if j.know(300*time.Second, c, addr(1)) {
		t.Error("a secret that was not used for long still counts")
	}
	j.rand = broken{}
	if _, err := j.bake(1000*time.Second, addr(1)); !errors.Is(err, errBroken) {
		t.Errorf("without randomness: %v", err)
	}
}

var errBroken = errors.New("no randomness")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// Without randomness nothing is begun and nothing answered.
func TestNoRandomness(t *testing.T) {
	w := newWorld(t, 43)
	a, b := w.boot(1), w.boot(2)
	initiate := a.Begin(w.now, w.wall(), Stranger{b.addr, 2, b.epoch, 1, Size}, nil)[0].Body
	b.c.Rand = broken{}
	if out, err := b.Heard(w.now, w.wall(), a.addr, 1, initiate, nil); err == nil || len(out) > 0 {
		t.Errorf("%d packets, %v", len(out), err)
	}
	if out := b.Begin(w.now, w.wall(), Stranger{a.addr, 1, a.epoch, 1, Size}, nil); len(out) > 0 || len(b.begun) > 0 {
		t.Error("begun without randomness")
	}
}

func TestBucket(t *testing.T) {
	b := bucket{rate: 10, burst: 5}
	count := func(now time.Duration) (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 5}, {50 * time.Millisecond, 0}, {100 * time.Millisecond, 1}, {400 * time.Millisecond, 3}, {time.Hour, 5}} {
		if got := count(c.at); got != c.want {
			t.Errorf("at %v: %d, want %d", c.at, got, c.want)
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	var j cookieJar
	for i := range 10 * maxAddresses {
		if got := j.admit(0, addr(i).Addr()); got != (i < maxAddresses) {
			t.Fatalf("address %d: %v", i, got)
		}
	}
	if len(j.addresses) > maxAddresses {
		t.Errorf("%d addresses", len(j.addresses))
	}
	for i := range 2 * addressRate {
		if got := j.admit(time.Second, addr(1).Addr()); got != (i < addressRate) {
			t.Errorf("handshake %d of one address: %v", i, got)
		}
	}
}

// All that a table holds is bounded.
func TestBounds(t *testing.T) {
	w := newWorld(t, 44)
	a := w.boot(1)
	for i := range 300 {
		w.run(100 * time.Millisecond)
		a.Begin(w.now, w.wall(), Stranger{addr(i), uint16(2 + i%3), 1, 1, Trusted}, nil)
		if len(a.begun) > maxBegun || len(a.begun) > 3*maxSameBegun {
			t.Fatalf("%d begun", len(a.begun))
		}
	}
	for i := range 300 {
		a.Begin(w.now, w.wall(), Stranger{addr(i), uint16(1000 + i), 1, 1, Trusted}, nil)
	}
	if len(a.begun) > maxBegun {
		t.Errorf("%d begun", len(a.begun))
	}
	for i := range 3 * maxRefusals {
		s := &Session{Number: uint16(i), Fingerprint: [16]byte{byte(i), byte(i >> 8)}}
		a.refuse(w.now, Refused, s, Expired, nil)
	}
	for range 3 * maxEvents {
		a.event(Event{})
	}
	if len(a.refusals) > maxRefusals || len(a.Table.Events()) != maxEvents || len(a.Table.Events()) != 0 {
		t.Errorf("%d refusals", len(a.refusals))
	}
}

// Of too many hosts the one that was silent longest makes place, if it was silent
// for a while.
func TestPeersAreBounded(t *testing.T) {
	w := newWorld(t, 45)
	a := w.boot(1)
	establish := func(i int) bool {
		p := &payload{number: uint16(i), epoch: 1, id: uint32(i + 1)}
		p.certificate.Key[0], p.certificate.Key[1] = byte(i), byte(i>>8)
		s := a.newSession(arrival{now: w.now}, uint32(i+1), p, keys{})
		s.state = proven
		return a.establish(w.now, s, p, 0) == nil
	}
	for i := range maxPeers {
		w.now += time.Millisecond
		if !establish(i + 2) {
			t.Fatalf("no place for host %d", i)
		}
	}
	if establish(5000) || len(a.peers) != maxPeers {
		t.Error("a host that was heard lately made place")
	}
	w.now += 2 * time.Minute
	if !a.Accept(w.now, 2, 1, 1) {
		t.Fatal("not accepted")
	}
	if !establish(5000) || len(a.peers) != maxPeers || a.Session(3) != nil || a.Session(2) == nil || a.ByID(4) != nil {
		t.Error("not the one that was silent longest made place")
	}
}

// The window against a memory of all that came.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		floor := rapid.Uint64Range(100, 1<<62).Draw(t, "floor")
		w, seen, top := newWindow(floor), map[uint64]bool{}, floor
		for range 200 {
			n := top + rapid.Uint64Range(0, 200).Draw(t, "n") - 100
			want := n >= floor && !seen[n] && (n > top || top-n < 64)
			if got := w.accept(n); got != want {
				t.Fatalf("%d with floor %d, top %d: %v", n, floor, top, got)
			}
			if want {
				seen[n], top = true, max(top, n)
			}
		}
	})
}
