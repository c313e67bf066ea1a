package doctor

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// parseIptables reads what iptables-save prints: the filter table's way in, and
// the raw and mangle tables' that come before it. Tool is iptables or ip6tables.
func parseIptables(tool, text string, port uint16) *ruleset {
	s := &ruleset{chains: map[string][]rule{}}
	table := ""
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "*"):
			table = l[1:]
		case table == "nat":
		case strings.HasPrefix(l, ":"):
			s.addIptablesBase(tool, table, l[1:], port)
		case strings.HasPrefix(l, "-A "):
			if w := words(l); len(w) >= 2 {
				key := table + " " + w[1]
				s.chains[key] = append(s.chains[key], iptablesRule(tool, table, l, w[2:]))
			}
		}
	}
	slices.SortStableFunc(s.bases, func(a, b base) int { return cmp.Compare(a.priority, b.priority) })
	return s
}

// addIptablesBase keeps a chain that packets enter on their way in: "INPUT DROP
// [0:0]".
func (s *ruleset) addIptablesBase(tool, table, line string, port uint16) {
	name, rest, _ := strings.Cut(line, " ")
	policy, _, _ := strings.Cut(rest, " ")
	if name != "INPUT" && name != "PREROUTING" || policy == "-" {
		return
	}
	b := base{
		chain: table + " " + name, policy: accept,
		text: fmt.Sprintf("chain %s of table %s of %s", name, table, tool),
		mend: fmt.Sprintf("%s -t %s -I %s -p udp --dport %d -j ACCEPT", tool, table, name, port),
	}
	if table == "filter" {
		b.mend = fmt.Sprintf("%s -I %s -p udp --dport %d -j ACCEPT", tool, name, port)
		b.priority = 2
	}
	if name == "INPUT" {
		b.priority++
	}
	if policy == "DROP" {
		b.policy = drop
	}
	s.bases = append(s.bases, b)
}

// iptablesRule reads the words of a rule behind its chain.
func iptablesRule(tool, table, text string, w []string) rule {
	r := rule{text: fmt.Sprintf("the rule %q of %s", text, tool)}
	conditions := []func(*packet) truth{func(p *packet) truth {
		return truthOf(p.to.Is4() == (tool == "iptables"))
	}}
	for i := 0; i < len(w); i++ {
		negated := w[i] == "!"
		if negated {
			i++
		}
		if i >= len(w) {
			break
		}
		option, values := w[i], []string(nil)
		for i+1 < len(w) && !strings.HasPrefix(w[i+1], "-") && w[i+1] != "!" {
			i++
			values = append(values, w[i])
		}
		value := strings.Join(values, " ")
		switch option {
		case "-j", "-g":
			r.do, r.target = iptablesTarget(option, value)
			r.target = table + " " + r.target
			i = len(w) // what follows are options of the target
		case "-m", "--comment":
		default:
			conditions = append(conditions, iptablesMatch(option, value, negated))
		}
	}
	r.match = func(p *packet) truth { return allOf(conditions, p) }
	return r
}

// iptablesTarget reads what is behind -j or -g.
func iptablesTarget(option, value string) (action, string) {
	switch value {
	case "ACCEPT":
		return accept, ""
	case "DROP", "REJECT":
		return drop, ""
	case "RETURN":
		return goBack, ""
	case "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "SET", "TRACE", "CT", "NOTRACK", "TCPMSS", "AUDIT", "CHECKSUM":
		return pass, ""
	}
	if option == "-g" {
		return goTo, value
	}
	return jump, value // a chain that is not there, as of an extension, is empty
}

// iptablesMatch returns the condition of one option.
func iptablesMatch(option, value string, negated bool) func(*packet) truth {
	return func(p *packet) truth {
		t := iptablesIs(p, option, value)
		if negated {
			return not(t)
		}
		return t
	}
}

func iptablesIs(p *packet, option, value string) truth {
	switch option {
	case "-p":
		return truthOf(value == "udp" || value == "17" || value == "all")
	case "-i":
		return p.comesBy(value, "+")
	case "--dport", "--dports", "--ports":
		return anyOf(value, func(v string) truth { return inRange(p.port, strings.Replace(v, ":", "-", 1)) })
	case "-s":
		return within(p.from, value)
	case "-d":
		return within(netip.PrefixFrom(p.to, p.to.BitLen()), value)
	case "--state", "--ctstate":
		return isNew(strings.Split(value, ","))
	case "--dst-type":
		return anyOf(value, func(v string) truth { return field("fib type").is(p, strings.ToLower(v)) })
	case "--pkt-type":
		return field("meta pkttype").is(p, value)
	case "--icmp-type", "--icmpv6-type", "--tcp-flags", "--syn":
		return no
	}
	return maybe
}

// anyOf is the truth of one of the values, parted by commas, being right.
func anyOf(values string, is func(string) truth) truth {
	t := no
	for v := range strings.SplitSeq(values, ",") {
		t = max(t, is(v))
	}
	return t
}

// words parts a line at blanks; what stands in double quotes is one word.
func words(l string) (list []string) {
	var b strings.Builder
	quoted, some := false, false
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case c == '\\' && quoted && i+1 < len(l):
			i++
			b.WriteByte(l[i])
		case c == '"':
			quoted, some = !quoted, true
		case c == ' ' && !quoted:
			if some {
				list = append(list, b.String())
			}
			b.Reset()
			some = false
		default:
			b.WriteByte(c)
			some = true
		}
	}
	if some {
		list = append(list, b.String())
	}
	return list
}
