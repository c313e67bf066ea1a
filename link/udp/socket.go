package udp

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Implementation constants.
const (
	// bufferBytes is asked for as the room of a socket's queues; Linux gives
	// less where net.core.rmem_max and wmem_max say so. The default holds
	// only 92 packets of 1,088 octets.
	bufferBytes = 8 << 20

	// retiredBytes is the room of a queue that nobody reads often. Linux
	// raises it to its minimum of 2,304.
	retiredBytes = 1
)

// newSocket makes a blocking socket for that address, not yet bound.
func newSocket(addr netip.Addr) (fd int, err error) {
	family := familyOf(addr)
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := configure(fd, family); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// configure sets what all sockets of V have: no fragments; multicast only for
// groups this socket itself joined; one family a socket, so that nobody can
// take the other family's half of the port unseen.
func configure(fd, family int) error {
	options := []option{
		{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO},
		{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
	}
	if family == unix.AF_INET6 {
		options = []option{
			{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO},
			{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0},
		}
	}
	return setOptions(fd, options)
}

// option is one of setsockopt's whole numbers.
type option struct{ level, name, value int }

func setOptions(fd int, options []option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError(fmt.Sprintf("setsockopt %d/%d", o.level, o.name), err)
		}
	}
	return nil
}

// setBuffers sets the room of both queues, by force where we may.
func setBuffers(fd, octets int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, octets) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, octets)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, octets) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, octets)
	}
}

// bind gives the socket its address and returns the one it got: with a port
// where addr has port 0.
func bind(fd int, addr netip.AddrPort) (netip.AddrPort, error) {
	var sa unix.Sockaddr
	if ip := addr.Addr().Unmap(); ip.Is4() {
		sa = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	} else {
		sa = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16(), ZoneId: scope(ip.Zone())}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	return localAddr(fd)
}

// localAddr returns the address a socket is bound to.
func localAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, os.NewSyscallError("getsockname", unix.EAFNOSUPPORT)
}

// duplicate returns another descriptor of the same socket.
func duplicate(fd int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return n, os.NewSyscallError("dup", err)
}
