package nic

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// readTries bounds how often Read begins again because Linux says that the list
// changed while it was told.
const readTries = 4

// Read returns all interfaces of the calling thread's network namespace, by
// index. It does not wait. Errors are the system's.
func Read() ([]Interface, error) {
	var err error
	for range readTries {
		var list []Interface
		if list, err = readOnce(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
	return nil, err
}

func readOnce() ([]Interface, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("nic.Read: list of interfaces: %w", err)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("nic.Read: list of addresses: %w", err)
	}
	return interfaces(links, ready(addrs)), nil
}

// ready returns the addresses that can be used, by index: not those that Linux
// still asks the network about or that another machine has.
func ready(addrs []netlink.Addr) map[int][]netip.Prefix {
	m := map[int][]netip.Prefix{}
	for _, a := range addrs {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok || a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
			continue
		}
		bits, _ := a.Mask.Size()
		m[a.LinkIndex] = append(m[a.LinkIndex], netip.PrefixFrom(ip.Unmap(), bits))
	}
	for _, list := range m {
		slices.SortFunc(list, func(a, b netip.Prefix) int {
			return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
		})
	}
	return m
}

// interfaces judges what Linux told.
func interfaces(links []netlink.Link, addrs map[int][]netip.Prefix) []Interface {
	byIndex, physical := map[int]netlink.Link{}, map[int]bool{}
	for _, l := range links {
		byIndex[l.Attrs().Index] = l
		if leadsOut(l.Type(), l.Attrs().RawFlags) {
			physical[l.Attrs().MasterIndex] = true
		}
	}
	list := make([]Interface, 0, len(links))
	for _, l := range links {
		at := l.Attrs()
		a := Attributes{Name: at.Name, Kind: l.Type(), Flags: at.RawFlags, Addrs: addrs[at.Index],
			PhysicalPort: physical[at.Index]}
		if m := byIndex[at.MasterIndex]; at.MasterIndex != 0 && m != nil && gathers(m.Type()) {
			a.Master = m.Attrs().Name
		}
		i := Interface{Name: a.Name, Index: at.Index, Addrs: a.Addrs, MTU: at.MTU, Kind: a.Kind}
		i.Sane, i.Why = Classify(a)
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Interface) int { return a.Index - b.Index })
	return list
}
