package udp

import (
	"fmt"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link"
)

// PoolMax is the most members a Pool can have: team numbers are 16 bits, and
// Linux allows a group no more sockets than 65,535.
const PoolMax = 1<<16 - 1

// Pool is the sockets of one UDP port, one for each team a host can have. The
// host kernel makes it and keeps it for life. All methods may be called by any
// goroutine.
type Pool struct {
	addr netip.AddrPort

	mu      sync.Mutex // guards below
	members []int      // descriptors; the index is the slot
	closed  bool
}

// NewPool makes a pool of n members, 1..PoolMax, with that address. Port 0
// takes a free one. A port that anybody has, another pool of the same user
// among them, is refused with DuplicateName. Other errors as from Listen;
// NoServerResources where Linux gives fewer descriptors than n.
func NewPool(addr netip.AddrPort, n int) (*Pool, error) {
	p := &Pool{addr: addr}
	if err := p.first(); err != nil {
		return nil, link.Error("udp.NewPool", addr, err)
	}
	if err := p.Grow(n); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// first makes member 0. It is bound before it says SO_REUSEPORT: so a port
// that another group has is refused and not joined, and port 0 can't become a
// port that another group has.
func (p *Pool) first() error {
	fd, err := newSocket(p.addr.Addr())
	if err != nil {
		return err
	}
	setBuffers(fd, retiredBytes)
	bound, err := bind(fd, p.addr)
	if err == nil {
		err = shared(fd)
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	p.addr, p.members = bound, []int{fd}
	return nil
}

// shared lets others have the socket's address, too: others of our user that
// say the same.
func shared(fd int) error {
	return os.NewSyscallError("setsockopt SO_REUSEPORT",
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}

// Grow adds members at the end until there are n; with n members or more there
// already it does nothing. Slots in use are not disturbed.
func (p *Pool) Grow(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.growLocked(n); err != nil {
		return link.Error("udp.Grow", p.addr, err)
	}
	return nil
}

func (p *Pool) growLocked(n int) error {
	if p.closed {
		return link.ErrClosed
	}
	if n < 1 || n > PoolMax {
		return fmt.Errorf("%w: a pool of %d", ipc.BadArgs, n)
	}
	had := len(p.members)
	for len(p.members) < n {
		if err := p.addLocked(); err != nil {
			return err
		}
	}
	if len(p.members) == had {
		return nil
	}
	return steer(p.members[0], len(p.members))
}

// addLocked adds one member. Its filter is locked against whoever gets the
// descriptor; Linux would let him set the program for the whole group. Until
// the new program is in, member 1 and above get nothing (one member) or what
// they got (more).
func (p *Pool) addLocked() error {
	fd, err := newSocket(p.addr.Addr())
	if err != nil {
		return err
	}
	if err = shared(fd); err == nil {
		err = os.NewSyscallError("setsockopt SO_LOCK_FILTER",
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 1))
	}
	if err == nil {
		setBuffers(fd, retiredBytes)
		_, err = bind(fd, p.addr)
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	p.members = append(p.members, fd)
	return nil
}

// Addr returns the address of all members.
func (p *Pool) Addr() netip.AddrPort { return p.addr }

// Len returns the number of members; their slots are 0 to Len-1.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.members)
}

// Link returns a Link on the member in that slot, on a duplicate of the
// pool's descriptor, so closing it closes no member. It is for the host kernel
// itself (slot 0), for teams in the same process, and for reading what a team
// no longer does: while a team lives, each datagram goes to whichever of the
// two reads first. It enlarges the socket's queues.
func (p *Pool) Link(slot int, opts Options) (*Link, error) {
	fd, err := p.duplicate(slot)
	if err != nil {
		return nil, link.Error("udp.Pool.Link", p.addr, err)
	}
	setBuffers(fd, bufferBytes)
	l, err := newLink(fd, uint16(slot), opts)
	if err != nil {
		unix.Close(fd)
		return nil, link.Error("udp.Pool.Link", p.addr, err)
	}
	setBuffers(fd, bufferBytes)
	return l, nil
}

// File returns the member in that slot as a file to pass to a team: by
// SCM_RIGHTS or exec.Cmd.ExtraFiles. The receiver calls FromFd. The file is
// the caller's to close; the member stays. What waits in the member's queue
// goes along.
func (p *Pool) File(slot int) (*os.File, error) {
	fd, err := p.duplicate(slot)
	if err != nil {
		return nil, link.Error("udp.Pool.File", p.addr, err)
	}
	return os.NewFile(uintptr(fd), fmt.Sprintf("slot %d of %v", slot, p.addr)), nil
}

// Retire makes the queue of the member in that slot small, because no team
// has it. What waits in it stays. FromFd and Link make it large again.
func (p *Pool) Retire(slot int) error {
	fd, err := p.duplicate(slot)
	if err != nil {
		return link.Error("udp.Pool.Retire", p.addr, err)
	}
	setBuffers(fd, retiredBytes)
	unix.Close(fd)
	return nil
}

func (p *Pool) duplicate(slot int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return -1, link.ErrClosed
	}
	if slot < 0 || slot >= len(p.members) {
		return -1, fmt.Errorf("%w: slot %d of %d", ipc.BadArgs, slot, len(p.members))
	}
	return duplicate(p.members[slot])
}

// Close closes the pool's descriptors of all members, from the last to the
// first, so that none moves while another is still open here. Teams that have
// theirs keep receiving; the slots of the others fall away, so close a Pool
// only when its host ends.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for len(p.members) > 0 {
		last := len(p.members) - 1
		unix.Close(p.members[last])
		p.members = p.members[:last]
	}
	return nil
}

// FromFd returns a Link on a descriptor that Pool.File gave and another
// process passed here; slot is its slot. The descriptor is the Link's if there
// is no error. It enlarges the socket's queues.
func FromFd(fd int, slot uint16, opts Options) (*Link, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err == nil && kind != unix.SOCK_DGRAM {
		err = unix.EINVAL
	}
	if err != nil {
		return nil, link.Error("udp.FromFd", netip.AddrPort{}, err)
	}
	unix.CloseOnExec(fd)
	l, err := newLink(fd, slot, opts)
	if err != nil {
		return nil, link.Error("udp.FromFd", netip.AddrPort{}, err)
	}
	setBuffers(fd, bufferBytes)
	return l, nil
}
