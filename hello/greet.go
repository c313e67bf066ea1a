package hello

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// greet sends a hello to each address that is due, no more than greetMost in
// greetEvery, and drops those learned ones whose time is over.
func (t *Table) greet(now time.Duration, out []Packet) []Packet {
	var due []*peer
	for _, p := range t.peers {
		if p.next <= now {
			due = append(due, p)
		}
	}
	if due == nil {
		return out
	}
	slices.SortStableFunc(due, func(a, b *peer) int { return cmp.Compare(a.order(), b.order()) })
	if now >= t.greetAt {
		t.greetAt, t.greeted = now+greetEvery, 0
	}
	live := t.liveAddrs()
	for _, p := range due {
		switch {
		case live[p.addr] || p.until != 0 && now >= p.until:
			p.next = never
		case t.greeted < greetMost:
			t.greeted++
			if p.until == 0 {
				p.until = now + greetTime
			}
			p.next = now + greetEvery
			out = append(out, t.stranger(p.addr, Full))
		}
	}
	t.peers = slices.DeleteFunc(t.peers, func(p *peer) bool { return !p.fixed && p.next == never })
	return out
}

// order says in which order peers are greeted: all at once first, then those
// that wait longest.
func (p *peer) order() time.Duration {
	if !p.addr.IsValid() {
		return -1
	}
	return p.next
}

// learn adds addresses to those that are greeted.
func (t *Table) learn(now time.Duration, addrs []netip.AddrPort) {
	if len(addrs) == 0 {
		return
	}
	live := t.liveAddrs()
	for _, a := range addrs {
		if !live[a] {
			t.learnLater(now, a)
		}
	}
}

// learnLater has a greeted from at on.
func (t *Table) learnLater(at time.Duration, a netip.AddrPort) {
	if p := t.peer(a); p != nil {
		if p.next == never {
			p.next, p.until = at, 0
		}
	} else if len(t.peers) < maxPeers && !t.owns(a) {
		t.peers = append(t.peers, &peer{addr: a, next: at})
	}
}
