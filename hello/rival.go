package hello

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// seniority compares two hosts: the elder is less. It has the lower epoch, or
// with equal epochs the lower number, or address.
func seniority(a, b *Host) int {
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Number, b.Number), a.Addr.Compare(b.Addr))
}

// elder tells whether a has what both a and b claim: a name, or a prefix.
func elder(a, b *Host) bool { return seniority(a, b) < 0 }

// keeps tells whether a has the number that both a and b claim: the lower
// fingerprint does, whoever was first, so that all hosts decide alike (D1). In
// a clear domain, and where one key has two hosts, the elder does.
func keeps(a, b *Host) bool {
	var clear [16]byte
	if a.Fingerprint != clear && b.Fingerprint != clear && a.Fingerprint != b.Fingerprint {
		return slices.Compare(a.Fingerprint[:], b.Fingerprint[:]) < 0
	}
	return elder(a, b)
}

// sameKey tells whether a and b have one key: they are one host in two boots,
// or the state directory of one is a copy.
func sameKey(a, b *Host) bool {
	return a.Fingerprint == b.Fingerprint && a.Fingerprint != [16]byte{}
}

// samePlace tells whether a and b are at one address, so that they are one host
// in two boots. What a host tells of its addresses counts only if the keys are
// the same.
func samePlace(a, b *Host) bool {
	return a.Addr == b.Addr || a.Fingerprint == b.Fingerprint && (a.tells(b.Addr) || b.tells(a.Addr))
}

// rival tells whether e stands where h wants to: it has h's number or key, or
// had h's name.
func rival(e *entry, h *Host) bool {
	return e.Number == h.Number || sameKey(&e.Host, h) || e.claimed == h.Name && e.State == Lost
}

// claims decides whether a host that is not known in this boot gets its number,
// against all that are its rivals, and if so enters it.
func (t *Table) claims(now time.Duration, p *Body) {
	h := p.Host
	if t.owns(h.Addr) || !t.leavesOurs(&h) {
		return
	}
	again := false
	for _, e := range t.hosts {
		if rival(e, &h) {
			if !t.yields(now, e, &h) {
				return
			}
			again = again || e.claimed == h.Name
		}
	}
	t.drop(&h)
	t.enter(now, p, again)
}

// drop forgets the rivals of h, and reports those that live elsewhere.
func (t *Table) drop(h *Host) {
	var names []string
	t.hosts = slices.DeleteFunc(t.hosts, func(e *entry) bool {
		if !rival(e, h) {
			return false
		}
		names = append(names, e.claimed)
		if e.State == Live {
			t.live--
		}
		if e.State == Live && !samePlace(&e.Host, h) {
			t.conflict(conflictOf(&e.Host, h), e.Host, *h, "")
		}
		return true
	})
	for _, name := range names {
		t.settleName(name)
	}
}

// leavesOurs tells whether h leaves the own host its number and key; if not,
// one of the two must go, which is reported.
func (t *Table) leavesOurs(h *Host) bool {
	switch {
	case h.Number != t.self.Number && !sameKey(h, &t.self):
		return true
	case keeps(h, &t.self):
		t.conflict(conflictOf(h, &t.self), t.self, *h, "")
	default:
		t.conflict(conflictOf(h, &t.self), *h, t.self, "")
	}
	return false
}

// conflictOf says what a and b, which are rivals, can't both have.
func conflictOf(a, b *Host) EventKind {
	if sameKey(a, b) {
		return KeyTaken
	}
	return NumberTaken
}

// yields tells whether e gives way to h. One address is one host, so there the
// later boot counts. Elsewhere the one that keeps the number does, if it lives,
// which is asked at once.
func (t *Table) yields(now time.Duration, e *entry, h *Host) bool {
	switch {
	case e.State == Lost:
		return !e.left || e.Epoch != h.Epoch
	case samePlace(&e.Host, h):
		return e.Epoch < h.Epoch
	case keeps(h, &e.Host):
		return true
	case sameKey(&e.Host, h):
		e.copied = h // or booted again elsewhere: if e answers it is a copy
	case e.claimed != h.Name || e.Fingerprint != h.Fingerprint:
		t.conflict(NumberTaken, *h, e.Host, "")
	}
	t.suspect(now, e)
	return false
}

// Alias returns the name under which h is listed while an elder host has its
// name: name~XXXX, with its number in hexadecimal. No host can call itself so.
func (h *Host) Alias() string {
	name, _, _ := strings.Cut(h.Name, "~")
	return fmt.Sprintf("%s~%04x", name, h.Number)
}

// settleName lists the hosts that claim name: the elder of the live ones by
// that name, the others by their alias.
func (t *Table) settleName(name string) {
	holder := t.holder(name)
	show := func(h *Host) string {
		if h == holder {
			return name
		}
		return h.Alias()
	}
	if t.self.Name == name {
		t.shown = show(&t.self)
	}
	for _, e := range t.hosts {
		if e.claimed == name {
			e.Name = show(&e.Host)
		}
	}
}

// holder returns the host that has name: the elder of those that claim it, the
// lost ones last; nil if nobody does.
func (t *Table) holder(name string) (h *Host) {
	if t.self.Name == name {
		h = &t.self
	}
	for _, e := range t.hosts {
		if e.claimed == name && (h == nil || prior(&e.Host, h)) {
			h = &e.Host
		}
	}
	return h
}

// prior tells whether a has the name that b claims too.
func prior(a, b *Host) bool {
	if lost := a.State == Lost; lost != (b.State == Lost) {
		return !lost
	}
	return elder(a, b)
}

// checkName settles the name of e, which has come, and reports who else claims
// it. A holder that is another's is asked whether it still lives.
func (t *Table) checkName(now time.Duration, e *entry) {
	holder := t.holder(e.claimed)
	report := func(h Host) {
		if h.State != Lost && h.Number != holder.Number {
			by := *holder
			h.Name, by.Name = e.claimed, e.claimed
			t.conflict(NameTaken, h, by, "")
		}
	}
	if t.self.Name == e.claimed {
		report(t.self)
	}
	for _, o := range t.hosts {
		switch {
		case o.claimed != e.claimed:
		case &o.Host != holder:
			report(o.Host)
		case o != e:
			t.suspect(now, o)
		}
	}
	t.settleName(e.claimed)
}
