package hello

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Hosts that know no address find one another by multicast.
func TestMulticastFindsAll(t *testing.T) {
	for _, n := range []int{2, 3, 10, 100} {
		for seed := range uint64(5) {
			w := newWorld(t, seed, 0.2)
			w.multicast = true
			w.bootAll(n)
			t.Logf("%d hosts: %v", n, w.until("all know all", 2*time.Second, w.allKnowAll))
		}
	}
}

// newcomer boots a host in a world of n that have known one another for long,
// and returns how long it takes until it is known by all, and knows all.
func (w *world) newcomer(n int, peers ...int) (known, knows time.Duration, x *node) {
	old := w.acquaint(n)
	w.run(2 * time.Second)
	x = w.boot(host(n, 5000), peers...)
	start := w.now
	isKnown := func() bool {
		return !slices.ContainsFunc(old, func(o *node) bool { return o.state(x.self.Name) != "live" })
	}
	slice := max(10*time.Millisecond, time.Duration(n)*time.Millisecond/10)
	for known == 0 || knows == 0 {
		w.run(slice)
		if known == 0 && isKnown() {
			known = w.now - start
		}
		if knows == 0 && x.live == n {
			knows = w.now - start
		}
		if w.now > start+time.Minute {
			w.t.Fatalf("%d hosts: after a minute %d are known", n, x.live)
		}
	}
	w.t.Logf("%d hosts: a newcomer is known by all after %v, and knows all after %v", n, known, knows)
	return known, knows, x
}

func TestNewcomer(t *testing.T) {
	for _, c := range []struct {
		n            int
		known, knows time.Duration
	}{
		{10, time.Second, 2 * time.Second},
		{100, time.Second, 2 * time.Second},
		{1000, time.Second, 6 * time.Second},
	} {
		t.Run(fmt.Sprint("multicast ", c.n), func(t *testing.T) {
			w := newWorld(t, uint64(c.n), 0.05)
			w.multicast = true
			if known, knows, _ := w.newcomer(c.n); known > c.known || knows > c.knows {
				t.Errorf("want %v and %v", c.known, c.knows)
			}
		})
		t.Run(fmt.Sprint("one address ", c.n), func(t *testing.T) {
			w := newWorld(t, uint64(c.n), 0.05)
			if known, knows, _ := w.newcomer(c.n, 0); known > c.knows || knows > c.knows {
				t.Errorf("want %v and %v", c.knows, c.knows)
			}
		})
	}
}

// Of a thousand hosts a few dozen answer a greeting by multicast before the
// next one, and all within about ten seconds.
func TestAnswersDoNotImplode(t *testing.T) {
	h := host(2000, 5000)
	greeting := Body{Kind: Full, Flags: Ask | Multicast, Revision: 1, Interval: time.Minute, Host: h}
	body := pad(greeting.Append(nil), AskSize)
	w := newWorld(t, 40, 0)
	w.multicast = true
	at, neighbours := []time.Duration{}, 0
	for _, x := range w.acquaint(1000) {
		out, err := x.Heard(0, h.Addr, body, nil)
		if err != nil {
			t.Fatal(err)
		}
		for x.Deadline() < 12*time.Second {
			now := x.Deadline()
			for _, p := range x.Tick(now, out) {
				if p.To != h.Addr {
					continue
				}
				b, err := Decode(p.Body)
				if err != nil {
					t.Fatal(err)
				}
				if b.Kind == Full {
					at = append(at, now)
					neighbours += min(len(b.Neighbours), 1)
				}
			}
			out = nil
		}
	}
	slices.Sort(at)
	if len(at) != 1000 || at[len(at)-1] > 10*time.Second {
		t.Fatalf("%d answers, the last after %v", len(at), at[len(at)-1])
	}
	most := 0
	for i, a := range at {
		j, _ := slices.BinarySearch(at, a+greetEvery)
		most = max(most, j-i)
	}
	t.Logf("at most %d answers in %v, %d with neighbours", most, greetEvery, neighbours)
	if most > 36 || neighbours < 16 || neighbours > 60 {
		t.Errorf("at most %d answers in %v, %d with neighbours", most, greetEvery, neighbours)
	}
}

// Multicast that reaches only some: the others are found through those.
func TestMulticastThatReachesSome(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, seed, 0.05)
		w.multicast = true
		// Odd hosts hear nothing by multicast; h000 hears only odd ones.
		odd := func(a netip.AddrPort) bool { return a.Addr().As4()[3]%2 == 0 }
		w.deaf = func(from, to netip.AddrPort) bool { return odd(to) || to == addr(0) && !odd(from) }
		w.bootAll(10)
		t.Logf("all know all after %v", w.until("all know all", 3*time.Second, w.allKnowAll))
		w.run(4 * time.Second)
		w.steady(30)
	}
}

// Multicast that nobody hears, and one configured address.
func TestMulticastFails(t *testing.T) {
	w := newWorld(t, 41, 0.05)
	w.multicast = true
	w.deaf = func(from, to netip.AddrPort) bool { return true }
	for i := range 10 {
		w.boot(host(i, uint64(i+1)), 0)
	}
	w.until("all know all", 2*time.Second, w.allKnowAll)
	w.run(4 * time.Second)
	w.steady(30)
}

// A switch that forgets who listens, since nobody asks: the beats to each host
// go on.
func TestMulticastStops(t *testing.T) {
	for _, n := range []int{3, 10, 100} {
		w := newWorld(t, uint64(n), 0.01)
		w.multicast = true
		w.acquaint(n)
		w.run(10 * time.Second)
		w.deaf = func(from, to netip.AddrPort) bool { return true }
		for _, x := range w.nodes {
			x.events = nil
		}
		w.run(time.Minute)
		for _, x := range w.nodes {
			if len(x.events) != 0 {
				t.Errorf("%d hosts: %s: %v", n, x.self.Name, x.events)
			}
		}
		w.deaf = nil
		w.steady(20)
	}
}

// Two halves that have never heard of each other meet once the wire is whole:
// one of the beats by multicast is an invitation.
func TestHalvesMeet(t *testing.T) {
	for _, n := range []int{2, 10} {
		w := newWorld(t, uint64(n), 0.05)
		w.multicast = true
		left := func(a netip.AddrPort) bool { return a.Compare(addr(n/2)) < 0 }
		w.cut = func(from, to netip.AddrPort) bool { return left(from) != left(to) }
		w.bootAll(n)
		w.run(5 * time.Second)
		w.cut = nil
		t.Logf("%d hosts met after %v", n, w.until("all know all", 3*time.Second, w.allKnowAll))
	}
}

// As long as it is alone, and else every now and then, a host's beats by
// multicast are large enough for an answer by a stranger.
func TestBeatsInvite(t *testing.T) {
	for live, want := range map[int][2]int{0: {30, 60}, 1: {3, 5}} {
		w := newWorld(t, 42, 0)
		w.multicast = true
		x := w.boot(host(0, 1))
		w.run(greetTime)
		if live > 0 {
			w.boot(host(1, 2))
		}
		w.run(5 * time.Second)
		invitations := 0
		for end := w.now + 63*time.Second; w.now < end; w.now = x.Deadline() {
			out := x.Tick(w.now, nil)
			for _, p := range out {
				if p.Stranger && !p.To.IsValid() && len(p.Body) == AskSize && ByMulticast(p.Body) {
					invitations++
				}
			}
			if live > 0 {
				hear(t, x.Table, w.now, host(1, 2), Beat, 1)
			}
		}
		if invitations < want[0] || invitations > want[1] {
			t.Errorf("%d live hosts: %d invitations in 63 s, want %v", live, invitations, want)
		}
	}
}

// One direction of one path loses everything.
func TestOneWayLoss(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		w := newWorld(t, 43, 0.02)
		w.multicast = multicast
		w.bootAll(4)
		w.run(5 * time.Second)
		w.cut = func(from, to netip.AddrPort) bool { return from == addr(1) && to == addr(0) }
		w.until("the deaf side loses it", 6*time.Second, func() bool { return w.nodes[0].state("h001") == "lost" })
		w.run(20 * time.Second)
		for i, x := range w.nodes {
			for j, y := range w.nodes {
				if want := i == 0 && j == 1; i != j && (x.state(y.self.Name) == "lost") != want {
					t.Errorf("%s has %s as %s", x.self.Name, y.self.Name, x.state(y.self.Name))
				}
			}
		}
		w.cut = nil
		w.until("all know all", 6*time.Second, w.allKnowAll)
	}
}

// How long a dead host is taken for a live one.
func TestLossInLargerDomains(t *testing.T) {
	for _, c := range []struct {
		n         int
		multicast bool
		most      time.Duration
	}{{10, false, 5 * time.Second}, {10, true, 5 * time.Second}, {100, true, 5 * time.Second}, {300, true, 9 * time.Second}, {100, false, 30 * time.Second}} {
		w := newWorld(t, uint64(c.n), 0)
		w.multicast = c.multicast
		nodes := w.acquaint(c.n)
		w.run(20 * time.Second)
		nodes[1].down = true
		start := w.now
		w.send(nodes[0], nodes[0].Suspect(w.now, 2, nil)) // it had a request there
		w.until("lost to the one that asks", 1100*time.Millisecond, func() bool { return nodes[0].state("h001") == "lost" })
		has := func(x *node) bool { return x != nodes[1] && x.state("h001") != "lost" }
		for slices.ContainsFunc(nodes, has) {
			w.run(100 * time.Millisecond)
			if w.now > start+c.most {
				t.Fatalf("%d hosts, multicast %v: not lost after %v", c.n, c.multicast, c.most)
			}
		}
		t.Logf("%d hosts, multicast %v: lost to the others after %v", c.n, c.multicast, w.now-start)
	}
}

func TestAnnouncementReachesALargeDomain(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		w := newWorld(t, 44, 0)
		w.multicast = multicast
		nodes := w.acquaint(200)
		w.run(time.Second)
		x := nodes[7]
		x.octets = 0
		out, err := x.AddPrefix(w.now, Prefix{Name: "/new", Server: x.self.Prefixes[0].Server}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if w.send(x, out); len(out) > answerMost+1 {
			t.Errorf("%d packets at once", len(out))
		}
		know := func() bool {
			return !slices.ContainsFunc(nodes, func(o *node) bool { h, _ := o.ByNumber(8); return len(h.Prefixes) != 2 })
		}
		most := 2 * time.Second
		if multicast {
			most = 10 * time.Millisecond
		}
		w.until("all know the prefix", most, know)
	}
}

func TestGoodbyeByMulticast(t *testing.T) {
	w := newWorld(t, 45, 0)
	w.multicast = true
	nodes := w.bootAll(3)
	w.run(time.Second)
	out := nodes[1].Goodbye(nil)
	if len(out) != 3 || out[0].To.IsValid() {
		t.Errorf("it says goodbye in %d packets", len(out))
	}
	w.send(nodes[1], out[:1])
	nodes[1].down = true
	w.until("lost at once", 10*time.Millisecond, func() bool {
		return nodes[0].state("h001") == "lost" && nodes[2].state("h001") == "lost"
	})
}

// By multicast, too, the elder host of the name says so in time.
func TestNameTakenByMulticast(t *testing.T) {
	for _, n := range []int{3, 500} {
		w := newWorld(t, uint64(n), 0)
		w.multicast = true
		w.acquaint(n)
		w.run(time.Second)
		late := host(n+5, 5000)
		late.Name = "h001"
		x := w.boot(late)
		if x.Settled(w.now) {
			t.Error("settled, though nobody can have answered")
		}
		w.until("it learns that its name is taken", 20*time.Millisecond, func() bool { return x.saw(NameTaken, "h001") })
		w.run(ClaimTime)
		if !x.Settled(w.now) {
			t.Error("not settled after the claim time")
		}
	}
}
