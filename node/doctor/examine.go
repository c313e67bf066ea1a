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
		examineHost(f), examineKeys(f), examineDomain(f), examineInterfaces(f), examineMulticast(f),
		examineUnicast(f), examineFirewall(f), examineMTU(f), examineClock(f), examineConflicts(f), examineVersions(f),
		examineFuse(f), examineBuffers(f), examineNamespaces(f),
	)
}

// one is the list of one finding.
func one(check string, s Status, what, why, mend string) []Finding {
	return []Finding{{check, s, what, why, mend}}
}

// asRoot returns the command that does for this user what the command does for root.
func (f *Facts) asRoot(command string) string {
	if f.Root {
		return command
	}
	return "sudo " + strings.ReplaceAll(command, " && ", " && sudo ")
}

// foreign tells whether the host of this machine is of another user, who has its
// port.
func (f *Facts) foreign() bool {
	return f.Host.Foreign || !f.Host.Running && slices.ContainsFunc(f.Loops, func(l Loop) bool { return l.Deaf != "" })
}

// joined tells whether this machine is a host of a domain, running or not.
func (f *Facts) joined() bool {
	return f.Host.Running || f.foreign() || f.Member.Keys || f.Member.Clear || f.Keys != nil
}

// byAddress is the command that finds other hosts without multicast: by the address
// of one, the first that was asked about.
func (f *Facts) byAddress() string {
	address := "ADDRESS"
	if i := slices.IndexFunc(f.Probes, func(p Probe) bool { return p.Asked }); i >= 0 {
		address = f.Probes[i].Addr.String()
	}
	switch {
	case !f.joined():
		return "vsys join CODE@" + address
	case f.Host.Running:
		return "vsys shutdown; vsys boot --peer " + address
	}
	return "vsys boot --peer " + address
}

func examineHost(f *Facts) []Finding {
	const check = "host"
	h := &f.Host
	addr, err := netip.ParseAddrPort(h.Address)
	switch {
	case f.foreign():
		return one(check, Skipped, "the host here is another user's, and is not asked",
			fmt.Sprintf("UDP port %d is taken, and a host answers its own user only; the machine is examined", f.Group.Port()),
			"vsys doctor, as that user")
	case !h.Running && !f.joined():
		return one(check, Warning, "no host runs here, and this machine is in no domain yet",
			"CODE is what vsys invite prints on a host of the domain; vsys boot begins a domain of its own",
			f.byAddress())
	case !h.Running:
		return one(check, Warning, "no host runs here",
			"what hosts know of one another can't be asked; the rest is checked", "vsys boot")
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
	switch {
	case f.Keys == nil && f.Member.Keys:
		return one("keys", OK, "the key files can be read", "", "")
	case f.Keys == nil:
		return one("keys", OK, "this user has no key files", "", "")
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
	return append(list, f.noInterface())
}

// noInterface says what would give the machine an interface that carries the
// domain.
func (f *Facts) noInterface() Finding {
	mend := "connect this machine to the network of the others"
	for _, i := range f.Interfaces {
		switch {
		case i.Why == nic.Down:
			mend = f.asRoot(fmt.Sprintf("ip link set dev %s up", i.Name))
		case i.Why == nic.NoAddress:
			mend = f.asRoot(fmt.Sprintf("ip address add 192.168.1.77/24 dev %s", i.Name)) + ", with an address of that network"
		}
	}
	return Finding{"interfaces", Error, "no interface carries the domain",
		"this host can't speak to other machines", mend}
}
