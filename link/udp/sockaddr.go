package udp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockaddr is struct sockaddr_in or sockaddr_in6 as Linux reads and writes it:
//
//	sockaddr_in  // 16 octets: family[2] port[2] address[4] zero[8]
//	sockaddr_in6 // 28 octets: family[2] port[2] flow[4] address[16] scope[4]
//
// Family and scope are in native order, port and addresses in network order.
type sockaddr [sockaddrSize6]byte

const (
	sockaddrSize4 = 16
	sockaddrSize6 = 28
)

// set makes s the address a for a socket of that family and returns its
// length, 0 if the family can't have it.
func (s *sockaddr) set(a netip.AddrPort, family int) uint32 {
	ip := a.Addr().Unmap()
	binary.NativeEndian.PutUint16(s[0:], uint16(family))
	binary.BigEndian.PutUint16(s[2:], a.Port())
	switch {
	case family == unix.AF_INET && ip.Is4():
		ip4 := ip.As4()
		copy(s[4:8], ip4[:])
		return sockaddrSize4
	case family == unix.AF_INET6 && ip.Is6():
		ip6 := ip.As16()
		copy(s[8:24], ip6[:])
		binary.NativeEndian.PutUint32(s[24:], scope(ip.Zone()))
		return sockaddrSize6
	}
	return 0
}

// addrPort returns the address in s. A scope becomes a zone in decimal.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	switch binary.NativeEndian.Uint16(s[0:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	case unix.AF_INET6:
		ip := netip.AddrFrom16([16]byte(s[8:24]))
		if n := binary.NativeEndian.Uint32(s[24:]); n != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(n), 10))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// scope returns the interface number that a zone means, 0 for none. Numbers
// cost nothing; names are looked up.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// familyOf returns the family of a socket that has the address a.
func familyOf(a netip.Addr) int {
	if a.Unmap().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
