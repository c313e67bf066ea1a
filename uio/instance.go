package uio

import (
	"fmt"
	"strconv"
	"strings"

	"vsys/ipc"
)

// InstanceID names an instance. It may be passed on; its String can go through
// an argument or the environment.
type InstanceID struct {
	Server ipc.PID
	ID     uint32
}

// String prints the server and the number: 0x00050029-0007000c/7.
func (i InstanceID) String() string { return fmt.Sprintf("%v/%d", i.Server, i.ID) }

// ParseInstanceID reads what String prints.
func ParseInstanceID(s string) (InstanceID, error) {
	server, id, _ := strings.Cut(s, "/")
	pid, err := ipc.ParsePID(server)
	if err != nil {
		return InstanceID{}, fmt.Errorf("instance %q: %w", s, err)
	}
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return InstanceID{}, fmt.Errorf("instance %q: %w", s, err)
	}
	return InstanceID{pid, uint32(n)}, nil
}

// Info is what a server says of an instance when it opens it, and when asked.
type Info struct {
	Attributes Attributes
	BlockSize  uint32 // octets, 1 to 2^31; in a server 0 means DefaultBlockSize
	Size       uint64 // octets now; 0 for a stream
	Next       uint64 // of a stream, the block to read next; the skeleton sets it
}

// put writes i to the reply m of OpCreateInstance and OpQueryInstance.
//
//	offset  size
//	 4      4     instance
//	 8      4     attributes
//	12      4     block size
//	16      8     size in octets; of a stream, the block to read next
func (i Info) put(m *ipc.Message, id uint32) {
	m.PutUint32(4, id)
	m.PutUint32(8, uint32(i.Attributes))
	m.PutUint32(12, i.BlockSize)
	if i.Attributes.Has(Stream) {
		m.PutUint64(16, i.Next)
	} else {
		m.PutUint64(16, i.Size)
	}
}

// readInfo reads what put writes. BadArgs: a server may not say that.
func readInfo(m *ipc.Message) (id uint32, i Info, err error) {
	i = Info{Attributes: Attributes(m.Uint32(8)), BlockSize: m.Uint32(12)}
	if i.Attributes.Has(Stream) {
		i.Next = m.Uint64(16)
	} else {
		i.Size = m.Uint64(16)
	}
	if i.BlockSize == 0 || i.BlockSize > 1<<31 || i.Size >= 1<<63 {
		return 0, Info{}, ipc.BadArgs
	}
	return m.Uint32(4), i, nil
}

// transfer is the request of OpReadInstance and OpWriteInstance.
//
//	offset  size
//	 4      4     instance
//	 8      8     block
//	16      4     count, octets
//	20      4     offset in the block, octets
type transfer struct {
	id     uint32
	block  uint64
	count  uint32
	offset uint32
}

func (x transfer) put(m *ipc.Message, op ipc.Op) {
	m.SetOp(op)
	m.PutUint32(4, x.id)
	m.PutUint64(8, x.block)
	m.PutUint32(16, x.count)
	m.PutUint32(20, x.offset)
}

func readTransfer(m *ipc.Message) transfer {
	return transfer{m.Uint32(4), m.Uint64(8), m.Uint32(16), m.Uint32(20)}
}

// position returns where x begins in an object with that block size, in octets.
// BadBlockNo: it begins or ends at 2^63 or beyond; BadArgs: the offset is not in
// the block; BadByteCount: it is more than a transfer carries.
func (x transfer) position(blockSize uint32) (int64, error) {
	switch {
	case x.count > ipc.MaxAppended:
		return 0, ipc.BadByteCount
	case x.offset >= blockSize:
		return 0, ipc.BadArgs
	case x.block >= (1<<63)/uint64(blockSize):
		return 0, ipc.BadBlockNo
	}
	pos := x.block*uint64(blockSize) + uint64(x.offset)
	if pos+uint64(x.count) >= 1<<63 {
		return 0, ipc.BadBlockNo
	}
	return int64(pos), nil
}
