package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// Send implements link.Link by one sendto.
func (l *Link) Send(to netip.AddrPort, b []byte) error {
	var sa sockaddr
	size := sa.set(to, l.family)
	if size == 0 {
		return l.refuse(to, 1, unix.EAFNOSUPPORT)
	}
	if !l.guard.enter() {
		return l.refuse(to, 1, link.ErrClosed)
	}
	errno := l.sendto(b, &sa, size)
	l.guard.leave()
	if errno == 0 {
		l.counters.sent.Add(1)
		l.counters.sentBytes.Add(uint64(len(b)))
		return nil
	}
	if passing(errno) {
		l.counters.dropped.Add(1)
		return nil
	}
	return l.refuse(to, 1, errno)
}

// sendto sends one datagram. The caller is inside the guard.
func (l *Link) sendto(b []byte, to *sockaddr, size uint32) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(l.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(to)), uintptr(size))
	return errno
}

// passing tells whether an error says "not now": the datagram is lost, the
// next one may go. ECONNREFUSED is an ICMP answer to an earlier datagram.
func passing(errno unix.Errno) bool {
	switch errno {
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EINTR, unix.ECONNREFUSED:
		return true
	}
	return false
}

// refuse counts n datagrams that were not sent and makes the error.
func (l *Link) refuse(to netip.AddrPort, n int, reason error) error {
	l.counters.refused.Add(uint64(n))
	return link.Error("link.Send", to, reason)
}
