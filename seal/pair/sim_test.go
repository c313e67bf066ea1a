package pair

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// check holds what is always true of a table.
func (n *node) check(now time.Duration) error {
	count := 0
	keys := map[[32]byte]bool{}
	for _, p := range n.peers {
		if len(p.sessions) == 0 || len(p.sessions) > maxSessions || keys[p.key] {
			return fmt.Errorf("host %d has %d sessions, or two entries", p.number, len(p.sessions))
		}
		keys[p.key] = true
		for _, s := range p.sessions {
			count++
			if n.sessions[s.ID] != s || s.state == halfOpen || s.Certificate.Key != p.key || !p.stands(s.Number, s.Epoch) {
				return fmt.Errorf("session %x of host %d", s.ID, p.number)
			}
		}
		if n.due > p.rekey {
			return fmt.Errorf("rekey at %v, deadline %v", p.rekey, n.due)
		}
	}
	if count != len(n.sessions) || len(n.peers) > maxPeers || len(n.half) > maxHalf || len(n.begun) > maxBegun {
		return fmt.Errorf("%d sessions of %d", len(n.sessions), count)
	}
	for _, a := range n.half {
		if n.due > a.until || n.sessions[a.session.ID] != nil || a.session.state != halfOpen {
			return fmt.Errorf("half-open session %x", a.session.ID)
		}
	}
	for _, i := range n.begun {
		if n.due > i.until {
			return fmt.Errorf("handshake until %v, deadline %v", i.until, n.due)
		}
	}
	return nil
}

func (w *world) checkAll() {
	w.t.Helper()
	for _, n := range w.nodes {
		if err := n.check(w.now); !n.down && err != nil {
			w.t.Fatalf("at %v host %d: %v", w.now, n.number, err)
		}
	}
}

// live returns the hosts that are up.
func (w *world) live() []*node {
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return n.down })
}

// disturb lets an attacker do something: replay what it has recorded, as it was or
// with a bit flipped, from anywhere to anybody.
func (w *world) disturb() {
	var bodies []parcel
	for _, p := range w.record[max(0, len(w.record)-2000):] {
		if p.body != nil {
			bodies = append(bodies, p)
		}
	}
	if len(bodies) == 0 {
		return
	}
	live := w.live()
	p := bodies[w.rand.IntN(len(bodies))]
	to, from := live[w.rand.IntN(len(live))], attacker
	if w.rand.IntN(2) == 0 {
		from = live[w.rand.IntN(len(live))].addr
	}
	if w.rand.IntN(3) == 0 {
		p.body = bytes.Clone(p.body)
		bit := w.rand.IntN(8 * len(p.body))
		p.body[bit/8] ^= 1 << (bit % 8)
	}
	w.air = append(w.air, parcel{from: from, to: to.addr, generation: 1, body: p.body, at: w.now + w.delay()})
}

// Hosts boot, boot again, forget one another and renew their sessions while a
// third of all packets is lost, a fifth comes twice, all in any order, and an
// attacker replays and flips what it hears. Whenever there is quiet for two
// seconds all can talk with all.
func TestWorlds(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(t, 1000+seed)
		w.delay = func() time.Duration { return time.Duration(1+w.rand.IntN(60)) * time.Millisecond }
		for i := range 5 {
			w.boot(i + 1)
		}
		for round := range 6 {
			w.loss, w.dup = 0.3, 0.2
			for range 20 {
				w.upset(round)
				w.run(100 * time.Millisecond)
				w.checkAll()
			}
			w.loss, w.dup = 0, 0
			w.run(6 * time.Second) // what is half done is given up
			w.greetFor(2 * time.Second)
			w.checkAll()
			live := w.live()
			for i, a := range live {
				for _, b := range live[:i] {
					w.both(a, b)
				}
			}
		}
		for _, n := range w.live() {
			for _, e := range n.events {
				if e.Kind != Established && e.Kind != Replaced && e.Kind != Renewed {
					t.Errorf("seed %d: %v", seed, e)
				}
			}
		}
	}
}

// upset lets one thing happen.
func (w *world) upset(round int) {
	live := w.live()
	a, b := live[w.rand.IntN(len(live))], live[w.rand.IntN(len(live))]
	switch w.rand.IntN(12) {
	case 0:
		w.bootAs(int(a.number), a.epoch+1+uint64(round), a.identity)
	case 1:
		a.Drop(b.number)
	case 2, 3:
		a.Rekey(b.number)
	case 4, 5, 6:
		for range 5 {
			w.disturb()
		}
	default:
		w.greetAll()
	}
}

// A domain of forty hosts that boot at once.
func TestManyHosts(t *testing.T) {
	w := newWorld(t, 70)
	w.loss = 0.05
	for i := range 40 {
		w.boot(i + 1)
	}
	complete := func() bool {
		for _, n := range w.nodes {
			if len(n.peers) != len(w.nodes)-1 {
				return false
			}
		}
		return true
	}
	for !complete() && w.now < 20*time.Second {
		w.greetFor(250 * time.Millisecond)
	}
	w.checkAll()
	t.Logf("%d sessions took %v", 40*39/2, w.now)
	if w.now > 4*time.Second {
		t.Errorf("took %v", w.now)
	}
	for i, a := range w.nodes {
		for _, b := range w.nodes[:i] {
			w.both(a, b)
		}
	}
}
