package udp

import (
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"vsys/link"
)

// Options changes how a Link behaves. The zero value is right for most.
type Options struct {
	MTU int // octets in one datagram, at most; 0 means loopback's or Ethernet's
}

// Link is a link.Link on one UDP socket. The socket stays blocking, for Sleep;
// all that must not wait says MSG_DONTWAIT. It is also the only member of an
// epoll set, which is in Go's network poller in its place, for Park.
type Link struct {
	fd     int
	family int            // AF_INET or AF_INET6
	addr   netip.AddrPort // bound to
	opts   Options
	guard  *guard // around every use of fd, poll and pollConn

	counters counters
	groups   groups

	// The reader's own.
	holding  bool           // Sleep received a datagram: held[:heldLen] from heldFrom
	held     []byte         // 64 KiB, made by the first Sleep
	heldLen  int            // octets
	heldFrom netip.AddrPort // its sender
	streak   bool           // the last TryReceive found something
	timeout  int64          // SO_RCVTIMEO in milliseconds, 0 if not yet set
	many     *receiveMany   // for recvmmsg, made by the first
	poll     *os.File       // the epoll set
	pollConn syscall.RawConn
	pollFd   int
	readable func(uintptr) bool

	// Between the reader and Kick.
	state  atomic.Int32 // awake, sleeping or parked
	kicked atomic.Bool  // a Kick that has not yet ended a wait
	bell   bell
}

var _ link.Link = (*Link)(nil)

// Listen opens a socket of its own with that address; port 0 takes a free one.
// An unspecified IP receives on every interface, of that family only. Errors
// are *ipc.OpError: DuplicateName (the port is taken), NoPermission, BadArgs,
// NoServerResources.
func Listen(addr netip.AddrPort, opts Options) (*Link, error) {
	fd, err := newSocket(addr.Addr())
	if err != nil {
		return nil, link.Error("udp.Listen", addr, err)
	}
	setBuffers(fd, bufferBytes)
	if _, err := bind(fd, addr); err != nil {
		unix.Close(fd)
		return nil, link.Error("udp.Listen", addr, err)
	}
	l, err := newLink(fd, 0, opts)
	if err != nil {
		unix.Close(fd)
		return nil, link.Error("udp.Listen", addr, err)
	}
	return l, nil
}

// newLink makes a Link on a bound socket that frames for that slot are steered
// to. The socket is the Link's if there is no error.
func newLink(fd int, slot uint16, opts Options) (*Link, error) {
	addr, err := localAddr(fd)
	if err != nil {
		return nil, err
	}
	l := &Link{
		fd:     fd,
		family: familyOf(addr.Addr()),
		addr:   addr,
		opts:   opts,
		bell:   newBell(addr, slot),
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := l.openPoll(); err != nil {
		return nil, err
	}
	l.groups.init()
	l.guard = newGuard(func() {
		l.poll.Close()
		unix.Close(l.fd)
	})
	return l, nil
}

// Addr implements link.Link.
func (l *Link) Addr() netip.AddrPort { return l.addr }

// MTU implements link.Link.
func (l *Link) MTU(to netip.AddrPort) int {
	mtu := link.DefaultMTU(to.Addr())
	if l.opts.MTU > 0 {
		return min(mtu, l.opts.MTU)
	}
	return mtu
}

// Near implements link.Link: always false. Linux keeps the processor of the
// last datagram (SO_INCOMING_CPU) only for connected UDP sockets, which ours
// never are. The reader must learn from its misses that spinning is useless.
func (l *Link) Near() bool { return false }

// Close implements link.Link.
func (l *Link) Close() error {
	l.guard.shutdown(l.wake)
	return nil
}

// String returns "udp ADDR".
func (l *Link) String() string { return fmt.Sprintf("udp %v", l.addr) }
