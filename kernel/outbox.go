package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/vmtp/packet"
)

// outbox collects, while Kernel.mu is held, what is to be done after it is
// released: datagrams to send and processes to wake.
type outbox struct {
	datagrams []datagram
	wakes     []*Process
	self      *Process // reads the link and needs no wake-up
	later     []func() // seldom: what needs to call the kernel
	run       [maxRun][]byte
	nonce     seal.Nonce
}

var outboxes = sync.Pool{New: func() any { return new(outbox) }}

// newOutbox returns an empty outbox; flush takes it back.
func newOutbox() *outbox { return outboxes.Get().(*outbox) }

// datagram is a frame to send, still without its tag. If its host's address was
// not known when it was made, to is not valid and is found out first.
type datagram struct {
	to    netip.AddrPort
	host  uint16
	slot  uint16
	again bool // it is a retransmission
	buf   *buffer
}

// buffer is memory for one datagram, in two sizes.
type buffer struct{ b []byte }

const smallBuffer = 2048

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any {
		return &buffer{make([]byte, 0, packet.MaxSize+frame.WrapOverhead+frame.Overhead)}
	}}
)

func newBuffer(size int) *buffer {
	if size <= smallBuffer {
		return smallBuffers.Get().(*buffer)
	}
	return largeBuffers.Get().(*buffer)
}

func (b *buffer) free() {
	b.b = b.b[:0]
	if cap(b.b) == smallBuffer {
		smallBuffers.Put(b)
	} else {
		largeBuffers.Put(b)
	}
}

// flush does what o collected. No lock is held.
func (k *Kernel) flush(o *outbox) {
	k.empty(o)
	outboxes.Put(o)
}

// empty does what o collected, which can then be used again.
func (k *Kernel) empty(o *outbox) {
	for rest := o.datagrams; len(rest) > 0; {
		n := 1
		for n < len(rest) && n < maxRun && rest[n].to == rest[0].to && rest[n].host == rest[0].host && rest[n].slot == rest[0].slot {
			n++
		}
		k.transmit(o, rest[:n])
		rest = rest[n:]
	}
	for i, p := range o.wakes {
		if p != o.self {
			p.wake()
		}
		o.wakes[i] = nil
	}
	for _, f := range o.later {
		f()
	}
	o.datagrams, o.wakes, o.later = o.datagrams[:0], o.wakes[:0], nil
}

// maxRun is the most datagrams that are given to the link at once.
const maxRun = 32

// transmit sends datagrams to one team, and frees their buffers.
func (k *Kernel) transmit(o *outbox, run []datagram) {
	if err := k.trySend(o, run); err != nil {
		k.log.Debug("send", "peer", run[0].to, "err", err)
		if errors.Is(err, ipc.BadByteCount) { // the path is narrower than the network here
			k.mu.Lock()
			k.narrow[run[0].host] = true
			k.mu.Unlock()
		}
	}
	for i := range run {
		run[i].buf.free()
		run[i] = datagram{}
	}
}

func (k *Kernel) trySend(o *outbox, run []datagram) error {
	to := run[0].to
	if k.keys != nil && k.refreshKeys(slices.ContainsFunc(run, func(d datagram) bool { return d.again })) {
		to = netip.AddrPort{} // the host may be elsewhere now
	}
	if !to.IsValid() {
		if to, _ = k.route(run[0].host, run[0].slot); !to.IsValid() {
			return ipc.Unreachable
		}
	}
	if err := k.finish(o, run); err != nil {
		return err
	}
	if len(run) == 1 {
		return k.config.Link.Send(to, run[0].buf.b)
	}
	for i := range run {
		o.run[i] = run[i].buf.b
	}
	return k.config.Link.SendGroup(to, o.run[:len(run)])
}

// finish seals the frames of a run, or gives them the tag of the null cipher.
func (k *Kernel) finish(o *outbox, run []datagram) error {
	if k.keys == nil {
		for i := range run {
			run[i].buf.b = frame.AppendNullTag(run[i].buf.b)
		}
		return nil
	}
	s, _ := k.keys.sealer(run[0].host, run[0].slot)
	if s == nil {
		return errNoKey
	}
	for i := range run {
		b, err := k.keys.seal(s, run[i].buf.b, &o.nonce)
		if err != nil {
			return err
		}
		run[i].buf.b = b
	}
	return nil
}

var errNoKey = fmt.Errorf("no key is shared with that host: %w", ipc.Unreachable)

// refreshKeys asks the host kernel now and then whether keys or addresses have
// changed, sooner if a peer does not answer, and tells whether they have.
func (k *Kernel) refreshKeys(again bool) bool {
	age := keysAge
	if again {
		age = keysDoubt
	}
	if !k.keys.refreshed(age) {
		return false
	}
	k.mu.Lock()
	clear(k.routes)
	k.mu.Unlock()
	return true
}
