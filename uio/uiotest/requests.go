package uiotest

import (
	"fmt"
	"math"
	"testing"

	"vsys/ipc"
	"vsys/uio"
)

func testBadInstance(t *testing.T, s *suite) {
	f := s.anything(t)
	for op := uio.OpQueryInstance; op <= uio.OpWriteDescriptor; op++ {
		for _, id := range []uint32{0, f.ID().ID + 1, f.ID().ID ^ 0x80000000, math.MaxUint32} {
			code := s.call(t, f, op, ipc.Segment{}, func(m *ipc.Message) { m.PutUint32(4, id) })
			want(t, fmt.Sprintf("operation %#x on instance %d, which is none", uint32(op), id), code.Err(), ipc.InvalidInstance)
		}
	}
}

func testSizes(t *testing.T, s *suite) {
	f := s.anything(t)
	bs := uint64(f.BlockSize())
	for _, test := range []struct {
		what          string
		block         uint64
		count, offset uint32
		room          int
		code          ipc.Code
	}{
		{"past the end", 1 << 30, 1, 0, 1, ipc.EndOfFile},
		{"at the last position", (1<<63 - 1) / bs, 0, 0, 1, ipc.EndOfFile},
		{"at block 2^63 / block size", 1 << 63 / bs, 1, 0, 1, ipc.BadBlockNo},
		{"at block 2^64-1", math.MaxUint64, 1, 0, 1, ipc.BadBlockNo},
		{"over 2^63", (1<<63 - 1) / bs, ipc.MaxAppended, uint32((1<<63 - 1) % bs), ipc.MaxAppended, ipc.BadBlockNo},
		{"of 16,385 octets", 0, ipc.MaxAppended + 1, 0, ipc.MaxAppended + 1, ipc.BadByteCount},
		{"of 2^32-1 octets", 0, math.MaxUint32, 0, ipc.MaxAppended, ipc.BadByteCount},
		{"of more than there is room for", 0, 2, 0, 1, ipc.BadByteCount},
		{"of something for no room", 0, 1, 0, 0, ipc.BadByteCount},
		{"with an offset beyond the block", 0, 1, uint32(bs), 1, ipc.BadArgs},
		{"with an offset of 2^32-1", 0, 1, math.MaxUint32, 1, ipc.BadArgs},
	} {
		code := s.call(t, f, uio.OpReadInstance, ipc.Segment{Write: make([]byte, test.room)}, func(m *ipc.Message) {
			m.PutUint64(8, test.block)
			m.PutUint32(16, test.count)
			m.PutUint32(20, test.offset)
		})
		if test.count == 0 && code == ipc.OK {
			continue // reading nothing may go well anywhere
		}
		want(t, "read "+test.what, code.Err(), test.code)
	}
	if !s.Writeable {
		return
	}
	w := s.open(t, "sizes", uio.Write|uio.Create)
	bs = uint64(w.BlockSize())
	for _, test := range []struct {
		what  string
		block uint64
		count uint32
		data  int
		code  ipc.Code
	}{
		{"at block 2^63 / block size", 1 << 63 / bs, 1, 1, ipc.BadBlockNo},
		{"at block 2^64-1", math.MaxUint64, 1, 1, ipc.BadBlockNo},
		{"of more than is there", 0, 2, 1, ipc.BadByteCount},
		{"of less than is there", 0, 1, 2, ipc.BadByteCount},
		{"of 16,385 octets", 0, ipc.MaxAppended + 1, ipc.MaxAppended + 1, ipc.BadByteCount},
	} {
		code := s.call(t, w, uio.OpWriteInstance, ipc.Segment{Read: make([]byte, test.data)}, func(m *ipc.Message) {
			m.PutUint64(8, test.block)
			m.PutUint32(16, test.count)
		})
		want(t, "write "+test.what, code.Err(), test.code)
	}
	code := s.call(t, w, uio.OpReadInstance, ipc.Segment{Write: make([]byte, 1)}, func(m *ipc.Message) { m.PutUint32(16, 1) })
	want(t, "read what is open to be written", code.Err(), ipc.NotReadable)
	code = s.call(t, w, uio.OpSetInstanceSize, ipc.Segment{}, func(m *ipc.Message) { m.PutUint64(8, 1<<63) })
	want(t, "set the size to 2^63", code.Err(), ipc.BadArgs)
}
