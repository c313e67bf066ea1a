package wire

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
)

// up sets an interface up.
func up(h *netlink.Handle, name string) error { return change(h, name, h.LinkSetUp) }

// change does something to the interface called name.
func change(h *netlink.Handle, name string, do func(netlink.Link) error) error {
	link, err := h.LinkByName(name)
	if err == nil {
		err = do(link)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// addBridge makes a switch: a bridge without addresses. It asks nobody for
// memberships.
func addBridge(h *netlink.Handle, name string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	off := false
	bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}
	if err := h.LinkAdd(bridge); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return h.LinkSetUp(bridge)
}

// addCable makes a cable from a port of a bridge to the interface far in another
// namespace.
func addCable(h *netlink.Handle, port, bridge string, to *namespace, far string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = port
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: far, PeerNamespace: netlink.NsFd(int(to.net.Fd()))}
	if err := h.LinkAdd(veth); err != nil {
		return fmt.Errorf("%s: %w", port, err)
	}
	master, err := h.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("%s: %w", bridge, err)
	}
	if err := h.LinkSetMaster(veth, master); err != nil {
		return fmt.Errorf("%s: %w", port, err)
	}
	return h.LinkSetUp(veth)
}

// address gives an interface its address and sets it up. Packets leave it one by
// one.
func address(h *netlink.Handle, name string, prefix netip.Prefix) error {
	return change(h, name, func(link netlink.Link) error {
		if err := h.LinkSetGSOMaxSegs(link, 1); err != nil {
			return err
		}
		if err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(prefix)}); err != nil {
			return err
		}
		return h.LinkSetUp(link)
	})
}

// route sends what is for to through a gateway.
func route(h *netlink.Handle, to netip.Prefix, gateway netip.Addr) error {
	return h.RouteAdd(&netlink.Route{Dst: ipNet(to), Gw: gateway.AsSlice()})
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// awaitUp waits until Linux uses all interfaces inside that are to be up: it takes
// note of a cable in its own time, and loses packets until then.
func (n *namespace) awaitUp() error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); ; <-tick.C {
		var all []netlink.Link
		err := n.links(func(h *netlink.Handle) (err error) {
			all, err = h.LinkList()
			return err
		})
		if err != nil {
			return err
		}
		waits := slices.IndexFunc(all, func(l netlink.Link) bool { return !usable(l.Attrs()) })
		if waits < 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%s does not come up", all[waits].Attrs().Name)
		}
	}
}

// usable tells whether an interface carries packets, or need not. Of a loopback
// Linux does not say.
func usable(a *netlink.LinkAttrs) bool {
	return a.OperState == netlink.OperUp || a.Flags&net.FlagUp == 0 || a.Flags&net.FlagLoopback != 0
}
