package hello

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestAllKnowAllWithinTwoSeconds(t *testing.T) {
	for _, n := range []int{2, 3, 10, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, uint64(n), 0.2)
			w.bootAll(n)
			t.Logf("took %v", w.until("all know all", 2*time.Second, w.allKnowAll))
			for _, x := range w.nodes {
				if got := len(x.Hosts()); got != n {
					t.Errorf("%s lists %d hosts, want %d", x.self.Name, got, n)
				}
			}
		})
	}
}

func TestManySeeds(t *testing.T) {
	for seed := range uint64(50) {
		w := newWorld(t, seed, 0.2)
		w.bootAll(10)
		w.until("all know all", 2*time.Second, w.allKnowAll)
	}
}

// Hosts that claim one another's numbers and names, from few addresses, in any
// order: the table stays in order and has at most one of each.
func TestStormOfClaims(t *testing.T) {
	w := newWorld(t, 30, 0)
	n := w.boot(host(0, 5))
	for range 20_000 {
		h := host(w.rand.IntN(6), uint64(1+w.rand.IntN(9)))
		h.Name, h.Addr = fmt.Sprintf("h%03d", w.rand.IntN(6)), addr(w.rand.IntN(6))
		if w.rand.IntN(2) == 0 {
			h.Fingerprint = key(byte(w.rand.IntN(4)))
		}
		if w.rand.IntN(2) == 0 {
			h.Addresses = []netip.AddrPort{addr(w.rand.IntN(6)), addr(w.rand.IntN(6))}
		}
		p := Body{
			Kind: Kind(1 + w.rand.IntN(3)), Flags: Flags(w.rand.IntN(8)), Revision: uint32(w.rand.IntN(3)),
			Interval: time.Second, Host: h,
		}
		w.deliver(event{from: Sender{Addr: h.Addr, Fingerprint: h.Fingerprint}, to: n, body: p.Append(nil)})
		w.now += time.Duration(w.rand.IntN(1000)) * time.Millisecond
		w.send(n, n.Tick(w.now, nil))
		if n.due <= w.now {
			t.Fatalf("the deadline %v is past at %v", n.due, w.now)
		}
		w.queue = nil
	}
	for _, k := range []EventKind{Joined, LostHost, Back, NameTaken, NumberTaken, KeyTaken} {
		if !slices.ContainsFunc(n.events, func(e Event) bool { return e.Kind == k }) {
			t.Errorf("the storm had no event of kind %d", k)
		}
	}
}

func TestOneAddressIsEnough(t *testing.T) {
	for _, n := range []int{3, 10, 40} {
		w := newWorld(t, uint64(n), 0.05)
		for i := range n {
			w.boot(host(i, uint64(i+1)), 0)
		}
		t.Logf("%d hosts: %v", n, w.until("all know all", 2*time.Second, w.allKnowAll))
	}
}

func TestKilledHostIsLostInFourSecondsAndComesBack(t *testing.T) {
	w := newWorld(t, 7, 0.05)
	nodes := w.bootAll(3)
	w.run(5 * time.Second)
	alpha, beta := nodes[0], nodes[1]
	beta.down = true
	took := w.until("beta lost", 5*time.Second, func() bool { return alpha.state("h001") == "lost" })
	if took < 2*time.Second || took > 4100*time.Millisecond {
		t.Errorf("lost after %v, want about 3 to 4 s", took)
	}
	m, ok := alpha.Lookup("/unix/h001/etc")
	if !ok || m.Host.Name != "h001" || m.Host.State != Lost {
		t.Errorf("a name on the lost host leads to %+v", m)
	}

	again := host(1, 1000)
	w.boot(again, 0)
	w.until("beta back", time.Second, func() bool { return alpha.state("h001") == "live" })
	w.until("gamma knows, from alpha's introduction", time.Second, w.allKnowAll)
	if m, _ = alpha.Lookup("/unix/h001/etc"); m.Prefix.Server != again.Prefixes[0].Server {
		t.Errorf("the name leads to %v, want the new server %v", m.Prefix.Server, again.Prefixes[0].Server)
	}
	if !alpha.saw(LostHost, "h001") || !alpha.saw(Back, "h001") {
		t.Errorf("events: %v", alpha.events)
	}
}

func TestQuickRebootReplaces(t *testing.T) {
	w := newWorld(t, 8, 0)
	nodes := w.bootAll(3)
	w.run(3 * time.Second)
	w.boot(host(1, 1000), 0, 2)
	w.until("all know the new boot", 100*time.Millisecond, w.allKnowAll)
	if !nodes[0].saw(Back, "h001") || nodes[0].saw(LostHost, "h001") {
		t.Errorf("events: %v", nodes[0].events)
	}
}

// A host that boots at another address, with the number and name of one that
// was killed and is not lost yet, is let in once the old one does not answer.
func TestRebootAtAnotherAddress(t *testing.T) {
	w := newWorld(t, 9, 0)
	nodes := w.bootAll(3)
	w.run(3 * time.Second)
	nodes[1].down = true
	h := host(1, 1000)
	h.Addr = addr(50)
	moved := w.boot(h, 0, 2)
	took := w.until("all know it", 2500*time.Millisecond, w.allKnowAll)
	t.Logf("took %v", took)
	if moved.saw(NameTaken, "h001") {
		t.Error("the host found its own name taken")
	}
}

func TestGoodbye(t *testing.T) {
	w := newWorld(t, 10, 0)
	nodes := w.bootAll(3)
	w.run(2 * time.Second)
	beta := nodes[1]
	w.send(beta, beta.Goodbye(nil))
	beta.down = true
	w.until("lost at once", 10*time.Millisecond, func() bool {
		return nodes[0].state("h001") == "lost" && nodes[2].state("h001") == "lost"
	})
	// A beat that the goodbye has overtaken does not bring it back.
	late := beta.packet(addr(0), Beat, 0)
	w.deliver(event{from: Sender{Addr: beta.addr}, to: nodes[0], body: late.Body})
	if s := nodes[0].state("h001"); s != "lost" {
		t.Errorf("after a late beat it is %s", s)
	}
	w.boot(host(1, 99), 0)
	w.until("back", time.Second, w.allKnowAll)
}

// A partition of any kind ends with all hosts knowing all again, though nobody
// boots and no address is configured.
func TestPartitionHeals(t *testing.T) {
	w := newWorld(t, 11, 0.05)
	n := 6
	for i := range n {
		w.boot(host(i, uint64(i+1)), 0)
	}
	w.run(3 * time.Second)
	left := func(a netip.AddrPort) bool { return a.Compare(addr(n/2)) < 0 }
	w.cut = func(from, to netip.AddrPort) bool { return left(from) != left(to) }
	w.run(6 * time.Second)
	if s := w.nodes[0].state("h005") + w.nodes[5].state("h001"); s != "lostlost" {
		t.Fatalf("in the partition the others are %s", s)
	}
	w.cut = nil
	t.Logf("healed in %v", w.until("all know all", 3*time.Second, w.allKnowAll))
}

func TestSlowLossIsNoLoss(t *testing.T) {
	w := newWorld(t, 12, 0.2)
	w.bootAll(10)
	w.run(time.Minute)
	lost := 0
	for _, n := range w.nodes {
		for _, e := range n.events {
			if e.Kind == LostHost {
				lost++
			}
		}
	}
	if lost > 3 { // of 5,400 seconds of silence that might have been
		t.Errorf("%d times a host was lost that was there", lost)
	}
}

func TestSuspect(t *testing.T) {
	w := newWorld(t, 13, 0)
	nodes := w.bootAll(3)
	w.run(2 * time.Second)
	alpha := nodes[0]
	nodes[1].down = true
	w.send(alpha, alpha.Suspect(w.now, 2, nil))
	w.send(alpha, alpha.Suspect(w.now, 3, nil))
	w.send(alpha, alpha.Suspect(w.now, 77, nil))
	took := w.until("lost", 2*time.Second, func() bool { return alpha.state("h001") == "lost" })
	if took < 900*time.Millisecond || took > 1100*time.Millisecond {
		t.Errorf("lost %v after the suspicion, want 1 s", took)
	}
	if s := alpha.state("h002"); s != "live" {
		t.Errorf("the host that answers is %s", s)
	}
}

func TestLoadTravelsWithTheBeat(t *testing.T) {
	w := newWorld(t, 14, 0)
	nodes := w.bootAll(2)
	w.run(2 * time.Second)
	nodes[1].SetLoad(250, 16<<30, 3<<30)
	w.run(1200 * time.Millisecond)
	if h, _ := nodes[0].ByName("h001"); h.Load != 250 || h.MemoryFree != 3<<30 {
		t.Errorf("load %d, free %d", h.Load, h.MemoryFree)
	}
}

func TestPrefixesTravelAtOnce(t *testing.T) {
	w := newWorld(t, 15, 0)
	nodes := w.bootAll(3)
	w.run(2 * time.Second)
	beta := nodes[1]
	add := func(name string) {
		t.Helper()
		out, err := beta.AddPrefix(w.now, Prefix{Name: name, Server: beta.self.Prefixes[0].Server}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.send(beta, out)
	}
	add("/one")
	w.until("the first prefix", 5*time.Millisecond, w.allKnowAll)
	beta.octets = 0
	for i := range 10 {
		add(fmt.Sprintf("/more%d", i))
	}
	w.until("ten more", 110*time.Millisecond, w.allKnowAll)
	if most := 2 * 2 * (MaxBody + Overhead); beta.octets > most {
		t.Errorf("ten changes in a row cost %d octets", beta.octets)
	}
	if !nodes[0].saw(Changed, "h001") {
		t.Errorf("events: %v", nodes[0].events)
	}
	w.send(beta, beta.RemoveServer(w.now, beta.self.Prefixes[0].Server.LogicalHost(), nil))
	w.until("the server's death", 200*time.Millisecond, func() bool {
		h, _ := nodes[2].ByName("h001")
		return len(h.Prefixes) == 0
	})
}

// A lost hello about a change is made up for by the next beat.
func TestLostAnnouncementIsAskedFor(t *testing.T) {
	w := newWorld(t, 16, 0)
	nodes := w.bootAll(2)
	w.run(2 * time.Second)
	beta := nodes[1]
	if _, err := beta.AddPrefix(w.now, Prefix{Name: "/new", Server: beta.self.Prefixes[0].Server}, nil); err != nil {
		t.Fatal(err)
	}
	w.until("alpha knows", 1200*time.Millisecond, w.allKnowAll)
}
