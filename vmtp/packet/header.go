package packet

import (
	"encoding/binary"

	"vsys/ipc"
)

// Sizes of a packet, in octets (RFC 1045 §3.2).
const (
	HeaderSize   = 64
	ChecksumSize = 4
	MaxData      = ipc.MaxAppended
	MinSize      = HeaderSize + ChecksumSize
	MaxSize      = HeaderSize + MaxData + ChecksumSize
)

// What V fills in.
const (
	Domain  = 8145 // V's entity domain
	Version = 0    // RFC 1045's
)

// Flags are the packet flags of word 3, where they are in its low 16 bits.
type Flags uint16

// The packet flags (RFC 1045 §3.2).
const (
	HCO Flags = 0x8000 // the checksum covers the header only
	EPG Flags = 0x4000 // encrypted packet group: V refuses it
	MPG Flags = 0x2000 // sent by multicast

	allFlags = HCO | EPG | MPG
)

// Control is the control flags of word 4, where they are in it.
type Control uint32

// The control flags (RFC 1045 §3.2).
const (
	NRS Control = 1 << 31 // next receive sequence (logging, which V leaves out)
	APG Control = 1 << 30 // acknowledge this packet group by a notify
	NSR Control = 1 << 29 // not in the first packet group of a run
	NER Control = 1 << 28 // not in the last packet group of a run
	NRT Control = 1 << 27 // no retransmission: don't ask for missing parts
	MDG Control = 1 << 26 // Request: the client is a member of the group it is sent to
	CMG Control = 1 << 25 // the message is continued in the next packet group
	STI Control = 1 << 24 // 256 Transaction identifiers are skipped
	DRT Control = 1 << 23 // Request: delay the Response by a short random time

	allControl  = NRS | APG | NSR | NER | NRT | MDG | CMG | STI | DRT
	requestOnly = MDG | DRT
)

// Header is the 64 octets in front of every packet, decoded. Of fields that are
// narrower on the wire than here only the low bits are sent.
//
//	offset  size
//	 0      8    Client
//	 8      4    word 3: Version 3, Domain 13, Flags 3, Length 13 bits
//	12      4    word 4: Control 9, RetransmitCount 3, ForwardCount 4, Gap 8,
//	             Priority 4, reserved 3, function 1 bits
//	16      4    Transaction
//	20      4    Delivery
//	24      8    Server
//	32     32    Message
type Header struct {
	Client          ipc.PID // who began the transaction; never a group
	Version         uint8   // 0 to 7
	Domain          uint16  // 0 to 8191
	Flags           Flags
	Control         Control
	Response        bool    // the function code: to the client, not to the server
	RetransmitCount uint8   // 0 to 7: earlier transmissions of the packet group, mod 8
	ForwardCount    uint8   // 0 to 15: how often the Request was forwarded
	Gap             uint8   // Request: gap wanted in the Response, 1/32 packet times; Response: PGcount
	Priority        uint8   // 0 to 15 (docs/wire/packet.md has the order)
	Transaction     uint32  // of Client
	Delivery        uint32  // the blocks in this packet: bit i is octets [512i, 512i+512)
	Server          ipc.PID // Request: to whom, perhaps a group; Response: who answers
	Message         ipc.Message

	// NoChecksum says that the checksum is zero on the wire: none was
	// computed, because the path is protected otherwise, as by a seal.
	NoChecksum bool
}

var zeros [HeaderSize]byte

// Append appends to b the packet made of h, data and a checksum, and returns
// the extended slice. It takes no memory if b has room for MinSize octets and
// len(data) rounded up to a multiple of 8. data is the blocks of h.Delivery in
// ascending order, without padding, which is appended as zeros; more than
// MaxData octets are a bug of the caller, and panic. Append does not judge h:
// what it makes is as good as what it was given.
func (h *Header) Append(b, data []byte) []byte {
	start := len(b)
	b = h.appendHeader(b, len(data))
	return h.finish(append(b, data...), start)
}

// AppendBlocks is Append with the blocks of h.Delivery taken from segment, which
// begins where the packet group's data does and is not kept.
func (h *Header) AppendBlocks(b, segment []byte) []byte {
	start := len(b)
	b = h.appendHeader(b, DataSize(h.Delivery, len(segment)))
	return h.finish(Gather(b, segment, h.Delivery), start)
}

// Wanted returns the blocks that make the packet group complete: MsgDelivery
// where the message uses it, else the whole segment or its first MaxData
// octets; none if no segment was appended (RFC 1045 §2.13).
func (h *Header) Wanted() uint32 {
	m := &h.Message
	wanted := WantedMask(m.SegmentSize())
	if m.Has(ipc.FlagMDM) {
		wanted &= m.Uint32(messageDelivery)
	}
	return wanted
}

// messageDelivery is where MsgDelivery is in the message.
const messageDelivery = 24

// appendHeader appends the 64 octets of h for n octets of data.
func (h *Header) appendHeader(b []byte, n int) []byte {
	if n > MaxData {
		panic("packet: more data than a packet group has")
	}
	start := len(b)
	b = append(b, zeros[:]...)
	p := (*[HeaderSize]byte)(b[start:])
	binary.BigEndian.PutUint64(p[0:], uint64(h.Client))
	binary.BigEndian.PutUint32(p[8:], h.word3(n))
	binary.BigEndian.PutUint32(p[12:], h.word4())
	binary.BigEndian.PutUint32(p[16:], h.Transaction)
	binary.BigEndian.PutUint32(p[20:], h.Delivery)
	binary.BigEndian.PutUint64(p[24:], uint64(h.Server))
	copy(p[32:], h.Message[:])
	return b
}

// finish pads the packet that starts at start and appends its checksum.
func (h *Header) finish(b []byte, start int) []byte {
	n := len(b) - start
	b = append(b, zeros[:padded(n)-n]...)
	if h.NoChecksum {
		return append(b, zeros[:ChecksumSize]...)
	}
	return binary.BigEndian.AppendUint32(b, packetChecksum(b[start:], h.Flags))
}

// padded rounds n up to a multiple of 8 octets.
func padded(n int) int { return (n + 7) &^ 7 }

// Word 3 and word 4 of the packet, outside the flags.
const (
	lengthMask = 0x1FFF
	domainMask = 0x1FFF

	function      = 1
	reservedWord4 = 0x0E
)

func (h *Header) word3(n int) uint32 {
	return uint32(h.Version)<<29 | uint32(h.Domain&domainMask)<<16 |
		uint32(h.Flags&allFlags) | uint32(padded(n)/4)
}

func (h *Header) setWord3(w uint32) {
	h.Version = uint8(w >> 29)
	h.Domain = uint16(w>>16) & domainMask
	h.Flags = Flags(w) & allFlags
}

func (h *Header) word4() uint32 {
	w := uint32(h.Control&allControl) | uint32(h.RetransmitCount&7)<<20 |
		uint32(h.ForwardCount&15)<<16 | uint32(h.Gap)<<8 | uint32(h.Priority&15)<<4
	if h.Response {
		w |= function
	}
	return w
}

func (h *Header) setWord4(w uint32) {
	h.Control = Control(w) & allControl
	h.RetransmitCount = uint8(w>>20) & 7
	h.ForwardCount = uint8(w>>16) & 15
	h.Gap = uint8(w >> 8)
	h.Priority = uint8(w>>4) & 15
	h.Response = w&function != 0
}
