package packet

import (
	"bytes"
	"math/rand"
	"testing"

	"vsys/ipc"
)

// randomHeader returns a valid header with a segment, and that segment.
func randomHeader(rnd *rand.Rand) (Header, []byte) {
	h := Header{
		Client:  ipc.PID(rnd.Uint64()) &^ (ipc.TypeGRP | ipc.TypeRES),
		Version: uint8(rnd.Intn(8)), Domain: uint16(rnd.Intn(8192)),
		Flags:    Flags(rnd.Uint32()) & (HCO | MPG),
		Control:  Control(rnd.Uint32()) & allControl,
		Response: rnd.Intn(2) == 0, RetransmitCount: uint8(rnd.Intn(8)),
		ForwardCount: uint8(rnd.Intn(16)), Gap: uint8(rnd.Intn(256)), Priority: uint8(rnd.Intn(16)),
		Transaction: rnd.Uint32(), Server: ipc.PID(rnd.Uint64()) &^ ipc.TypeRES,
		NoChecksum: rnd.Intn(4) == 0,
	}
	if h.Response {
		h.Control &^= requestOnly
	}
	rnd.Read(h.Message[:])
	segment := pattern(rnd.Intn(20000))
	h.Message.SetSegmentSize(len(segment))
	h.Delivery = rnd.Uint32() & h.Wanted()
	return h, segment
}

// What Append makes Decode takes apart again, and the other way round.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	for range 3000 {
		h, segment := randomHeader(rnd)
		data := Gather(nil, segment, h.Delivery)
		b := h.Append([]byte("front"), data)
		if !bytes.HasPrefix(b, []byte("front")) {
			t.Fatal("Append changed what was in b")
		}
		b = b[len("front"):]
		got, gotData, err := Decode(b)
		if err != nil {
			t.Fatalf("%v: %v", h, err)
		}
		if got != h {
			t.Fatalf("got  %v\nwant %v", got, h)
		}
		if !bytes.Equal(gotData, data) {
			t.Fatalf("%v: other data", h)
		}
		if again := got.AppendBlocks(nil, segment); !bytes.Equal(again, b) {
			t.Fatalf("%v: AppendBlocks makes another packet", h)
		}
	}
}

// Of fields that are narrower on the wire, Append sends the low bits only and
// lets nothing run over into the neighbours.
func TestAppendKeepsFieldsApart(t *testing.T) {
	all := Header{
		Client: 1, Server: 2, Version: 0xFF, Domain: 0xFFFF, Flags: 0xFFFF &^ EPG, Control: 0xFFFFFFFF,
		RetransmitCount: 0xFF, ForwardCount: 0xFF, Priority: 0xFF,
	}
	h, _, err := Decode(all.Append(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := Header{
		Client: 1, Server: 2, Version: 7, Domain: 8191, Flags: HCO | MPG, Control: allControl,
		RetransmitCount: 7, ForwardCount: 15, Priority: 15,
	}
	if h != want {
		t.Errorf("got  %v\nwant %v", h, want)
	}
}

func TestAppendTooMuch(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Append took more data than a packet group has")
		}
	}()
	new(Header).Append(nil, make([]byte, MaxData+1))
}

// Wanted is what RFC 1045 §2.13 calls complete.
func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags uint32
		mask  uint32
		size  uint32
		want  uint32
	}{
		{"no segment", 0, 7, 1000, 0},
		{"segment", ipc.FlagSDA, 7, 1000, 3},
		{"MsgDelivery", ipc.FlagSDA | ipc.FlagMDM, 0x74FF, 0x1D00, 0x74FF},
		{"MsgDelivery beyond the segment", ipc.FlagSDA | ipc.FlagMDM, 6, 1000, 2},
		{"MsgDelivery of the Response wanted", ipc.FlagMDM, 7, 1000, 0},
		{"the first 16 KiB", ipc.FlagSDA, 7, 1 << 20, 0xFFFFFFFF},
	} {
		var h Header
		h.Message.Set(tt.flags)
		h.Message.PutUint32(24, tt.mask)
		h.Message.PutUint32(28, tt.size)
		if got := h.Wanted(); got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	segment := pattern(MaxData)
	h := Header{Client: 1, Server: 2, Delivery: 0xFFFFFFFF}
	h.Message.SetSegmentSize(len(segment))
	b := make([]byte, 0, MaxSize)
	good := h.Append(nil, segment)
	bad := bytes.Clone(good)
	bad[0] ^= 1
	var sum uint32
	for name, f := range map[string]func(){
		"Append":       func() { h.Append(b, segment) },
		"AppendBlocks": func() { h.AppendBlocks(b, segment) },
		"Decode":       func() { Decode(good) },
		"Decode error": func() { Decode(bad) },
		"Scatter":      func() { Scatter(segment, 0xAAAAAAAA, segment) },
		"SplitMask": func() {
			for m := range SplitMask(h.Delivery, MaxData, 1412) {
				sum += m
			}
		},
		"Notify": func() {
			n := Notify{Client: 1, Transaction: 2}
			h := n.Header(3, 4)
			NotifyOf(&h)
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// benchmarks run f for the packet of a message alone and for a whole group in
// one packet.
func benchmarks(b *testing.B, f func(b *testing.B, h *Header, segment, packet []byte)) {
	for _, tt := range []struct {
		name string
		size int
	}{{"32", 0}, {"1K", 1024}, {"16K", MaxData}} {
		b.Run(tt.name, func(b *testing.B) {
			h := Header{Client: 1, Server: 2, Domain: Domain, Delivery: WantedMask(tt.size)}
			h.Message.SetSegmentSize(tt.size)
			segment := pattern(tt.size)
			packet := h.Append(nil, segment)
			b.SetBytes(int64(len(packet)))
			b.ReportAllocs()
			f(b, &h, segment, packet)
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	benchmarks(b, func(b *testing.B, h *Header, segment, packet []byte) {
		for b.Loop() {
			packet = h.Append(packet[:0], segment)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmarks(b, func(b *testing.B, _ *Header, _, packet []byte) {
		for b.Loop() {
			if _, _, err := Decode(packet); err != nil {
				b.Fatal(err)
			}
		}
	})
}
