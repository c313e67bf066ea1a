package hello

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"vsys/ipc"
)

// Match is a prefix, or what a name leads to: its server, and that server's
// host. If the host is Lost, so is the server.
type Match struct {
	Prefix Prefix
	Host   Host
}

// AddPrefix makes the own host serve p and tells the others. It replaces a
// prefix of the same name if that is of the same team.
// Codes: IllegalName; BadArgs (the server is not on this host); DuplicateName
// (another team has it); NoServerResources (the hello is full).
func (t *Table) AddPrefix(now time.Duration, p Prefix, out []Packet) ([]Packet, error) {
	fail := func(c ipc.Code) ([]Packet, error) {
		return out, &ipc.OpError{Op: "hello.AddPrefix", Name: p.Name, Host: t.self.Name, Err: c}
	}
	i := t.own(p.Name)
	switch {
	case !ValidPrefix(p.Name):
		return fail(ipc.IllegalName)
	case p.Server.Host() != t.self.Number || p.Server.IsGroup():
		return fail(ipc.BadArgs)
	case i >= 0 && t.self.Prefixes[i] == p:
		return out, nil
	case i >= 0 && !t.self.Prefixes[i].Server.SameTeam(p.Server):
		return fail(ipc.DuplicateName)
	}
	prefixes := slices.Clone(t.self.Prefixes)
	if i >= 0 {
		prefixes[i] = p
	} else {
		prefixes = append(prefixes, p)
	}
	full := Body{Kind: Full, Host: t.self}
	full.Host.Prefixes, full.Host.Addresses = prefixes, nil
	if len(full.Append(nil))+maxAddresses*addressSize > MaxBody {
		return fail(ipc.NoServerResources)
	}
	t.self.Prefixes = prefixes
	t.checkPrefixes(t.Self())
	return t.change(now, out), nil
}

// RemovePrefix ends the service of the prefix called name by server's team.
// Codes: NotFound (it does not serve that).
func (t *Table) RemovePrefix(now time.Duration, name string, server ipc.PID, out []Packet) ([]Packet, error) {
	if i := t.own(name); i < 0 || !t.self.Prefixes[i].Server.SameTeam(server) {
		return out, &ipc.OpError{Op: "hello.RemovePrefix", Name: name, Host: t.self.Name, Err: ipc.NotFound}
	}
	return t.remove(now, func(p Prefix) bool { return p.Name == name }, out), nil
}

// RemoveServer drops all prefixes that the own host's team l serves: it has
// died.
func (t *Table) RemoveServer(now time.Duration, l ipc.LogicalHost, out []Packet) []Packet {
	return t.remove(now, func(p Prefix) bool { return p.Server.LogicalHost() == l }, out)
}

func (t *Table) remove(now time.Duration, gone func(Prefix) bool, out []Packet) []Packet {
	left := slices.DeleteFunc(slices.Clone(t.self.Prefixes), gone)
	if len(left) == len(t.self.Prefixes) {
		return out
	}
	t.self.Prefixes = left
	return t.change(now, out)
}

// own returns the index of the own prefix called name, or -1.
func (t *Table) own(name string) int {
	return slices.IndexFunc(t.self.Prefixes, func(p Prefix) bool { return p.Name == name })
}

// Prefixes returns the prefixes of all hosts, longest first. Of equal ones that
// of the own host comes first (so that "/tmp", which every host has, means the
// own), then the elder live hosts', then the lost ones'.
func (t *Table) Prefixes() []Match {
	all := matches(nil, t.Self())
	for _, e := range t.hosts {
		all = matches(all, e.Host)
	}
	slices.SortFunc(all, func(a, b Match) int {
		return cmp.Or(cmp.Compare(len(b.Prefix.Name), len(a.Prefix.Name)),
			cmp.Compare(a.Prefix.Name, b.Prefix.Name), precedence(&a.Host, &b.Host))
	})
	return all
}

// matches appends the prefixes of h to all.
func matches(all []Match, h Host) []Match {
	for _, p := range h.Prefixes {
		all = append(all, Match{p, h})
	}
	return all
}

// Lookup returns the first of Prefixes that covers name.
func (t *Table) Lookup(name string) (Match, bool) {
	all := t.Prefixes()
	i := slices.IndexFunc(all, func(m Match) bool { return Covers(m.Prefix.Name, name) })
	if i < 0 {
		return Match{}, false
	}
	return all[i], true
}

// Covers tells whether prefix is name or a context above it: "/unix" covers
// "/unix/beta" and not "/unixes".
func Covers(prefix, name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (rest == "" || rest[0] == '/' || prefix == "/")
}

// precedence compares two hosts that serve one prefix: the one that counts is
// less. States are in the order in which they count.
func precedence(a, b *Host) int { return cmp.Or(cmp.Compare(a.State, b.State), seniority(a, b)) }

// checkPrefixes reports which of h's prefixes another host serves as well.
func (t *Table) checkPrefixes(h Host) {
	names := make(map[string]bool, len(h.Prefixes))
	for _, p := range h.Prefixes {
		names[p.Name] = true
	}
	against := func(other Host) {
		for _, p := range other.Prefixes {
			switch {
			case !names[p.Name] || other.Number == h.Number || other.State == Lost:
			case elder(&h, &other):
				t.conflict(PrefixConflict, other, h, p.Name)
			default:
				t.conflict(PrefixConflict, h, other, p.Name)
			}
		}
	}
	against(t.Self())
	for _, e := range t.hosts {
		against(e.Host)
	}
}
