// Package udp is the Link of package link over UDP, and the pool of sockets
// that lets all teams of a host share one UDP port.
//
// # One Link
//
// [Listen] opens a socket of its own. The socket is blocking and read by
// whoever has the reader's role: TryReceive is one recvfrom that doesn't wait,
// Sleep a recvfrom that does, Park a wait in Go's network poller, where not the
// socket but an epoll set with nothing else in it is registered, and only
// while somebody parks (O_NONBLOCK would belong to the socket, not to one
// descriptor, so the two ways of waiting can't share it otherwise).
//
// # One port a host
//
// A [Pool] is a group of sockets with one address (SO_REUSEPORT) and a program
// in Linux (classic BPF) that looks into the frame (package link/frame) and
// gives a datagram to the member whose index is the frame's slot. Slot 0 is
// the host kernel's; it also gets all that is no frame or is for a slot that
// does not exist. The pool's owner, the host kernel, passes a member to a team
// by SCM_RIGHTS ([Pool.File], [FromFd]), keeps its own descriptor, and so can
// answer for the team after its death ([Pool.Link]).
//
//	host kernel                                team in slot 3
//	-----------                                --------------
//	pool, err := udp.NewPool(addr, 256)
//	l0, err := pool.Link(0, opts)              // descriptor by SCM_RIGHTS
//	f, err := pool.File(3)  ---------------->  l, err := udp.FromFd(fd, 3, opts)
//	...                                        dies
//	l3, err := pool.Link(3, opts)              // read what comes for it
//
// Members are never closed one by one: Linux would move the last member to the
// place of the closed one. Nobody may connect a member: it would get the
// packets of that peer for all slots.
//
// # Multicast
//
// A [Multicast] hears the hello group on the interfaces that joined it, and says
// something to it by one of them: from the pool's own address, so that whoever
// hears it can answer. Members of a pool hear no group.
//
//	m, err := pool.Multicast()
//	err = m.Set(indices)           // of the interfaces of package link/nic
//	err = m.Send(index, datagram)  // m itself hears it, too
//	n, from, index, err := m.Receive(buf)
//
// # Limits
//
// Teams of one user only: whoever holds a member can take over the port, so a
// team of another user gets a socket of its own by Listen. A Link has one
// address family. Datagrams that a network card merged (UDP_GRO) are not
// asked for. A Multicast has the family and the port of its pool; one of another
// user at the same port, on the same machine, is refused. Linux only.
//
// Sources: docs/wire/frame.md; socket(7), udp(7), ip(7), ipv6(7), epoll(7).
package udp
