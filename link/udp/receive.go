package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// Implementation constants.
const (
	maxDatagram = 1 << 16 // octets: no UDP datagram is larger
	manyMax     = 64      // datagrams in one recvmmsg or sendmmsg
	skipMax     = 4       // datagrams not for the caller that one look passes over
)

// TryReceive implements link.Link: what Sleep received, else one recvfrom; and
// where the look before found something, too, the rest by one recvmmsg. A
// single datagram so costs the cheapest call there is.
func (l *Link) TryReceive(b *link.Batch) int {
	b.Reset()
	if !l.guard.enter() {
		return 0
	}
	defer l.guard.leave()
	if !l.takeHeld(b) && !l.receiveOne(b) {
		l.streak = false
		return 0
	}
	if l.streak && !b.Full() {
		l.receiveMore(b)
	}
	l.streak = true
	l.count(b)
	return len(b.Packets)
}

// takeHeld hands out the datagram that ended Sleep.
func (l *Link) takeHeld(b *link.Batch) bool {
	if !l.holding {
		return false
	}
	l.holding = false
	if b.Copy(l.heldFrom, l.held[:l.heldLen]) {
		return true
	}
	l.counters.tooLarge.Add(1)
	return false
}

// receiveOne reads one datagram into b, if one is here.
func (l *Link) receiveOne(b *link.Batch) bool {
	var from sockaddr
	for range skipMax {
		buf := b.Slot(0)
		n, errno := recvfrom(l.fd, buf, &from)
		if errno != 0 {
			return false
		}
		if l.wanted(buf, n) {
			b.Add(from.addrPort(), 0, n)
			return true
		}
	}
	return false
}

// wanted tells whether the n octets received into buf are for the caller, and
// counts them if they are too many.
func (l *Link) wanted(buf []byte, n int) bool {
	if n > len(buf) {
		l.counters.tooLarge.Add(1)
		return false
	}
	return !isBell(buf[:n])
}

func (l *Link) count(b *link.Batch) {
	octets := 0
	for i := range b.Packets {
		octets += len(b.Packets[i].Data)
	}
	l.counters.received.Add(uint64(len(b.Packets)))
	l.counters.receivedBytes.Add(uint64(octets))
}

// recvfrom reads one datagram without waiting and returns its full length,
// even where buf is shorter.
func recvfrom(fd int, buf []byte, from *sockaddr) (int, unix.Errno) {
	size := uint32(sockaddrSize6)
	// A raw system call holds up the garbage collector: only for what never
	// waits.
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)),
		unix.MSG_DONTWAIT|unix.MSG_TRUNC,
		uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
	return int(n), errno
}

// recvfromWait reads one datagram, waiting as long as SO_RCVTIMEO says.
func recvfromWait(fd int, buf []byte, from *sockaddr) (int, unix.Errno) {
	size := uint32(sockaddrSize6)
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), unix.MSG_TRUNC,
		uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
	return int(n), errno
}

// mmsghdr is struct mmsghdr of Linux.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32 // octets received or sent
}

// receiveMany is the memory that recvmmsg works with.
type receiveMany struct {
	headers [manyMax]mmsghdr
	vectors [manyMax]unix.Iovec
	from    [manyMax]sockaddr
}

func newReceiveMany() *receiveMany {
	m := new(receiveMany)
	for i := range m.headers {
		h := &m.headers[i].hdr
		h.Name = &m.from[i][0]
		h.Iov = &m.vectors[i]
		h.SetIovlen(1)
	}
	return m
}

// receiveMore adds to b what else is here.
func (l *Link) receiveMore(b *link.Batch) {
	first := len(b.Packets)
	want := min(b.Cap()-first, manyMax)
	if l.many == nil {
		l.many = newReceiveMany()
	}
	m := l.many
	for i := range want {
		buf := b.Slot(first + i)
		m.vectors[i].Base = unsafe.SliceData(buf)
		m.vectors[i].SetLen(len(buf))
		m.headers[i].hdr.Namelen = sockaddrSize6
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(l.fd),
		uintptr(unsafe.Pointer(&m.headers)), uintptr(want),
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	for i := range want {
		m.vectors[i].Base = nil
		if errno != 0 || i >= int(n) {
			continue
		}
		size := int(m.headers[i].len)
		if l.wanted(b.Slot(first+i), size) {
			b.Add(m.from[i].addrPort(), first+i, size)
		}
	}
}

// receiveHeld waits for one datagram and keeps it for the next TryReceive.
func (l *Link) receiveHeld() {
	if l.held == nil {
		l.held = make([]byte, maxDatagram)
	}
	var from sockaddr
	n, errno := recvfromWait(l.fd, l.held, &from)
	if errno != 0 || !l.wanted(l.held, n) {
		return
	}
	l.holding, l.heldLen, l.heldFrom = true, n, from.addrPort()
}
