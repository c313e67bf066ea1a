package doctor

import (
	"net/netip"
	"slices"
	"strings"
)

// packet is a first hello, as a firewall sees it come in: UDP, of no connection
// that it knows.
type packet struct {
	in   string       // name of the interface
	from netip.Prefix // the sender is one of these
	to   netip.Addr   // this machine's address there, or the group
	port uint16
}

// truth is whether a condition holds for a packet.
type truth int

const (
	no truth = iota
	maybe
	yes
)

// and is the truth of two conditions together.
func and(a, b truth) truth { return min(a, b) }

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func not(t truth) truth { return yes - t }

// action is what a rule does.
type action int

const (
	pass   action = iota // nothing
	accept               // no more rules of this base chain
	drop                 // or reject
	jump
	goTo
	goBack // to the rule after the jump
)

// rule is one rule of a chain.
type rule struct {
	match  func(*packet) truth
	do     action
	target string // chain, of jump and goTo
	text   string // for people
}

// base is a chain that packets enter by themselves.
type base struct {
	chain    string // key of ruleset.chains
	priority int
	policy   action // accept or drop
	text     string // for people
	mend     string // a command that lets V's packets in
	twin     Rules  // Tool and first line of the table, where iptables keeps it in nftables
}

// ruleset is the rules of one tool.
type ruleset struct {
	chains map[string][]rule
	bases  []base
}

// outcome is what becomes of a packet. The texts are of the rules that did it, or
// would, if conditions hold that are not understood.
type outcome struct {
	do          action
	text        string
	mayAccept   string
	mayDrop     string
	policyDrops bool
}

// maxDepth bounds jumps: Linux allows 16.
const maxDepth = 16

// walk follows a packet through one chain.
func (s *ruleset) walk(chain string, p *packet, depth int) (o outcome) {
	if depth > maxDepth {
		return o
	}
	for _, r := range s.chains[chain] {
		m := r.match(p)
		if m == no {
			continue
		}
		sub := outcome{do: r.do, text: r.text}
		if r.do == jump || r.do == goTo {
			sub = s.walk(r.target, p, depth+1)
			o.note(sub.mayAccept, sub.mayDrop)
		}
		switch {
		case sub.do == accept && m == maybe:
			o.note(sub.text, "")
		case sub.do == drop && m == maybe:
			o.note("", sub.text)
		case sub.do == accept || sub.do == drop:
			o.do, o.text = sub.do, sub.text
			return o
		case m == yes && (r.do == goBack || r.do == goTo):
			return o
		}
	}
	return o
}

// note remembers the first rules that may decide.
func (o *outcome) note(accepts, drops string) {
	if o.mayAccept == "" {
		o.mayAccept = accepts
	}
	if o.mayDrop == "" {
		o.mayDrop = drops
	}
}

// decide follows a packet through one base chain.
func (s *ruleset) decide(b *base, p *packet) outcome {
	o := s.walk(b.chain, p, 0)
	if o.do == pass {
		o.do, o.text = b.policy, b.text+" drops by default"
		o.policyDrops = b.policy == drop
	}
	return o
}

// inside is the truth of an unknown address of some being one of others.
func inside(some, others netip.Prefix) truth {
	switch {
	case !some.IsValid() || some.Addr().Is4() != others.Addr().Is4():
		return no
	case others.Bits() <= some.Bits() && others.Contains(some.Addr()):
		return yes
	case some.Overlaps(others):
		return maybe
	}
	return no
}

// isGroup tells whether the packet is for all hosts.
func (p *packet) isGroup() bool { return p.to.IsMulticast() }

// comesBy is the truth of the packet's interface having the name, which may end
// in the wildcard.
func (p *packet) comesBy(name, wildcard string) truth {
	if rest, ok := strings.CutSuffix(name, wildcard); ok {
		return truthOf(strings.HasPrefix(p.in, rest))
	}
	return truthOf(p.in == name)
}

// isNew is the truth of one of the states of a connection being this packet's.
func isNew(states []string) truth {
	return truthOf(slices.ContainsFunc(states, func(s string) bool {
		return strings.EqualFold(s, "new")
	}))
}
