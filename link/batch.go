package link

import "net/netip"

// Packet is one received datagram.
type Packet struct {
	From netip.AddrPort // who sent it, as the network says
	Data []byte         // in the Batch's memory, valid until it is next filled
}

// Batch is the memory that TryReceive fills: room for several datagrams, made
// once and used again. It belongs to the reader; it is not safe for two
// goroutines.
type Batch struct {
	Packets []Packet // what the last TryReceive put here; len 0..Cap

	memory []byte // Cap pieces of size octets
	size   int    // octets for one datagram
}

// NewBatch makes room for n datagrams of up to size octets each. Both are at
// least 1.
func NewBatch(n, size int) *Batch {
	return &Batch{
		Packets: make([]Packet, 0, n),
		memory:  make([]byte, n*size),
		size:    size,
	}
}

// Cap returns how many datagrams fit.
func (b *Batch) Cap() int { return cap(b.Packets) }

// Full tells whether no further datagram fits.
func (b *Batch) Full() bool { return len(b.Packets) == cap(b.Packets) }

// Reset forgets the datagrams and keeps the memory. It is for links.
func (b *Batch) Reset() { b.Packets = b.Packets[:0] }

// Slot returns the memory of the i-th datagram, 0 <= i < Cap, in full length.
// It is for links: they write into it, then call Add.
func (b *Batch) Slot(i int) []byte {
	return b.memory[i*b.size : (i+1)*b.size : (i+1)*b.size]
}

// Add appends a datagram of n octets, already written to Slot(slot), where
// slot is not less than len(b.Packets). It is for links.
func (b *Batch) Add(from netip.AddrPort, slot, n int) {
	b.Packets = append(b.Packets, Packet{From: from, Data: b.Slot(slot)[:n]})
}

// Copy appends a copy of a datagram. It returns false, and appends nothing,
// where data is larger than the memory of one. The Batch must not be Full. It
// is for links.
func (b *Batch) Copy(from netip.AddrPort, data []byte) bool {
	if len(data) > b.size {
		return false
	}
	i := len(b.Packets)
	b.Add(from, i, copy(b.Slot(i), data))
	return true
}
