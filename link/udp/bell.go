package udp

import (
	"net/netip"

	"vsys/link/frame"
)

// bell is how a Kick reaches a reader that sleeps: a header's first four
// octets, nothing after them, sent to the socket's own address and slot.
type bell struct {
	ok       bool // there is an address that reaches this socket
	to       sockaddr
	toSize   uint32
	datagram [bellSize]byte
}

const bellSize = 4

func newBell(addr netip.AddrPort, slot uint16) bell {
	ip := addr.Addr()
	switch {
	case ip.IsMulticast():
		return bell{}
	case ip.IsUnspecified() && ip.Is4():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	b := bell{ok: true}
	b.toSize = b.to.set(netip.AddrPortFrom(ip, addr.Port()), familyOf(ip))
	copy(b.datagram[:], frame.Header{Type: frame.Bell, Slot: slot}.Append(nil))
	return b
}

// isBell tells whether a received datagram is a bell: nobody's business but
// this package's.
func isBell(b []byte) bool {
	return len(b) == bellSize && frame.IsFrame(b) && frame.TypeOf(b) == frame.Bell
}
