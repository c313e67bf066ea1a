package udp

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link"
)

// The groups by which hosts that don't know one another yet say hello. Packets
// to them have a hop limit of 1, and so stay on their link.
var (
	// HelloGroup4 is in the range for an organization's own use (RFC 2365 §6.2).
	HelloGroup4 = netip.AddrFrom4([4]byte{239, 81, 0, 1})

	// HelloGroup6 is ff14::8000:8145: not assigned for good, of admin-local scope
	// (RFC 4291 §2.7), with a group number from the range that may be taken
	// without asking (RFC 3307 §4.3). Of link-local scope Linux would want a
	// socket for each interface.
	HelloGroup6 = netip.AddrFrom16([16]byte{0xFF, 0x14, 12: 0x80, 14: 0x81, 15: 0x45})
)

// Multicast is the membership of this machine's interfaces in the hello group,
// and a socket that hears that group and nothing else. Several can be open at
// once, in several programs: each gets its copy. All methods may be called by
// any goroutine at any time. Errors are *ipc.OpError.
type Multicast struct {
	group  netip.AddrPort
	hear   *os.File // bound to the group, non-blocking
	say    *os.File // the sender, blocking, used with MSG_DONTWAIT only
	hearer syscall.RawConn
	sayer  syscall.RawConn

	mu     sync.Mutex   // guards below, and joining in step with it
	joined map[int]bool // by index of the interface
}

// Multicast opens the pool's hello group, in the pool's family and at its port.
// What it sends comes from member 0, so that its sender's address is where the
// host can be reached; a socket of its own with that port would be a member of
// the pool and move the slots. The pool must be open already: with the port in
// use by another user, or by another Multicast before the pool was made, it is
// refused with DuplicateName.
func (p *Pool) Multicast() (*Multicast, error) {
	fd, err := p.duplicate(0)
	if err != nil {
		return nil, link.Error("udp.Pool.Multicast", p.addr, err)
	}
	return newMulticast("udp.Pool.Multicast", fd, p.addr.Addr(), p.addr.Port())
}

// ListenMulticast opens the hello group of HelloGroup4's or HelloGroup6's family
// at that port, not 0, for a program that has no pool. What it sends comes from
// a port of its own.
func ListenMulticast(group netip.Addr, port int) (*Multicast, error) {
	from := netip.IPv6Unspecified()
	if group.Unmap().Is4() {
		from = netip.IPv4Unspecified()
	}
	fd, err := newSocket(from)
	if err != nil {
		return nil, link.Error("udp.ListenMulticast", netip.AddrPortFrom(group, uint16(port)), err)
	}
	return newMulticast("udp.ListenMulticast", fd, from, uint16(port))
}

// newMulticast makes a Multicast that sends by that socket, which it takes
// over, also in case of an error.
func newMulticast(op string, say int, family netip.Addr, port uint16) (*Multicast, error) {
	m := &Multicast{joined: map[int]bool{}}
	m.group = netip.AddrPortFrom(HelloGroup6, port)
	if familyOf(family) == unix.AF_INET {
		m.group = netip.AddrPortFrom(HelloGroup4, port)
	}
	m.say = os.NewFile(uintptr(say), "multicast sender")
	err := setOptions(say, m.options().say)
	if err == nil {
		m.sayer, err = m.say.SyscallConn()
	}
	if err == nil {
		err = m.openHearing()
	}
	if err != nil {
		m.say.Close()
		return nil, link.Error(op, m.group, err)
	}
	return m, nil
}

// openHearing makes the socket that hears the group. The group in its address
// keeps all else from it, and it from being a member of a pool. SO_REUSEADDR
// lets programs of any user share the group; SO_REUSEPORT lets it have the port
// of a pool of our own user.
func (m *Multicast) openHearing() error {
	fd, err := newSocket(m.group.Addr())
	if err != nil {
		return err
	}
	if err = setOptions(fd, m.options().hear); err == nil {
		_, err = bind(fd, m.group)
	}
	if err == nil {
		err = os.NewSyscallError("fcntl", unix.SetNonblock(fd, true))
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	m.hear = os.NewFile(uintptr(fd), "multicast group")
	m.hearer, err = m.hear.SyscallConn()
	return err
}

// Group returns the address that is heard.
func (m *Multicast) Group() netip.AddrPort { return m.group }

// Joined returns the interfaces that are members, by index, in order.
func (m *Multicast) Joined() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.joined))
}

// Join makes an interface a member; one that is stays so. Unreachable: there is
// no such interface, or it has no address of the family; NoServerResources:
// Linux allows no more (net.ipv4.igmp_max_memberships, 20).
func (m *Multicast) Join(index int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joinLocked(index)
}

// Leave ends an interface's membership, if it is a member.
func (m *Multicast) Leave(index int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaveLocked(index)
}

// Set makes these interfaces members and no others. Where some can't be, the
// others are, and the error names each.
func (m *Multicast) Set(indices []int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for index := range m.joined {
		if !slices.Contains(indices, index) {
			m.leaveLocked(index)
		}
	}
	var errs []error
	for _, index := range indices {
		errs = append(errs, m.joinLocked(index))
	}
	return errors.Join(errs...)
}

// Refresh has all members leave and join again: after an interface lost its
// last address or its cable, when Linux or the switch has forgotten that it is a
// member. (A switch that was never told by a querier to ask forgets by itself,
// after minutes; unicast has to do then.) Errors as in Set.
func (m *Multicast) Refresh() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, index := range slices.Sorted(maps.Keys(m.joined)) {
		m.leaveLocked(index)
		errs = append(errs, m.joinLocked(index))
	}
	return errors.Join(errs...)
}

func (m *Multicast) joinLocked(index int) error {
	if m.joined[index] {
		return nil
	}
	if err := m.membership(index, true); err != nil {
		return link.Error("udp.Multicast.Join", m.group, on(index, err))
	}
	m.joined[index] = true
	return nil
}

func (m *Multicast) leaveLocked(index int) {
	if m.joined[index] {
		delete(m.joined, index)
		m.membership(index, false) // an error says that Linux left before us
	}
}

// member tells whether an interface is one.
func (m *Multicast) member(index int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined[index]
}

// Send transmits one datagram to the group by one interface, member or not. The
// members of this machine hear it, too; so does the caller. It never waits;
// what can't be sent now is dropped, as by link.Link. Unreachable: no such
// interface, or none that can send; NoPermission: a firewall; BadByteCount.
func (m *Multicast) Send(index int, b []byte) error {
	var errno error
	err := m.sayer.Control(func(fd uintptr) {
		errno = m.sendmsg(int(fd), index, b)
	})
	if err != nil {
		errno = link.ErrClosed
	}
	if errno != nil && !isPassing(errno) {
		return link.Error("udp.Multicast.Send", m.group, on(index, errno))
	}
	return nil
}

// Receive waits for a datagram to the group that comes in by a member, puts it
// into b and returns its length, its sender, and the interface's index. Those
// longer than b are passed over. Aborted: Close was called. One goroutine at a
// time gets each; there may be several.
func (m *Multicast) Receive(b []byte) (n int, from netip.AddrPort, index int, err error) {
	for {
		var errno error
		err = m.hearer.Read(func(fd uintptr) bool {
			n, from, index, errno = m.recvmsg(int(fd), b)
			return errno != unix.EAGAIN
		})
		switch {
		case err != nil:
			return 0, netip.AddrPort{}, 0, link.Error("udp.Multicast.Receive", m.group, link.ErrClosed)
		case errno == nil && m.member(index) && n <= len(b):
			return n, from, index, nil
		case errno != nil && !isPassing(errno):
			return 0, netip.AddrPort{}, 0, link.Error("udp.Multicast.Receive", m.group, errno)
		}
	}
}

// on says on which interface an error was. One that is gone is Unreachable.
func on(index int, err error) error {
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("interface %d: %w: %w", index, ipc.Unreachable, err)
	}
	return fmt.Errorf("interface %d: %w", index, err)
}

// isPassing is passing for an error that unix made.
func isPassing(err error) bool {
	errno, ok := err.(unix.Errno)
	return ok && passing(errno)
}

// Close ends all memberships, and any Receive. Closing again does nothing.
func (m *Multicast) Close() error {
	m.hear.Close()
	m.say.Close()
	return nil
}
