package packet

import (
	"iter"
	"math/bits"

	"vsys/ipc"
)

// Mask returns the mask of the first n blocks: none for n < 1, all 32 for
// n > 31.
func Mask(n int) uint32 { return uint32(1<<uint(min(max(n, 0), 32)) - 1) }

// Blocks returns how many blocks size octets take, the last perhaps short.
func Blocks(size int) int { return (size + ipc.BlockSize - 1) / ipc.BlockSize }

// WantedMask returns the blocks of a whole packet group for a segment of
// segmentSize octets: those of the segment or, where it is larger, of its
// first MaxData octets.
func WantedMask(segmentSize int) uint32 { return Mask(Blocks(segmentSize)) }

// DataSize returns how many octets the blocks of mask have in a segment of
// segmentSize octets. Blocks beyond the segment have none, the segment's last
// may be short, all others have 512.
func DataSize(mask uint32, segmentSize int) int {
	mask &= WantedMask(segmentSize)
	n := bits.OnesCount32(mask) * ipc.BlockSize
	if last := Blocks(segmentSize) - 1; last < 32 && mask&^Mask(last) != 0 {
		n -= (last+1)*ipc.BlockSize - segmentSize
	}
	return n
}

// Gather appends to dst the blocks of mask in segment, ascending, and returns
// the extended slice. Blocks beyond the segment add nothing; its last block may
// be short.
func Gather(dst, segment []byte, mask uint32) []byte {
	for mask != 0 {
		start, end, rest := firstRun(mask)
		dst = append(dst, segment[min(start, len(segment)):min(end, len(segment))]...)
		mask = rest
	}
	return dst
}

// Scatter copies data, which is the blocks of mask in ascending order, to where
// they belong in segment. What lies beyond the end of segment, or of the blocks
// of mask, is dropped; Scatter returns how many octets that is.
func Scatter(segment []byte, mask uint32, data []byte) (dropped int) {
	for mask != 0 {
		start, end, rest := firstRun(mask)
		run := data[:min(end-start, len(data))]
		n := copy(segment[min(start, len(segment)):], run)
		dropped += len(run) - n
		data, mask = data[len(run):], rest
	}
	return dropped + len(data)
}

// firstRun returns where the first blocks of mask that adjoin one another lie
// in the segment, as [start, end) in octets, and mask without them. mask is not
// zero.
func firstRun(mask uint32) (start, end int, rest uint32) {
	first := bits.TrailingZeros32(mask)
	next := first + bits.TrailingZeros32(^(mask >> first))
	return first * ipc.BlockSize, next * ipc.BlockSize, mask &^ Mask(next)
}

// NextPacket returns the blocks of mask that go into the next packet if it has
// room for payload octets of data: the first floor(payload/512) of them, and
// the segment's last besides if that is short and fits with its padding. Where
// there is no room for a block, it is one block all the same: dividing that is
// left to the network. It is zero only if mask has none of the segment's
// blocks.
func NextPacket(mask uint32, segmentSize, payload int) uint32 {
	mask &= WantedMask(segmentSize)
	if padded(DataSize(mask, segmentSize)) <= payload {
		return mask
	}
	packet := mask & -mask
	for rest := mask &^ packet; rest != 0; rest &= rest - 1 {
		more := packet | rest&-rest
		if padded(DataSize(more, segmentSize)) > payload {
			break
		}
		packet = more
	}
	return packet
}

// SplitMask yields the masks of the packets, as NextPacket makes them, in which
// the blocks of mask travel.
func SplitMask(mask uint32, segmentSize, payload int) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for {
			packet := NextPacket(mask, segmentSize, payload)
			if packet == 0 || !yield(packet) {
				return
			}
			mask &^= packet
		}
	}
}
