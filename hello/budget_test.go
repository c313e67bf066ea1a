package hello

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// steady lets the world of n hosts run, and fails if one of them sends more
// than the budget or loses another.
func (w *world) steady(seconds int) {
	w.t.Helper()
	w.heard = 0
	for _, x := range w.nodes {
		x.octets, x.events = 0, nil
	}
	w.run(time.Duration(seconds) * time.Second)
	most, sum := 0, 0
	for _, x := range w.nodes {
		rate := x.octets / seconds
		most, sum = max(most, rate), sum+rate
		for _, e := range x.events {
			if e.Kind == LostHost {
				w.t.Errorf("%s: %v", x.self.Name, e)
			}
		}
	}
	w.t.Logf("%d hosts send %d octets/s, at most %d, and take %d packets/s each",
		len(w.nodes), sum/len(w.nodes), most, w.heard/len(w.nodes)/seconds)
	if most > Budget {
		w.t.Errorf("some host sends %d octets/s", most)
	}
}

// D7: at most 1 kB a second a host, with 28 octets of IPv4 and UDP, 32 of the
// frame, 16 of the group seal and 8 of the sequence number around each packet.
func TestBudget(t *testing.T) {
	if Overhead != 28+32+16+8 {
		t.Errorf("overhead %d", Overhead)
	}
	for _, n := range []int{1, 2, 3, 10, 11, 30, 100} {
		for _, multicast := range []bool{false, true} {
			t.Run(fmt.Sprint(n, multicast), func(t *testing.T) {
				w := newWorld(t, uint64(n), 0.01)
				w.multicast = multicast
				w.bootAll(n)
				w.until("all know all", 4*time.Second, w.allKnowAll)
				w.run(8 * time.Second)
				w.steady(60)
				w.steady(10)
			})
		}
	}
}

// The budget holds also where packets by multicast go out on four addresses, and
// while silent addresses are tried.
func TestBudgetWithManyAddresses(t *testing.T) {
	for _, n := range []int{1, 2, 5, 10} {
		w := newWorld(t, uint64(n), 0)
		w.multicast = true
		for i := range n {
			h := host(i, uint64(i+1))
			h.Addresses = []netip.AddrPort{wire(0, i), wire(1, i), wire(2, i), wire(3, i)}
			w.boot(h, 70, 71, 72)
		}
		w.run(10 * time.Second)
		w.steady(60)
	}
}

func TestBudgetOfAThousand(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		w := newWorld(t, 1000, 0)
		w.multicast = multicast
		nodes := w.acquaint(1000)
		seconds := 20
		if multicast {
			seconds = 12 // each packet arrives a thousand times
		}
		w.steady(seconds)
		t.Logf("pace: %+v", nodes[0].round.pace)
		if nodes[0].round.call > 10*time.Second {
			t.Errorf("a beat by multicast every %v, want one in 10 s", nodes[0].round.call)
		}
	}
}

// A table that nothing happens to is called about once a second.
func TestIdleTableSleeps(t *testing.T) {
	for _, n := range []int{10, 100} {
		w := newWorld(t, uint64(n), 0)
		w.multicast = true
		w.acquaint(n)
		w.run(5 * time.Second)
		x, ticks := w.nodes[0], 0
		for end := w.now + 20*time.Second; w.now < end; {
			next := x.Deadline()
			w.run(next - w.now - 1)
			if x.Deadline() != next {
				continue
			}
			w.run(1)
			ticks++
		}
		if ticks > 24 {
			t.Errorf("%d hosts: %d ticks in 20 s", n, ticks)
		}
	}
}
