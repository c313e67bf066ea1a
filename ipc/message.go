package ipc

import (
	"encoding/binary"
	"fmt"
)

// Message is what a process sends and is answered with: RFC 1045's message
// control block without the server's identifier, 32 octets, exactly as it
// travels. Numbers in it are big-endian.
//
//	offset  size
//	 0      4    flags (8 bits) and code (24 bits)
//	 4     20    user data: what the protocol above says
//	24      4    Request:  Capacity, octets that the receiver may write
//	             (with FlagMDM: MsgDelivery, a mask of 512-octet blocks)
//	28      4    SegmentSize, octets of segment (with FlagSDA)
//
// Octets 24 to 31 and the flags FlagSDA and FlagMDM are set by the kernel, from
// the segment that goes with the message. See docs/wire/message.md.
type Message [32]byte

// Sizes and limits, in octets.
const (
	MessageSize = 32
	// UserOffset and UserSize bound the user data of a message.
	UserOffset = 4
	UserSize   = 20
	// BlockSize is the unit of selective retransmission (RFC 1045 §2.4).
	BlockSize = 512
	// MaxAppended is the most segment that travels in one packet group, so the
	// most that Receive yields or Reply sends.
	MaxAppended = 32 * BlockSize
	// MaxSegment is the largest segment of a transaction.
	MaxSegment = 4 << 20
)

// Flags of the code word (RFC 1045 §3.3 and appendix I). Which of them the
// kernel sets and which a program may set is said at each.
const (
	FlagCMD uint32 = 1 << 31 // program: deliver only if the receiver waits now
	FlagDGM uint32 = 1 << 30 // program: in a Request, a datagram; in a Response, idempotent
	FlagMDM uint32 = 1 << 29 // kernel: MsgDelivery is in use
	FlagSDA uint32 = 1 << 28 // kernel: a segment goes with the message
	FlagRES uint32 = 1 << 27 // reserved, 0
	FlagCRE uint32 = 1 << 26 // program: the first 8 octets of user data are a co-resident entity
	FlagMRD uint32 = 1 << 25 // program: several Responses are wanted
	FlagPIC uint32 = 1 << 24 // Op: a public interface code

	flagsMask = 0xFF000000
	codeMask  = 0x00FFFFFF
)

// Op is what a Request asks for: 24 bits, a public interface number in the high
// 16 and a procedure in the low 8 (RFC 1045 appendix III). The interfaces of V
// are listed in docs/wire/message.md.
type Op uint32

// The public interfaces: the high 16 bits of an Op.
const (
	InterfaceVMTP    = 0x0001 // VMTP management (RFC 1045 appendix III)
	InterfaceProcess = 0x0101 // the process kernel server
	InterfaceNaming  = 0x0102 // names (docs/wire/naming.md)
	InterfaceUIO     = 0x0103 // instances (docs/wire/uio.md)
	InterfaceProgram = 0x0104 // programs and team servers (docs/wire/program.md)
	InterfaceExec    = 0x0105 // executives
	InterfaceSegment = 0x0106 // MoveTo and MoveFrom between kernels (docs/wire/segment.md)
)

// MakeOp joins a public interface number and a procedure.
func MakeOp(iface uint16, procedure uint8) Op { return Op(iface)<<8 | Op(procedure) }

// Interface returns the public interface number of o.
func (o Op) Interface() uint16 { return uint16(o >> 8) }

func (m *Message) word() uint32        { return binary.BigEndian.Uint32(m[0:]) }
func (m *Message) setWord(w uint32)    { binary.BigEndian.PutUint32(m[0:], w) }
func (m *Message) low(v uint32) uint32 { return m.word()&flagsMask | v&codeMask }

// Reset clears m.
func (m *Message) Reset() { *m = Message{} }

// Op returns what a Request asks for.
func (m *Message) Op() Op { return Op(m.word() & codeMask) }

// SetOp makes m a Request for o, marked as a public interface code; the other
// flags stay.
func (m *Message) SetOp(o Op) { m.setWord(m.low(uint32(o)) | FlagPIC) }

// Code returns the answer in a Response.
func (m *Message) Code() Code { return Code(m.word() & codeMask) }

// SetCode makes m a Response with the answer c and no other flags than
// FlagDGM, if it is set.
func (m *Message) SetCode(c Code) { m.setWord(m.word()&FlagDGM | uint32(c)&codeMask) }

// Has tells whether all the given flags are set.
func (m *Message) Has(flags uint32) bool { return m.word()&flags == flags }

// Set sets the given flags.
func (m *Message) Set(flags uint32) { m.setWord(m.word() | flags&flagsMask) }

// Clear clears the given flags.
func (m *Message) Clear(flags uint32) { m.setWord(m.word() &^ (flags & flagsMask)) }

// SegmentSize returns how many octets of segment belong to m: of a Request,
// what the receiver may read (of which at most MaxAppended came with it); of a
// Response, what was written at the start of the sender's memory. 0 without
// FlagSDA.
func (m *Message) SegmentSize() int {
	if !m.Has(FlagSDA) {
		return 0
	}
	return int(m.Uint32(28))
}

// SetSegmentSize is for kernels: it sets the size and FlagSDA, or clears both
// for 0.
func (m *Message) SetSegmentSize(n int) {
	m.Clear(FlagSDA)
	if n > 0 {
		m.Set(FlagSDA)
	}
	m.PutUint32(28, uint32(n))
}

// Capacity returns how many octets of the sender's memory the receiver of a
// Request may write, by Reply or MoveTo.
func (m *Message) Capacity() int {
	if m.Has(FlagMDM) {
		return 0
	}
	return int(m.Uint32(24))
}

// SetCapacity is for kernels: it sets what Capacity returns and clears FlagMDM.
func (m *Message) SetCapacity(n int) {
	m.Clear(FlagMDM)
	m.PutUint32(24, uint32(n))
}

// User returns the 20 octets of user data, in place.
func (m *Message) User() []byte { return m[UserOffset : UserOffset+UserSize] }

// Uint16, Uint32 and Uint64 read, PutUint16, PutUint32 and PutUint64 write the
// number at octet i of the message; user data is octets 4 to 23.

func (m *Message) Uint16(i int) uint16       { return binary.BigEndian.Uint16(m[i:]) }
func (m *Message) Uint32(i int) uint32       { return binary.BigEndian.Uint32(m[i:]) }
func (m *Message) Uint64(i int) uint64       { return binary.BigEndian.Uint64(m[i:]) }
func (m *Message) PutUint16(i int, v uint16) { binary.BigEndian.PutUint16(m[i:], v) }
func (m *Message) PutUint32(i int, v uint32) { binary.BigEndian.PutUint32(m[i:], v) }
func (m *Message) PutUint64(i int, v uint64) { binary.BigEndian.PutUint64(m[i:], v) }

// PID reads the process identifier at octet i.
func (m *Message) PID(i int) PID { return PID(m.Uint64(i)) }

// PutPID writes the process identifier at octet i.
func (m *Message) PutPID(i int, p PID) { m.PutUint64(i, uint64(p)) }

// String prints the eight words of m in hex.
func (m *Message) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x-%x-%x-%x",
		m[0:4], m[4:8], m[8:12], m[12:16], m[16:20], m[20:24], m[24:28], m[28:32])
}
