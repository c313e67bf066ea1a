package mem

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vsys/link"
)

// Link is a link.Link on a Network.
type Link struct {
	net   *Network
	addr  netip.AddrPort
	queue chan *datagram // full: a further datagram is dropped
	kick  chan struct{}  // one slot: a kick that sticks

	closeOnce sync.Once
	closed    chan struct{}

	held *datagram // the reader's: taken from queue by Sleep or Park

	sent, sentBytes, dropped, refused  atomic.Uint64
	received, receivedBytes, tooLarge  atomic.Uint64
	overrun, sleeps, parks, kicksCount atomic.Uint64
}

var _ link.Link = (*Link)(nil)

func newLink(n *Network, addr netip.AddrPort) *Link {
	return &Link{
		net:    n,
		addr:   addr,
		queue:  make(chan *datagram, n.queue()),
		kick:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
}

// Send implements link.Link. A datagram to an address without a link is lost,
// one to a full queue is dropped and counted there as an overrun.
func (l *Link) Send(to netip.AddrPort, b []byte) error {
	if l.isClosed() {
		l.refused.Add(1)
		return link.Error("link.Send", to, link.ErrClosed)
	}
	if mtu := l.net.mtu(); len(b) > mtu {
		l.refused.Add(1)
		return link.Error("link.Send", to, tooLarge(len(b), mtu))
	}
	l.sent.Add(1)
	l.sentBytes.Add(uint64(len(b)))
	peer := l.net.to(to)
	if peer == nil {
		return nil
	}
	d := l.net.get(l.addr, b)
	select {
	case peer.queue <- d:
	default:
		peer.overrun.Add(1)
		l.net.put(d)
	}
	return nil
}

// SendGroup implements link.Link.
func (l *Link) SendGroup(to netip.AddrPort, bs [][]byte) error {
	for _, b := range bs {
		if err := l.Send(to, b); err != nil {
			return err
		}
	}
	return nil
}

// TryReceive implements link.Link. It fills b with all that is here.
func (l *Link) TryReceive(b *link.Batch) int {
	b.Reset()
	for !b.Full() {
		d := l.next()
		if d == nil {
			break
		}
		if b.Copy(d.from, d.data) {
			l.received.Add(1)
			l.receivedBytes.Add(uint64(len(d.data)))
		} else {
			l.tooLarge.Add(1)
		}
		l.net.put(d)
	}
	return len(b.Packets)
}

// next takes the oldest datagram, nil if there is none.
func (l *Link) next() *datagram {
	if l.isClosed() {
		return nil
	}
	if d := l.held; d != nil {
		l.held = nil
		return d
	}
	select {
	case d := <-l.queue:
		return d
	default:
		return nil
	}
}

// Sleep implements link.Link.
func (l *Link) Sleep(limit time.Duration) {
	l.sleeps.Add(1)
	l.wait(limit)
}

// Park implements link.Link. Here it is the same as Sleep.
func (l *Link) Park(limit time.Duration) {
	l.parks.Add(1)
	l.wait(limit)
}

func (l *Link) wait(limit time.Duration) {
	if limit <= 0 || l.held != nil {
		return
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case l.held = <-l.queue:
	case <-l.kick:
	case <-l.closed:
	case <-t.C:
	}
}

// Kick implements link.Link.
func (l *Link) Kick() {
	l.kicksCount.Add(1)
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Near implements link.Link. Datagrams in memory have no processor: false.
func (l *Link) Near() bool { return false }

// MTU implements link.Link.
func (l *Link) MTU(netip.AddrPort) int { return l.net.mtu() }

// Addr implements link.Link.
func (l *Link) Addr() netip.AddrPort { return l.addr }

// Stats implements link.Link.
func (l *Link) Stats() link.Stats {
	return link.Stats{
		SentPackets:     l.sent.Load(),
		SentBytes:       l.sentBytes.Load(),
		DroppedPackets:  l.dropped.Load(),
		RefusedPackets:  l.refused.Load(),
		ReceivedPackets: l.received.Load(),
		ReceivedBytes:   l.receivedBytes.Load(),
		TooLargePackets: l.tooLarge.Load(),
		OverrunPackets:  l.overrun.Load(),
		Sleeps:          l.sleeps.Load(),
		Parks:           l.parks.Load(),
		Kicks:           l.kicksCount.Load(),
	}
}

// Close implements link.Link.
func (l *Link) Close() error {
	l.closeOnce.Do(func() {
		l.net.remove(l)
		close(l.closed)
	})
	return nil
}

func (l *Link) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}
