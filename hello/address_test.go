package hello

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// twoWires boots n hosts, each on two wires.
func (w *world) twoWires(n int) []*node {
	for i := range n {
		h := host(i, uint64(i+1))
		h.Addresses = []netip.AddrPort{wire(0, i), wire(1, i)}
		w.boot(h, 0, 1)
	}
	w.until("all know all", 2*time.Second, w.allKnowAll)
	return slices.Clone(w.nodes)
}

// moves counts how often any host's address changes in any table meanwhile.
func (w *world) moves(d time.Duration) (n int) {
	was := map[[2]uint16]netip.AddrPort{}
	for end := w.now + d; w.now < end; w.run(20 * time.Millisecond) {
		for _, x := range w.nodes {
			for _, e := range x.hosts {
				k := [2]uint16{x.self.Number, e.Number}
				if a, ok := was[k]; ok && a != e.Addr {
					n++
				}
				was[k] = e.Addr
			}
		}
	}
	return n
}

// Hosts with a wire and WiFi that both work stay where they are, even if both
// lose packets.
func TestTwoInterfacesDoNotFlap(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		for _, loss := range []float64{0, 0.05, 0.1} {
			w := newWorld(t, 50, loss)
			w.multicast = multicast
			w.twoWires(5)
			w.run(5 * time.Second)
			n := w.moves(5 * time.Minute)
			t.Logf("multicast %v, loss %v: %d moves in 5 minutes of 20 pairs", multicast, loss, n)
			if n > int(100*loss) {
				t.Errorf("multicast %v, loss %v: %d moves", multicast, loss, n)
			}
			w.run(time.Second)
			w.steady(30)
		}
	}
}

// One wire dies: the hosts go on over the other, and nobody is lost.
func TestAWireDies(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		for dead := range byte(2) {
			w := newWorld(t, 51, 0.02)
			w.multicast = multicast
			nodes := w.twoWires(3)
			w.run(5 * time.Second)
			w.cut = func(from, to netip.AddrPort) bool { return from.Addr().As4()[1] == dead }
			moved := func() bool {
				return !slices.ContainsFunc(nodes, func(x *node) bool {
					return slices.ContainsFunc(x.hosts, func(e *entry) bool { return e.Addr.Addr().As4()[1] == dead })
				})
			}
			t.Logf("multicast %v: over the other wire after %v", multicast, w.until("moved", 6*time.Second, moved))
			w.run(10 * time.Second)
			for _, x := range nodes {
				if x.saw(LostHost, "h000") || x.saw(LostHost, "h001") || x.saw(LostHost, "h002") {
					t.Errorf("%s: %v", x.self.Name, x.events)
				}
			}
		}
	}
}

// Where a transaction has found out that the address is dead, the host moves
// within a second.
func TestSuspectMoves(t *testing.T) {
	w := newWorld(t, 52, 0)
	nodes := w.twoWires(2)
	w.run(10 * time.Second)
	x := nodes[0]
	was := x.hosts[0].Addr
	w.cut = func(from, to netip.AddrPort) bool { return to == was || from == was }
	for range 4 { // as the transaction is tried again
		w.send(x, x.Suspect(w.now, 2, nil))
		w.run(250 * time.Millisecond)
	}
	if h, _ := x.ByNumber(2); h.Addr == was || h.State != Live {
		t.Errorf("after a second it is %v at %v", h.State, h.Addr)
	}
}

// A packet moves a host only to an address that the host has told.
func TestPlace(t *testing.T) {
	const interval = time.Second
	old, other, strange := addr(1), addr(2), addr(3)
	e := &entry{Host: Host{Addr: old, Addresses: []netip.AddrPort{old, other}}, askedAt: never, patience: patience}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for i, c := range []struct {
		at    int // milliseconds
		from  netip.AddrPort
		want  netip.AddrPort
		asked bool
	}{
		{0, old, old, false},
		{1499, other, old, false},
		{1500, other, old, true},
		{1999, other, old, true},
		{1999, old, old, false}, // it answered
		{4998, other, old, false},
		{4999, other, old, true}, // after twice the time
		{9000, strange, old, true},
		{9000, other, other, false},
		{20000, strange, other, true}, // asks, and
		{30000, strange, other, true}, // does not believe it
	} {
		e.place(ms(c.at), c.from, interval)
		if e.Addr != c.want || (e.askedAt != never) != c.asked {
			t.Errorf("step %d: at %v, asked %v", i, e.Addr, e.askedAt != never)
		}
	}
	e.Addresses = []netip.AddrPort{old} // it is told no longer
	if e.place(ms(30001), strange, interval); e.Addr != other {
		t.Errorf("moved to %v", e.Addr)
	}
	if e.place(ms(40000), strange, interval); e.Addr != other {
		t.Errorf("moved to %v", e.Addr)
	}
	if e.place(ms(40001), old, interval); e.Addr != old {
		t.Errorf("stays at %v, which is told no longer", e.Addr)
	}
}

// A host behind a translator of addresses is where it is heard, for as long as
// it is there; if it was lost and is heard from elsewhere, it is there.
func TestUntoldAddress(t *testing.T) {
	x := alone().started0()
	h := host(1, 50)
	h.Addresses = []netip.AddrPort{addr(60)}
	at := func(i int, now time.Duration) netip.AddrPort {
		h.Addr = addr(i)
		hear(t, x, now, h, Beat, 1)
		got, _ := x.ByNumber(2)
		return got.Addr
	}
	hear(t, x, 0, h, Full, 1)
	if a := at(40, time.Second); a != addr(1) {
		t.Errorf("moved to %v", a)
	}
	for x.Deadline() < 9*time.Second {
		x.Tick(x.Deadline(), nil)
	}
	if a := at(40, 9*time.Second); a != addr(40) || x.hosts[0].State != Live {
		t.Errorf("back, it is at %v", a)
	}
	if a := at(60, 9*time.Second); a != addr(60) {
		t.Errorf("heard from an address that it has told, it is at %v", a)
	}
}

// A link-local address is told without the zone, which only the receiver knows.
func TestZones(t *testing.T) {
	x := alone().started0()
	h := host(1, 50)
	h.Addr = netip.MustParseAddrPort("[fe80::1%eth0]:9000")
	h.Addresses = []netip.AddrPort{netip.MustParseAddrPort("[fe80::1]:9000"), addr(1)}
	hear(t, x, 0, h, Full, 1)
	if got, _ := x.ByNumber(2); got.Addr != h.Addr || !got.tells(h.Addr) {
		t.Errorf("it is at %v", got.Addr)
	}
	for _, p := range x.Suspect(time.Minute, 2, nil) {
		if p.To != h.Addr && p.To != addr(1) {
			t.Errorf("sent to %v", p.To)
		}
	}
}

// Addresses that change are told at once, and the host moves at once.
func TestSetAddresses(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		w := newWorld(t, 53, 0)
		w.multicast = multicast
		nodes := w.twoWires(3)
		w.run(5 * time.Second)
		x := nodes[1]
		for _, a := range x.addrs {
			delete(w.at, a)
		}
		x.addrs = []netip.AddrPort{wire(0, 70), wire(1, 70)}
		for _, a := range x.addrs {
			w.at[a] = x
		}
		w.send(x, x.SetAddresses(w.now, x.addrs, nil))
		w.until("all know the new address", 20*time.Millisecond, func() bool {
			return slices.Contains(x.addrs, nodes[0].hosts[0].Addr) && slices.Contains(x.addrs, nodes[2].hosts[1].Addr)
		})
		if out := x.SetAddresses(w.now, x.addrs, nil); len(out) != 0 {
			t.Errorf("nothing new is told in %d packets", len(out))
		}
		w.steady(20)
	}
}

func TestOwnAddresses(t *testing.T) {
	x := New(Config{Self: host(0, 1), Peers: []netip.AddrPort{addr(1), addr(2)}, Rand: rand.New(rand.NewPCG(1, 1))})
	many := []netip.AddrPort{{}, netip.MustParseAddrPort("[::ffff:127.0.0.2]:9000"), netip.AddrPortFrom(addr(1).Addr(), 0), addr(1)}
	for i := range 20 {
		many = append(many, addr(10+i))
	}
	x.SetAddresses(0, many, nil)
	if a := x.Self().Addresses; len(a) != maxAddresses || a[0] != addr(1) || a[1] != addr(10) {
		t.Errorf("it has %v", a)
	}
	if out := x.Start(0, nil); len(out) != 1 || out[0].To != addr(2) {
		t.Errorf("it greets %v", out)
	}
	h := host(8, 7)
	h.Addr = addr(1)
	hear(t, x, 0, h, Full, 1)
	if len(x.Hosts()) != 1 {
		t.Errorf("a host at an own address: %v", x.Hosts())
	}
}

func TestLearned(t *testing.T) {
	x := alone().started0()
	for i := range 4 {
		hear(t, x, 0, host(i+1, 1), Full, 1)
	}
	hear(t, x, 0, host(1, 1), Goodbye, 1)
	hear(t, x, 0, host(3, 1), Goodbye, 1)
	if got, want := x.Learned(), []netip.AddrPort{addr(2), addr(4), addr(1), addr(3)}; !slices.Equal(got, want) {
		t.Errorf("learned %v, want %v", got, want)
	}
}

// What was learned is worth a greeting at the next boot, even if nothing is
// configured.
func TestLearnedIsEnough(t *testing.T) {
	w := newWorld(t, 54, 0.05)
	nodes := w.bootAll(5)
	w.run(3 * time.Second)
	learned := nodes[2].Learned()
	nodes[2].down = true
	w.run(10 * time.Second)
	h := host(2, 1000)
	x := w.add(h)
	x.Table = New(Config{Self: h, Peers: learned, Rand: w.rand})
	w.send(x, x.Start(w.now, nil))
	w.until("all know all", 2*time.Second, w.allKnowAll)
}

// An interface comes up: everybody who may be there is greeted at once.
func TestChanged(t *testing.T) {
	w := newWorld(t, 55, 0.05)
	w.multicast = true
	nodes := w.bootAll(4)
	w.run(5 * time.Second)
	down := true
	w.cut = func(from, to netip.AddrPort) bool { return down && (from == addr(1)) != (to == addr(1)) }
	w.run(20 * time.Second)
	x := nodes[1]
	if x.state("h000") != "lost" || nodes[0].state("h001") != "lost" {
		t.Fatal("they are not lost")
	}
	w.deaf = func(from, to netip.AddrPort) bool { return true } // by the addresses alone
	down = false
	out := x.Changed(w.now, nil)
	if len(out) != 4 || out[0].To.IsValid() {
		t.Errorf("it greets %v", out)
	}
	w.send(x, out)
	w.until("all know all", 500*time.Millisecond, w.allKnowAll)
	if out := alone().Changed(0, nil); len(out) != 0 {
		t.Error("it greets before it has started")
	}
}

// Events in the network that don't end cost a bounded number of greetings.
func TestChangedOften(t *testing.T) {
	x := New(Config{Self: host(0, 1), Multicast: true, Peers: []netip.AddrPort{addr(1)}, Rand: rand.New(rand.NewPCG(1, 1))})
	out := x.Start(0, nil)
	for now := time.Duration(0); now < 3*time.Second; now += time.Millisecond {
		out = x.Changed(now, out)
	}
	if len(out) > 2*21+2 {
		t.Errorf("%d greetings in 3 s", len(out))
	}
}

// A large number of addresses is greeted bit by bit, each within its time.
func TestGreetingsArePaced(t *testing.T) {
	var peers []netip.AddrPort
	for i := range 500 {
		peers = append(peers, addr(i+1))
	}
	x := New(Config{Self: host(0, 1), Multicast: true, Peers: peers, Rand: rand.New(rand.NewPCG(1, 1))})
	out := x.Start(0, nil)
	greeted := map[netip.AddrPort]bool{}
	for now := time.Duration(0); now < 3*time.Second; now = x.Deadline() {
		if len(out) > greetMost+3 {
			t.Errorf("%d packets at %v", len(out), now)
		}
		for _, p := range out {
			greeted[p.To] = true
		}
		out = x.Tick(now, nil)
	}
	if len(greeted) != 501 {
		t.Errorf("%d of 501 addresses were greeted", len(greeted))
	}
}
