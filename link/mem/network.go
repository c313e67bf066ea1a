package mem

import (
	"fmt"
	"net/netip"
	"sync"

	"vsys/ipc"
	"vsys/link"
)

// Implementation constants.
const (
	defaultQueue = 256 // datagrams that wait to be read from one link
	freeMax      = 64  // datagrams kept to be used again
)

// Network is what its links are joined by. Set the fields before the first
// Link.
type Network struct {
	MTU   int // octets in one datagram, at most; 0 means link.LoopbackMTU4
	Queue int // datagrams that wait to be read from one link; 0 means 256

	mu    sync.RWMutex // guards links
	links map[netip.AddrPort]*Link
	free  chan *datagram // bounded by freeMax
}

// datagram is one on its way or waiting.
type datagram struct {
	from netip.AddrPort
	data []byte
}

// NewNetwork returns a network without links.
func NewNetwork() *Network {
	return &Network{
		links: make(map[netip.AddrPort]*Link),
		free:  make(chan *datagram, freeMax),
	}
}

// Link makes a link with that address. It panics if the address has one: the
// network is a test's own.
func (n *Network) Link(addr netip.AddrPort) *Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links[addr] != nil {
		panic(fmt.Sprintf("mem: %v has a link already", addr))
	}
	l := newLink(n, addr)
	n.links[addr] = l
	return l
}

func (n *Network) mtu() int {
	if n.MTU == 0 {
		return link.LoopbackMTU4
	}
	return n.MTU
}

func (n *Network) queue() int {
	if n.Queue == 0 {
		return defaultQueue
	}
	return n.Queue
}

// to returns the link with that address, nil if there is none.
func (n *Network) to(addr netip.AddrPort) *Link {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.links[addr]
}

// remove takes l from the network; what is sent to it from now on is lost.
func (n *Network) remove(l *Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links[l.addr] == l {
		delete(n.links, l.addr)
	}
}

// get returns a datagram with a copy of b.
func (n *Network) get(from netip.AddrPort, b []byte) *datagram {
	var d *datagram
	select {
	case d = <-n.free:
	default:
		d = new(datagram)
	}
	d.from, d.data = from, append(d.data[:0], b...)
	return d
}

// put takes a datagram back.
func (n *Network) put(d *datagram) {
	select {
	case n.free <- d:
	default:
	}
}

// tooLarge is the reason for refusing b.
func tooLarge(size, mtu int) error {
	return fmt.Errorf("%w: %d octets where %d fit", ipc.BadByteCount, size, mtu)
}
