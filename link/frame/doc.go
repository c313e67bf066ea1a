// Package frame is what travels between hosts: a VMTP packet with 16 octets in
// front and 16 behind.
//
//	+--------+-------------------------+-------+
//	| Header | packet                  | tag   |
//	| 16     | 64.. octets             | 16    |
//	+--------+-------------------------+-------+
//
// The [Header] says for which team of the receiving host the frame is (the
// slot, read by the kernel of Linux, not by us; package link/udp) and by which
// key it is sealed. In a clear domain the cipher is the null one: the packet is
// readable and the tag is zero. docs/wire/frame.md has the byte tables.
//
// A datagram that is no frame is a bare RFC 1045 packet: [IsFrame] tells them
// apart.
//
// # How to use it
//
//	b = frame.Header{Type: frame.Null, Slot: slot}.Append(b[:0])
//	b = append(b, packet...)
//	b = frame.AppendNullTag(b)
//
//	h, packet, err := frame.Decode(b)
//
// Nothing here allocates except on an error's way out, keeps state or knows
// keys.
//
// Sources: docs/wire/frame.md; RFC 1045 §3.1 (entity identifiers), §3.3 and §3.4
// (packets).
package frame
