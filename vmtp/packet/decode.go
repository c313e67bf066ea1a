package packet

import (
	"encoding/binary"

	"vsys/ipc"
)

// Error is why Decode refuses a packet. It wraps ipc.VMTPError.
type Error uint8

// The reasons, in the order in which Decode looks for them.
const (
	ErrShort     Error = 1 + iota // fewer than MinSize octets
	ErrLong                       // more than MaxSize octets
	ErrLength                     // Length is odd, over 4096 or not the packet's
	ErrEncrypted                  // EPG is set: RFC 1045's encryption, which V does not have
	ErrChecksum                   // the checksum is neither right nor zero
	ErrReserved                   // a reserved bit is set
	ErrEntity                     // Client is a group, or Client or Server is zero
	ErrSegment                    // SegmentSize is over ipc.MaxSegment
	ErrMask                       // Delivery does not go with the message or with Length

	errorCount = int(ErrMask) + 1
)

var errorText = [errorCount]string{
	ErrShort:     "too short for a packet",
	ErrLong:      "too long for a packet",
	ErrLength:    "length field does not go with the packet",
	ErrEncrypted: "encrypted packet group",
	ErrChecksum:  "wrong checksum",
	ErrReserved:  "reserved bit is set",
	ErrEntity:    "client or server names no entity that it could",
	ErrSegment:   "segment is too large",
	ErrMask:      "delivery mask does not go with the data",
}

// Error returns the reason in words.
func (e Error) Error() string { return "packet.Decode: " + errorText[e] }

// Unwrap returns ipc.VMTPError, the code that a notify would carry.
func (e Error) Unwrap() error { return ipc.VMTPError }

// Decode takes apart the packet b, which is neither changed nor kept; data is
// the part of it that holds the blocks of h.Delivery, without padding. Nothing
// is allocated. An error is an [Error]; h then holds what was read before it
// was found, and is good for counters and logs only.
//
// All that one packet can show is checked. Version and Domain are not: packets
// of others are the machine's to ignore. The content of the padding is not,
// because RFC 1045 leaves it open; Append makes it zero, and but for that
// turns h and data into b again. A checksum of zero is accepted and said in
// h.NoChecksum; under HCO only the header was checked.
func Decode(b []byte) (h Header, data []byte, err error) {
	switch {
	case len(b) < MinSize:
		return h, nil, ErrShort
	case len(b) > MaxSize:
		return h, nil, ErrLong
	}
	h.decode((*[HeaderSize]byte)(b))
	words := int(binary.BigEndian.Uint32(b[8:]) & lengthMask)
	if words%2 != 0 || len(b) != MinSize+4*words {
		return h, nil, ErrLength
	}
	if h.Flags&EPG != 0 {
		return h, nil, ErrEncrypted
	}
	body := b[:len(b)-ChecksumSize]
	sum := binary.BigEndian.Uint32(b[len(body):])
	h.NoChecksum = sum == 0
	if !h.NoChecksum && sum != packetChecksum(body, h.Flags) {
		return h, nil, ErrChecksum
	}
	if err := h.check(binary.BigEndian.Uint32(b[12:]), len(body)-HeaderSize); err != 0 {
		return h, nil, err
	}
	end := HeaderSize + DataSize(h.Delivery, h.Message.SegmentSize())
	return h, b[HeaderSize:end:end], nil
}

// decode reads the fields of h from p.
func (h *Header) decode(p *[HeaderSize]byte) {
	h.Client = ipc.PID(binary.BigEndian.Uint64(p[0:]))
	h.setWord3(binary.BigEndian.Uint32(p[8:]))
	h.setWord4(binary.BigEndian.Uint32(p[12:]))
	h.Transaction = binary.BigEndian.Uint32(p[16:])
	h.Delivery = binary.BigEndian.Uint32(p[20:])
	h.Server = ipc.PID(binary.BigEndian.Uint64(p[24:]))
	copy(h.Message[:], p[32:])
}

// check judges h, which was read from a packet with that word 4 and n octets of
// padded data. It returns 0 if nothing is wrong.
func (h *Header) check(word4 uint32, n int) Error {
	switch size := h.Message.SegmentSize(); {
	case word4&reservedWord4 != 0,
		h.Response && h.Control&requestOnly != 0,
		(h.Client|h.Server)&ipc.TypeRES != 0:
		return ErrReserved
	case h.Client == 0 || h.Client.IsGroup() || h.Server == 0:
		return ErrEntity
	case size > ipc.MaxSegment:
		return ErrSegment
	case h.Delivery&^h.Wanted() != 0, padded(DataSize(h.Delivery, size)) != n:
		return ErrMask
	}
	return 0
}
