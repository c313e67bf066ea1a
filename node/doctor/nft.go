package doctor

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// nftObject is one element of the list in libnftables-json(5); one field is set.
type nftObject struct {
	Chain *nftChain `json:"chain"`
	Rule  *nftRule  `json:"rule"`
}

type nftChain struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Type   string `json:"type"` // of base chains
	Hook   string `json:"hook"`
	Prio   int    `json:"prio"`
	Policy string `json:"policy"`
}

type nftRule struct {
	Family string                       `json:"family"`
	Table  string                       `json:"table"`
	Chain  string                       `json:"chain"`
	Expr   []map[string]json.RawMessage `json:"expr"`
}

// parseNft reads what nft -j list ruleset prints. Only chains that filter what
// comes in for this machine are kept as bases, in the order of their priority.
func parseNft(text string, port uint16) (*ruleset, error) {
	var doc struct {
		Objects []nftObject `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("rules of nft: %w", err)
	}
	s := &ruleset{chains: map[string][]rule{}}
	for _, o := range doc.Objects {
		switch {
		case o.Chain != nil:
			s.addNftBase(o.Chain, port)
		case o.Rule != nil:
			key := nftKey(o.Rule.Family, o.Rule.Table, o.Rule.Chain)
			s.chains[key] = append(s.chains[key], nftRules(o.Rule)...)
		}
	}
	slices.SortStableFunc(s.bases, func(a, b base) int { return a.priority - b.priority })
	return s, nil
}

func nftKey(family, table, chain string) string { return family + " " + table + " " + chain }

// addNftBase keeps a chain that packets enter on their way in.
func (s *ruleset) addNftBase(c *nftChain, port uint16) {
	in := c.Hook == "prerouting" || c.Hook == "input"
	if c.Type != "filter" || !in || c.Family != "inet" && c.Family != "ip" && c.Family != "ip6" {
		return
	}
	b := base{
		chain: nftKey(c.Family, c.Table, c.Name), priority: c.Prio, policy: accept,
		text: fmt.Sprintf("chain %s of table %s %s", c.Name, c.Family, c.Table),
		mend: fmt.Sprintf("nft insert rule %s %s %s udp dport %d accept", c.Family, c.Table, c.Name, port),
	}
	if c.Hook == "prerouting" {
		b.priority -= 1 << 20 // before all of input
	}
	if c.Name == "INPUT" || c.Name == "PREROUTING" {
		switch c.Family {
		case "ip":
			b.twin = Rules{"iptables", "*" + c.Table}
		case "ip6":
			b.twin = Rules{"ip6tables", "*" + c.Table}
		}
	}
	if c.Policy == "drop" {
		b.policy = drop
	}
	s.bases = append(s.bases, b)
}

// nftRules makes rules of one of nft's: several where it has a map of verdicts.
func nftRules(r *nftRule) (list []rule) {
	conditions := []func(*packet) truth{familyIs(r.Family)}
	text := fmt.Sprintf("a rule of chain %s of table %s %s", r.Chain, r.Family, r.Table)
	add := func(do action, target string, more ...func(*packet) truth) {
		all := slices.Concat(conditions, more)
		list = append(list, rule{do: do, target: nftKey(r.Family, r.Table, target), text: text,
			match: func(p *packet) truth { return allOf(all, p) }})
	}
	for _, e := range r.Expr {
		for name, raw := range e {
			switch name {
			case "match":
				conditions = append(conditions, nftMatch(raw))
			case "vmap":
				for _, v := range nftVmap(raw) {
					add(v.do, v.target, v.match)
				}
			case "counter", "log", "comment", "notrack", "mangle":
			default:
				if do, target, ok := nftVerdict(name, raw); ok {
					add(do, target)
				} else { // a limit, a set that is changed, an extension of iptables
					conditions = append(conditions, func(*packet) truth { return maybe })
				}
			}
		}
	}
	return list
}

func allOf(conditions []func(*packet) truth, p *packet) truth {
	t := yes
	for _, c := range conditions {
		t = and(t, c(p))
	}
	return t
}

// familyIs is the condition that a table of the family sees the packet.
func familyIs(family string) func(*packet) truth {
	return func(p *packet) truth {
		return truthOf(family == "inet" || (family == "ip") == p.to.Is4())
	}
}

// nftVerdict reads a statement that ends a rule.
func nftVerdict(name string, raw json.RawMessage) (do action, target string, ok bool) {
	var to struct {
		Target string `json:"target"`
	}
	switch name {
	case "accept":
		return accept, "", true
	case "drop", "reject":
		return drop, "", true
	case "return":
		return goBack, "", true
	case "continue":
		return pass, "", true
	case "jump", "goto":
		if json.Unmarshal(raw, &to) != nil {
			return pass, "", false
		}
		if name == "jump" {
			return jump, to.Target, true
		}
		return goTo, to.Target, true
	}
	return pass, "", false
}

// nftVmap reads a map from values to verdicts.
func nftVmap(raw json.RawMessage) (list []rule) {
	var v struct {
		Key  json.RawMessage `json:"key"`
		Data struct {
			Set [][2]json.RawMessage `json:"set"`
		} `json:"data"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Data.Set == nil {
		return nil // a map by name: what it does is not known, and it may do nothing
	}
	for _, pair := range v.Data.Set {
		var verdict map[string]json.RawMessage
		if json.Unmarshal(pair[1], &verdict) != nil {
			continue
		}
		for name, arg := range verdict {
			if do, target, ok := nftVerdict(name, arg); ok {
				list = append(list, rule{match: nftCompare("==", v.Key, pair[0]), do: do, target: target})
			}
		}
	}
	return list
}

// nftMatch reads a condition.
func nftMatch(raw json.RawMessage) func(*packet) truth {
	var m struct {
		Op          string
		Left, Right json.RawMessage
	}
	if json.Unmarshal(raw, &m) != nil {
		return func(*packet) truth { return maybe }
	}
	return nftCompare(m.Op, m.Left, m.Right)
}

// nftCompare returns the condition that what left says of a packet is among what
// right lists.
func nftCompare(op string, left, right json.RawMessage) func(*packet) truth {
	field, values := nftField(left), nftValues(right)
	return func(p *packet) truth {
		if values == nil || op != "==" && op != "!=" && op != "in" {
			return maybe
		}
		t := no
		for _, v := range values {
			t = max(t, field.is(p, v))
		}
		if op == "!=" {
			return not(t)
		}
		return t
	}
}

// field is what a condition is about, as "udp dport", or "meta iifname".
type field string

// nftField reads the left side of a condition.
func nftField(raw json.RawMessage) field {
	var l struct {
		Payload *struct{ Protocol, Field string }
		Meta    *struct{ Key string }
		Ct      *struct{ Key string }
		Fib     *struct {
			Result string
			Flags  json.RawMessage
		}
	}
	switch err := json.Unmarshal(raw, &l); {
	case err != nil:
	case l.Payload != nil:
		return field(l.Payload.Protocol + " " + l.Payload.Field)
	case l.Meta != nil:
		return field("meta " + l.Meta.Key)
	case l.Ct != nil:
		return field("ct " + l.Ct.Key)
	case l.Fib != nil && l.Fib.Result == "type":
		return "fib type"
	}
	return ""
}

// is tells whether the packet's field has the value.
func (f field) is(p *packet, v string) truth {
	switch f {
	case "udp dport", "th dport":
		return inRange(p.port, v)
	case "meta l4proto", "ip protocol", "ip6 nexthdr":
		return truthOf(v == "udp" || v == "17")
	case "meta iifname", "meta iif":
		return p.comesBy(v, "*")
	case "meta nfproto", "meta protocol":
		return truthOf(v == "ipv4" && p.to.Is4() || v == "ip" && p.to.Is4() || (v == "ipv6" || v == "ip6") && p.to.Is6())
	case "ct state":
		return isNew([]string{v})
	case "ct status":
		return truthOf(v != "dnat" && v != "snat" && v != "expected" && v != "assured")
	case "ip daddr", "ip6 daddr":
		return within(netip.PrefixFrom(p.to, p.to.BitLen()), v)
	case "ip saddr", "ip6 saddr":
		return within(p.from, v)
	case "meta pkttype", "fib type":
		switch v {
		case "multicast":
			return truthOf(p.isGroup())
		case "broadcast", "anycast":
			return no
		case "host", "unicast", "local":
			return truthOf(!p.isGroup())
		}
		return maybe
	}
	for _, other := range []field{"tcp ", "icmp ", "icmpv6 ", "sctp ", "dccp ", "ah ", "esp ", "igmp "} {
		if len(f) > len(other) && f[:len(other)] == other {
			return no // the condition holds for another protocol only
		}
	}
	return maybe
}

// within is the truth of an address of some being in an address or range, as
// text.
func within(some netip.Prefix, v string) truth {
	if a, err := netip.ParseAddr(v); err == nil {
		return inside(some, netip.PrefixFrom(a, a.BitLen()))
	}
	if others, err := netip.ParsePrefix(v); err == nil {
		return inside(some, others.Masked())
	}
	return maybe
}

// inRange is the truth of a port being a number or in a range, as text.
func inRange(port uint16, v string) truth {
	var low, high uint16
	if n, err := fmt.Sscanf(v, "%d-%d", &low, &high); n == 2 && err == nil {
		return truthOf(low <= port && port <= high)
	}
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return maybe
	}
	return truthOf(uint16(n) == port)
}

// nftValues reads the right side of a condition: the values, as text, or nil if
// it is something else, as a set by name.
func nftValues(raw json.RawMessage) []string {
	var one any
	if json.Unmarshal(raw, &one) != nil {
		return nil
	}
	return nftTexts(one)
}

func nftTexts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		if v != "" && v[0] != '@' {
			return []string{v}
		}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		for _, e := range v {
			t := nftTexts(e)
			if t == nil {
				return nil
			}
			list = append(list, t...)
		}
	case map[string]any:
		return nftStructure(v)
	}
	return list
}

// nftStructure reads a set, a range or a prefix.
func nftStructure(v map[string]any) []string {
	if set, ok := v["set"]; ok {
		return nftTexts(set)
	}
	if ends, ok := v["range"].([]any); ok && len(ends) == 2 {
		return []string{fmt.Sprintf("%v-%v", ends[0], ends[1])}
	}
	if p, ok := v["prefix"].(map[string]any); ok {
		return []string{fmt.Sprintf("%v/%v", p["addr"], p["len"])}
	}
	if e, ok := v["elem"].(map[string]any); ok {
		return nftTexts(e["val"])
	}
	return nil
}
