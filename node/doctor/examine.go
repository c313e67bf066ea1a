package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vsys/link/nic"
	"vsys/naming"
)

// Examine judges the facts. Every check has at least one finding, in the order of
// the package comment.
func Examine(f *Facts) []Finding {
	return slices.Concat(
		examineHost(f), examineKeys(f), examineInterfaces(f), examineMulticast(f), examineUnicast(f),
		examineFirewall(f), examineMTU(f), examineClock(f), examineConflicts(f), examineVersions(f),
		examineFuse(f), examineBuffers(f), examineNamespaces(f),
	)
}

// one is the list of one finding.
func one(check string, s Status, what, why, mend string) []Finding {
	return []Finding{{check, s, what, why, mend}}
}

func examineHost(f *Facts) []Finding {
	const check = "host"
	h := &f.Host
	addr, err := netip.ParseAddrPort(h.Address)
	switch {
	case !h.Running:
		return one(check, Warning, "no host runs here",
			"what hosts know of one another is not known; the rest is checked", "vsys boot")
	case h.Problem != "":
		return one(check, Error, "a host runs here, but "+h.Problem, "", "vsys shutdown; vsys boot")
	case err == nil && addr.Addr().IsLoopback():
		return one(check, Warning, fmt.Sprintf("host %s runs here, but listens on %v", h.Name, addr),
			"no other machine can reach it", fmt.Sprintf("vsys shutdown; vsys boot --addr 0.0.0.0:%d", addr.Port()))
	}
	live := 0
	for i := range h.Hosts {
		if h.Hosts[i].State == naming.HostLive {
			live++
		}
	}
	return one(check, OK, fmt.Sprintf("host %s runs here at %s, version %s; other live hosts: %d",
		h.Name, h.Address, h.Version, live), "", "")
}

func examineKeys(f *Facts) []Finding {
	if f.Keys == nil {
		return one("keys", OK, "the key files can be read, or there are none yet", "", "")
	}
	finding := Finding{Check: "keys", Status: Error, What: f.Keys.Error()}
	if h, ok := f.Keys.(interface{ Hint() string }); ok {
		finding.Mend = h.Hint()
	}
	return []Finding{finding}
}

func examineInterfaces(f *Facts) (list []Finding) {
	const check = "interfaces"
	if f.InterfacesErr != nil {
		return one(check, Error, "the interfaces can't be read", f.InterfacesErr.Error(), "")
	}
	sane := 0
	for _, i := range f.Interfaces {
		if !i.Sane {
			continue
		}
		sane++
		var addrs []string
		for _, a := range i.Addrs {
			addrs = append(addrs, a.String())
		}
		list = append(list, Finding{check, OK,
			fmt.Sprintf("%s carries the domain: %s", i.Name, strings.Join(addrs, ", ")), "", ""})
	}
	for _, i := range f.Interfaces {
		if !i.Sane {
			list = append(list, Finding{check, OK, fmt.Sprintf("%s is left out: %s", i.Name, i.Why), "", ""})
		}
	}
	if sane > 0 {
		return list
	}
	return append(list, noInterface(f.Interfaces))
}

// noInterface says what would give the machine an interface that carries the
// domain.
func noInterface(list []nic.Interface) Finding {
	mend := "connect this machine to the network of the others"
	for _, i := range list {
		switch {
		case i.Why == nic.Down:
			mend = fmt.Sprintf("ip link set dev %s up", i.Name)
		case i.Why == nic.NoAddress:
			mend = fmt.Sprintf("dhclient %s, or: ip address add 192.168.1.77/24 dev %s", i.Name, i.Name)
		}
	}
	return Finding{"interfaces", Error, "no interface carries the domain",
		"this host can't speak to other machines", mend}
}

func examineMulticast(f *Facts) (list []Finding) {
	const check = "multicast"
	if len(f.Loops) == 0 {
		return one(check, Skipped, "no interface to test", "", "")
	}
	for i := range f.Loops {
		list = append(list, f.examineLoop(&f.Loops[i]))
	}
	return list
}

func (f *Facts) examineLoop(l *Loop) Finding {
	finding := Finding{Check: "multicast", Status: OK}
	group := f.Group.Addr()
	switch {
	case l.Err != nil:
		finding.Status = Error
		finding.What = fmt.Sprintf("%s: nothing can be sent to %v", l.Interface, group)
		finding.Why = l.Err.Error()
	case !l.Own:
		finding.Status = Error
		finding.What = fmt.Sprintf("%s: what this machine sends to %v does not come back to it", l.Interface, group)
		finding.Why = "a firewall of this machine drops it; see the check firewall"
		finding.Mend = "vsys boot --peer ADDRESS, with that of another host, finds hosts without multicast"
	case len(l.Others) > 0:
		finding.What = fmt.Sprintf("%s: comes back, and %s heard", l.Interface, others(l.Others))
	case l.Deaf != "":
		finding.What = fmt.Sprintf("%s: comes back; others could not be listened for", l.Interface)
		finding.Why = l.Deaf
	case f.expectsOthers(l.Interface):
		finding.Status = Warning
		finding.What = fmt.Sprintf("%s: comes back, but no other host is heard in %v", l.Interface, listenTime)
		finding.Why = "no host runs there, or a switch or WiFi station keeps multicast back (snooping without a querier, isolation of clients), or a firewall does"
		finding.Mend = "vsys boot --peer ADDRESS, with that of another host, finds hosts without multicast"
	default:
		finding.What = fmt.Sprintf("%s: comes back; no other host is heard in %v", l.Interface, listenTime)
		finding.Why = "so none runs there, or multicast does not reach this machine"
	}
	return finding
}

func others(list []netip.AddrPort) string {
	if len(list) == 1 {
		return list[0].String() + " is"
	}
	return fmt.Sprintf("%d other hosts are", len(list))
}

// expectsOthers tells whether there should be another host on the network of an
// interface: the user asked for it, or the host knows it.
func (f *Facts) expectsOthers(name string) bool {
	on := slices.IndexFunc(f.Interfaces, func(i nic.Interface) bool { return i.Name == name })
	if on < 0 {
		return false
	}
	near := func(a netip.Addr) bool {
		return slices.ContainsFunc(f.Interfaces[on].Addrs, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	for i := range f.Host.Hosts {
		h := &f.Host.Hosts[i]
		if a, err := netip.ParseAddrPort(h.Address); err == nil && h.State == naming.HostLive && near(a.Addr()) {
			return true
		}
	}
	return slices.ContainsFunc(f.Probes, func(p Probe) bool { return p.Asked && near(p.Addr.Addr()) })
}

func examineUnicast(f *Facts) (list []Finding) {
	const check = "unicast"
	if len(f.Probes) == 0 {
		return one(check, Skipped, "no address of another host is known", "",
			"vsys doctor --peer ADDRESS, with that of another machine")
	}
	for i := range f.Probes {
		list = append(list, f.examineProbe(&f.Probes[i]))
	}
	return list
}

// hostAt returns the name of the host in that state at an address, "" if none is
// known.
func (f *Facts) hostAt(a netip.AddrPort, s naming.HostState) string {
	for i := range f.Host.Hosts {
		if h := &f.Host.Hosts[i]; h.State == s && h.Address == a.String() {
			return h.Name
		}
	}
	return ""
}

func (f *Facts) examineProbe(p *Probe) Finding {
	status := Warning
	if p.Asked {
		status = Error
	}
	finding := Finding{Check: "unicast", Status: status}
	port, ip := p.Addr.Port(), p.Addr.Addr()
	if name := f.hostAt(p.Addr, naming.HostLive); name != "" {
		finding.Status = OK
		finding.What = fmt.Sprintf("%v: host %s lives there", p.Addr, name)
		return finding
	}
	switch p.Answer {
	case Refused:
		finding.What = fmt.Sprintf("%v: the machine is reached, but nothing has UDP port %d there", p.Addr, port)
		finding.Why = "no host runs there, or it listens on another address or port, or a firewall there refuses"
		finding.Mend = fmt.Sprintf("on %v: vsys status, vsys boot, vsys doctor", ip)
	case Filtered:
		finding.What = fmt.Sprintf("%v: a firewall at %v refuses UDP port %d", p.Addr, p.By, port)
		finding.Mend = fmt.Sprintf("on %v: vsys doctor", p.By)
	case Unreachable:
		finding.What = fmt.Sprintf("%v: not reached", p.Addr)
		finding.Why = "the machine is off, or on another network, or has another address"
		finding.Mend = fmt.Sprintf("ping %v", ip)
	case NoRoute:
		finding.What = fmt.Sprintf("%v: this machine knows no way there", p.Addr)
		finding.Mend = fmt.Sprintf("ip route get %v", ip)
	case Forbidden:
		finding.What = fmt.Sprintf("%v: a firewall of this machine lets nothing out", p.Addr)
		finding.Mend = fmt.Sprintf("nft list ruleset, for rules of the hook output that drop UDP port %d", port)
	default:
		finding.Status = Warning
		finding.What = fmt.Sprintf("%v: silent", p.Addr)
		finding.Why = "hosts answer no strangers, so one may run there that is not of this domain; or a firewall keeps the packets out; or the machine is off"
		finding.Mend = fmt.Sprintf("on %v: vsys status, vsys doctor", ip)
		if name := f.hostAt(p.Addr, naming.HostLost); name != "" {
			finding.What += fmt.Sprintf("; host %s was there, and is lost", name)
			finding.Why = "the machine is off or its host has hung, or a firewall keeps the packets out"
		}
	}
	return finding
}
