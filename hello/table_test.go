package hello

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNameTaken(t *testing.T) {
	w := newWorld(t, 20, 0)
	w.bootAll(3)
	w.run(3 * time.Second)
	late := host(7, 1000)
	late.Name = "h001"
	n := w.boot(late, 0) // hears of h001 from h000 only
	w.until("it learns that its name is taken", ClaimTime, func() bool {
		if taken := n.saw(NameTaken, "h001"); taken || !n.Settled(w.now) {
			return taken
		}
		t.Fatal("it has settled without knowing")
		return false
	})
	for _, e := range n.events {
		if e.Kind == NameTaken && e.String() != "name h001 is taken by 127.0.0.2:9000" {
			t.Errorf("it says %q", e)
		}
	}
	n.down = true
	w.run(5 * time.Second)
	for _, other := range w.nodes {
		h, ok := other.ByName("h001")
		if other != n && (!ok || h.Number != 2 || h.State == Lost) {
			t.Errorf("%s now has %+v", other.self.Name, h)
		}
		if other != n && other.saw(LostHost, "h001") {
			t.Errorf("%s lost h001 for a moment", other.self.Name)
		}
	}
	const want = "name h001 is taken by 127.0.0.2:9000, and wanted by 127.0.0.8:9000, and listed as h001~0008"
	if !slices.ContainsFunc(w.nodes[1].events, func(e Event) bool { return e.String() == want }) {
		t.Errorf("the elder says %v", w.nodes[1].events)
	}
}

func TestNumberTaken(t *testing.T) {
	w := newWorld(t, 21, 0.1)
	w.bootAll(3)
	w.run(3 * time.Second)
	late := host(1, 1000)
	late.Name, late.Addr = "other", addr(7)
	n := w.boot(late, 0, 1, 2)
	w.until("it learns that its number is taken", ClaimTime, func() bool { return n.saw(NumberTaken, "other") })
	if h, _ := w.nodes[0].ByNumber(2); h.Name != "h001" {
		t.Errorf("number 2 is %s", h.Name)
	}
}

// Two hosts that took one number in a partition: when it heals the younger one
// learns it, and everybody knows the elder.
func TestNumberTakenInPartition(t *testing.T) {
	w := newWorld(t, 22, 0)
	left := func(a netip.AddrPort) bool { return a.Compare(addr(2)) < 0 }
	w.cut = func(from, to netip.AddrPort) bool { return left(from) != left(to) }
	all := []int{0, 1, 2, 3}
	w.boot(host(0, 1), all...)
	elder := w.boot(host(1, 2), all...)
	w.boot(host(2, 3), all...)
	young := host(1, 4)
	young.Name, young.Addr = "young", addr(3)
	younger := w.boot(young, all...)
	w.run(3 * time.Second)
	if younger.saw(NumberTaken, "young") {
		t.Fatal("it can't know yet")
	}
	w.cut = nil
	w.until("the younger learns it", 6*time.Second, func() bool { return younger.saw(NumberTaken, "young") })
	if elder.saw(NumberTaken, "h001") {
		t.Error("the elder is told to go")
	}
	w.until("all know the elder", 6*time.Second, func() bool {
		a, _ := w.nodes[0].ByNumber(2)
		b, _ := w.nodes[2].ByNumber(2)
		return a.Name == "h001" && b.Name == "h001"
	})
}

func TestEqualEpochsLowerNumberKeepsTheName(t *testing.T) {
	for _, c := range []struct {
		at   int
		mine bool // whether the table's own host, the sixth, loses
	}{{at: 9}, {at: 3, mine: true}} {
		x := New(Config{Self: host(5, 100), Rand: rand.New(rand.NewPCG(1, 1))}).started0()
		h := host(c.at, 100)
		h.Name = x.self.Name
		hear(t, x, 0, h, Full, 1)
		e := x.Events()
		if len(e) != 2 || e[0].Kind != NameTaken || (e[0].Host.State == Self) != c.mine {
			t.Errorf("claimed by number %d: %v", h.Number, e)
		}
	}
}

func TestSettled(t *testing.T) {
	if x := alone(); x.Settled(0) || !x.started0().Settled(0) {
		t.Error("a host without peers waits")
	}
	x := New(Config{Self: host(0, 1), Peers: []netip.AddrPort{addr(1), addr(2)}, Rand: rand.New(rand.NewPCG(1, 1))})
	x.Start(time.Second, nil)
	hear(t, x, time.Second, host(1, 1), Full, 1)
	if x.Settled(time.Second) {
		t.Error("settled before all answered")
	}
	if !x.Settled(time.Second + ClaimTime) {
		t.Error("not settled after the claim time")
	}
	hear(t, x, time.Second, host(2, 1), Full, 1)
	if !x.Settled(time.Second) {
		t.Error("not settled though all answered")
	}
}

func TestOldPacketsChangeNothing(t *testing.T) {
	x := alone().started0()
	now := host(1, 50)
	hear(t, x, 0, now, Full, 5)
	older := host(1, 40) // an earlier boot, at the same address
	older.Version = "old"
	hear(t, x, 0, older, Full, 9)
	hear(t, x, 0, older, Goodbye, 9)
	same := now
	same.Version = "old" // an earlier hello of this boot
	hear(t, x, 0, same, Full, 4)
	if h, _ := x.ByNumber(2); h.Version != "v0.1.0" || h.Epoch != 50 || h.State != Live {
		t.Errorf("got %+v", h)
	}
	if out := hear(t, x, 0, now, Beat, 4); len(out) != 0 {
		t.Errorf("an old beat is answered by %v", out)
	}
}

func TestRoaming(t *testing.T) {
	x := alone().started0()
	h := host(1, 50)
	hear(t, x, 0, h, Full, 1)
	h.Addr = addr(77)
	hear(t, x, 0, h, Beat, 1)
	if got, _ := x.ByNumber(2); got.Addr != addr(77) || got.Name != "h001" {
		t.Errorf("got %+v", got)
	}
}

func TestStrangersBeatIsAnsweredByAQuestion(t *testing.T) {
	x := alone().started0()
	for name, kind := range map[string]Kind{"unknown host": Beat, "another boot": Beat} {
		h := host(1, 50)
		if name == "another boot" {
			hear(t, x, 0, host(1, 40), Full, 1)
		}
		out := hear(t, x, 0, h, kind, 1)
		if len(out) != 1 || out[0].To != h.Addr {
			t.Fatalf("%s: %v", name, out)
		}
		if p, err := Decode(out[0].Body); err != nil || p.Kind != Beat || p.Flags != Ask {
			t.Errorf("%s: answered by %v, flags %v, %v", name, p.Kind, p.Flags, err)
		}
	}
	if len(x.Hosts()) != 2 {
		t.Errorf("a beat alone made a host: %v", x.Hosts())
	}
}

func TestOwnEchoIsIgnored(t *testing.T) {
	x := New(Config{Self: host(0, 1), Peers: []netip.AddrPort{addr(0), addr(5)}, Rand: rand.New(rand.NewPCG(1, 1))})
	out := x.Start(0, nil)
	if len(out) != 1 || out[0].To != addr(5) {
		t.Fatalf("it greets %v", out)
	}
	if more, err := x.Heard(0, addr(5), out[0].Body, nil); err != nil || len(more) != 0 {
		t.Errorf("the echo is answered: %v, %v", more, err)
	}
	if len(x.Hosts()) != 1 || !x.Settled(0) || len(x.Events()) != 0 {
		t.Errorf("the echo is taken for a host: %v", x.Hosts())
	}
}

func TestNoiseIsAnError(t *testing.T) {
	x := alone().started0()
	if out, err := x.Heard(0, addr(1), []byte("noise"), nil); !errors.Is(err, ErrBody) || len(out) != 0 {
		t.Errorf("%v, %v", out, err)
	}
}

func TestNothingBeforeStart(t *testing.T) {
	x := alone()
	out, err := x.AddPrefix(0, Prefix{Name: "/bin", Server: server(0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, x.Tick(time.Hour, nil)...)
	out = append(out, hear(t, x, 0, host(1, 1), Beat, 1)...)
	if len(out) != 0 || x.Deadline() != never {
		t.Errorf("it sends %v", out)
	}
}

// The table is bounded, whatever comes in.
func TestBounds(t *testing.T) {
	x := alone().started0()
	for i := 1; i < 1600; i++ {
		h := host(i, 1)
		hear(t, x, time.Duration(i), h, Full, 1)
		if i%2 == 0 {
			hear(t, x, time.Duration(i), h, Goodbye, 1)
		}
	}
	if live, lost := x.live, len(x.hosts)-x.live; live != 800 || lost != maxLost {
		t.Errorf("%d live, %d lost", live, lost)
	}
	if _, ok := x.ByName("h1598"); !ok {
		t.Error("the last one lost is forgotten, not the first")
	}
	for i := 1600; i < 2400; i++ {
		hear(t, x, 1600, host(i, 1), Full, 1)
	}
	if live := x.live; live != maxLive {
		t.Errorf("%d live hosts", live)
	}
	many := &Body{Kind: Full, Revision: 1, Host: host(1, 1)}
	for i := range 3 * maxPeers {
		many.Neighbours = append(many.Neighbours[:0], netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(i+1)))
		if _, err := x.Heard(0, addr(1), many.Append(nil), nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(x.peers) > maxPeers {
		t.Errorf("%d addresses", len(x.peers))
	}
	if n := len(x.Events()); n != maxEvents || len(x.Events()) != 0 {
		t.Errorf("%d events", n)
	}
}

func TestHostsAreSortedByName(t *testing.T) {
	x := alone()
	x.started0()
	for _, i := range []int{5, 2, 9} {
		h := host(i, 1)
		h.Name = fmt.Sprint(9-i, "-host")
		hear(t, x, 3, h, Full, 1)
	}
	var names []string
	for _, h := range x.Hosts() {
		names = append(names, h.Name+" "+h.State.String())
	}
	if got := strings.Join(names, ", "); got != "0-host live, 4-host live, 7-host live, h000 self" {
		t.Error(got)
	}
	if _, ok := x.ByName("nobody"); ok {
		t.Error("nobody is known")
	}
	if h, ok := x.ByNumber(1); !ok || h.State != Self {
		t.Errorf("the own number is %+v", h)
	}
}

func TestPickNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	seen := map[uint16]bool{}
	for range 1000 {
		n := PickNumber(r)
		if !ValidNumber(n) || n == 0 || n >= 0xE000 && n <= 0xEFFF {
			t.Fatalf("%#x", n)
		}
		seen[n] = true
	}
	if len(seen) < 900 {
		t.Errorf("only %d numbers in 1000", len(seen))
	}
}

func TestEventsInWords(t *testing.T) {
	h, by := host(1, 1), host(2, 1)
	mine := h
	h.State, by.State = Live, Live
	for want, e := range map[string]Event{
		"h001 at 127.0.0.2:9000 has the host key of h002 at 127.0.0.3:9000: a copied state directory; " +
			"stop the copy, remove its state directory, and join the domain again": {Kind: KeyTaken, Host: h, By: by},
		"the host key is that of h002 at 127.0.0.3:9000: this state directory is a copy; " +
			"remove it here, and join the domain again": {Kind: KeyTaken, Host: mine, By: by},
		"host number 0x0002 of h001 is taken by h002 at 127.0.0.3:9000": {Kind: NumberTaken, Host: mine, By: by},
	} {
		if e.String() != want {
			t.Errorf("%q, want %q", e, want)
		}
	}
	for kind, want := range map[EventKind]string{
		Joined:         "host h001 has joined from 127.0.0.2:9000",
		Changed:        "host h001 serves 1 prefixes now",
		LostHost:       "host h001 is lost",
		Back:           "host h001 is back from 127.0.0.2:9000",
		NumberTaken:    "host number 0x0002 of h001 is taken by h002 at 127.0.0.3:9000, and wanted by 127.0.0.2:9000",
		PrefixConflict: "prefix /p is served by h002, which counts, and by h001",
	} {
		if got := (Event{Kind: kind, Host: h, By: by, Prefix: "/p"}).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Addresses where nobody answers are greeted for two seconds, learned ones are
// then forgotten, and configured ones get a beat in turn.
func TestSilentAddresses(t *testing.T) {
	x := New(Config{
		Self: host(0, 1), Rand: rand.New(rand.NewPCG(1, 1)),
		Peers: []netip.AddrPort{addr(1), addr(2), addr(3)},
	})
	var out []Packet
	run := func(until time.Duration) map[netip.AddrPort]int {
		for x.Deadline() < until {
			out = x.Tick(x.Deadline(), out)
		}
		to := map[netip.AddrPort]int{}
		for _, p := range out {
			to[p.To]++
		}
		out = out[:0]
		return to
	}
	x.Start(0, nil)
	known := Body{Kind: Full, Revision: 1, Interval: time.Minute, Host: host(9, 1), Neighbours: []netip.AddrPort{addr(7)}}
	if _, err := x.Heard(0, addr(9), known.Append(nil), nil); err != nil {
		t.Fatal(err)
	}
	for a, n := range run(greetTime) {
		if a != addr(9) && (n < 12 || n > 15) {
			t.Errorf("%v is greeted %d times, want once in 150 ms", a, n)
		}
	}
	const seconds = 27 // a try costs 684 octets, for which there are 312 a second
	later := run(greetTime + seconds*time.Second)
	for i := 1; i <= 3; i++ {
		if n := later[addr(i)]; n < 3 || n > 5 {
			t.Errorf("%v is tried %d times in %d seconds, want about 4", addr(i), n, seconds)
		}
	}
	if later[addr(7)] != 0 || len(x.peers) != 3 {
		t.Errorf("a learned address is tried %d times; %d addresses are kept", later[addr(7)], len(x.peers))
	}
}
