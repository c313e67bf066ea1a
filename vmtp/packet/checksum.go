package packet

import (
	"encoding/binary"
	"math/bits"
)

// clusterSize is how many octets in a row go to one of the two sums.
const clusterSize = 32

// packetChecksum returns the checksum of header and padded data: of the header
// alone if the flags have HCO.
func packetChecksum(p []byte, flags Flags) uint32 {
	if flags&HCO != 0 {
		p = p[:HeaderSize]
	}
	return checksum(p)
}

// checksum returns RFC 1045's checksum of p (§3.2), a multiple of 8 octets:
// the ones-complement sum A of the 16-bit words in the first, third, fifth …
// cluster of 32 octets in the high, sum B of those in the others in the low 16
// bits. A sum of zero is said as 0xFFFF. Unlike IP's, the sums are not
// complemented.
//
// A ones-complement sum may be taken 64 bits at a time and in either byte
// order: only the result has to be folded and swapped (RFC 1071 §2).
func checksum(p []byte) uint32 {
	var a, b uint64
	for len(p) >= 2*clusterSize {
		a = addCluster(a, (*[clusterSize]byte)(p))
		b = addCluster(b, (*[clusterSize]byte)(p[clusterSize:]))
		p = p[2*clusterSize:]
	}
	for i := 0; i+8 <= len(p); i += 8 {
		if i < clusterSize {
			a = addWord(a, p[i:])
		} else {
			b = addWord(b, p[i:])
		}
	}
	return uint32(fold(a))<<16 | uint32(fold(b))
}

// addCluster returns the ones-complement sum of sum and the four words of p.
func addCluster(sum uint64, p *[clusterSize]byte) uint64 {
	sum, c := bits.Add64(sum, binary.LittleEndian.Uint64(p[0:]), 0)
	sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(p[8:]), c)
	sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(p[16:]), c)
	sum, c = bits.Add64(sum, binary.LittleEndian.Uint64(p[24:]), c)
	sum, c = bits.Add64(sum, 0, c)
	return sum + c
}

// addWord returns the ones-complement sum of sum and the word at p.
func addWord(sum uint64, p []byte) uint64 {
	sum, c := bits.Add64(sum, binary.LittleEndian.Uint64(p), 0)
	return sum + c
}

// fold reduces a sum of little-endian words to 16 bits of big-endian ones.
func fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xFFFFFFFF
	sum = sum>>32 + sum&0xFFFFFFFF
	sum = sum>>16 + sum&0xFFFF
	sum = sum>>16 + sum&0xFFFF
	if sum == 0 {
		return 0xFFFF
	}
	return bits.ReverseBytes16(uint16(sum))
}
