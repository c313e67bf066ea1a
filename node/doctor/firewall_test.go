package doctor

import (
	"net/netip"
	"strings"
	"testing"

	"vsys/link/udp"
)

// hello returns a packet to this machine, or to the group.
func hello(to string) *packet {
	return &packet{in: "eth0", from: netip.MustParsePrefix("192.168.1.0/24"), to: netip.MustParseAddr(to), port: 8145}
}

// verdict follows a packet through all base chains: "accept", "drop", or "doubt"
// where it is dropped unless a condition holds that is not understood.
func verdict(s *ruleset, p *packet) string {
	worst := "accept"
	for i := range s.bases {
		switch o := s.decide(&s.bases[i], p); {
		case o.do == drop && o.mayAccept == "":
			return "drop"
		case o.do == drop:
			worst = "doubt"
		}
	}
	return worst
}

func TestIptables(t *testing.T) {
	const open, shut = "*filter\n:INPUT ACCEPT [0:0]\n", "*filter\n:INPUT DROP [0:0]\n"
	tests := []struct{ rules, want string }{
		{open, "accept"},
		{shut, "drop"},
		{shut + "-A INPUT -p udp -m udp --dport 8145 -j ACCEPT", "accept"},
		{shut + "-A INPUT -p udp -m udp --dport 8000:9000 -j ACCEPT", "accept"},
		{shut + "-A INPUT -p udp -m multiport --dports 53,8145 -j ACCEPT", "accept"},
		{shut + "-A INPUT -p udp -m udp ! --dport 8145 -j ACCEPT", "drop"},
		{shut + "-A INPUT -p udp -m udp --dport 8146 -j ACCEPT", "drop"},
		{shut + "-A INPUT -p tcp -m tcp --dport 8145 -j ACCEPT", "drop"},
		{shut + "-A INPUT -i lo -j ACCEPT", "drop"},
		{shut + "-A INPUT ! -i lo -j ACCEPT", "accept"},
		{shut + "-A INPUT -i eth+ -j ACCEPT", "accept"},
		{shut + "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "drop"},
		{shut + "-A INPUT -m state --state NEW -j ACCEPT", "accept"},
		{shut + "-A INPUT -s 192.168.0.0/16 -j ACCEPT", "accept"},
		{shut + "-A INPUT -s 10.0.0.0/8 -j ACCEPT", "drop"},
		{shut + "-A INPUT -s 192.168.1.9/32 -j ACCEPT", "doubt"},
		{shut + "-A INPUT -d 224.0.0.251/32 -j ACCEPT", "drop"},
		{shut + "-A INPUT -m limit --limit 3/min -j ACCEPT", "doubt"},
		{open + "-A INPUT -m conntrack --ctstate INVALID -j DROP", "accept"},
		{open + "-A INPUT -m limit --limit 3/min -j DROP", "accept"},
		{open + "-A INPUT -m comment --comment \"a -j ACCEPT of mine\" -j REJECT --reject-with icmp-port-unreachable", "drop"},
		{open + "-A INPUT -j LOG --log-prefix \"-j DROP \"", "accept"},
		{open + ":V - [0:0]\n-A INPUT -j V\n-A V -p udp -j RETURN\n-A V -j DROP", "accept"},
		{open + ":V - [0:0]\n-A INPUT -j V\n-A V -p tcp -j RETURN\n-A V -j DROP", "drop"},
		{shut + ":V - [0:0]\n-A INPUT -g V\n-A INPUT -j ACCEPT", "drop"},
		{open + ":V - [0:0]\n-A INPUT -j V\n-A V -j V", "accept"},
		{open + "-A INPUT -j NOWHERE", "accept"},
		{open + "-A INPUT !", "accept"},
		{"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j DROP\nCOMMIT\n" + open, "drop"},
		{"*nat\n:INPUT DROP [0:0]\nCOMMIT\n" + open, "accept"},
		{open + ":FORWARD DROP [0:0]\n-A FORWARD -j DROP", "accept"},
		{open + "-A INPUT -m addrtype --dst-type MULTICAST -j DROP", "accept"},
	}
	for _, test := range tests {
		s := parseIptables("iptables", test.rules+"\n", 8145)
		if got := verdict(s, hello("192.168.1.7")); got != test.want {
			t.Errorf("%s\n\t%s, want %s", test.rules, got, test.want)
		}
	}
	s := parseIptables("iptables", open+"-A INPUT -m pkttype --pkt-type multicast -j DROP\n", 8145)
	if got := verdict(s, hello("239.81.0.1")); got != "drop" {
		t.Errorf("a hello to the group: %s, want drop", got)
	}
	if got := verdict(parseIptables("ip6tables", shut, 8145), hello("192.168.1.7")); got != "drop" {
		t.Errorf("the policy of ip6tables: %s", got)
	}
}

// A ruleset as nft prints it, of a common default: the rules are those of
// TestNft's first.
const nftSample = `{"nftables": [{"metainfo": {"version": "1.1.1", "release_name": "x", "json_schema_version": 1}},
{"table": {"family": "inet", "name": "filter", "handle": 1}},
{"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 2, "expr": [
 {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}]}},
{"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 3, "expr": [
 {"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": {"set": [53, {"range": [8000, 8200]}]}}}, {"accept": null}]}}
]}`

func TestParseNft(t *testing.T) {
	for text, want := range map[string]string{
		nftSample: "accept",
		strings.Replace(nftSample, "8000, 8200", "9000, 9200", 1):                           "drop",
		strings.Replace(nftSample, `{"set": [53, {"range": [8000, 8200]}]}`, `"@ports"`, 1): "doubt",
		strings.Replace(nftSample, `"op": "in"`, `"op": "!="`, 1):                           "accept",
	} {
		s, err := parseNft(text, 8145)
		if err != nil {
			t.Fatal(err)
		}
		if got := verdict(s, hello("192.168.1.7")); got != want {
			t.Errorf("%s, want %s, of %s", got, want, text)
		}
		if b := s.bases[0]; b.mend != "nft insert rule inet filter input udp dport 8145 accept" {
			t.Errorf("mended by %q", b.mend)
		}
	}
}

// The rules of nft as people write them, read back from Linux.
func TestNft(t *testing.T) {
	m := newMachine(t)
	m.needs("nft")
	const base = "type filter hook input priority 0; policy "
	tests := []struct{ rules, want string }{
		{base + "accept;", "accept"},
		{base + "drop;", "drop"},
		{base + "drop; ct state established,related accept; iif lo accept", "drop"},
		{base + "drop; ct state vmap { established : accept, related : accept, invalid : drop }; udp dport 8145 accept", "accept"},
		{base + "drop; ct state vmap { established : accept, new : accept }", "accept"},
		{base + "drop; udp dport { 53, 8000-8200 } accept", "accept"},
		{base + "drop; udp dport != 8145 accept", "drop"},
		{base + "drop; tcp dport 8145 accept", "drop"},
		{base + "drop; meta l4proto { tcp, udp } th dport 8145 accept", "accept"},
		{base + "drop; iifname \"eth*\" accept", "accept"},
		{base + "drop; iifname != \"lo\" accept", "accept"},
		{base + "drop; ip saddr 192.168.0.0/16 accept", "accept"},
		{base + "drop; ip saddr 10.0.0.0/8 accept", "drop"},
		{base + "drop; ip6 saddr fe80::/10 accept", "drop"},
		{base + "drop; ip saddr { 192.168.1.9, 10.0.0.1 } accept", "doubt"},
		{base + "drop; meta mark 7 accept", "doubt"},
		{base + "accept; limit rate over 400/minute drop", "accept"},
		{base + "accept; ip protocol icmp drop", "accept"},
		{base + "accept; icmp type echo-request drop", "accept"},
		{base + "accept; udp dport 8145 counter log prefix \"v\" reject with icmpx admin-prohibited", "drop"},
		{base + "accept; jump v; } chain v { udp dport 8145 return; drop", "accept"},
		{base + "accept; goto v; drop; } chain v { counter", "accept"},
		{base + "accept; meta l4proto vmap { udp : jump v, tcp : accept }; } chain v { drop", "drop"},
		{base + "accept; meta pkttype multicast drop", "accept"},
		{"type filter hook prerouting priority -300; policy accept; udp dport 8145 drop", "drop"},
		{"type filter hook output priority 0; policy drop", "accept"},
		{"type filter hook forward priority 0; policy drop", "accept"},
	}
	for _, test := range tests {
		// Jumps go to chains that are there already.
		body, other, _ := strings.Cut(test.rules, "} chain v {")
		m.sh("nft flush ruleset")
		m.input("table inet t {\nchain v { "+other+"\n }\n chain c { "+body+"\n }\n}\n", "nft", "-f", "-")
		s, err := parseNft(m.output("nft", "-j", "list", "ruleset"), 8145)
		if err != nil {
			t.Fatal(err)
		}
		if got := verdict(s, hello("192.168.1.7")); got != test.want {
			t.Errorf("%s\n\t%s, want %s", test.rules, got, test.want)
		}
		group := verdict(s, hello(udp.HelloGroup4.String()))
		if multicast := strings.Contains(test.rules, "multicast"); multicast && group != "drop" || !multicast && group != test.want {
			t.Errorf("%s\n\tto the group: %s", test.rules, group)
		}
	}
}

// Rules that iptables keeps in nftables are judged as iptables tells them: nft does
// not know all their conditions.
func TestTwins(t *testing.T) {
	nft := strings.NewReplacer(`"inet"`, `"ip"`, `"input"`, `"INPUT"`, `{"match": {"op": "=="`, `{"xt": null}, {"match": {"op": "=="`).Replace(nftSample)
	nft = strings.Replace(nft, `"hook": "INPUT"`, `"hook": "input"`, 1)
	open := Rules{"iptables", "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --dport 8145 -j ACCEPT\nCOMMIT\n"}
	for _, test := range []struct {
		rules []Rules
		want  Status
	}{
		{[]Rules{{"nft", nft}}, Warning},
		{[]Rules{{"nft", nft}, open}, OK},
		{[]Rules{{"nft", nft}, {"iptables", "# of another kind of iptables\n"}}, Warning},
		{[]Rules{{"nft", nft}, {"ip6tables", open.Text}}, Warning},
	} {
		f := healthy()
		f.Firewall.Rules = test.rules
		if list := examineFirewall(f); list[0].Status != test.want {
			t.Errorf("%d tools: %+v, want %s", len(test.rules), list[0], test.want)
		}
	}
}

func FuzzRules(f *testing.F) {
	f.Add(nftSample)
	f.Add("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp ! --dport 1:2 -m comment --comment \"a \\\" b\" -j ACCEPT\n")
	f.Fuzz(func(t *testing.T, text string) {
		verdict(parseIptables("iptables", text, 8145), hello("192.168.1.7"))
		if s, err := parseNft(text, 8145); err == nil {
			verdict(s, hello("192.168.1.7"))
		}
	})
}
