package link

import (
	"net/netip"
	"time"
)

// Link sends and receives datagrams for one team.
//
// TryReceive, Sleep and Park are for one goroutine at a time, the holder of
// the reader's role. All other methods may be called by any goroutine at any
// time. After Close nothing waits: Send and SendGroup fail with
// [ipc.Aborted], TryReceive returns 0, Sleep and Park return at once.
//
// An error of Send and SendGroup is an *ipc.OpError around an [ipc.Code] and
// the reason the system gave.
type Link interface {
	// Send transmits one datagram to one address and never waits. What can't
	// be sent now, for want of buffers, is dropped and counted, as on any
	// network. An error that will come again is returned: Unreachable (no
	// route), NoPermission (a firewall), BadByteCount (larger than the path
	// carries), BadArgs (an address of another family). b is the caller's
	// again at return. No allocation.
	Send(to netip.AddrPort, b []byte) error

	// SendGroup transmits several datagrams to one address in as few system
	// calls as the link can. Errors and ownership as in Send; after an error
	// the rest is not sent. No allocation.
	SendGroup(to netip.AddrPort, bs [][]byte) error

	// TryReceive fills b with what is here and returns how many datagrams it
	// put into b.Packets; 0 means that nothing is here. It never waits. A
	// Batch for one datagram takes one; a larger one is filled only when
	// datagrams come faster than they are read. A datagram larger than b's
	// memory for one is dropped and counted. No allocation.
	TryReceive(b *Batch) int

	// Sleep blocks the thread in Linux until something can be received, Kick
	// is called or limit passes (to within some milliseconds). It may return
	// early. A limit of 0 or less returns at once.
	Sleep(limit time.Duration)

	// Park waits in Go's network poller for the same, leaving the thread to
	// others. It may return early.
	Park(limit time.Duration)

	// Kick ends the current Sleep or Park or, if there is none, the next.
	// Kicks are not counted: many before one Sleep end that Sleep only.
	Kick()

	// Near tells whether datagrams arrive on the processor that runs the
	// caller: then the sender needs our processor, and spinning for its
	// answer delays it. A hint: false where the link doesn't know.
	Near() bool

	// MTU returns the largest datagram that fits into one packet to that
	// address. It does not probe.
	MTU(to netip.AddrPort) int

	// Addr returns the address that others send to; its IP is unspecified
	// where the link receives on every interface.
	Addr() netip.AddrPort

	// Stats returns the counters so far.
	Stats() Stats

	// Close ends the link, and any Sleep or Park, and waits until no method
	// uses it. What was received and not taken is lost. Closing again does
	// nothing.
	Close() error
}

// MTU of a path as Link.MTU tells it: octets of UDP payload.
const (
	// LoopbackMTU4 and LoopbackMTU6 fill the largest IPv4 datagram and the
	// loopback interface's 65,536 octets.
	LoopbackMTU4 = 65507
	LoopbackMTU6 = 65536 - 48
	// EthernetMTU4 and EthernetMTU6 fill an Ethernet frame of 1,500 octets.
	EthernetMTU4 = 1500 - 28
	EthernetMTU6 = 1500 - 48
)

// DefaultMTU returns the largest datagram to that address where nothing better
// is known: loopback's or Ethernet's.
func DefaultMTU(to netip.Addr) int {
	to = to.Unmap()
	switch {
	case to.IsLoopback() && to.Is4():
		return LoopbackMTU4
	case to.IsLoopback():
		return LoopbackMTU6
	case to.Is4():
		return EthernetMTU4
	}
	return EthernetMTU6
}
