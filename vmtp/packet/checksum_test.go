package packet

import (
	"fmt"
	"math/rand"
	"testing"
)

// dumbChecksum is RFC 1045's description, word by word: the oracle.
func dumbChecksum(p []byte) uint32 {
	var sums [2]uint32
	for i := 0; i < len(p); i += 2 {
		s := &sums[i/32%2]
		*s += uint32(p[i])<<8 | uint32(p[i+1])
		if *s > 0xFFFF {
			*s -= 0xFFFF
		}
	}
	for i := range sums {
		if sums[i] == 0 {
			sums[i] = 0xFFFF
		}
	}
	return sums[0]<<16 | sums[1]
}

func TestChecksumIsTheDumbOne(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for size := 0; size <= 1024; size += 8 {
		p := make([]byte, size)
		for _, fill := range []func(i int) byte{
			func(int) byte { return byte(rnd.Intn(256)) },
			func(int) byte { return 0 },
			func(int) byte { return 0xFF }, // every addition carries
			func(i int) byte { return []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, byte(i)}[i%8] },
			func(i int) byte { return byte(0xFF * (i / 8 % 2)) },
		} {
			for i := range p {
				p[i] = fill(i)
			}
			if got, want := checksum(p), dumbChecksum(p); got != want {
				t.Fatalf("%d octets % x: checksum %08x, want %08x", size, p, got, want)
			}
		}
	}
}

// Reference: RFC 1045 §3.2: clusters of 16 words go to the sums in turn, and a
// sum of zero is said as 0xFFFF.
func TestChecksumClusters(t *testing.T) {
	for _, tt := range []struct {
		octet int
		want  uint32
	}{
		{1, 0x0001FFFF}, {31, 0x0001FFFF}, // first cluster: A
		{33, 0xFFFF0001}, {63, 0xFFFF0001}, // second: B
		{65, 0x0001FFFF}, {97, 0xFFFF0001},
		{0, 0x0100FFFF}, // the high octet of a word
	} {
		p := make([]byte, 128)
		p[tt.octet] = 1
		if got := checksum(p); got != tt.want {
			t.Errorf("only octet %d set: %08x, want %08x", tt.octet, got, tt.want)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	for _, size := range []int{64, 576, 1088, HeaderSize + MaxData} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				checksum(p)
			}
		})
	}
}
