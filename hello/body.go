package hello

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"vsys/ipc"
)

// The wire format, docs/wire/hello.md.
const (
	// Version is that of the format that this package writes.
	Version = 1
	// MaxBody is the most octets in a packet: the 1,280 that every IPv6 path
	// carries, without the headers of IPv6 and UDP (48), the frame (32), the
	// rest of the group seal's nonce (16) and the sequence number (8).
	MaxBody = 1280 - 48 - 32 - 16 - 8
	// AskSize is the octets of a packet that may go to a stranger: as many as
	// the first message of a handshake, which is the answer, so that nobody can
	// be made to send more than was sent to him.
	AskSize = 600

	headSize    = 36
	fieldHead   = 3                  // type and length
	addressSize = fieldHead + 16 + 2 // a field with an address, at most
)

// Kind says what a packet is.
type Kind uint8

const (
	Beat     Kind = 1 + iota // the head only: the host is alive
	Full                     // a hello: the head and all fields
	Goodbye                  // the head only: the host leaves
	lastKind = Goodbye
)

// String returns "beat", "hello" or "goodbye".
func (k Kind) String() string {
	switch k {
	case Beat:
		return "beat"
	case Full:
		return "hello"
	case Goodbye:
		return "goodbye"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Flags ask the receiver for something.
type Flags uint8

const (
	// Ask asks for a hello, with the addresses of other hosts.
	Ask Flags = 1 << iota
	// Probe asks for a beat.
	Probe
	// Multicast says that the packet went to all at once.
	Multicast

	knownFlags = Ask | Probe | Multicast
)

// the fields that may follow the head
const (
	fieldEnd         = 0 // what follows is padding
	fieldName        = 1
	fieldKernel      = 2
	fieldVersion     = 3
	fieldProcessor   = 4
	fieldProcessors  = 5
	fieldMemoryTotal = 6
	fieldPrefix      = 7
	fieldNeighbour   = 8
	fieldAddress     = 9
)

// Body is one packet of the protocol, decoded. Of a beat or a goodbye, Host has
// only Number, Epoch, Load and MemoryFree, and Neighbours is nil.
type Body struct {
	Kind       Kind
	Flags      Flags
	Revision   uint32        // of what the hello of this boot says; counts up
	Interval   time.Duration // between packets of this sender that come as this one did; whole milliseconds
	Host       Host
	Neighbours []netip.AddrPort // where other hosts are
}

// ErrBody is wrapped by all errors of Decode.
var ErrBody = errors.New("not a hello")

// Append appends the packet to b:
//
//	 0  version, 1  oldest version that can read it, 2  kind, 3  flags,
//	 4  host number (2), 6  zero (2), 8  epoch (8), 16  revision (4),
//	20  interval, ms (4), 24  load (4), 28  memory free (8), 36  fields
func (p *Body) Append(b []byte) []byte {
	h := &p.Host
	b = append(b, Version, 1, byte(p.Kind), byte(p.Flags))
	b = binary.BigEndian.AppendUint16(b, h.Number)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint64(b, h.Epoch)
	b = binary.BigEndian.AppendUint32(b, p.Revision)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Interval/time.Millisecond))
	b = binary.BigEndian.AppendUint32(b, h.Load)
	b = binary.BigEndian.AppendUint64(b, h.MemoryFree)
	if p.Kind != Full {
		return b
	}
	b = appendField(b, fieldName, []byte(h.Name))
	b = appendField(b, fieldKernel, binary.BigEndian.AppendUint64(nil, uint64(h.Kernel)))
	b = appendField(b, fieldVersion, []byte(h.Version))
	b = appendField(b, fieldProcessor, []byte(h.Processor))
	b = appendField(b, fieldProcessors, binary.BigEndian.AppendUint16(nil, uint16(h.Processors)))
	b = appendField(b, fieldMemoryTotal, binary.BigEndian.AppendUint64(nil, h.MemoryTotal))
	for _, x := range h.Prefixes {
		v := binary.BigEndian.AppendUint64(nil, uint64(x.Server))
		v = binary.BigEndian.AppendUint32(v, x.Context)
		b = appendField(b, fieldPrefix, append(v, x.Name...))
	}
	for _, a := range h.Addresses {
		b = appendAddress(b, fieldAddress, a)
	}
	for _, a := range p.Neighbours {
		b = appendAddress(b, fieldNeighbour, a)
	}
	return b
}

// appendAddress appends a field: 4 or 16 octets, then the port (2).
func appendAddress(b []byte, typ byte, a netip.AddrPort) []byte {
	return appendField(b, typ, binary.BigEndian.AppendUint16(a.Addr().Unmap().AsSlice(), a.Port()))
}

// pad fills b, one packet, with zeros up to size. They end the fields of a
// hello, and of a beat nothing after the head is read.
func pad(b []byte, size int) []byte {
	return append(b, make([]byte, max(0, size-len(b)))...)
}

// ByMulticast tells whether body, a whole packet, says that it went to all at
// once. It may be asked of any octets.
func ByMulticast(body []byte) bool {
	return len(body) >= headSize && Flags(body[3])&Multicast != 0
}

// appendField appends a type octet, two octets of length and the value.
func appendField(b []byte, typ byte, v []byte) []byte {
	b = append(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

// Decode reads a packet. Fields of types that it does not know, and octets
// after the head of a beat or a goodbye, are for later versions and skipped.
// The result shares no memory with b. Every error wraps ErrBody.
func Decode(b []byte) (*Body, error) {
	if len(b) < headSize || len(b) > MaxBody {
		return nil, fmt.Errorf("%w: %d octets", ErrBody, len(b))
	}
	if b[0] == 0 || b[1] > Version {
		return nil, fmt.Errorf("%w: version %d, to be read from version %d on", ErrBody, b[0], b[1])
	}
	p := &Body{
		Kind: Kind(b[2]), Flags: Flags(b[3]) & knownFlags,
		Revision: binary.BigEndian.Uint32(b[16:]),
		Interval: time.Duration(binary.BigEndian.Uint32(b[20:])) * time.Millisecond,
		Host: Host{
			Number: binary.BigEndian.Uint16(b[4:]), Epoch: binary.BigEndian.Uint64(b[8:]),
			Load: binary.BigEndian.Uint32(b[24:]), MemoryFree: binary.BigEndian.Uint64(b[28:]),
		},
	}
	switch {
	case p.Kind < Beat || p.Kind > lastKind:
		return nil, fmt.Errorf("%w: %v", ErrBody, p.Kind)
	case !ValidNumber(p.Host.Number):
		return nil, fmt.Errorf("%w: host number %#x", ErrBody, p.Host.Number)
	case p.Kind != Full:
		return p, nil
	}
	if err := p.decodeFields(b[headSize:]); err != nil {
		return nil, err
	}
	return p, nil
}

// decodeFields reads what follows the head of a hello.
func (p *Body) decodeFields(b []byte) error {
	for len(b) > 0 && b[0] != fieldEnd {
		if len(b) < fieldHead {
			return fmt.Errorf("%w: %d octets after the last field", ErrBody, len(b))
		}
		typ, n := b[0], int(binary.BigEndian.Uint16(b[1:]))
		if b = b[fieldHead:]; n > len(b) {
			return fmt.Errorf("%w: field %d of %d octets, %d are there", ErrBody, typ, n, len(b))
		}
		if !p.setField(typ, b[:n]) {
			return fmt.Errorf("%w: field %d is %q", ErrBody, typ, b[:n])
		}
		b = b[n:]
	}
	if p.Host.Name == "" || p.Host.Kernel.Host() != p.Host.Number || p.Host.Kernel.IsGroup() {
		return fmt.Errorf("%w: host %q, kernel server %v", ErrBody, p.Host.Name, p.Host.Kernel)
	}
	return nil
}

// setField stores one field; it returns false where the value can't be.
func (p *Body) setField(typ byte, v []byte) bool {
	h := &p.Host
	switch typ {
	case fieldName:
		h.Name = string(v)
		return ValidName(h.Name)
	case fieldKernel:
		n, ok := number(v, 8)
		h.Kernel = ipc.PID(n)
		return ok
	case fieldVersion:
		h.Version = string(v)
		return len(v) <= maxText
	case fieldProcessor:
		h.Processor = string(v)
		return len(v) <= maxText
	case fieldProcessors:
		n, ok := number(v, 2)
		h.Processors = int(n)
		return ok
	case fieldMemoryTotal:
		n, ok := number(v, 8)
		h.MemoryTotal = n
		return ok
	case fieldPrefix:
		return p.addPrefix(v)
	case fieldNeighbour:
		return addAddress(&p.Neighbours, v)
	case fieldAddress:
		return len(h.Addresses) == maxAddresses || addAddress(&h.Addresses, v)
	}
	return true
}

// number reads a field of exactly n octets.
func number(v []byte, n int) (x uint64, ok bool) {
	for _, c := range v {
		x = x<<8 | uint64(c)
	}
	return x, len(v) == n
}

// addPrefix reads a prefix: server (8), context (4), name. It refuses one whose
// server is on another host.
func (p *Body) addPrefix(v []byte) bool {
	if len(v) < 12 {
		return false
	}
	x := Prefix{
		Server: ipc.PID(binary.BigEndian.Uint64(v)), Context: binary.BigEndian.Uint32(v[8:]),
		Name: string(v[12:]),
	}
	p.Host.Prefixes = append(p.Host.Prefixes, x)
	return ValidPrefix(x.Name) && x.Server.Host() == p.Host.Number && !x.Server.IsGroup()
}

// addAddress reads an address, 4 or 16 octets and the port (2), into all.
func addAddress(all *[]netip.AddrPort, v []byte) bool {
	if len(v) < 2 {
		return false
	}
	ip, ok := netip.AddrFromSlice(v[:len(v)-2])
	port := binary.BigEndian.Uint16(v[len(v)-2:])
	*all = append(*all, netip.AddrPortFrom(ip.Unmap(), port))
	return ok && port != 0
}
