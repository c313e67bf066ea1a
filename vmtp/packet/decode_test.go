package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"vsys/ipc"
)

// good returns a packet that Decode takes: a Request with a segment of 601
// octets, 601 of them in the packet.
func good() []byte {
	h := Header{Client: ipc.MakePID(7, 1, 2), Server: ipc.MakePID(8, 1, 2), Domain: Domain, Delivery: 3}
	h.Message.SetSegmentSize(601)
	return h.Append(nil, pattern(601))
}

// setWord writes word i of p.
func setWord(p []byte, i int, w uint32) { binary.BigEndian.PutUint32(p[4*i:], w) }

// orWord sets bits of word i of p.
func orWord(p []byte, i int, w uint32) { setWord(p, i, binary.BigEndian.Uint32(p[4*i:])|w) }

// resum makes the checksum of p right.
func resum(p []byte) []byte {
	n := len(p) - ChecksumSize
	return binary.BigEndian.AppendUint32(p[:n], packetChecksum(p[:n], Flags(binary.BigEndian.Uint32(p[8:]))&allFlags))
}

// resize gives p room for n octets of data and says so in Length.
func resize(p []byte, n int) []byte {
	q := make([]byte, MinSize+n)
	copy(q[:HeaderSize+n], p[:len(p)-ChecksumSize])
	setWord(q, 2, binary.BigEndian.Uint32(p[8:])&^lengthMask|uint32(n/4))
	return q
}

// Words of the packet that the tables name.
const (
	wordClient   = 0
	word3        = 2
	word4        = 3
	wordDelivery = 5
	wordServer   = 6
	wordCode     = 8
	wordMsgDeliv = 14
	wordSegSize  = 15
)

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(p []byte) []byte // the checksum is made right afterwards
		want   error
	}{
		{"nothing wrong", func(p []byte) []byte { return p }, nil},
		{"Length one word less", func(p []byte) []byte { p[11]--; return p }, ErrLength},
		{"Length two words less", func(p []byte) []byte { p[11] -= 2; return p }, ErrLength},
		{"Length two words more", func(p []byte) []byte { p[11] += 2; return p }, ErrLength},
		{"Length odd, and so long", func(p []byte) []byte { return resize(p, 604) }, ErrLength},
		{"EPG", func(p []byte) []byte { orWord(p, word3, uint32(EPG)); return p }, ErrEncrypted},
		{"reserved bit 1 of word 4", func(p []byte) []byte { orWord(p, word4, 2); return p }, ErrReserved},
		{"reserved bit 2 of word 4", func(p []byte) []byte { orWord(p, word4, 4); return p }, ErrReserved},
		{"reserved bit 3 of word 4", func(p []byte) []byte { orWord(p, word4, 8); return p }, ErrReserved},
		{"MDG in a Request", func(p []byte) []byte { orWord(p, word4, uint32(MDG)); return p }, nil},
		{"MDG in a Response", func(p []byte) []byte { orWord(p, word4, uint32(MDG)|function); return p }, ErrReserved},
		{"DRT in a Response", func(p []byte) []byte { orWord(p, word4, uint32(DRT)|function); return p }, ErrReserved},
		{"RES in Client", func(p []byte) []byte { orWord(p, wordClient, 0x10000000); return p }, ErrReserved},
		{"RES in Server", func(p []byte) []byte { orWord(p, wordServer, 0x10000000); return p }, ErrReserved},
		{"RES in the code word", func(p []byte) []byte { orWord(p, wordCode, ipc.FlagRES); return p }, nil},
		{"Client a group", func(p []byte) []byte { orWord(p, wordClient, 0x40000000); return p }, ErrEntity},
		{"Server a group", func(p []byte) []byte { orWord(p, wordServer, 0x40000000); return p }, nil},
		{"Client zero", func(p []byte) []byte { clear(p[0:8]); return p }, ErrEntity},
		{"Server zero", func(p []byte) []byte { clear(p[24:32]); return p }, ErrEntity},
		{"another version", func(p []byte) []byte { orWord(p, word3, 7<<29); return p }, nil},
		{"another domain", func(p []byte) []byte { orWord(p, word3, 0x1FFF<<16); return p }, nil},
		{"a segment of 4 MiB", func(p []byte) []byte {
			setWord(p, wordSegSize, ipc.MaxSegment)
			return resize(p, 1024)
		}, nil},
		{"a segment over 4 MiB", func(p []byte) []byte {
			setWord(p, wordSegSize, ipc.MaxSegment+1)
			return resize(p, 1024)
		}, ErrSegment},
		{"a block beyond the segment", func(p []byte) []byte { setWord(p, wordDelivery, 7); return p }, ErrMask},
		{"a block too few", func(p []byte) []byte { setWord(p, wordDelivery, 1); return p }, ErrMask},
		{"no blocks, but data", func(p []byte) []byte { setWord(p, wordDelivery, 0); return p }, ErrMask},
		{"blocks, but no data", func(p []byte) []byte { return resize(p, 0) }, ErrMask},
		{"no blocks and no data", func(p []byte) []byte {
			setWord(p, wordDelivery, 0)
			return resize(p, 0)
		}, nil},
		{"8 octets too many", func(p []byte) []byte { return resize(p, 616) }, ErrMask},
		{"8 octets too few", func(p []byte) []byte { return resize(p, 600) }, ErrMask},
		{"only the first block", func(p []byte) []byte {
			setWord(p, wordDelivery, 1)
			return resize(p, 512)
		}, nil},
		{"only the short block", func(p []byte) []byte {
			setWord(p, wordDelivery, 2)
			return resize(p, 96)
		}, nil},
		{"the first block short", func(p []byte) []byte {
			setWord(p, wordDelivery, 1)
			return resize(p, 96)
		}, ErrMask},
		{"data without SDA", func(p []byte) []byte { setWord(p, wordCode, 0); return p }, ErrMask},
		{"blocks without SDA or data", func(p []byte) []byte {
			setWord(p, wordCode, 0)
			return resize(p, 0)
		}, ErrMask},
		{"MsgDelivery has the blocks", func(p []byte) []byte {
			orWord(p, wordCode, ipc.FlagMDM)
			setWord(p, wordMsgDeliv, 3)
			return p
		}, nil},
		{"a block that MsgDelivery lacks", func(p []byte) []byte {
			orWord(p, wordCode, ipc.FlagMDM)
			setWord(p, wordMsgDeliv, 2)
			return p
		}, ErrMask},
		{"the last block of 16 KiB", func(p []byte) []byte {
			setWord(p, wordSegSize, MaxData)
			setWord(p, wordDelivery, 1<<31)
			return resize(p, 512)
		}, nil},
	} {
		_, data, err := Decode(resum(tt.change(good())))
		if err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil && data != nil {
			t.Errorf("%s: refused, and yet there is data", tt.name)
		}
	}
}

func TestDecodeSize(t *testing.T) {
	h := Header{Client: 1, Server: 2, Delivery: 0xFFFFFFFF}
	h.Message.SetSegmentSize(MaxData)
	largest := h.Append(nil, pattern(MaxData))
	if len(largest) != MaxSize {
		t.Fatalf("the largest packet has %d octets, want %d", len(largest), MaxSize)
	}
	if _, data, err := Decode(largest); err != nil || len(data) != MaxData {
		t.Errorf("the largest packet: %d octets, %v", len(data), err)
	}
	if _, _, err := Decode(append(largest, 0)); err != ErrLong {
		t.Errorf("an octet more: %v, want %v", err, ErrLong)
	}
	smallest := (&Header{Client: 1, Server: 2}).Append(nil, nil)
	if _, data, err := Decode(smallest); err != nil || len(data) != 0 {
		t.Errorf("the smallest packet: %d octets, %v", len(data), err)
	}
	for n := range smallest {
		if _, _, err := Decode(smallest[:n]); err != ErrShort {
			t.Fatalf("%d octets: %v, want %v", n, err, ErrShort)
		}
	}
	for _, n := range []int{MinSize, len(good()) - 8, len(good()) - 1} {
		if _, _, err := Decode(good()[:n]); err != ErrLength {
			t.Errorf("cut to %d octets: %v, want %v", n, err, ErrLength)
		}
	}
}

// Every single octet that changes on the way is noticed, and with HCO every one
// of the header and the checksum.
func TestDecodeChecksum(t *testing.T) {
	for i := range good() {
		p := good()
		p[i] ^= 0x10
		if _, _, err := Decode(p); err == nil {
			t.Errorf("octet %d changed: taken", i)
		}
		p = good()
		orWord(p, word3, uint32(HCO))
		resum(p)
		p[i] ^= 0x10
		inData := i >= HeaderSize && i < len(p)-ChecksumSize
		if _, _, err := Decode(p); (err == nil) != inData {
			t.Errorf("HCO, octet %d changed: %v", i, err)
		}
	}
}

// A checksum of zero says that none was computed (RFC 1045 §3.2).
func TestDecodeNoChecksum(t *testing.T) {
	p := good()
	p[70] ^= 1
	clear(p[len(p)-ChecksumSize:])
	h, _, err := Decode(p)
	if err != nil || !h.NoChecksum {
		t.Fatalf("checksum zero: NoChecksum %v, %v", h.NoChecksum, err)
	}
	setWord(p, len(p)/4-1, 0x0000FFFF) // a sum is never zero, but 0xFFFF
	if _, _, err := Decode(p); err != ErrChecksum {
		t.Errorf("sum A zero: %v, want %v", err, ErrChecksum)
	}
}

// Padding may be anything and is checksummed; Decode drops it.
func TestDecodePadding(t *testing.T) {
	p := good()
	copy(p[HeaderSize+601:], "padding")
	if _, _, err := Decode(p); err != ErrChecksum {
		t.Fatalf("padding changed on the way: %v, want %v", err, ErrChecksum)
	}
	_, data, err := Decode(resum(p))
	if err != nil || !bytes.Equal(data, pattern(601)) {
		t.Errorf("padding that is not zero: %d octets of data, %v", len(data), err)
	}
	if cap(data) != 601 {
		t.Errorf("the padding can be reached: capacity %d", cap(data))
	}
}

func TestErrorIsVMTPError(t *testing.T) {
	for e := ErrShort; int(e) < errorCount; e++ {
		if ipc.CodeOf(e) != ipc.VMTPError || !errors.Is(e, ipc.VMTPError) {
			t.Errorf("%v is not %v", e, ipc.VMTPError)
		}
		if errorText[e] == "" {
			t.Errorf("error %d has no words", e)
		}
	}
}

// FuzzDecode: no input makes Decode panic, and what it takes Append makes
// again: the same octets if the padding was zero, else the same header and data.
func FuzzDecode(f *testing.F) {
	f.Add(good())
	f.Add((&Header{Client: 1, Server: 2, NoChecksum: true}).Append(nil, nil))
	for _, v := range vectors() {
		f.Add(v.packet())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, data, err := Decode(b)
		if err != nil {
			return
		}
		again := h.Append(nil, data)
		padding := b[HeaderSize+len(data) : len(b)-ChecksumSize]
		if len(bytes.Trim(padding, "\x00")) == 0 && !bytes.Equal(again, b) {
			t.Fatalf("%v\ngot  % x\nwant % x", h, again, b)
		}
		h2, data2, err := Decode(again)
		if err != nil || h2 != h || !bytes.Equal(data2, data) {
			t.Fatalf("%v, %v\nwant %v", h2, err, h)
		}
		if back, err := Parse(h.String()); err != nil || back != h {
			t.Fatalf("%v is read back as %v, %v", h, back, err)
		}
	})
}
