package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"vsys/ipc"
)

// What the wire asks for.
const (
	HeaderSize = 16                   // octets in front of the packet
	TagSize    = 16                   // octets behind it
	Overhead   = HeaderSize + TagSize // octets a frame adds to a packet

	// Version is this form of the frame. Another is another system on the
	// same wire.
	Version = 1

	marker     = 0x40 // the first octet of a frame, under markerMask
	markerMask = 0xC0
	typeMask   = 0x0F // of the first octet; the two bits between are 0
)

// Type says what is between header and tag.
type Type uint8

// The types of a frame, 4 bits. Other values are errors.
const (
	Null      Type = 1 // a VMTP packet under the null cipher
	Sealed    Type = 2 // a VMTP packet, encrypted and authenticated
	Hello     Type = 3 // a hello of a host (docs/wire/hello.md)
	Wrapped   Type = 4 // a datagram handed on, behind its source address
	Bell      Type = 5 // never on a wire: a link wakes its own reader
	Handshake Type = 6 // of two hosts that make keys (docs/wire/handshake.md)
	Control   Type = 7 // between the kernels of two hosts that have keys (docs/wire/seal.md)
	Join      Type = 8 // of a machine that is no host yet (docs/wire/join.md)
)

// String returns the type's name.
func (t Type) String() string {
	switch t {
	case Null:
		return "null"
	case Sealed:
		return "sealed"
	case Hello:
		return "hello"
	case Wrapped:
		return "wrapped"
	case Bell:
		return "bell"
	case Handshake:
		return "handshake"
	case Control:
		return "control"
	case Join:
		return "join"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Errors of Decode and DecodeWrapped, around ipc.VMTPError.
var (
	ErrNotFrame = fmt.Errorf("frame: not a frame: %w", ipc.VMTPError)
	ErrVersion  = fmt.Errorf("frame: another version: %w", ipc.VMTPError)
	ErrType     = fmt.Errorf("frame: unknown type: %w", ipc.VMTPError)
	ErrShort    = fmt.Errorf("frame: cut short: %w", ipc.VMTPError)
	ErrNull     = fmt.Errorf("frame: null cipher with a key or a tag: %w", ipc.VMTPError)
	ErrAddress  = fmt.Errorf("frame: wrapped without an address: %w", ipc.VMTPError)
)

// Header is the 16 octets in front of a packet, big-endian:
//
//	octet 0      01 00 type[4]
//	octet 1      version[4] flags[4]
//	octets 2-3   slot
//	octets 4-7   key
//	octets 8-15  counter
type Header struct {
	Type    Type
	Flags   uint8  // 4 bits; none is defined, a sender sets 0, a receiver ignores them
	Slot    uint16 // of the receiving team: its team number, 0 for the host kernel
	Key     uint32 // which key sealed the frame (package seal); 0 under the null cipher
	Counter uint64 // its nonce, or a part of it; 0 under the null cipher
}

// Append appends the header in its wire form, of Version. Only the low 4 bits
// of Type and Flags count.
func (h Header) Append(dst []byte) []byte {
	dst = append(dst, marker|byte(h.Type)&typeMask, Version<<4|h.Flags&0x0F)
	dst = binary.BigEndian.AppendUint16(dst, h.Slot)
	dst = binary.BigEndian.AppendUint32(dst, h.Key)
	return binary.BigEndian.AppendUint64(dst, h.Counter)
}

// IsFrame tells whether a datagram is a frame, of whatever version, rather
// than a bare RFC 1045 packet. A packet begins with the identifier of its
// client, and a client is never a group: its group bit, 0x40 of the first
// octet, is 0.
func IsFrame(b []byte) bool { return len(b) > 0 && b[0]&markerMask == marker }

// TypeOf returns the type of the frame b without looking further. b must be
// one (IsFrame).
func TypeOf(b []byte) Type { return Type(b[0] & typeMask) }

// Decode takes a frame apart. The body is what is between header and tag, in
// b's memory: for Null as it is, and Decode has checked that key and tag are
// zero; for the others it is still to be opened with the key and Tag(b), where
// the domain is not clear.
// Errors: ErrNotFrame, ErrVersion, ErrType, ErrShort, ErrNull.
func Decode(b []byte) (h Header, body []byte, err error) {
	switch {
	case !IsFrame(b):
		return h, nil, ErrNotFrame
	case len(b) < Overhead:
		return h, nil, ErrShort
	case b[1]>>4 != Version:
		return h, nil, ErrVersion
	case b[0]&^(markerMask|typeMask) != 0:
		return h, nil, ErrType
	}
	h = Header{
		Type:    TypeOf(b),
		Flags:   b[1] & 0x0F,
		Slot:    binary.BigEndian.Uint16(b[2:]),
		Key:     binary.BigEndian.Uint32(b[4:]),
		Counter: binary.BigEndian.Uint64(b[8:]),
	}
	switch h.Type {
	case Sealed, Hello, Wrapped, Handshake, Control, Join:
	case Null:
		if h.Key != 0 || h.Counter != 0 || !NullTag(b) {
			return h, nil, ErrNull
		}
	default:
		return h, nil, ErrType
	}
	return h, b[HeaderSize : len(b)-TagSize], nil
}

// Tag returns the last 16 octets of a frame that Decode took.
func Tag(b []byte) []byte { return b[len(b)-TagSize:] }

// NullTag tells whether the tag of a frame is the null cipher's: zero. b has
// at least 16 octets.
func NullTag(b []byte) bool { return [TagSize]byte(Tag(b)) == [TagSize]byte{} }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendCheckTag appends the tag of a hello in a clear domain, to the frame that
// begins at b: 4 octets of CRC-32C over all that is before, and 12 of zero. It
// keeps accidents out, not enemies.
func AppendCheckTag(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	var zero [TagSize - 4]byte
	return append(b, zero[:]...)
}

// CheckTag tells whether the tag of the frame b is what AppendCheckTag makes. b has
// at least 16 octets.
func CheckTag(b []byte) bool {
	n := len(b) - TagSize
	return binary.BigEndian.Uint32(b[n:]) == crc32.Checksum(b[:n], castagnoli) &&
		[TagSize - 4]byte(b[n+4:]) == [TagSize - 4]byte{}
}

// AppendNullTag appends the tag of the null cipher.
func AppendNullTag(dst []byte) []byte {
	var zero [TagSize]byte
	return append(dst, zero[:]...)
}
