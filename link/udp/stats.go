package udp

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// counters are what link.Stats reports, except for the kernel's own.
type counters struct {
	sent, sentBytes, dropped, refused atomic.Uint64
	received, receivedBytes, tooLarge atomic.Uint64
	sleeps, parks, kicks              atomic.Uint64
}

// Stats implements link.Link.
func (l *Link) Stats() link.Stats {
	c := &l.counters
	s := link.Stats{
		SentPackets:     c.sent.Load(),
		SentBytes:       c.sentBytes.Load(),
		DroppedPackets:  c.dropped.Load(),
		RefusedPackets:  c.refused.Load(),
		ReceivedPackets: c.received.Load(),
		ReceivedBytes:   c.receivedBytes.Load(),
		TooLargePackets: c.tooLarge.Load(),
		Sleeps:          c.sleeps.Load(),
		Parks:           c.parks.Load(),
		Kicks:           c.kicks.Load(),
	}
	if l.guard.enter() {
		s.OverrunPackets = overruns(l.fd)
		l.guard.leave()
	}
	return s
}

// overruns returns how many datagrams Linux threw away because the socket's
// queue was full. Duplicates of one socket share the number.
func overruns(fd int) uint64 {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET,
		unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(info[unix.SK_MEMINFO_DROPS])
}
