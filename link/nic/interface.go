package nic

import (
	"net/netip"
	"slices"
)

// Interface is one network interface as it was at the time of Read.
type Interface struct {
	Name  string
	Index int            // Linux's number for it, 1 and above
	Addrs []netip.Prefix // IPv4 and IPv6, ready for use; IPv6 ones without zone
	MTU   int            // octets in an IP packet
	Kind  string         // as ip-link(8) has it: "bridge", "veth" …; "device" if plain
	Sane  bool           // it carries a V domain
	Why   string         // why it does not, in a few words; "" if it does
}

// equal tells whether two readings of an interface are the same.
func (i Interface) equal(j Interface) bool {
	return i.Name == j.Name && i.Index == j.Index && i.MTU == j.MTU && i.Kind == j.Kind &&
		i.Sane == j.Sane && i.Why == j.Why && slices.Equal(i.Addrs, j.Addrs)
}

// Has tells whether the interface has an IPv4 or, else, an IPv6 address.
func (i Interface) Has(ipv4 bool) bool {
	return slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr().Is4() == ipv4 })
}
