package hello

import (
	"cmp"
	"slices"
)

// Self returns the own host, by the name it is listed by.
func (t *Table) Self() Host {
	h := t.self
	h.Name = t.shown
	return h
}

// Hosts returns all hosts, the own, live and lost ones, by name. Of those that
// claim one name all but the elder are there by their alias.
func (t *Table) Hosts() []Host {
	all := make([]Host, 0, len(t.hosts)+1)
	all = append(all, t.Self())
	for _, e := range t.hosts {
		all = append(all, e.Host)
	}
	slices.SortFunc(all, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// ByNumber returns the host with that number.
func (t *Table) ByNumber(number uint16) (Host, bool) {
	if number == t.self.Number {
		return t.Self(), true
	}
	if e := t.find(number); e != nil {
		return e.Host, true
	}
	return Host{}, false
}

// ByName returns the host with that name, or with that alias.
func (t *Table) ByName(name string) (Host, bool) {
	if name == t.shown {
		return t.Self(), true
	}
	for _, e := range t.hosts {
		if e.Name == name {
			return e.Host, true
		}
	}
	return Host{}, false
}

func (t *Table) search(number uint16) (int, bool) {
	return slices.BinarySearchFunc(t.hosts, number, func(e *entry, n uint16) int { return cmp.Compare(e.Number, n) })
}

func (t *Table) find(number uint16) *entry {
	if i, ok := t.search(number); ok {
		return t.hosts[i]
	}
	return nil
}
