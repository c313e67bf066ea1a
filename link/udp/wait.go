package udp

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the reader does, for Kick.
const (
	awake    = iota // neither: a Kick stays in Link.kicked
	sleeping        // in Sleep: a Kick rings the bell
	parked          // in Park: a Kick moves the poller's deadline into the past
)

// Implementation constants.
const (
	// sleepMax bounds one Sleep, so that a bell that does not ring (no
	// loopback, a full queue) costs no more than this.
	sleepMax = 10 * time.Millisecond

	// parkMax bounds one Park: Go's deadlines must not overflow.
	parkMax = time.Hour
)

// Sleep implements link.Link by a blocking recvfrom, the way of waiting that
// wakes fastest. What it receives is handed out by the next TryReceive. Kick
// ends it with a datagram to the socket itself. It waits at most 10 ms, in
// steps of Linux's clock tick; where there are longer waits, Park is meant.
//
// Of several Links on one socket (Pool.Link beside the team that has the slot)
// only one may Sleep: they share the time limit and would take each other's
// bell.
func (l *Link) Sleep(limit time.Duration) {
	if !l.bell.ok {
		l.Park(limit)
		return
	}
	if limit <= 0 || l.holding || !l.guard.enter() {
		return
	}
	defer l.guard.leave()
	l.counters.sleeps.Add(1)
	if !l.setTimeout(min(limit, sleepMax)) {
		return
	}
	l.state.Store(sleeping)
	if !l.kicked.Load() {
		l.receiveHeld()
	}
	l.state.Store(awake)
	l.kicked.Store(false)
}

// setTimeout sets SO_RCVTIMEO to d in whole milliseconds, at least 1, if it is
// not that already.
func (l *Link) setTimeout(d time.Duration) bool {
	ms := int64((d + time.Millisecond - 1) / time.Millisecond)
	if ms == l.timeout {
		return true
	}
	tv := unix.NsecToTimeval(ms * int64(time.Millisecond))
	if unix.SetsockoptTimeval(l.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv) != nil {
		return false
	}
	l.timeout = ms
	return true
}

// Park implements link.Link. The socket is of interest to the epoll set only
// meanwhile, so that a reader that spins or sleeps wakes no thread of Go's.
func (l *Link) Park(limit time.Duration) {
	if limit <= 0 || l.holding || !l.guard.enter() {
		return
	}
	defer l.guard.leave()
	l.counters.parks.Add(1)
	// The deadline first: a Kick that finds us parked must come after it.
	l.poll.SetReadDeadline(time.Now().Add(min(limit, parkMax)))
	l.state.Store(parked)
	if !l.kicked.Load() && l.interest(unix.EPOLLIN) == nil {
		l.pollConn.Read(l.readable)
		l.interest(0)
	}
	l.state.Store(awake)
	l.kicked.Store(false)
}

// Kick implements link.Link.
func (l *Link) Kick() {
	l.counters.kicks.Add(1)
	if l.guard.enter() {
		l.wake()
		l.guard.leave()
	}
}

// wake is Kick inside the guard. The flag is set before the state is read, and
// the reader sets the state before it reads the flag: one of the two sees the
// other. A wake that comes late ends a later wait early, which is allowed.
func (l *Link) wake() {
	l.kicked.Store(true)
	switch l.state.Load() {
	case sleeping:
		l.sendto(l.bell.datagram[:], &l.bell.to, l.bell.toSize)
	case parked:
		l.poll.SetReadDeadline(past)
	}
}

// past is before any clock: a deadline that has passed.
var past = time.Unix(1, 0)

// openPoll makes the epoll set, without interest in the socket.
func (l *Link) openPoll() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	// A non-blocking file is what os puts into Go's network poller.
	l.pollFd, l.poll = fd, os.NewFile(uintptr(fd), "udp epoll set")
	if err := l.preparePoll(); err != nil {
		l.poll.Close()
		return err
	}
	return nil
}

func (l *Link) preparePoll() error {
	if err := l.poll.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("epoll set is not in the network poller: %w", err)
	}
	event := unix.EpollEvent{Fd: int32(l.fd)}
	if err := unix.EpollCtl(l.pollFd, unix.EPOLL_CTL_ADD, l.fd, &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	conn, err := l.poll.SyscallConn()
	if err != nil {
		return err
	}
	l.pollConn = conn
	l.readable = func(fd uintptr) bool {
		var events [1]unix.EpollEvent
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd,
			uintptr(unsafe.Pointer(&events)), 1, 0, 0, 0)
		return errno == 0 && int(n) > 0
	}
	return nil
}

// interest says for what the socket makes the epoll set readable.
func (l *Link) interest(events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(l.fd)}
	return unix.EpollCtl(l.pollFd, unix.EPOLL_CTL_MOD, l.fd, &event)
}
