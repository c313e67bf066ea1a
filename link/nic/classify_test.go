package nic

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// What Linux says of an Ethernet card with a cable, and of one without.
const (
	up     = unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_BROADCAST | unix.IFF_MULTICAST
	noWire = unix.IFF_UP | unix.IFF_BROADCAST | unix.IFF_MULTICAST
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestClassify(t *testing.T) {
	lan := prefixes("192.168.1.7/24", "fe80::1/64")
	tests := []struct {
		a   Attributes
		why string
	}{
		{Attributes{Name: "eth0", Kind: "device", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "wlan0", Kind: "device", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "eth0", Kind: "device", Flags: up, Addrs: prefixes("fe80::1/64")}, ""},
		{Attributes{Name: "eth0", Kind: "device", Flags: up, Addrs: prefixes("169.254.3.4/16")}, ""},
		{Attributes{Name: "eth0.5", Kind: "vlan", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "bond0", Kind: "bond", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "team0", Kind: "team", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "mac0", Kind: "macvlan", Flags: up, Addrs: lan}, ""},
		{Attributes{Name: "br0", Kind: "bridge", Flags: up, Addrs: lan, PhysicalPort: true}, ""},
		{Attributes{Name: "docker0", Kind: "bridge", Flags: up, Addrs: lan, PhysicalPort: true}, ""},
		{Attributes{Name: "eth0", Kind: "veth", Flags: up, Addrs: prefixes("172.17.0.2/16")}, ""},
		{Attributes{Name: "eth0", Kind: "veth", Flags: up, Addrs: prefixes("2001:db8::2/64")}, ""},

		{Attributes{Name: "lo", Kind: "device", Flags: up | unix.IFF_LOOPBACK, Addrs: lan}, "loopback"},
		{Attributes{Name: "eth1", Kind: "device", Flags: unix.IFF_MULTICAST, Addrs: lan}, "down"},
		{Attributes{Name: "eth1", Kind: "device", Flags: noWire, Addrs: lan}, "no carrier (no cable, or no WiFi)"},
		{Attributes{Name: "eth1", Kind: "device", Flags: up &^ unix.IFF_MULTICAST, Addrs: lan}, "no multicast"},
		{Attributes{Name: "eth1", Kind: "device", Flags: up}, "no address"},
		{Attributes{Name: "wwan0", Kind: "device", Flags: up | unix.IFF_POINTOPOINT, Addrs: lan}, "point to point"},
		{Attributes{Name: "eth1", Kind: "device", Flags: up, Addrs: lan, Master: "br0"}, "a port of br0"},
		{Attributes{Name: "docker0", Kind: "bridge", Flags: up, Addrs: lan},
			"a bridge for containers (docker0): no port leads out of this machine"},
		{Attributes{Name: "docker0", Kind: "bridge", Flags: noWire, Addrs: lan},
			"a bridge for containers (docker0): no port leads out of this machine"},
		{Attributes{Name: "veth1a", Kind: "veth", Flags: up, Master: "docker0"},
			"veth end of a container, a port of docker0"},
		{Attributes{Name: "cali1", Kind: "veth", Flags: up, Addrs: prefixes("fe80::2/64")},
			"veth end of a container, without an address of its own"},
		{Attributes{Name: "tun0", Kind: "tuntap", Flags: up | unix.IFF_POINTOPOINT, Addrs: lan}, "a tunnel"},
		{Attributes{Name: "wg0", Kind: "wireguard", Flags: unix.IFF_UP, Addrs: lan}, "a tunnel (wireguard)"},
		{Attributes{Name: "flannel.1", Kind: "vxlan", Flags: up, Addrs: lan}, "a tunnel (vxlan)"},
		{Attributes{Name: "ifb0", Kind: "ifb"}, "a queue, not a card (ifb)"},
		{Attributes{Name: "dummy0", Kind: "dummy", Flags: up, Addrs: lan}, "a dummy"},
		{Attributes{Name: "x0", Kind: "quantum", Flags: up, Addrs: lan}, "of an unknown kind (quantum)"},
	}
	for _, test := range tests {
		sane, why := Classify(test.a)
		if sane != (test.why == "") || why != test.why {
			t.Errorf("%s (%s): %t, %q; want %q", test.a.Name, test.a.Kind, sane, why, test.why)
		}
	}
}

func TestEqual(t *testing.T) {
	a := Interface{Name: "eth0", Index: 2, Addrs: prefixes("10.0.0.1/8"), MTU: 1500, Kind: "device", Sane: true}
	if !a.equal(a) {
		t.Error("an interface differs from itself")
	}
	for name, change := range map[string]func(*Interface){
		"name":    func(i *Interface) { i.Name = "eth1" },
		"index":   func(i *Interface) { i.Index = 3 },
		"address": func(i *Interface) { i.Addrs = prefixes("10.0.0.2/8") },
		"MTU":     func(i *Interface) { i.MTU = 9000 },
		"kind":    func(i *Interface) { i.Kind = "veth" },
		"sane":    func(i *Interface) { i.Sane = false },
		"why":     func(i *Interface) { i.Why = "down" },
	} {
		if b := a; true {
			if change(&b); a.equal(b) {
				t.Errorf("another %s is not noticed", name)
			}
		}
	}
	if !a.Has(true) || a.Has(false) {
		t.Errorf("%v: has IPv4 %t, IPv6 %t; want true, false", a.Addrs, a.Has(true), a.Has(false))
	}
}
