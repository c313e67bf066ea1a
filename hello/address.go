package hello

import (
	"net/netip"
	"slices"
	"time"
)

// maxAddresses is how many addresses a host tells.
const maxAddresses = 8

// moveAfter is how long the address of a host, after it was asked, may stay
// silent before another one counts.
const moveAfter = 500 * time.Millisecond

// patience is at first for how many half intervals the address of a host may be
// silent, while another is heard, before it is asked.
const patience = 3

// SetAddresses says which addresses the own host has (at most 8 count, the
// first ones), and tells the others if they are not the same as before. A host
// moves in the others' tables only to an address that it has told.
func (t *Table) SetAddresses(now time.Duration, addrs []netip.AddrPort, out []Packet) []Packet {
	var told []netip.AddrPort
	for _, a := range addrs {
		if a = bare(a); a.IsValid() && a.Port() != 0 && len(told) < maxAddresses && !slices.Contains(told, a) {
			told = append(told, a)
		}
	}
	if slices.Equal(told, t.self.Addresses) {
		return out
	}
	t.self.Addresses = told
	t.peers = slices.DeleteFunc(t.peers, func(p *peer) bool { return t.owns(p.addr) })
	return t.change(now, out)
}

// Changed says that something changed in the network: an interface came up or
// went down, or the machine has slept. Everybody who may be there is greeted, as
// at the start.
func (t *Table) Changed(now time.Duration, out []Packet) []Packet {
	if !t.started {
		return out
	}
	for _, p := range t.peers {
		if p.until = 0; p.next == never {
			p.next = now
		}
	}
	for _, e := range t.hosts {
		if e.State == Lost && !e.left {
			t.learn(now, append([]netip.AddrPort{e.Addr}, e.Addresses...))
		}
	}
	return t.greet(now, out)
}

// Learned returns where hosts are or were, one address a host, those of live
// hosts first: at the next boot they are worth a greeting (Config.Peers).
func (t *Table) Learned() []netip.AddrPort {
	addrs := make([]netip.AddrPort, 0, len(t.hosts))
	for _, s := range []State{Live, Lost} {
		for _, e := range t.hosts {
			if e.State == s && !slices.Contains(addrs, e.Addr) {
				addrs = append(addrs, e.Addr)
			}
		}
	}
	return addrs
}

// tells tells whether h says that it has the address a.
func (h *Host) tells(a netip.AddrPort) bool { return slices.Contains(h.Addresses, bare(a)) }

// owns tells whether a is the own host's.
func (t *Table) owns(a netip.AddrPort) bool { return a == t.self.Addr || t.self.tells(a) }

// place notes that e was heard from an address. It moves there only if it has
// told that address and the one at hand is not to be had any more: it is told no
// longer, or was silent for one and a half intervals and did not answer when
// asked. A host with two interfaces, which is heard from both, so stays where it
// is; and each time it answers it is left alone for twice as long.
func (e *entry) place(now time.Duration, from netip.AddrPort, interval time.Duration) {
	told, here := e.tells(from), e.tells(e.Addr)
	silent := now-e.askedAt >= moveAfter
	switch {
	case from == e.Addr:
		if e.askedAt != never {
			e.patience = min(2*e.patience, 16*patience)
		}
		e.placed, e.askedAt = now, never
	case len(e.Addresses) == 0, told && (silent || !here):
		e.Addr, e.placed, e.askedAt, e.patience = from, now, never, patience
	case told && e.askedAt != never:
		e.probeAt = min(e.probeAt, e.askedAt+moveAfter) // the answer to that will move it
	case e.askedAt == never && now-e.placed >= interval*e.patience/2:
		e.askedAt, e.probeAt = now, now
	}
}

// elsewhere sends body to the other addresses where e may answer.
func (e *entry) elsewhere(out []Packet, body []byte) []Packet {
	for _, a := range e.Addresses {
		if a != bare(e.Addr) && !a.Addr().IsLinkLocalUnicast() {
			out = append(out, Packet{To: a, Body: body})
		}
	}
	return out
}

// liveAddrs returns where the live hosts are, and where they say they are.
func (t *Table) liveAddrs() map[netip.AddrPort]bool {
	live := make(map[netip.AddrPort]bool, len(t.hosts))
	for _, e := range t.hosts {
		if e.State != Live {
			continue
		}
		live[e.Addr] = true
		for _, a := range e.Addresses {
			live[a] = true
		}
	}
	return live
}

// unmap returns a as IPv4 where it is IPv4 inside IPv6, so that one address has
// one form.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// bare returns a as its host knows it: without the zone, which is ours.
func bare(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
