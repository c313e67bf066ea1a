package uio

import (
	"errors"
	"math"
	"testing"

	"vsys/ipc"
)

func TestModeCheck(t *testing.T) {
	for _, m := range []Mode{
		Read, Write, Read | Write, Write | Create, Read | Create, Write | Create | Truncate, Write | Append,
		Write | Create | Exclusive, Directory, Read | Directory, Read | NoFollow, Execute, Directory | NoFollow,
	} {
		if err := m.Check(); err != nil {
			t.Errorf("mode %#x: %v", uint16(m), err)
		}
	}
	for _, m := range []Mode{
		0, Create, NoFollow, Read | Truncate, Read | Append, Read | Exclusive, Directory | Write,
		Directory | Create, Directory | Execute, Read | 1<<9, 1 << 15, math.MaxUint16,
	} {
		if err := m.Check(); !errors.Is(err, ipc.InvalidMode) {
			t.Errorf("mode %#x: %v, want %v", uint16(m), err, ipc.InvalidMode)
		}
	}
}

func TestAttributesString(t *testing.T) {
	if got := (Readable | Stream | DirectoryFile).String(); got != "readable stream directory" {
		t.Errorf("attributes print as %q", got)
	}
}

func TestInstanceID(t *testing.T) {
	id := InstanceID{Server: ipc.MakePID(ipc.MakeLogicalHost(7, 12), 5, 41), ID: math.MaxUint32}
	if s := id.String(); s != "0x00050029-0007000c/4294967295" {
		t.Errorf("prints as %s", s)
	}
	if got, err := ParseInstanceID(id.String()); got != id || err != nil {
		t.Errorf("reads as %v, %v", got, err)
	}
	for _, s := range []string{"", "/", "0x00050029-0007000c", "0x00050029-0007000c/", "0x00050029-0007000c/-1",
		"0x00050029-0007000c/4294967296", "beta.1:2/3"} {
		if got, err := ParseInstanceID(s); err == nil {
			t.Errorf("%q reads as %v", s, got)
		}
	}
}

func TestInfoLayout(t *testing.T) {
	var m ipc.Message
	Info{Attributes: Readable | Storage, BlockSize: 512, Size: 0x0102030405060708, Next: 9}.put(&m, 7)
	const want = "\x00\x00\x00\x07\x00\x00\x00\x81\x00\x00\x02\x00\x01\x02\x03\x04\x05\x06\x07\x08"
	if got := string(m.User()); got != want {
		t.Errorf("user data %q, want %q", got, want)
	}
	stream := Info{Attributes: Stream, BlockSize: 1, Next: 9}
	stream.put(&m, 7)
	if id, got, err := readInfo(&m); id != 7 || got != stream || err != nil {
		t.Errorf("read %d, %+v, %v", id, got, err)
	}
	for what, bad := range map[string]Info{
		"no block size": {}, "a block size over 2^31": {BlockSize: 1<<31 + 1}, "a size of 2^63": {BlockSize: 1, Size: 1 << 63},
	} {
		bad.put(&m, 7)
		if _, got, err := readInfo(&m); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
}

func TestTransferLayout(t *testing.T) {
	x := transfer{id: 1, block: 0x0203040506070809, count: 10, offset: 11}
	var m ipc.Message
	x.put(&m, OpReadInstance)
	const want = "\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00\x00\x00\x0a\x00\x00\x00\x0b"
	if got := string(m.User()); got != want || m.Op() != OpReadInstance {
		t.Errorf("user data %q, want %q", got, want)
	}
	if got := readTransfer(&m); got != x {
		t.Errorf("read %+v, want %+v", got, x)
	}
}

func TestTransferPosition(t *testing.T) {
	for _, test := range []struct {
		x    transfer
		bs   uint32
		pos  int64
		code ipc.Code
	}{
		{transfer{block: 3, offset: 5, count: 1}, 512, 1541, ipc.OK},
		{transfer{block: 1<<63 - 2, count: 1}, 1, 1<<63 - 2, ipc.OK},
		{transfer{block: 1<<63 - 2, count: 2}, 1, 0, ipc.BadBlockNo},
		{transfer{block: 1 << 54}, 512, 0, ipc.BadBlockNo},
		{transfer{block: 1<<54 - 1, offset: 511}, 512, 1<<63 - 1, ipc.OK},
		{transfer{block: math.MaxUint64}, math.MaxUint32, 0, ipc.BadBlockNo},
		{transfer{count: ipc.MaxAppended}, 512, 0, ipc.OK},
		{transfer{count: ipc.MaxAppended + 1}, 512, 0, ipc.BadByteCount},
		{transfer{offset: 512}, 512, 0, ipc.BadArgs},
	} {
		pos, err := test.x.position(test.bs)
		if pos != test.pos || ipc.CodeOf(err) != test.code {
			t.Errorf("%+v in blocks of %d: %d, %v; want %d, %v", test.x, test.bs, pos, err, test.pos, test.code)
		}
	}
}

// FuzzTransfer checks that no request yields a position that overflows, and
// nothing a server says an Info that does.
func FuzzTransfer(f *testing.F) {
	f.Add(make([]byte, 32), uint32(512))
	f.Fuzz(func(t *testing.T, message []byte, blockSize uint32) {
		var m ipc.Message
		copy(m[:], message)
		if blockSize > 0 {
			x := readTransfer(&m)
			pos, err := x.position(blockSize)
			if err == nil && (pos < 0 || pos+int64(x.count) < pos || uint64(pos)/uint64(blockSize) != x.block) {
				t.Fatalf("%+v in blocks of %d is at %d", x, blockSize, pos)
			}
		}
		if _, i, err := readInfo(&m); err == nil && (i.BlockSize == 0 || int64(i.Size) < 0) {
			t.Fatalf("%+v", i)
		}
	})
}

func FuzzParseInstanceID(f *testing.F) {
	f.Add("0x00050029-0007000c/7")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseInstanceID(s)
		if err != nil {
			return
		}
		if again, err := ParseInstanceID(id.String()); again != id || err != nil {
			t.Fatalf("%q is %v, and that %v, %v", s, id, again, err)
		}
	})
}
