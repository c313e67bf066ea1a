package nic

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Attributes is what Classify judges an interface by.
type Attributes struct {
	Name   string
	Kind   string         // as in Interface
	Flags  uint32         // IFF_UP, IFF_LOOPBACK … of netdevice(7)
	Addrs  []netip.Prefix // those ready for use
	Master string         // the bridge, bond or team that it is a port of; "": none
	// PhysicalPort is of bridges: one of the ports leads out of the machine.
	PhysicalPort bool
}

// outward are the kinds that lead to other machines.
var outward = []string{
	plain, "vlan", "bond", "team", "macvlan", "macvtap", "ipvlan", "dsa", "hsr", "batadv", "ipoib",
	"openvswitch", "virt_wifi", "netkit",
}

// plain is the kind of what has none: Ethernet, WiFi, a virtual machine's card.
const plain = "device"

// leftOut says what the kinds are that don't.
var leftOut = map[string]string{
	"dummy": "a dummy", "ifb": "a queue, not a card (ifb)", "nlmon": "a monitor", "vcan": "a CAN bus",
	"can": "a CAN bus", "vrf": "a routing domain (vrf)", "vxcan": "a CAN bus",
	"tuntap": "a tunnel", "tun": "a tunnel", "wireguard": "a tunnel (wireguard)", "ppp": "a tunnel (ppp)",
	"gre": "a tunnel", "gretap": "a tunnel", "ip6gre": "a tunnel", "ip6gretap": "a tunnel",
	"erspan": "a tunnel", "ip6erspan": "a tunnel", "ipip": "a tunnel", "ip6tnl": "a tunnel",
	"sit": "a tunnel", "vti": "a tunnel", "vti6": "a tunnel", "xfrm": "a tunnel",
	"vxlan": "a tunnel (vxlan)", "geneve": "a tunnel (geneve)", "bareudp": "a tunnel",
	"gtp": "a tunnel", "l2tp": "a tunnel", "ovpn": "a tunnel", "ovpn-dco": "a tunnel", "amt": "a tunnel",
}

// Reasons that can be mended from here.
const (
	Down      = "down"
	NoAddress = "no address"
)

// Classify tells whether an interface carries a V domain, and if not, why.
func Classify(a Attributes) (sane bool, why string) {
	why = a.why()
	return why == "", why
}

// why returns the first reason that an interface carries no domain. What it is
// comes before the state that it is in: a tunnel that is down is a tunnel.
func (a *Attributes) why() string {
	switch {
	case a.has(unix.IFF_LOOPBACK):
		return "loopback"
	case a.Master != "" && a.Kind == "veth":
		return fmt.Sprintf("veth end of a container, a port of %s", a.Master)
	case a.Master != "":
		return "a port of " + a.Master
	case leftOut[a.Kind] != "":
		return leftOut[a.Kind]
	case a.Kind == "bridge" && !a.PhysicalPort:
		return fmt.Sprintf("a bridge for containers (%s): no port leads out of this machine", a.Name)
	case !slices.Contains(outward, a.Kind) && a.Kind != "veth" && a.Kind != "bridge":
		return fmt.Sprintf("of an unknown kind (%s)", a.Kind)
	case a.has(unix.IFF_POINTOPOINT):
		return "point to point"
	case !a.has(unix.IFF_UP):
		return Down
	case !a.has(unix.IFF_RUNNING):
		return "no carrier (no cable, or no WiFi)"
	case !a.has(unix.IFF_MULTICAST):
		return "no multicast"
	case len(a.Addrs) == 0:
		return NoAddress
	case a.Kind == "veth" && !slices.ContainsFunc(a.Addrs, beyondLink):
		return "veth end of a container, without an address of its own"
	}
	return ""
}

// has tells whether a flag is set.
func (a *Attributes) has(flag uint32) bool { return a.Flags&flag != 0 }

// beyondLink tells whether somebody gave the address: Linux gives each
// interface an fe80 one by itself.
func beyondLink(p netip.Prefix) bool { return !p.Addr().Is6() || !p.Addr().IsLinkLocalUnicast() }

// leadsOut tells whether a port of that kind takes a bridge's packets out of
// the machine.
func leadsOut(kind string, flags uint32) bool {
	return slices.Contains(outward, kind) && kind != "netkit" && flags&unix.IFF_LOOPBACK == 0
}

// gathers tells whether an interface of that kind speaks for its ports.
func gathers(kind string) bool {
	return kind == "bridge" || kind == "bond" || kind == "team" || kind == "openvswitch"
}
