package udp

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// sides are the options of a Multicast's two sockets.
type sides struct{ say, hear []option }

// options: what is said goes no further than the link, and comes to this
// machine's members, too; of what is heard Linux tells the interface.
func (m *Multicast) options() sides {
	share := []option{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}}
	if m.group.Addr().Is4() {
		return sides{
			say:  []option{{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 1}, {unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 1}},
			hear: append(share, option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1}),
		}
	}
	return sides{
		say: []option{{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 1}},
		hear: append(share, option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1}),
	}
}

// membership joins or leaves.
func (m *Multicast) membership(index int, join bool) (err error) {
	closed := m.hearer.Control(func(fd uintptr) {
		if ip := m.group.Addr(); ip.Is4() {
			name := unix.IP_DROP_MEMBERSHIP
			if join {
				name = unix.IP_ADD_MEMBERSHIP
			}
			err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, name,
				&unix.IPMreqn{Multiaddr: ip.As4(), Ifindex: int32(index)})
		} else {
			name := unix.IPV6_LEAVE_GROUP
			if join {
				name = unix.IPV6_JOIN_GROUP
			}
			err = unix.SetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IPV6, name,
				&unix.IPv6Mreq{Multiaddr: ip.As16(), Interface: uint32(index)})
		}
	})
	if closed != nil {
		return link.ErrClosed
	}
	return err
}

// sendmsg sends to the group by that interface.
func (m *Multicast) sendmsg(fd, index int, b []byte) error {
	var to unix.Sockaddr
	var control []byte
	port := int(m.group.Port())
	if ip := m.group.Addr(); ip.Is4() {
		to = &unix.SockaddrInet4{Port: port, Addr: ip.As4()}
		control = unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(index)})
	} else {
		to = &unix.SockaddrInet6{Port: port, Addr: ip.As16(), ZoneId: uint32(index)}
		control = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: uint32(index)})
	}
	_, err := unix.SendmsgN(fd, b, control, to, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return err
}

// recvmsg returns one datagram's full length, sender and interface.
func (m *Multicast) recvmsg(fd int, b []byte) (n int, from netip.AddrPort, index int, err error) {
	var control [64]byte // room for the larger pktinfo, 40 octets
	n, size, _, sa, err := unix.Recvmsg(fd, b, control[:], unix.MSG_DONTWAIT|unix.MSG_TRUNC)
	if err != nil {
		return 0, netip.AddrPort{}, 0, err
	}
	return n, addrPortOf(sa), interfaceOf(control[:size]), nil
}

// addrPortOf returns what unix says, with the scope as a zone in decimal.
func addrPortOf(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			ip = ip.WithZone(fmt.Sprint(sa.ZoneId))
		}
		return netip.AddrPortFrom(ip, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// interfaceOf returns the index in a control message about a packet, 0 if it
// has none.
func interfaceOf(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, c := range messages {
		switch {
		case c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_PKTINFO && len(c.Data) >= 4:
			return int(binary.NativeEndian.Uint32(c.Data[0:])) // in_pktinfo: index[4] local[4] to[4]
		case c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_PKTINFO && len(c.Data) >= 20:
			return int(binary.NativeEndian.Uint32(c.Data[16:])) // in6_pktinfo: to[16] index[4]
		}
	}
	return 0
}
