package hello

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// sealed returns the i-th host with a key.
func sealed(i int, epoch uint64, k byte) Host {
	h := host(i, epoch)
	h.Fingerprint = key(k)
	return h
}

// hearSealed lets x hear a packet of h.
func hearSealed(t *testing.T, x *Table, now time.Duration, h Host, kind Kind) []Packet {
	t.Helper()
	p := Body{Kind: kind, Revision: 1, Interval: time.Second, Host: h}
	out, err := x.HeardSealed(now, Sender{h.Addr, h.Fingerprint}, p.Append(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKeeps(t *testing.T) {
	for _, c := range []struct {
		a, b Host
		want bool
	}{
		{sealed(1, 50, 3), sealed(1, 40, 4), true}, // the lower fingerprint, though younger
		{sealed(1, 40, 4), sealed(1, 50, 3), false},
		{sealed(1, 40, 4), sealed(1, 50, 4), true}, // one key: the elder
		{sealed(1, 40, 0), sealed(1, 50, 0), true}, // clear: the elder
		{sealed(1, 50, 0), sealed(1, 40, 0), false},
		{sealed(1, 40, 0), sealed(2, 40, 0), true}, // equal epochs
		{sealed(1, 50, 1), sealed(1, 40, 0), false},
	} {
		if got := keeps(&c.a, &c.b); got != c.want {
			t.Errorf("%+v against %+v: %v", c.a, c.b, got)
		}
	}
}

// D1: in a domain with keys the lower fingerprint keeps the number, also when
// two have taken it in a partition, and however old they are.
func TestNumberTakenInSealedPartition(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		for _, lowerFirst := range []bool{false, true} {
			w := newWorld(t, 60, 0.05)
			w.multicast, w.sealed = multicast, true
			left := func(a netip.AddrPort) bool { return a.Compare(addr(2)) < 0 }
			w.cut = func(from, to netip.AddrPort) bool { return left(from) != left(to) }
			all := []int{0, 1, 2, 3}
			keys := []byte{9, 8}
			if lowerFirst {
				keys = []byte{8, 9}
			}
			w.boot(sealed(0, 1, 1), all...)
			first := w.boot(sealed(1, 2, keys[0]), all...)
			w.boot(sealed(2, 3, 2), all...)
			h := sealed(1, 4, keys[1])
			h.Name, h.Addr = "other", addr(3)
			second := w.boot(h, all...)
			w.run(3 * time.Second)
			winner, loser := second, first
			if lowerFirst {
				winner, loser = first, second
			}
			w.cut = nil
			took := w.until("the higher fingerprint learns it", 10*time.Second, func() bool {
				return slices.ContainsFunc(loser.events, func(e Event) bool { return e.Kind == NumberTaken && e.Host.State == Self })
			})
			t.Logf("multicast %v: learned after %v", multicast, took)
			w.until("all others know the lower", 10*time.Second, func() bool {
				a, _ := w.nodes[0].ByNumber(2)
				b, _ := w.nodes[2].ByNumber(2)
				return a.Name == winner.self.Name && b.Name == winner.self.Name
			})
			if slices.ContainsFunc(winner.events, func(e Event) bool { return e.Kind == NumberTaken && e.Host.State == Self }) {
				t.Errorf("the lower fingerprint is told to go: %v", winner.events)
			}
			// The loser takes another number, as its shell has it do.
			loser.down = true
			again := loser.self
			again.Number, again.Epoch = 77, 1000
			again.Kernel, again.Prefixes = server(76, 0), nil
			w.boot(again, all...)
			w.until("all know all", 5*time.Second, w.allKnowAll)
		}
	}
}

// Two hosts with one state directory: the elder keeps the key, and all are told
// what is wrong.
func TestCopiedStateDirectory(t *testing.T) {
	for _, sameNumber := range []bool{true, false} {
		w := newWorld(t, 61, 0)
		w.sealed = true
		for i := range 3 {
			w.boot(sealed(i, uint64(i+1), byte(i+1)), 0, 1, 2)
		}
		w.run(3 * time.Second)
		h := sealed(1, 1000, 2)
		if !sameNumber {
			h = sealed(8, 1000, 2)
		}
		h.Addr = addr(9)
		c := w.boot(h, 0)
		w.until("the copy learns it", ClaimTime, func() bool {
			return slices.ContainsFunc(c.events, func(e Event) bool { return e.Kind == KeyTaken && e.Host.State == Self })
		})
		w.run(100 * time.Millisecond)
		for _, x := range w.nodes[:2] {
			if !slices.ContainsFunc(x.events, func(e Event) bool {
				return e.Kind == KeyTaken && e.Host.Addr == addr(9) && e.By.Addr == addr(1)
			}) {
				t.Errorf("same number %v: %s: %v", sameNumber, x.self.Name, x.events)
			}
			if h, _ := x.ByNumber(2); h.Epoch != 2 || h.State == Lost {
				t.Errorf("%s has %+v", x.self.Name, h)
			}
		}
	}
}

// A host that was killed and boots at another address has one key in two
// places, too; but the first one does not answer.
func TestRebootElsewhereIsNoCopy(t *testing.T) {
	w := newWorld(t, 62, 0)
	w.sealed = true
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, w.boot(sealed(i, uint64(i+1), byte(i+1)), 0, 1, 2))
	}
	w.run(3 * time.Second)
	nodes[1].down = true
	h := sealed(1, 1000, 2)
	h.Addr = addr(50)
	w.boot(h, 0, 2)
	w.until("all know it", 2500*time.Millisecond, w.allKnowAll)
	for _, x := range w.nodes {
		if slices.ContainsFunc(x.events, func(e Event) bool { return e.Kind == KeyTaken || e.Kind == NumberTaken }) {
			t.Errorf("%s: %v", x.self.Name, x.events)
		}
	}
}

// A host that boots again and is first heard over its other interface is known
// as the same one at once.
func TestRebootOverTheOtherInterface(t *testing.T) {
	x := New(Config{Self: sealed(0, 1, 1), Rand: rand.New(rand.NewPCG(1, 1))}).started0()
	h := sealed(1, 50, 2)
	h.Addresses = []netip.AddrPort{wire(0, 1), wire(1, 1)}
	hearSealed(t, x, 0, h, Full)
	h.Epoch, h.Addr = 60, wire(1, 1)
	hearSealed(t, x, 0, h, Full)
	if got, _ := x.ByNumber(2); got.Epoch != 60 || got.Addr != wire(1, 1) {
		t.Errorf("got %+v", got)
	}
	// Another host that says it has that address does not take its place.
	h.Epoch, h.Addr, h.Fingerprint = 70, addr(9), key(3)
	hearSealed(t, x, 0, h, Full)
	if got, _ := x.ByNumber(2); got.Epoch != 60 {
		t.Errorf("got %+v", got)
	}
}

// What another host says in the name of one that has proven its key counts for
// nothing.
func TestNumberAndEpochAreNotEnough(t *testing.T) {
	x := New(Config{Self: sealed(0, 1, 1), Rand: rand.New(rand.NewPCG(1, 1))}).started0()
	h := sealed(1, 50, 2)
	hearSealed(t, x, 0, h, Full)
	other := sealed(1, 50, 3)
	other.Addr = addr(9)
	hearSealed(t, x, time.Millisecond, other, Goodbye)
	hearSealed(t, x, time.Millisecond, other, Beat)
	if got, _ := x.ByNumber(2); got.State != Live || got.Addr != addr(1) || got.Heard != 0 {
		t.Errorf("got %+v", got)
	}
	mine := sealed(0, 1, 3)
	mine.Addr = addr(9)
	hearSealed(t, x, 0, mine, Full)
	if e := x.Events(); e[len(e)-1].Kind != NumberTaken || e[len(e)-1].Host.State == Self {
		t.Errorf("another with the own number and epoch: %v", e)
	}
}

// Two hosts of one name: the elder has it, on all hosts, and the other is listed
// by an alias as long as the elder lives.
func TestAlias(t *testing.T) {
	for _, name := range []string{"beta", "beta~00a7"} {
		if got := (&Host{Name: name, Number: 0xA7}).Alias(); got != "beta~00a7" || ValidName(got) {
			t.Errorf("%q", got)
		}
	}
	w := newWorld(t, 63, 0)
	w.cut = func(from, to netip.AddrPort) bool { return (from == addr(3)) != (to == addr(3)) }
	all := []int{0, 1, 2, 3}
	for i := range 3 {
		w.boot(host(i, uint64(i+1)), all...)
	}
	h := host(3, 9)
	h.Name = "h001"
	young := w.boot(h, all...)
	w.run(5 * time.Second)
	if young.state("h001") != "self" {
		t.Error("alone it is not listed by its name")
	}
	w.cut = nil
	w.until("all meet", 6*time.Second, w.allKnowAll)
	for _, x := range w.nodes {
		elder, ok1 := x.ByName("h001")
		other, ok2 := x.ByName("h001~0004")
		if !ok1 || !ok2 || elder.Number != 2 || other.Number != 4 || len(x.Hosts()) != 4 {
			t.Errorf("%s lists %v", x.self.Name, x.Hosts())
		}
		if !x.saw(NameTaken, "h001") {
			t.Errorf("%s does not report it: %v", x.self.Name, x.events)
		}
	}
	if s := young.Self(); s.Name != "h001~0004" || young.state("h001~0004") != "self" {
		t.Errorf("the younger lists itself as %s", s.Name)
	}
	elder := w.nodes[1]
	w.send(elder, elder.Goodbye(nil))
	elder.down = true
	w.run(100 * time.Millisecond)
	for _, x := range w.nodes {
		if x == elder {
			continue
		}
		if h, _ := x.ByName("h001"); h.Number != 4 {
			t.Errorf("%s: with the elder gone, h001 is number %d", x.self.Name, h.Number)
		}
		if h, _ := x.ByName("h001~0002"); h.State != Lost {
			t.Errorf("%s: the elder is hidden", x.self.Name)
		}
	}
	w.boot(host(1, 2000), 0)
	w.until("it is back, and the younger now", 2*time.Second, func() bool {
		h, _ := w.nodes[0].ByName("h001~0002")
		return h.State == Live
	})
}

// An elder host of the name that does not answer gives it up in a second.
func TestDeadElderGivesUpTheName(t *testing.T) {
	w := newWorld(t, 64, 0)
	nodes := w.bootAll(3)
	w.run(3 * time.Second)
	nodes[1].down = true
	h := host(7, 1000)
	h.Name = "h001"
	w.boot(h, 0)
	took := w.until("it has the name", 2*time.Second, func() bool {
		h, _ := nodes[0].ByName("h001")
		return h.Number == 8
	})
	if took < 900*time.Millisecond || took > 1200*time.Millisecond {
		t.Errorf("it has the name after %v, want 1 s", took)
	}
}

// The host whose number is contested is the first that a claimant is told of.
func TestIntroductionTellsTheRivalFirst(t *testing.T) {
	w := newWorld(t, 65, 0)
	x := w.acquaint(300)[0]
	h := host(7, 1000)
	h.Name, h.Addr = "other", addr(900)
	p := Body{Kind: Full, Flags: Ask, Revision: 1, Interval: time.Second, Host: h}
	out, err := x.Heard(w.now, h.Addr, p.Append(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out {
		if b, err := Decode(p.Body); err != nil || p.To == h.Addr && b.Neighbours[0] != addr(7) {
			t.Errorf("%v is told of %v, %v", p.To, b.Neighbours, err)
		}
	}
}
