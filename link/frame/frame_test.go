package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"vsys/ipc"
)

// golden returns the octets of a hex dump with spaces.
func golden(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The byte tables of docs/wire/frame.md.
func TestGolden(t *testing.T) {
	const zero = "00000000 00000000 00000000 00000000"
	from := netip.MustParseAddrPort("192.0.2.7:8145")
	from6 := netip.MustParseAddrPort("[2001:db8::7]:258")
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"null", AppendNullTag(append(Header{Type: Null, Slot: 0x0102}.Append(nil), 0xAA, 0xBB)),
			"41 10 0102 00000000 0000000000000000  aabb " + zero},
		{"sealed header", Header{Type: Sealed, Flags: 5, Slot: 7, Key: 0x01020304, Counter: 0x1122334455667788}.Append(nil),
			"42 15 0007 01020304 1122334455667788"},
		{"hello header", Header{Type: Hello}.Append(nil),
			"43 10 0000 00000000 0000000000000000"},
		{"wrapped", AppendWrapped(nil, 3, from, []byte{0xAA, 0xBB}),
			"44 10 0003 00000000 0000000000000000  00000000 00000000 0000ffff c0000207 1fd1 " +
				"41 10 0003 00000000 0000000000000000  aabb " + zero},
		{"wrapped IPv6", AppendWrapped(nil, 3, from6, []byte{0}),
			"44 10 0003 00000000 0000000000000000  20010db8 00000000 00000000 00000007 0102 " +
				"41 10 0003 00000000 0000000000000000  00 " + zero},
	}
	for _, test := range tests {
		if want := golden(t, test.want); !bytes.Equal(test.got, want) {
			t.Errorf("%s:\n got % x\nwant % x", test.name, test.got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	null := AppendNullTag(append(Header{Type: Null, Slot: 9}.Append(nil), "packet"...))
	change := func(at int, to byte) []byte {
		b := bytes.Clone(null)
		b[at] = to
		return b
	}
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"whole", null, nil},
		{"flags are ignored", change(1, 0x1F), nil},
		{"nothing", nil, ErrNotFrame},
		{"bare packet", change(0, 0x01), ErrNotFrame},
		{"bare packet of a little-endian client", change(0, 0x21), ErrNotFrame},
		{"both top bits", change(0, 0xC1), ErrNotFrame},
		{"cut", null[:Overhead-1], ErrShort},
		{"version 0", change(1, 0x00), ErrVersion},
		{"version 2", change(1, 0x20), ErrVersion},
		{"reserved bit", change(0, 0x51), ErrType},
		{"type 0", change(0, 0x40), ErrType},
		{"bell", change(0, 0x45), ErrType},
		{"type 15", change(0, 0x4F), ErrType},
		{"key", change(7, 1), ErrNull},
		{"counter", change(15, 1), ErrNull},
		{"tag's first octet", change(len(null)-16, 1), ErrNull},
		{"tag's last octet", change(len(null)-1, 1), ErrNull},
		{"a hello's tag is its own", append(change(0, 0x43)[:len(null)-1], 1), nil},
	}
	for _, test := range tests {
		h, body, err := Decode(test.b)
		if err != test.want {
			t.Errorf("%s: error %v, want %v", test.name, err, test.want)
			continue
		}
		if err != nil {
			if ipc.CodeOf(err) != ipc.VMTPError {
				t.Errorf("%s: code %v", test.name, ipc.CodeOf(err))
			}
			continue
		}
		if string(body) != "packet" || h.Slot != 9 {
			t.Errorf("%s: slot %d, body %q", test.name, h.Slot, body)
		}
	}
}

// No entity that may be a client begins like a frame; every frame does.
func TestClientsAreNoFrames(t *testing.T) {
	for _, kind := range []ipc.PID{0, ipc.TypeLEE, ipc.TypeRES, ipc.TypeRAE, ipc.TypeRAE | ipc.TypeLEE} {
		id := kind | ipc.MakePID(ipc.MakeLogicalHost(0x4041, 7), ipc.MaxIncarnation, 5)
		if b := []byte{byte(id >> 56)}; IsFrame(b) {
			t.Errorf("client %v looks like a frame", id)
		}
	}
	for typ := Null; typ <= Bell; typ++ {
		b := Header{Type: typ}.Append(nil)
		if !IsFrame(b) || TypeOf(b) != typ {
			t.Errorf("%v does not look like a frame of that type", typ)
		}
	}
	if IsFrame(nil) {
		t.Error("nothing looks like a frame")
	}
}

func TestWrapped(t *testing.T) {
	for _, s := range []string{"192.0.2.7:8145", "[2001:db8::7]:1", "127.0.0.1:65535"} {
		from := netip.MustParseAddrPort(s)
		inner := AppendNullTag(append(Header{Type: Null, Slot: 4}.Append(nil), "packet"...))
		b := AppendNullTag(AppendWrapped(nil, 4, from, []byte("packet")))
		if len(b) != len(inner)+WrapOverhead {
			t.Errorf("%v: %d octets added, want %d", from, len(b)-len(inner), WrapOverhead)
		}
		h, body, err := Decode(b)
		if err != nil || h.Type != Wrapped || h.Slot != 4 {
			t.Fatalf("%v: Decode = %+v, %v", from, h, err)
		}
		got, datagram, err := DecodeWrapped(body)
		if err != nil || got != from || !bytes.Equal(datagram, inner) {
			t.Errorf("%v: DecodeWrapped = %v, % x, %v", from, got, datagram, err)
		}
	}
}

func TestWrappedErrors(t *testing.T) {
	address := append(make([]byte, 10), 0xFF, 0xFF, 192, 0, 2, 7, 0x1F, 0xD1)
	tests := []struct {
		name string
		body []byte
		want error
	}{
		{"nothing", nil, ErrShort},
		{"no datagram", address, ErrShort},
		{"no port", append(bytes.Clone(address[:16]), 0, 0, 1), ErrAddress},
		{"no IPv6 address", append(make([]byte, 16), 1, 1, 1), ErrAddress},
		{"no IPv4 address", append(append(bytes.Clone(address[:12]), 0, 0, 0, 0), 1, 1, 1), ErrAddress},
	}
	for _, test := range tests {
		if _, _, err := DecodeWrapped(test.body); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 256)
	packet := make([]byte, 100)
	from := netip.MustParseAddrPort("192.0.2.7:8145")
	n := testing.AllocsPerRun(100, func() {
		b := Header{Type: Null, Slot: 3}.Append(buf)
		b = AppendNullTag(append(b, packet...))
		if _, _, err := Decode(b); err != nil {
			t.Fatal(err)
		}
		b = AppendWrapped(buf, 3, from, packet)
		_, body, _ := Decode(b)
		if _, _, err := DecodeWrapped(body); err != nil {
			t.Fatal(err)
		}
		Decode(b[:20])
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzDecode: no octets are too much for the decoders, and what they take is
// what the encoders make, except for flags, which a receiver ignores but keeps.
func FuzzDecode(f *testing.F) {
	f.Add(AppendNullTag(append(Header{Type: Null, Slot: 9}.Append(nil), "packet"...)))
	f.Add(AppendNullTag(AppendWrapped(nil, 3, netip.MustParseAddrPort("192.0.2.7:8145"), []byte{1, 2})))
	f.Add(Header{Type: Sealed, Key: 1, Counter: 2}.Append(make([]byte, 16)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, body, err := Decode(b)
		if err != nil {
			if body != nil {
				t.Errorf("an error with a body: %v", err)
			}
			return
		}
		again := append(append(h.Append(nil), body...), Tag(b)...)
		if !bytes.Equal(again, b) {
			t.Fatalf("% x comes back as % x", b, again)
		}
		if h.Type != Wrapped {
			return
		}
		from, datagram, err := DecodeWrapped(body)
		if err != nil {
			return
		}
		inner, packet, err := Decode(datagram)
		if err != nil || inner.Type != Null || inner.Flags != 0 || inner.Slot != h.Slot {
			return // nobody hands that on
		}
		if again := AppendWrapped(nil, h.Slot, from, packet); !bytes.Equal(again[HeaderSize:], body) {
			t.Fatalf("% x comes back as % x", body, again)
		}
	})
}
