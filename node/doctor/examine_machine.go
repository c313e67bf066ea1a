package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
)

// examineFirewall lets a hello come in by each interface, from the network there,
// to the machine and to the group.
func examineFirewall(f *Facts) (list []Finding) {
	const check = "firewall"
	w := &f.Firewall
	if w.Err != nil {
		list = f.examineUnread()
	}
	read := 0
	for _, rules := range w.Rules {
		s, err := rules.parse(f.Group.Port())
		if err != nil {
			list = append(list, Finding{check, Skipped, "the rules of " + rules.Tool + " are not understood", err.Error(), ""})
			continue
		}
		read++
		for i := range s.bases {
			if b := &s.bases[i]; !w.knows(&b.twin) {
				list = append(list, f.examineBase(s, b)...)
			}
		}
	}
	if len(list) == 0 {
		what := "no rule of this machine keeps UDP port %d out"
		if read == 0 {
			what = "there is no firewall that could keep UDP port %d out"
		}
		return one(check, OK, fmt.Sprintf(what, f.Group.Port()), "", "")
	}
	return list
}

// examineUnread says what can be said of rules that can't be read: what the loop
// tests say of them, and the line that most likely lets V in.
func (f *Facts) examineUnread() []Finding {
	unread := Finding{Check: "firewall", Status: Skipped, What: "the firewall's rules can't be read", Why: f.Firewall.Err.Error()}
	if !f.Root {
		unread.What, unread.Mend = "the firewall's rules can be read by root only", "sudo vsys doctor"
	}
	guess := Finding{Check: "firewall", Status: Warning, Mend: f.mend(&base{mend: f.guess()})}
	port := f.Group.Port()
	switch {
	case slices.ContainsFunc(f.Loops, func(l Loop) bool { return l.Err == nil && !l.Own }):
		guess.What = fmt.Sprintf("UDP port %d is kept out, it seems", port)
		guess.Why = "what this machine sends to the group does not come back to it; the usual line that lets it in:"
	case f.alone():
		guess.Status = Skipped
		guess.What = fmt.Sprintf("UDP port %d may be kept out: nobody is heard", port)
		guess.Why = "should that be so, the usual line that lets it in:"
	default:
		return []Finding{unread}
	}
	return []Finding{unread, guess}
}

// alone tells whether nobody else was heard, nor is known to live.
func (f *Facts) alone() bool {
	heard := slices.ContainsFunc(f.Loops, func(l Loop) bool { return len(l.Others) > 0 })
	return !heard && len(f.Host.others(true)) == 0
}

// guess returns the command that lets V in by the chain that nearly all machines
// filter with.
func (f *Facts) guess() string {
	if f.Firewall.NFT {
		return fmt.Sprintf("nft insert rule inet filter input udp dport %d accept", f.Group.Port())
	}
	return fmt.Sprintf("iptables -I INPUT -p udp --dport %d -j ACCEPT", f.Group.Port())
}

// knows tells whether the tool of a twin has told its rules: then what nft says of
// them, which is less, is passed over.
func (w *Firewall) knows(twin *Rules) bool {
	return slices.ContainsFunc(w.Rules, func(r Rules) bool {
		return r.Tool == twin.Tool && slices.Contains(strings.Split(r.Text, "\n"), twin.Text)
	})
}

func (r *Rules) parse(port uint16) (*ruleset, error) {
	if r.Tool == "nft" {
		return parseNft(r.Text, port)
	}
	return parseIptables(r.Tool, r.Text, port), nil
}

// examineBase returns what a base chain does to a hello that comes in, if that is
// not to let it in: the worst over all interfaces, and on which.
func (f *Facts) examineBase(s *ruleset, b *base) []Finding {
	var dropped, doubtful []string
	var why, doubt string
	for _, i := range f.Interfaces {
		for _, p := range f.hellos(i.Name, i.Addrs, i.Sane) {
			switch o := s.decide(b, &p); {
			case o.do == drop && o.mayAccept == "":
				dropped, why = append(dropped, i.Name), o.text
			case o.do == drop:
				doubtful, doubt = append(doubtful, i.Name), o.text+", unless a condition holds of "+o.mayAccept
			}
		}
	}
	finding := Finding{Check: "firewall", Mend: f.mend(b)}
	dropped, doubtful = slices.Compact(dropped), slices.Compact(doubtful)
	switch {
	case len(dropped) > 0:
		finding.Status, finding.Why = Error, why
		finding.What = fmt.Sprintf("UDP port %d is kept out on %s", f.Group.Port(), strings.Join(dropped, ", "))
	case len(doubtful) > 0:
		finding.Status, finding.Why = Warning, doubt
		finding.What = fmt.Sprintf("UDP port %d may be kept out on %s", f.Group.Port(), strings.Join(doubtful, ", "))
	default:
		return nil
	}
	return []Finding{finding}
}

// hellos returns the packets that must come in by an interface: to the machine,
// and to the group.
func (f *Facts) hellos(name string, addrs []netip.Prefix, sane bool) (list []packet) {
	if !sane {
		return nil
	}
	for _, a := range addrs {
		if a.Addr().Is4() == f.Group.Addr().Is4() {
			p := packet{in: name, from: a.Masked(), to: a.Addr(), port: f.Group.Port()}
			toGroup := p
			toGroup.to = f.Group.Addr()
			return []packet{p, toGroup}
		}
	}
	return nil
}

// mend returns the command that lets V in: that of the tool which manages the
// rules, else the chain's.
func (f *Facts) mend(b *base) string {
	switch {
	case f.Firewall.Firewall:
		return f.asRoot(fmt.Sprintf("firewall-cmd --permanent --add-port=%d/udp && firewall-cmd --reload", f.Group.Port()))
	case f.Firewall.UFW:
		return f.asRoot(fmt.Sprintf("ufw allow %d/udp", f.Group.Port()))
	}
	return f.asRoot(b.mend)
}

// minMTU is what every path must carry: RFC 8200 §5 asks it of each link, and the
// largest hello fills it.
const minMTU = 1280

func examineMTU(f *Facts) (list []Finding) {
	const check = "mtu"
	for _, i := range f.Interfaces {
		if i.Sane && i.MTU < minMTU {
			list = append(list, Finding{check, Error, fmt.Sprintf("%s carries %d octets in a packet", i.Name, i.MTU),
				fmt.Sprintf("hellos need %d", minMTU), f.asRoot(fmt.Sprintf("ip link set dev %s mtu 1500", i.Name))})
		}
	}
	for _, p := range f.Probes {
		if p.MTU > 0 && p.MTU < minMTU && !slices.ContainsFunc(list, func(g Finding) bool { return g.Status == Error }) {
			list = append(list, Finding{check, Error, fmt.Sprintf("the path to %v carries %d octets in a packet", p.Addr, p.MTU),
				fmt.Sprintf("hellos need %d; a router or tunnel on the way has less", minMTU),
				fmt.Sprintf("tracepath -n %v", p.Addr.Addr())})
		}
	}
	if len(list) == 0 {
		return one(check, OK, fmt.Sprintf("no interface or path carries less than %d octets", minMTU), "", "")
	}
	return list
}

func examineFuse(f *Facts) []Finding {
	const check, why = "fuse", "vsys mount can't show the domain's names to programs of Unix"
	switch {
	case errors.Is(f.Fuse.Device, fs.ErrPermission):
		return one(check, Warning, "this user may not use /dev/fuse", why, f.asRoot("chmod 666 /dev/fuse"))
	case f.Fuse.Device != nil:
		return one(check, Warning, "/dev/fuse can't be used: "+f.Fuse.Device.Error(), why, f.asRoot("modprobe fuse"))
	case f.Fuse.Helper == "" && !f.Root:
		return one(check, Warning, "fusermount3 is not installed", why, f.asRoot("apt install fuse3")+", or: "+f.asRoot("dnf install fuse3"))
	}
	return one(check, OK, "/dev/fuse can be used", "", "")
}

// Room for a socket's queue, octets: what V asks for, and less than which it loses
// packets on a fast network. Linux counts a packet of 1,088 octets as about 2,300.
const (
	bufferWanted = 8 << 20
	bufferEnough = 2 << 20
)

func examineBuffers(f *Facts) (list []Finding) {
	const check = "buffers"
	for _, b := range []struct {
		name string
		size int
	}{{"net.core.rmem_max", f.Buffers.Receive}, {"net.core.wmem_max", f.Buffers.Send}} {
		switch {
		case b.size == 0:
			list = append(list, Finding{check, Skipped, b.name + " can't be read", "a container does not show it", ""})
		case b.size < bufferEnough && !f.Root:
			list = append(list, Finding{check, Warning, fmt.Sprintf("%s is %d octets", b.name, b.size),
				"what comes faster than it is read is lost and sent again",
				f.asRoot(fmt.Sprintf("sysctl -w %s=%d", b.name, bufferWanted))})
		}
	}
	if len(list) > 0 {
		return list
	}
	if f.Root && min(f.Buffers.Receive, f.Buffers.Send) < bufferEnough {
		return one(check, OK, "root's hosts get the room they need, whatever the limits", "", "")
	}
	return one(check, OK, "there is room for what comes at once", "", "")
}

func examineNamespaces(f *Facts) []Finding {
	const check, why = "namespaces", "without root, programs can't be kept apart from the machine"
	n := &f.Namespaces
	switch {
	case n.Max < 0:
		return one(check, Skipped, "whether users may have namespaces is not known", "", "")
	case n.Max == 0:
		return one(check, Warning, "users may not have namespaces", why, f.asRoot("sysctl -w user.max_user_namespaces=15000"))
	case f.Root:
	case !n.Cloning:
		return one(check, Warning, "users may not have namespaces", why, f.asRoot("sysctl -w kernel.unprivileged_userns_clone=1"))
	case n.AppArmored:
		return one(check, Warning, "AppArmor keeps users from having namespaces", why,
			f.asRoot("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"))
	}
	return one(check, OK, "users may have namespaces", "", "")
}
