// Package packet is the codec of RFC 1045's packets: what travels between two
// VMTP modules, and nothing of what they make of it.
//
// # The nouns
//
// A [Header] is the 64 octets in front of every packet, decoded: a comparable
// value that holds the message whole. Behind it come the blocks of the segment
// that its Delivery mask names, padding to a multiple of 8 octets, and a
// checksum of 4:
//
//	+--------------------------+--------------------+---------+----------+
//	| Header                64 | blocks 0 to 16,384 | padding | checksum |
//	+--------------------------+--------------------+---------+----------+
//
// A block is 512 octets of a segment; a mask is 32 bits, one for each block of
// a packet group. [Mask], [WantedMask], [Gather], [Scatter] and [SplitMask] are
// the arithmetic of blocks. [Notify], [Probe] and [ProbeAnswer] are the
// messages between VMTP's management modules.
//
// # How to use it
//
// Sending: fill in a Header and call its method Append with the blocks, or
// AppendBlocks with the segment they are in. Receiving: [Decode], which refuses
// whatever one packet alone can show to be wrong; then Scatter its data. Both
// take no memory of their own and no lock, so they may be called by any
// goroutine. A Header's String is read back by [Parse], so that a line of a
// trace is also a test's input.
//
// # Limits
//
// Each packet is judged as if its group were the first of its message: V sends
// no message of several groups (MoveFrom and MoveTo carry what is beyond 16
// KiB), so a group with a later part of a larger segment is refused where its
// last block is short. RFC 1045's encryption is not there: a packet with EPG is
// refused, and V seals frames instead.
//
// Sources: RFC 1045 §2.5.2, §2.13, §3 and appendix III; docs/wire/packet.md has
// the byte tables.
package packet
