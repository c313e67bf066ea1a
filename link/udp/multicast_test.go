package udp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"vsys/ipc"
	"vsys/link"
)

const loopback = 1 // index of lo in every network namespace

// Unspecified addresses, with a free port.
var (
	any4 = netip.MustParseAddrPort("0.0.0.0:0")
	any6 = netip.MustParseAddrPort("[::]:0")
)

// eachFamily runs a test with an address to bind and an interface: for IPv4 the
// loopback; for IPv6, which has no multicast there, an end of a wire in a
// network namespace.
func eachFamily(t *testing.T, test func(t *testing.T, addr netip.AddrPort, index int)) {
	t.Run("IPv4", func(t *testing.T) { test(t, any4, loopback) })
	t.Run("IPv6", func(t *testing.T) {
		a, b := newMachine(t), newMachine(t)
		index, _ := wire(t, a, b, "eth1", 1)
		a.in(func() error { test(t, any6, index); return nil })
	})
}

func multicast(t *testing.T, p *Pool) *Multicast {
	t.Helper()
	m, err := p.Multicast()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// heard is one datagram that Receive returned.
type heard struct {
	data  string
	from  netip.AddrPort
	index int
}

// receive waits for one datagram, ten seconds at most.
func receive(t *testing.T, m *Multicast) heard {
	t.Helper()
	b := make([]byte, 1024)
	m.hear.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, from, index, err := m.Receive(b)
	if err != nil {
		t.Fatalf("nothing heard: %v", err)
	}
	return heard{string(b[:n]), from, index}
}

func say(t *testing.T, m *Multicast, index int, data string) {
	t.Helper()
	if err := m.Send(index, []byte(data)); err != nil {
		t.Fatalf("Send(%d, %q): %v", index, data, err)
	}
}

// Two hosts on one machine, a program without a pool among them: each hears what
// one says, from the address that answers go to, and no pool's member does.
func TestMulticastShared(t *testing.T) {
	eachFamily(t, func(t *testing.T, addr netip.AddrPort, index int) {
		p := pool(t, addr, 3)
		a := multicast(t, p)
		b, err := ListenMulticast(a.Group().Addr(), int(p.Addr().Port()))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for _, m := range []*Multicast{a, b} {
			if err := m.Join(index); err != nil {
				t.Fatal(err)
			}
		}
		say(t, a, index, string(framed(2, "hello")))
		for _, m := range []*Multicast{a, b} {
			got := receive(t, m)
			if got.data != string(framed(2, "hello")) || got.from.Port() != p.Addr().Port() || got.index != index {
				t.Errorf("heard %q from %v by %d, want the frame from port %d by %d",
					got.data, got.from, got.index, p.Addr().Port(), index)
			}
		}
		say(t, b, index, "without a pool")
		if got := receive(t, a); got.data != "without a pool" || got.from.Port() == p.Addr().Port() {
			t.Errorf("heard %q from %v, want what b said, from a port of its own", got.data, got.from)
		}
		members := []*Link{member(t, p, 0), member(t, p, 1), member(t, p, 2)}
		for slot, l := range members {
			if n := l.TryReceive(link.NewBatch(1, 2048)); n != 0 {
				t.Errorf("slot %d of the pool received what was said to the group", slot)
			}
		}
		// Steering still works: sending added no member.
		if err := listen(t, addr).Send(toSelf(p.Addr()), framed(2, "for slot 2")); err != nil {
			t.Fatal(err)
		}
		only(t, members, 2, framed(2, "for slot 2"))
	})
}

// Nothing is heard by who is no member, whatever others on the machine joined.
func TestMembership(t *testing.T) {
	eachFamily(t, func(t *testing.T, addr netip.AddrPort, index int) {
		p := pool(t, addr, 1)
		a, other := multicast(t, p), multicast(t, p)
		if err := other.Join(index); err != nil {
			t.Fatal(err)
		}
		check := func(do func() error, want ...int) {
			t.Helper()
			if err := do(); err != nil {
				t.Error(err)
			}
			if got := a.Joined(); !slices.Equal(got, want) {
				t.Errorf("members are %v, want %v", got, want)
			}
		}
		say(t, a, index, "before")
		check(func() error { return a.Set([]int{index}) }, index)
		check(func() error { return a.Set([]int{index}) }, index)
		check(func() error { return a.Join(index) }, index)
		check(a.Refresh, index)
		say(t, a, index, "member")
		if got := receive(t, a); got.data != "member" {
			t.Errorf("heard %q, want what was said to a member", got.data)
		}
		check(func() error { return a.Set(nil) })
		say(t, a, index, "left")
		check(func() error { a.Leave(index); return nil })
		check(func() error { return a.Join(index) }, index)
		say(t, a, index, "again")
		if got := receive(t, a); got.data != "again" {
			t.Errorf("heard %q, want what was said to a member again", got.data)
		}
	})
}

func TestMulticastErrors(t *testing.T) {
	const nowhere = 1 << 24 // no interface has this index
	eachFamily(t, func(t *testing.T, addr netip.AddrPort, index int) {
		p := pool(t, addr, 1)
		m := multicast(t, p)
		if err := m.Join(nowhere); ipc.CodeOf(err) != ipc.Unreachable {
			t.Errorf("%v: Join of no interface: %v, want %v", addr, err, ipc.Unreachable)
		}
		if err := m.Send(nowhere, []byte("x")); ipc.CodeOf(err) != ipc.Unreachable {
			t.Errorf("%v: Send by no interface: %v, want %v", addr, err, ipc.Unreachable)
		}
		if err := m.Set([]int{nowhere, index}); err == nil || !slices.Equal(m.Joined(), []int{index}) {
			t.Errorf("%v: Set with no interface: %v, members %v; want an error and lo", addr, err, m.Joined())
		}
		if err := m.Send(index, make([]byte, 1<<16)); ipc.CodeOf(err) != ipc.BadByteCount {
			t.Errorf("%v: Send of 64 KiB: %v, want %v", addr, err, ipc.BadByteCount)
		}
		// One that is too long for the reader is passed over.
		if err := m.Send(index, make([]byte, 1400)); err != nil {
			t.Error(err)
		}
		say(t, m, index, "short")
		if got := receive(t, m); got.data != "short" {
			t.Errorf("%v: heard %d octets, want the short one", addr, len(got.data))
		}
	})
	if m, err := ListenMulticast(HelloGroup4, int(pool(t, local4, 1).Addr().Port())); err != nil {
		t.Errorf("the port of a pool with an address of its own is refused: %v", err)
	} else {
		m.Close()
	}
	l := listen(t, any4) // not a pool: shares with nobody
	if _, err := ListenMulticast(HelloGroup4, int(l.Addr().Port())); ipc.CodeOf(err) != ipc.DuplicateName {
		t.Errorf("a port that another has: %v, want %v", err, ipc.DuplicateName)
	}
}

// Close ends Receive, and nothing works afterwards.
func TestMulticastClose(t *testing.T) {
	m := multicast(t, pool(t, any4, 1))
	result := make(chan error)
	go func() { // ends with Receive
		_, _, _, err := m.Receive(make([]byte, 1))
		result <- err
	}()
	m.Close()
	if err := <-result; ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Receive: %v, want %v", err, ipc.Aborted)
	}
	if err := m.Send(loopback, nil); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Send: %v, want %v", err, ipc.Aborted)
	}
	if err := m.Join(loopback); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Join: %v, want %v", err, ipc.Aborted)
	}
	m.Close()
}

// Two machines with two wires between them. What is said on a wire is heard from
// the sender's address on that wire, and the answer goes to the sender's pool.
func TestMulticastMachines(t *testing.T) {
	a, b := newMachine(t), newMachine(t)
	a1, b1 := wire(t, a, b, "eth1", 1)
	a2, b2 := wire(t, a, b, "eth2", 2)
	var pa, pb *Pool
	var ma, mb *Multicast
	open := func(p **Pool, m **Multicast, members ...int) func() error {
		return func() error {
			*p = pool(t, netip.MustParseAddrPort("0.0.0.0:8145"), 2)
			*m = multicast(t, *p)
			return (*m).Set(members)
		}
	}
	a.in(open(&pa, &ma, a1, a2))
	b.in(open(&pb, &mb, b2))
	say(t, ma, a1, "to a wire that b has not joined")
	say(t, ma, a2, "hello")
	got := receive(t, mb)
	want := heard{"hello", netip.MustParseAddrPort("10.2.0.1:8145"), b2}
	if got != want {
		t.Fatalf("b heard %v, want %v", got, want)
	}
	b.in(func() error { return mb.Set([]int{b1, b2}) })
	say(t, ma, a1, "the first wire")
	if got := receive(t, mb); got.from != netip.MustParseAddrPort("10.1.0.1:8145") || got.index != b1 {
		t.Errorf("b heard %v, want it from 10.1.0.1 by %d", got, b1)
	}

	// The answer, by unicast, to slot 0 of a.
	lb, la := member(t, pb, 0), member(t, pa, 0)
	if err := lb.Send(want.from, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	la.Sleep(time.Second)
	only(t, []*Link{la, member(t, pa, 1)}, 0, []byte("answer"))

	// Without its address the interface forgets its members; Refresh mends it.
	b.in(func() error {
		l, err := netlink.LinkByIndex(b2)
		if err != nil {
			return err
		}
		addr, _ := netlink.ParseAddr("10.2.0.2/24")
		if err := netlink.AddrDel(l, addr); err != nil {
			return err
		}
		return netlink.AddrAdd(l, addr)
	})
	b.in(mb.Refresh)
	say(t, ma, a2, "after the address came back")
	if got := receive(t, mb); got.data != "after the address came back" || got.index != b2 {
		t.Errorf("b heard %v", got)
	}
}
