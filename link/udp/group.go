package udp

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// groups is what SendGroup needs beside the socket.
type groups struct {
	scratch   sync.Pool   // of *sendMany
	noSegment atomic.Bool // UDP_SEGMENT does not work here
}

func (g *groups) init() {
	g.scratch.New = func() any { return newSendMany() }
}

// sendMany is the memory that sendmmsg and sendmsg work with.
type sendMany struct {
	to      sockaddr
	toSize  uint32
	headers [manyMax]mmsghdr
	vectors [manyMax]unix.Iovec
	one     unix.Msghdr // of the segmented form
	control [controlSize]byte
}

// controlSize is the octets of one control message with 16 bits of data:
// cmsghdr, data, padding.
const controlSize = unix.SizeofCmsghdr + 8

func newSendMany() *sendMany {
	m := new(sendMany)
	for i := range m.headers {
		h := &m.headers[i].hdr
		h.Name = &m.to[0]
		h.Iov = &m.vectors[i]
		h.SetIovlen(1)
	}
	m.one.Name = &m.to[0]
	m.one.Iov = &m.vectors[0]
	m.one.Control = &m.control[0]
	c := (*unix.Cmsghdr)(unsafe.Pointer(&m.control))
	c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	return m
}

// SendGroup implements link.Link: datagrams of one size, of which the last may
// be shorter, leave as one large one that Linux or the network card cuts up
// (UDP_SEGMENT); others by sendmmsg; 64 a system call in both forms. One walk
// through Linux's network code for the whole group is what makes bulk data
// fast; the number of system calls matters less.
func (l *Link) SendGroup(to netip.AddrPort, bs [][]byte) error {
	m := l.groups.scratch.Get().(*sendMany)
	defer l.groups.scratch.Put(m)
	m.toSize = m.to.set(to, l.family)
	if m.toSize == 0 {
		return l.refuse(to, len(bs), unix.EAFNOSUPPORT)
	}
	if !l.guard.enter() {
		return l.refuse(to, len(bs), link.ErrClosed)
	}
	defer l.guard.leave()
	for len(bs) > 0 {
		n := min(len(bs), manyMax)
		if k := segments(bs[:n]); k > 1 && l.sendSegmented(m, bs[:k]) {
			bs = bs[k:]
			continue
		}
		sent, errno := l.sendEach(m, bs[:n])
		bs = bs[sent:]
		switch {
		case errno == 0:
		case passing(errno):
			l.counters.dropped.Add(uint64(len(bs)))
			return nil
		default:
			return l.refuse(to, len(bs), errno)
		}
	}
	return nil
}

// segments returns how many of bs, from the first, can leave as one: all of
// one size, the last perhaps shorter, none empty, together no more than UDP
// takes.
func segments(bs [][]byte) int {
	size, total := len(bs[0]), 0
	for i, b := range bs {
		if len(b) == 0 || len(b) > size || total+len(b) > link.LoopbackMTU6 {
			return i
		}
		total += len(b)
		if len(b) < size {
			return i + 1
		}
	}
	return len(bs)
}

// sendSegmented sends bs as one datagram to be cut up. It returns false, with
// nothing sent, where that can't be done.
func (l *Link) sendSegmented(m *sendMany, bs [][]byte) bool {
	if l.groups.noSegment.Load() {
		return false
	}
	m.load(bs)
	m.one.Namelen = m.toSize
	m.one.SetIovlen(len(bs))
	m.one.SetControllen(controlSize)
	binary.NativeEndian.PutUint16(m.control[unix.SizeofCmsghdr:], uint16(len(bs[0])))
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(l.fd),
		uintptr(unsafe.Pointer(&m.one)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	m.unload(len(bs))
	switch {
	case errno == 0:
		l.countSent(len(bs), int(n))
		return true
	case passing(errno):
		l.counters.dropped.Add(uint64(len(bs)))
		return true
	case errno == unix.EIO || errno == unix.ENOPROTOOPT:
		// The device has no checksum offload, or Linux is old.
		l.groups.noSegment.Store(true)
	}
	return false
}

// sendEach sends bs by one sendmmsg and returns how many of them left. An
// error is about the first that did not.
func (l *Link) sendEach(m *sendMany, bs [][]byte) (int, unix.Errno) {
	m.load(bs)
	for i := range bs {
		m.headers[i].hdr.Namelen = m.toSize
	}
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(l.fd),
		uintptr(unsafe.Pointer(&m.headers)), uintptr(len(bs)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	m.unload(len(bs))
	if errno != 0 {
		return 0, errno
	}
	octets := 0
	for _, b := range bs[:n] {
		octets += len(b)
	}
	l.countSent(int(n), octets)
	return int(n), 0
}

func (l *Link) countSent(packets, octets int) {
	l.counters.sent.Add(uint64(packets))
	l.counters.sentBytes.Add(uint64(octets))
}

// load points the vectors at bs.
func (m *sendMany) load(bs [][]byte) {
	for i, b := range bs {
		m.vectors[i].Base = unsafe.SliceData(b)
		m.vectors[i].SetLen(len(b))
	}
}

// unload lets go of the callers' memory.
func (m *sendMany) unload(n int) {
	for i := range n {
		m.vectors[i].Base = nil
	}
}
