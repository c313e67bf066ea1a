package naming

import (
	"encoding/binary"
	"strings"

	"vsys/ipc"
)

// Request is a CSname request as a server sees it: checked, with the name taken
// out of the segment.
//
//	offset  size  user data of the message
//	 4      4     context id
//	 8      2     name index: the first octet not yet interpreted
//	10      2     name length
//	12      12    for the operation
//
// The segment holds the name and then what else the operation needs. A Request
// is for one goroutine.
type Request struct {
	Op      ipc.Op
	Client  ipc.PID // who asks; 0 where the transaction is not known
	Context uint32  // id of the context that Name[Index:] is relative to
	Name    string  // all of it, with the part already interpreted
	Index   int     // the first octet of Name not yet interpreted
	// Args are octets 12 to 23 of the message, for the operation.
	Args [ArgsSize]byte
	// Data is what follows the name, or both names, in the segment, as far as it
	// came with the request. It is the receiver's buffer.
	Data []byte
	// Second is the other name of OpRename and OpLink, else nil.
	Second *Request
}

// ParseRequest checks and takes apart a CSname request of which segment is what
// came with it. On failure the Index of the result says where.
//
// Codes: IllegalName (a NUL, "..", more than MaxName octets), BadArgs (the
// index is beyond the length or the length beyond the segment).
func ParseRequest(m *ipc.Message, segment []byte) (*Request, error) {
	r := &Request{Op: m.Op(), Context: m.Uint32(atContext)}
	copy(r.Args[:], m[atArgs:])
	rest, err := r.take(segment, int(m.Uint16(atIndex)), int(m.Uint16(atLength)))
	if err != nil {
		return r, err
	}
	r.Data = rest
	if r.Op == OpRename || r.Op == OpLink {
		r.Second = &Request{Op: r.Op, Context: m.Uint32(atArgs)}
		r.Data, err = r.Second.take(rest, int(m.Uint16(atArgs+4)), int(m.Uint16(atArgs+6)))
	}
	return r, err
}

// take reads a name of the given length from the front of segment and returns
// what follows it.
func (r *Request) take(segment []byte, index, length int) ([]byte, error) {
	if length > MaxName {
		return nil, ipc.IllegalName
	}
	if length > len(segment) || index > length {
		return nil, ipc.BadArgs
	}
	r.Name, r.Index = string(segment[:length]), index
	if i := strings.IndexByte(r.Name, 0); i >= 0 {
		r.Index = max(i, index)
		return nil, ipc.IllegalName
	}
	if i := dotDot(r.Name, index); i >= 0 {
		r.Index = i
		return nil, ipc.IllegalName
	}
	return segment[length:], nil
}

// dotDot returns where name has a ".." component at or after index, or -1.
func dotDot(name string, index int) int {
	for i := index; i < len(name); i++ {
		end := i + strings.IndexByte(name[i:], '/')
		if end < i {
			end = len(name)
		}
		if name[i:end] == ".." {
			return i
		}
		i = end
	}
	return -1
}

// Peek returns the next component without interpreting it, "" at the end of the
// name. It moves Index over slashes and "." components before it.
func (r *Request) Peek() string {
	for r.Index < len(r.Name) {
		if r.Name[r.Index] == '/' {
			r.Index++
			continue
		}
		c, _, _ := strings.Cut(r.Name[r.Index:], "/")
		if c != "." {
			return c
		}
		r.Index++
	}
	return ""
}

// Advance says that the component that Peek returns is interpreted.
func (r *Request) Advance() { r.Index += len(r.Peek()) }

// Rest returns what is not yet interpreted, without "" and "." components, as
// "a/b", or "." for the context itself: a path that [io/fs.ValidPath] accepts
// if it is UTF-8.
func (r *Request) Rest() string {
	s := *r
	var parts []string
	for c := s.Peek(); c != ""; c = s.Peek() {
		parts = append(parts, c)
		s.Advance()
	}
	if parts == nil {
		return "."
	}
	return strings.Join(parts, "/")
}

// PutRequest makes m the CSname request op for the name that has length octets,
// of which index are interpreted, in the context.
func PutRequest(m *ipc.Message, op ipc.Op, context uint32, index, length int) {
	m.SetOp(op)
	m.PutUint32(atContext, context)
	m.PutUint16(atIndex, uint16(index))
	m.PutUint16(atLength, uint16(length))
}

// PutFailure makes m the reply to r that says c, and where in the name the
// interpretation stopped.
func (r *Request) PutFailure(m *ipc.Message, c ipc.Code) {
	m.Reset()
	m.SetCode(c)
	m.PutUint32(atContext, r.Context)
	m.PutUint16(atIndex, uint16(r.Index))
}

// Arg32 returns the number at octet i of Args.
func (r *Request) Arg32(i int) uint32 { return binary.BigEndian.Uint32(r.Args[i:]) }

// Arg16 returns the number at octet i of Args.
func (r *Request) Arg16(i int) uint16 { return binary.BigEndian.Uint16(r.Args[i:]) }

// ArgPID returns the process identifier at octet i of Args.
func (r *Request) ArgPID(i int) ipc.PID { return ipc.PID(binary.BigEndian.Uint64(r.Args[i:])) }
