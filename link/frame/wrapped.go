package frame

import (
	"encoding/binary"
	"net/netip"
)

// AddressSize is the octets of an address in a Wrapped frame: 16 of IPv6, or
// of IPv4 mapped into it, and 2 of port.
const AddressSize = 18

// WrapOverhead is what handing on adds to a packet in its frame.
const WrapOverhead = Overhead + AddressSize

// AppendWrapped appends a Wrapped frame for that slot, without its tag: a packet,
// in a Null frame, and where it came from. A zone of from is lost.
func AppendWrapped(dst []byte, slot uint16, from netip.AddrPort, packet []byte) []byte {
	dst = Header{Type: Wrapped, Slot: slot}.Append(dst)
	ip := from.Addr().As16()
	dst = append(dst, ip[:]...)
	dst = binary.BigEndian.AppendUint16(dst, from.Port())
	dst = Header{Type: Null, Slot: slot}.Append(dst)
	dst = append(dst, packet...)
	return AppendNullTag(dst)
}

// DecodeWrapped takes the body of a Wrapped frame apart. The datagram is in
// body's memory. A wrapper says what it likes about the source: believe it
// only where the wrapper itself came from the own host kernel.
// Errors: ErrShort, ErrAddress (no address or no port).
func DecodeWrapped(body []byte) (from netip.AddrPort, datagram []byte, err error) {
	if len(body) <= AddressSize {
		return from, nil, ErrShort
	}
	ip := netip.AddrFrom16([16]byte(body)).Unmap()
	port := binary.BigEndian.Uint16(body[16:])
	if ip.IsUnspecified() || port == 0 {
		return from, nil, ErrAddress
	}
	return netip.AddrPortFrom(ip, port), body[AddressSize:], nil
}
