package kernel

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"vsys/ipc"
)

// timeout is the place of a process in the team's heap of deadlines. It may
// stand there earlier than its deadline, so that a process that sets a new
// deadline for each Send seldom touches the heap.
type timeout struct {
	armed time.Duration
	index int // -1: not there
}

// deadlineTimer is the one runtime timer of a team: for the transport's earliest
// deadline and the earliest deadline of a process.
type deadlineTimer struct {
	k       *Kernel
	runtime *time.Timer
	reset   sync.Mutex   // held while armed and runtime are set together; a leaf
	armed   atomic.Int64 // when runtime fires; never if not set

	mu   sync.Mutex // guards what follows and Process.timeout; a leaf
	heap timeouts
}

const never = time.Duration(1<<63 - 1)

func (d *deadlineTimer) init(k *Kernel) {
	d.k = k
	d.armed.Store(int64(never))
	if k.config.Clock == nil {
		d.runtime = time.AfterFunc(never, k.Tick)
	}
}

func (d *deadlineTimer) stop() {
	if d.runtime != nil {
		d.runtime.Stop()
	}
}

// atMost makes the timer fire at the given time or earlier.
func (d *deadlineTimer) atMost(at time.Duration) {
	if int64(at) >= d.armed.Load() {
		return
	}
	d.reset.Lock()
	defer d.reset.Unlock()
	if int64(at) >= d.armed.Load() {
		return
	}
	d.armed.Store(int64(at))
	if d.runtime != nil {
		d.runtime.Reset(max(at-d.k.now(), 0))
	}
}

// fired notes that the timer has fired.
func (d *deadlineTimer) fired() {
	d.reset.Lock()
	defer d.reset.Unlock()
	d.armed.Store(int64(never))
}

// expired tells whether p's deadline has passed. p.mu is held.
func (p *Process) expired() bool { return p.deadline != 0 && p.k.now() >= p.deadline }

// armTimeout enters p's deadline, if it has one. p.mu is held.
func (p *Process) armTimeout() {
	if p.deadline == 0 {
		return
	}
	d := &p.k.timer
	d.mu.Lock()
	entered := true
	switch {
	case p.timeout.index < 0:
		p.timeout.armed = p.deadline
		heap.Push(&d.heap, p)
	case p.deadline < p.timeout.armed:
		p.timeout.armed = p.deadline
		heap.Fix(&d.heap, p.timeout.index)
	default:
		entered = false
	}
	d.mu.Unlock()
	if entered {
		d.atMost(p.deadline)
	}
}

// forget takes p out. p.mu need not be held: p is dead.
func (d *deadlineTimer) forget(p *Process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.timeout.index >= 0 {
		heap.Remove(&d.heap, p.timeout.index)
	}
}

// due removes and returns a process that stands in the heap at or before now,
// nil if there is none.
func (d *deadlineTimer) due(now time.Duration) *Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.heap) == 0 || d.heap[0].timeout.armed > now {
		return nil
	}
	return heap.Pop(&d.heap).(*Process)
}

// next returns the earliest time in the heap.
func (d *deadlineTimer) next() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.heap) == 0 {
		return never
	}
	return d.heap[0].timeout.armed
}

// Tick does what is due: it ends waits whose deadline has passed and lets the
// transport retransmit. The kernel calls it by itself unless it has a Clock of
// its own.
func (k *Kernel) Tick() {
	k.timer.fired()
	now := k.now()
	for p := k.timer.due(now); p != nil; p = k.timer.due(now) {
		p.mu.Lock()
		waits := p.state != Ready && p.state != Dead
		passed := p.deadline != 0 && p.deadline <= now
		if waits && !passed {
			p.armTimeout()
		}
		p.mu.Unlock()
		if waits && passed {
			p.interrupt(ipc.UserTimeout)
		}
	}
	o := newOutbox()
	k.mu.Lock()
	if !k.closed {
		k.endpoint.Tick(now)
		k.drainLocked(o)
	}
	k.mu.Unlock()
	k.flush(o)
	k.timer.atMost(k.timer.next())
}

// Deadline returns when Tick is to be called next, for whoever has given the
// kernel a Clock.
func (k *Kernel) Deadline() time.Duration { return time.Duration(k.timer.armed.Load()) }

// timeouts is a heap.Interface by timeout.armed.
type timeouts []*Process

func (h timeouts) Len() int           { return len(h) }
func (h timeouts) Less(i, j int) bool { return h[i].timeout.armed < h[j].timeout.armed }
func (h timeouts) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timeout.index, h[j].timeout.index = i, j
}
func (h *timeouts) Push(x any) {
	p := x.(*Process)
	p.timeout.index = len(*h)
	*h = append(*h, p)
}
func (h *timeouts) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	p.timeout.index = -1
	return p
}
