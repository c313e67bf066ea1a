package doctor

import (
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Implementation constants.
const (
	// probeTime is how long an answer may take. Linux asks for a machine's address
	// on the wire (ARP) three times, a second apart, before it gives up.
	probeTime = 3200 * time.Millisecond

	// repeatTime is after how long a silent address is probed again.
	repeatTime = 300 * time.Millisecond

	minProbe = 576 // octets: what every IPv4 path carries, nearly

	maxPath = 9000 // octets: no card carries more

	// closedPort is one on which nobody listens: where traceroute(8) begins.
	closedPort = 33434

	// pathTime is how long a router may take to say that a packet is too large.
	pathTime = 500 * time.Millisecond
)

// probes probes all addresses at once.
func probes(ctx context.Context, list []Probe) []Probe {
	closed := make([]Probe, len(list))
	var all sync.WaitGroup // each ends after probeTime
	for i := range list {
		closed[i].Addr = netip.AddrPortFrom(list[i].Addr.Addr(), closedPort)
		all.Go(func() { list[i].run(ctx) })
		all.Go(func() { closed[i].run(ctx) })
	}
	all.Wait()
	for i := range list {
		list[i].Closed = closed[i].Answer
	}
	return list
}

// run sends packets and waits for what the network says of them.
func (p *Probe) run(ctx context.Context) {
	p.Answer = Silent
	s, err := dial(p.Addr)
	if err != nil {
		p.fail(err)
		return
	}
	defer s.Close()
	p.measure(ctx, s)
	end := deadlineIn(ctx, probeTime)
	for time.Now().Before(end) && ctx.Err() == nil && p.Answer == Silent {
		if err := s.send(newProbe()); err != nil {
			p.fail(err)
		}
		s.wait(deadlineIn(ctx, repeatTime))
		p.take(s)
	}
}

// measure finds what the path carries: it sends a packet as large as the
// interface's, which must not be cut, and sees what Linux has learned of the path.
func (p *Probe) measure(ctx context.Context, s *probeSocket) {
	size := s.mtu()
	if size < minProbe {
		return
	}
	p.MTU = size
	if err := s.send(append(newProbe(), make([]byte, min(size, maxPath)-s.headers()-probeSize)...)); err != nil {
		p.fail(err)
		return
	}
	s.wait(deadlineIn(ctx, pathTime))
	p.take(s)
	if n := s.mtu(); n > 0 {
		p.MTU = n
	}
}

// take looks at the network's complaints.
func (p *Probe) take(s *probeSocket) {
	for p.Answer == Silent {
		c, ok := s.complaint()
		if !ok {
			return
		}
		switch {
		case c.errno == unix.EMSGSIZE: // seen by measure
		case c.errno == unix.ECONNREFUSED && c.refused:
			p.Answer, p.By = Refused, c.by
		case c.filtered:
			p.Answer, p.By = Filtered, c.by
		default:
			p.By = c.by
			p.fail(c.errno)
		}
	}
}

// fail takes an error of a system call.
func (p *Probe) fail(err error) {
	switch err {
	case unix.ECONNREFUSED:
		p.Answer = Refused
	case unix.EPERM, unix.EACCES:
		p.Answer = Forbidden
	case unix.ENETUNREACH, unix.EADDRNOTAVAIL, unix.EAFNOSUPPORT, unix.EINVAL:
		p.Answer = NoRoute
	case unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETDOWN:
		p.Answer = Unreachable
	}
}

// probeSocket is a socket that is connected to one address and keeps what the
// network says of its packets (IP_RECVERR).
type probeSocket struct {
	*os.File
	fd   int
	ipv4 bool
}

func dial(to netip.AddrPort) (*probeSocket, error) {
	s := &probeSocket{ipv4: to.Addr().Is4()}
	family, level, options := unix.AF_INET6, unix.IPPROTO_IPV6, [2]int{unix.IPV6_RECVERR, unix.IPV6_MTU_DISCOVER}
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: zone(to.Addr())}
	if s.ipv4 {
		family, level, options = unix.AF_INET, unix.IPPROTO_IP, [2]int{unix.IP_RECVERR, unix.IP_MTU_DISCOVER}
		sa = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	unix.SetsockoptInt(fd, level, options[0], 1)
	unix.SetsockoptInt(fd, level, options[1], unix.IP_PMTUDISC_DO)
	if err := unix.Connect(fd, sa); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.File, s.fd = os.NewFile(uintptr(fd), "probe of "+to.String()), fd
	return s, nil
}

// zone returns the index of the interface that a link-local address is of.
func zone(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	return uint32(indexOf(a.Zone()))
}

func (s *probeSocket) headers() int {
	if s.ipv4 {
		return 28
	}
	return 48
}

// mtu returns what Linux knows of the path, 0 if nothing.
func (s *probeSocket) mtu() int {
	level, name := unix.IPPROTO_IPV6, unix.IPV6_MTU
	if s.ipv4 {
		level, name = unix.IPPROTO_IP, unix.IP_MTU
	}
	n, err := unix.GetsockoptInt(s.fd, level, name)
	if err != nil {
		return 0
	}
	return n
}

// send returns errors that are of this packet. Linux reports those of earlier ones
// in its place first; they are complaints, too.
func (s *probeSocket) send(b []byte) error {
	for range 4 {
		switch err := unix.Send(s.fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err {
		case nil, unix.EMSGSIZE:
			return nil
		case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.EACCES:
		default:
			return err
		}
	}
	return nil
}

// wait returns when something comes, or at the deadline.
func (s *probeSocket) wait(end time.Time) {
	conn, err := s.SyscallConn()
	if err != nil || s.SetReadDeadline(end) != nil {
		return
	}
	first := true
	conn.Read(func(uintptr) bool {
		if first { // wait for the poller
			first = false
			return s.ready()
		}
		return true
	})
}

// ready tells whether there is a complaint already.
func (s *probeSocket) ready() bool {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// complaint is what the network, or Linux, said of a packet.
type complaint struct {
	errno    unix.Errno
	refused  bool // the machine says that nobody has the port
	filtered bool // somebody says that it is forbidden
	by       netip.Addr
}

// complaint returns the next one, if there is one.
func (s *probeSocket) complaint() (c complaint, ok bool) {
	var b, control [512]byte
	_, n, _, _, err := unix.Recvmsg(s.fd, b[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return c, false
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return c, false
	}
	for _, m := range messages {
		if len(m.Data) >= 16 && (m.Header.Type == unix.IP_RECVERR || m.Header.Type == unix.IPV6_RECVERR) {
			return readComplaint(m.Data), true
		}
	}
	return c, false
}

// readComplaint reads struct sock_extended_err and the address behind it:
//
//	// errno[4] origin[1] type[1] code[1] pad[1] info[4] data[4] sockaddr
func readComplaint(b []byte) (c complaint) {
	c.errno = unix.Errno(binary.NativeEndian.Uint32(b))
	origin, kind, code := b[4], b[5], b[6]
	switch {
	case origin == unix.SO_EE_ORIGIN_ICMP && kind == 3: // destination unreachable, RFC 792
		c.refused = code == 3
		c.filtered = code == 9 || code == 10 || code == 13
	case origin == unix.SO_EE_ORIGIN_ICMP6 && kind == 1: // the same, RFC 4443 §3.1
		c.refused = code == 4
		c.filtered = code == 1 || code >= 5
	}
	b = b[16:]
	switch {
	case origin == unix.SO_EE_ORIGIN_ICMP && len(b) >= 8:
		c.by = netip.AddrFrom4([4]byte(b[4:8]))
	case origin == unix.SO_EE_ORIGIN_ICMP6 && len(b) >= 24:
		c.by = netip.AddrFrom16([16]byte(b[8:24]))
	}
	return c
}
