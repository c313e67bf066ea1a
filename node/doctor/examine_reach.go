package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vsys/naming"
)

// examineMulticast has a finding for each interface, about this machine alone, and
// one about the others.
func examineMulticast(f *Facts) (list []Finding) {
	const check = "multicast"
	if len(f.Loops) == 0 {
		return one(check, Skipped, "no interface to test", "", "")
	}
	for i := range f.Loops {
		list = append(list, f.examineLoop(&f.Loops[i]))
	}
	if f.deafHere() {
		return list
	}
	others := f.examineOthers()
	others.Check = check
	return append(list, others)
}

// deafHere tells whether nobody can be heard for reasons of this machine.
func (f *Facts) deafHere() bool {
	return !slices.ContainsFunc(f.Loops, func(l Loop) bool { return l.Own && l.Err == nil || len(l.Others) > 0 })
}

func (f *Facts) examineLoop(l *Loop) Finding {
	group := f.Group.Addr()
	switch {
	case l.Err != nil:
		return Finding{"multicast", Error, fmt.Sprintf("%s: nothing can be sent to %v", l.Interface, group), l.Err.Error(), ""}
	case !l.Own:
		return Finding{"multicast", Error,
			fmt.Sprintf("%s: what this machine sends to %v does not come back to it", l.Interface, group),
			"a firewall of this machine drops it: see firewall, below; or find hosts without multicast:", f.byAddress()}
	}
	return Finding{"multicast", OK, fmt.Sprintf("%s: what this machine sends to %v comes back", l.Interface, group), "", ""}
}

// whySilence is the usual reasons for silence: switches snoop without a querier, WiFi
// stations isolate their clients.
const whySilence = "none runs there, or a switch, a WiFi station or a firewall keeps multicast back; by address:"

// examineOthers says who else was heard on all interfaces together.
func (f *Facts) examineOthers() Finding {
	heard, deaf := f.heard()
	live := f.Host.others(true)
	switch near := f.near(live); {
	case len(heard) > 0 && len(live) == 0 && f.Host.Security != nil:
		return Finding{"", Warning, strings.Join(heard, ", ") + ": heard, but no host of this domain",
			"a domain of its own, or nothing that is sent from here gets there; to have both in one domain:",
			"vsys invite here, then there: vsys join --again CODE"}
	case len(heard) > 0:
		return Finding{"", OK, "heard: " + strings.Join(heard, ", "), "", ""}
	case deaf != "" && len(live) > 0:
		return Finding{"", OK, "known to the host here: " + strings.Join(live, ", "), "", ""}
	case deaf != "":
		return Finding{"", Skipped, "others can't be listened for", deaf, ""}
	case len(near) > 0:
		return Finding{"", Warning, fmt.Sprintf("not heard in %v, though they live: %s", listenTime, strings.Join(near, ", ")),
			"they are found by address, but new machines won't find them: a switch, a WiFi station or a firewall keeps multicast back",
			"on a new machine: vsys join CODE@ADDRESS, with that of a host"}
	case len(live) > 0:
		return Finding{"", OK, "no other host is on these networks; known by address: " + strings.Join(live, ", "), "", ""}
	case f.nobodyThere():
		return Finding{"", Skipped, "no other host is heard", "none runs at the addresses that are known: see unicast", ""}
	case f.Host.Running && len(f.Host.others(false)) == 0 && !f.askedNear():
		return Finding{"", Skipped, "no other host was ever heard, so whether multicast gets through is not known",
			"if another one runs, on the same network:", "vsys doctor --peer ADDRESS, with its address"}
	}
	return Finding{"", Warning, fmt.Sprintf("no other host is heard in %v", listenTime), whySilence, f.byAddress()}
}

// heard returns who was heard, by name where the host knows it; or why nobody could
// be.
func (f *Facts) heard() (list []string, deaf string) {
	for i := range f.Loops {
		l := &f.Loops[i]
		if deaf == "" {
			deaf = l.Deaf
		}
		for _, a := range l.Others {
			who := a.String()
			if name := f.hostAt(a, naming.HostLive); name != "" {
				who = name + " at " + who
			}
			list = append(list, who)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), deaf
}

// others returns the names of the other hosts that the host knows, of all or of
// those that live.
func (h *Host) others(living bool) (list []string) {
	for i := range h.Hosts {
		if o := &h.Hosts[i]; o.State == naming.HostLive || o.State == naming.HostLost && !living {
			list = append(list, o.Name)
		}
	}
	return list
}

// near returns which of the hosts with these names are on a network of this machine.
func (f *Facts) near(names []string) (list []string) {
	for i := range f.Host.Hosts {
		h := &f.Host.Hosts[i]
		if a, err := netip.ParseAddrPort(h.Address); err == nil && f.onLink(a.Addr()) && slices.Contains(names, h.Name) {
			list = append(list, h.Name)
		}
	}
	return list
}

// nobodyThere tells whether addresses on the networks of this machine are known, and
// at none of them a host can be.
func (f *Facts) nobodyThere() bool {
	known := false
	for _, p := range f.Probes {
		if f.onLink(p.Addr.Addr()) {
			if known = true; p.Answer != Refused && p.Answer != Unreachable {
				return false
			}
		}
	}
	return known
}

// askedNear tells whether the user asked about a machine on one of the networks.
func (f *Facts) askedNear() bool {
	return slices.ContainsFunc(f.Probes, func(p Probe) bool { return p.Asked && f.onLink(p.Addr.Addr()) })
}

// onLink tells whether an interface that was tested leads to the address directly.
func (f *Facts) onLink(a netip.Addr) bool {
	for _, i := range f.Interfaces {
		tested := slices.ContainsFunc(f.Loops, func(l Loop) bool { return l.Interface == i.Name })
		if tested && slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
	}
	return false
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
		finding.Why = "no host runs there, or it has another address or port, or a firewall there refuses"
		finding.Mend = fmt.Sprintf("on %v: vsys status; vsys boot", ip)
	case Filtered:
		finding.What = fmt.Sprintf("%v: a firewall at %v refuses UDP port %d", p.Addr, p.By, port)
		finding.Mend = fmt.Sprintf("on %v: sudo vsys doctor", p.By)
	case Unreachable:
		finding.What = fmt.Sprintf("%v: not reached", p.Addr)
		finding.Why = "the machine is off, or on another network, or has another address"
		finding.Mend = fmt.Sprintf("ping %v", ip)
	case NoRoute:
		finding.What = fmt.Sprintf("%v: this machine knows no way there", p.Addr)
		finding.Mend = fmt.Sprintf("ip route get %v", ip)
	case Forbidden:
		finding.What = fmt.Sprintf("%v: a firewall of this machine lets nothing out to UDP port %d", p.Addr, port)
		finding.Why = "a rule of the hook output, or of the chain OUTPUT, drops it"
		finding.Mend = f.asRoot("nft list ruleset")
	default:
		f.examineSilence(p, &finding)
	}
	return finding
}

// examineSilence says what silence means: it is what a host has for strangers, too.
func (f *Facts) examineSilence(p *Probe, finding *Finding) {
	finding.Status = OK
	finding.Mend = fmt.Sprintf("on %v: vsys status; sudo vsys doctor", p.Addr.Addr())
	if p.Closed == Refused {
		finding.What = fmt.Sprintf("%v: reached; what has the port there is silent", p.Addr)
		finding.Why = "so a host of a domain is, to a stranger; or a firewall there keeps out this port"
	} else {
		finding.What = fmt.Sprintf("%v: silent", p.Addr)
		finding.Why = "so a host of a domain is, to a stranger; but a firewall, or a machine that is off, is silent, too"
	}
	if name := f.hostAt(p.Addr, naming.HostLost); name != "" {
		finding.Status = Warning
		finding.What += fmt.Sprintf("; host %s was there, and is lost", name)
		finding.Why = "its machine is off or its host hangs, or a firewall keeps the packets out"
	} else if f.Host.Running && f.Host.Problem == "" {
		finding.Status = Warning
		finding.Why = "the host here knows none there: so one may be there that is of another domain, or a firewall keeps it out"
	}
}
