package faulty

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vsys/link"
)

// Link is a link.Link that sends badly and in all else is the one it wraps.
type Link struct {
	link.Link
	config Config

	mu     sync.Mutex // guards below; held while sending, which never waits
	random *rand.Rand
	held   []held // oldest first
	timer  *time.Timer
	closed bool
	counts Counts
}

// held is a datagram held back.
type held struct {
	to     netip.AddrPort
	data   []byte
	behind int // later datagrams that must leave first
}

// Counts says what was done to datagrams.
type Counts struct {
	Lost, Duplicated, Reordered uint64
}

var _ link.Link = (*Link)(nil)

// New wraps l, which is closed with the new Link.
func New(l link.Link, c Config) *Link {
	f := &Link{Link: l, config: c, random: rand.New(rand.NewPCG(c.Seed, 0))}
	// The timer's function runs by itself and ends by itself; after Close it
	// finds nothing to do.
	f.timer = time.AfterFunc(time.Hour, f.flush)
	f.timer.Stop()
	return f
}

// Send implements link.Link. The loss of a datagram is not an error.
func (f *Link) Send(to netip.AddrPort, b []byte) error {
	if f.config.good() {
		return f.Link.Send(to, b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sendLocked(to, b)
}

// SendGroup implements link.Link. Each datagram has its own fate.
func (f *Link) SendGroup(to netip.AddrPort, bs [][]byte) error {
	if f.config.good() {
		return f.Link.SendGroup(to, bs)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range bs {
		if err := f.sendLocked(to, b); err != nil {
			return err
		}
	}
	return nil
}

func (f *Link) sendLocked(to netip.AddrPort, b []byte) error {
	switch {
	case f.closed:
		return link.Error("link.Send", to, link.ErrClosed)
	case f.hit(f.config.Loss):
		f.counts.Lost++
		return nil
	case f.hit(f.config.Reorder) && len(f.held) < heldMax:
		f.counts.Reordered++
		f.holdLocked(to, b)
		return nil
	}
	err := f.Link.Send(to, b)
	if err == nil && f.hit(f.config.Duplicate) {
		f.counts.Duplicated++
		err = f.Link.Send(to, b)
	}
	f.releaseLocked()
	return err
}

// hit throws the dice for a fault of that probability.
func (f *Link) hit(p float64) bool { return p > 0 && f.random.Float64() < p }

func (f *Link) holdLocked(to netip.AddrPort, b []byte) {
	f.held = append(f.held, held{to, slices.Clone(b), 1 + f.random.IntN(behindMax)})
	if len(f.held) == 1 {
		f.timer.Reset(f.config.delay())
	}
}

// releaseLocked counts one datagram that left and sends those held that were
// overtaken by enough. An error is nobody's any more: the datagram is lost.
func (f *Link) releaseLocked() {
	kept := f.held[:0]
	for _, h := range f.held {
		if h.behind--; h.behind > 0 {
			kept = append(kept, h)
		} else {
			f.Link.Send(h.to, h.data)
		}
	}
	clear(f.held[len(kept):])
	f.held = kept
}

// flush sends all that is held, because nothing came to overtake it.
func (f *Link) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	for _, h := range f.held {
		f.Link.Send(h.to, h.data)
	}
	f.held = nil
}

// Counts returns what was done so far.
func (f *Link) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Close implements link.Link.
func (f *Link) Close() error {
	f.mu.Lock()
	f.closed = true
	f.held = nil
	f.timer.Stop()
	f.mu.Unlock()
	return f.Link.Close()
}
