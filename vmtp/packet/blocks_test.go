package packet

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"

	"vsys/ipc"
)

func TestMask(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want uint32
	}{{-1, 0}, {0, 0}, {1, 1}, {2, 3}, {31, 0x7FFFFFFF}, {32, 0xFFFFFFFF}, {33, 0xFFFFFFFF}, {8192, 0xFFFFFFFF}} {
		if got := Mask(tt.n); got != tt.want {
			t.Errorf("Mask(%d) = %#x, want %#x", tt.n, got, tt.want)
		}
	}
}

func TestWantedMask(t *testing.T) {
	for _, tt := range []struct {
		size, blocks int
		want         uint32
	}{
		{0, 0, 0}, {1, 1, 1}, {512, 1, 1}, {513, 2, 3}, {0x1D00, 15, 0x7FFF},
		{16384, 32, 0xFFFFFFFF}, {16385, 33, 0xFFFFFFFF}, {ipc.MaxSegment, 8192, 0xFFFFFFFF},
	} {
		if got := Blocks(tt.size); got != tt.blocks {
			t.Errorf("Blocks(%d) = %d, want %d", tt.size, got, tt.blocks)
		}
		if got := WantedMask(tt.size); got != tt.want {
			t.Errorf("WantedMask(%d) = %#x, want %#x", tt.size, got, tt.want)
		}
	}
}

func TestDataSize(t *testing.T) {
	for _, tt := range []struct {
		mask       uint32
		size, want int
	}{
		{0, 1000, 0},
		{1, 0, 0},       // no segment
		{1, 5, 5},       // one short block
		{3, 601, 601},   // one whole, one short
		{2, 601, 89},    // the short one alone
		{1, 601, 512},   // the whole one alone
		{7, 601, 601},   // block 2 is beyond
		{3, 1024, 1024}, // the last block is whole
		{1 << 31, 16383, 511},
		{1 << 31, 16384, 512},
		{1 << 31, 16385, 512}, // the segment goes on beyond the group
		{0xFFFFFFFF, ipc.MaxSegment, 16384},
		{0x1400, 0x1D00, 1024},
		{0x6000, 0x1D00, 768},
	} {
		if got := DataSize(tt.mask, tt.size); got != tt.want {
			t.Errorf("DataSize(%#x, %d) = %d, want %d", tt.mask, tt.size, got, tt.want)
		}
	}
}

// pattern returns n octets, no two blocks of which are alike.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(7*i + 3 + i/ipc.BlockSize)
	}
	return p
}

// dumbGather is Gather one octet at a time.
func dumbGather(segment []byte, mask uint32) (data []byte) {
	for i, c := range segment {
		if block := i / ipc.BlockSize; block < 32 && mask>>block&1 != 0 {
			data = append(data, c)
		}
	}
	return data
}

func TestGatherScatter(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	masks := []uint32{0, 1, 2, 3, 0x1400, 0x74FF, 1 << 31, 0xFFFFFFFF, 0xAAAAAAAA, 0x7FFFFFFF}
	for range 50 {
		masks = append(masks, rnd.Uint32())
	}
	for _, size := range []int{0, 1, 511, 512, 513, 0x1D00, 16383, 16384, 20000} {
		segment := pattern(size)
		for _, mask := range masks {
			data := Gather([]byte("in front"), segment, mask)[len("in front"):]
			if want := dumbGather(segment, mask); !bytes.Equal(data, want) {
				t.Fatalf("Gather of %#x from %d octets: %d octets, want %d", mask, size, len(data), len(want))
			}
			if len(data) != DataSize(mask, size) {
				t.Fatalf("Gather of %#x from %d octets: %d octets, DataSize says %d", mask, size, len(data), DataSize(mask, size))
			}
			back := make([]byte, size)
			if dropped := Scatter(back, mask, data); dropped != 0 {
				t.Fatalf("Scatter of %#x to %d octets dropped %d", mask, size, dropped)
			}
			if !bytes.Equal(Gather(nil, back, mask), data) || len(dumbGather(back, ^mask)) > 0 && slices.Max(dumbGather(back, ^mask)) != 0 {
				t.Fatalf("Scatter of %#x to %d octets put them elsewhere", mask, size)
			}
		}
	}
}

// What does not fit into the receiver's memory is dropped and counted.
func TestScatterToShortMemory(t *testing.T) {
	data := pattern(3 * ipc.BlockSize)
	for _, tt := range []struct {
		name      string
		room      int
		mask      uint32
		data      []byte
		dropped   int
		wantThere []byte
	}{
		{"no memory", 0, 7, data, len(data), nil},
		{"ends within a block", 700, 7, data, len(data) - 700, data[:700]},
		{"ends before the block", 512, 2, data[:512], 512, make([]byte, 512)},
		{"ends in the second run", 1100, 5, data[:1024], 512 - 76, slices.Concat(data[:512], make([]byte, 512), data[512:588])},
		{"more data than blocks", 2048, 1, data, 1024, slices.Concat(data[:512], make([]byte, 1536))},
		{"less data than blocks", 600, 3, data[:10], 0, slices.Concat(data[:10], make([]byte, 590))},
		{"no blocks", 600, 0, data[:8], 8, make([]byte, 600)},
	} {
		segment := make([]byte, tt.room)
		if dropped := Scatter(segment, tt.mask, tt.data); dropped != tt.dropped {
			t.Errorf("%s: dropped %d octets, want %d", tt.name, dropped, tt.dropped)
		}
		if !bytes.Equal(segment, tt.wantThere) {
			t.Errorf("%s: wrong octets in the segment", tt.name)
		}
	}
}

func TestSplitMask(t *testing.T) {
	for _, tt := range []struct {
		name    string
		mask    uint32
		size    int
		payload int
		want    []uint32
	}{
		// Reference: RFC 1045 §2.13, the example, with the masks as they must be.
		{"the RFC's example", 0x74FF, 0x1D00, 1412, []uint32{0x3, 0xC, 0x30, 0xC0, 0x1400, 0x6000}},
		{"nothing", 0, 1000, 1412, nil},
		{"blocks beyond the segment", 0xF0, 1000, 1412, nil},
		{"all in one", 0xFFFFFFFF, 16384, 65440, []uint32{0xFFFFFFFF}},
		{"a short last block besides", 7, 1024 + 100, 1404, []uint32{7}},
		{"a short last block that just fits", 7, 1024 + 376, 1400, []uint32{7}},
		{"with its padding it does not", 7, 1024 + 377, 1400, []uint32{3, 4}},
		{"a jumbo frame", 0xFFFFFFFF, 20000, 8904, []uint32{0x1FFFF, 0xFFFE0000}},
		{"no room for a block", 7, 1100, 500, []uint32{1, 2, 4}},
		{"no room at all", 1, 1, 0, []uint32{1}},
		{"missing blocks only", 0x80000001, 16384, 1412, []uint32{0x80000001}},
	} {
		got := slices.Collect(SplitMask(tt.mask, tt.size, tt.payload))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
	}
}

// Whatever the payload, the packets carry each block once, ascending, and hold
// no more than they may.
func TestSplitMaskIsAPartition(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for range 2000 {
		mask, size, payload := rnd.Uint32(), rnd.Intn(20000), rnd.Intn(10000)
		rest := mask & WantedMask(size)
		for m := range SplitMask(mask, size, payload) {
			if m&^rest != 0 || m > rest&^(m-1)|m {
				t.Fatalf("SplitMask(%#x, %d, %d): %#x with %#x left", mask, size, payload, m, rest)
			}
			if n := padded(DataSize(m, size)); n > payload && m&(m-1) != 0 {
				t.Fatalf("SplitMask(%#x, %d, %d): %#x has %d octets", mask, size, payload, m, n)
			}
			if low := rest &^ m; low != 0 && low&-low < m&-m {
				t.Fatalf("SplitMask(%#x, %d, %d): %#x before %#x", mask, size, payload, m, low)
			}
			rest &^= m
		}
		if rest != 0 {
			t.Fatalf("SplitMask(%#x, %d, %d): %#x never came", mask, size, payload, rest)
		}
	}
}

func TestSplitMaskStops(t *testing.T) {
	for m := range SplitMask(0xFF, 4096, 512) {
		if m != 1 {
			t.Fatalf("went on to %#x after the loop's end", m)
		}
		break
	}
}
