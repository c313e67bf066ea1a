package kernel

import (
	"runtime"
	"slices"
	"time"

	"vsys/link"
)

// Constants of the reader; docs/decisions/baton.md has what they were chosen
// from.
const (
	spinLimit      = 60 * time.Microsecond // more than it takes to wake the peer
	spinBackOff    = 8                     // waits without spinning after two misses, doubled …
	spinBackOffMax = 256                   // … up to this
	sleepLimit     = time.Millisecond      // in Linux, before parking in Go's poller
	parkLimit      = time.Hour
	watchInterval  = 100 * time.Millisecond // the role may be free for so long
	busy           = 2                      // other transactions outstanding: don't spin or sleep
	batchPackets   = 16
)

// baton is the reader's role: who waits, works. One of the waiting processes
// reads the link itself; when its own wait is over it wakes another waiter to
// take the role, and when nobody waits a reader in the background has it. All
// fields are guarded by Kernel.mu but those that only the reader uses.
type baton struct {
	k          *Kernel
	waiting    []*Process // wait for a token, oldest first
	promoted   *Process   // woken to take the role, has not done so yet
	background *Process   // stands for the background reader
	parked     bool       // the background reader has the role and sleeps
	watch      *time.Timer
	watched    bool // the watch is set
	freeSince  time.Duration
	stopped    bool
	start      chan struct{} // 1: wakes the background reader

	// The reader's alone.
	batch    *link.Batch
	arrivals [batchPackets]arrival
	misses   int  // waits in which spinning yielded nothing, in a row
	backOff  int  // how many waits to skip spinning after the next miss
	skip     int  // waits still to skip
	slept    bool // sleeping in Linux yielded nothing last time
	woke     bool // the last round woke somebody
	quiet    bool // the last round was hellos: no answer is to be expected soon
}

func (b *baton) init(k *Kernel) {
	b.k = k
	if k.config.Link == nil || k.config.Clock != nil {
		return
	}
	b.background = &Process{k: k, name: "reader", token: make(chan struct{}, 1)}
	b.batch = link.NewBatch(batchPackets, maxDatagram)
	b.start = make(chan struct{}, 1)
	b.watch = time.AfterFunc(never, b.look)
}

// run starts the background reader.
func (b *baton) run() {
	if b.background == nil {
		return
	}
	b.start <- struct{}{}
	b.k.loops.Add(1)
	go b.readerLoop()
}

// stop ends the background reader.
func (b *baton) stop() {
	if b.background == nil {
		return
	}
	b.k.mu.Lock()
	b.stopped = true
	b.k.mu.Unlock()
	b.watch.Stop()
	select {
	case b.start <- struct{}{}:
	default:
	}
	b.k.config.Link.Kick()
}

// wait waits until p's state has changed, or may have. If p waits for another
// team it takes part in reading the link.
func (p *Process) wait(network bool) {
	b := &p.k.baton
	if !network || b.background == nil {
		<-p.token
		return
	}
	k := p.k
	k.mu.Lock()
	for p.waitsLocked() {
		if b.enterLocked(p) {
			b.lead(p)
			continue
		}
		k.mu.Unlock()
		<-p.token
		k.mu.Lock()
		if b.promoted == p {
			b.promoted = nil
		}
	}
	if k.reader.Load() == p {
		b.leaveLocked() // it was given the role, but its wait was over
	}
	b.unlinkLocked(p)
	woken := b.succeedLocked()
	k.mu.Unlock()
	if woken != nil {
		woken.post()
	}
}

// waitsLocked tells whether p still waits.
func (p *Process) waitsLocked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state != Ready && p.state != Dead
}

// enterLocked gives p the reader's role if it can be had, and else puts p among
// the waiting. A background reader that sleeps is woken, to give the role up.
func (b *baton) enterLocked(p *Process) bool {
	k := b.k
	switch k.reader.Load() {
	case p:
		return true
	case nil:
		k.reader.Store(p)
		b.unlinkLocked(p)
		return true
	case b.background:
		if b.parked {
			b.parked = false
			k.config.Link.Kick()
		}
	}
	if !slices.Contains(b.waiting, p) {
		b.waiting = append(b.waiting, p)
	}
	return false
}

func (b *baton) unlinkLocked(p *Process) {
	for i, q := range b.waiting {
		if q == p {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			return
		}
	}
}

// leaveLocked gives up the role.
func (b *baton) leaveLocked() { b.k.reader.Store(nil) }

// succeedLocked sees to it that somebody takes a free role: it returns a waiter
// to wake, or sets the watch, after which the background reader takes it. Who
// left is likely to be back before.
func (b *baton) succeedLocked() *Process {
	switch {
	case b.k.reader.Load() != nil || b.promoted != nil || b.stopped:
	case len(b.waiting) > 0:
		b.promoted = b.waiting[0]
		return b.promoted
	default:
		b.freeSince = b.k.now()
		if !b.watched {
			b.watched = true
			b.watch.Reset(watchInterval)
		}
	}
	return nil
}

// cover gives a free role to the background reader: a server waits that does
// not take it itself.
func (b *baton) cover() {
	if b.background == nil || b.k.reader.Load() != nil {
		return
	}
	select {
	case b.start <- struct{}{}:
	default:
	}
}

// look is called by the watch.
func (b *baton) look() {
	k := b.k
	k.mu.Lock()
	defer k.mu.Unlock()
	b.watched = false
	if k.reader.Load() != nil || b.promoted != nil || b.stopped {
		return
	}
	if free := k.now() - b.freeSince; free < watchInterval/2 {
		b.watched = true
		b.watch.Reset(watchInterval - free)
		return
	}
	select {
	case b.start <- struct{}{}:
	default:
	}
}

// readerLoop is the background reader. It ends when the kernel is closed.
func (b *baton) readerLoop() {
	k := b.k
	defer k.loops.Done()
	for range b.start {
		k.mu.Lock()
		if k.reader.Load() == nil && !b.stopped {
			k.reader.Store(b.background)
			b.lead(b.background)
		}
		stopped := b.stopped
		var woken *Process
		if !stopped {
			woken = b.succeedLocked()
		}
		k.mu.Unlock()
		if woken != nil {
			woken.post()
		}
		if stopped {
			return
		}
	}
}

// lead reads the link until p's wait is over or p has passed the role on. Kernel.mu
// is held at call and return, not between.
func (b *baton) lead(p *Process) {
	k := b.k
	b.quiet = false
	o := newOutbox()
	o.self = p
	defer func() {
		o.self = nil
		outboxes.Put(o)
	}()
	for {
		if b.overLocked(p) {
			b.leaveLocked()
			return
		}
		if b.woke && p != b.background && b.passLocked(p) {
			return
		}
		others := k.endpoint.Outstanding() - 1
		b.parked = p == b.background
		k.mu.Unlock()
		n := b.open(b.receive(p, others))
		k.mu.Lock()
		b.parked = false
		b.woke = false
		b.quiet = n > 0
		for i := range n {
			if k.inputLocked(o, &b.arrivals[i]) {
				b.quiet = false
			}
		}
		if len(o.datagrams)+len(o.wakes)+len(o.later) > 0 {
			b.woke = len(o.wakes) > 1 || len(o.wakes) == 1 && o.wakes[0] != p
			k.mu.Unlock()
			k.empty(o)
			k.mu.Lock()
		}
	}
}

// open opens the first n datagrams of the batch and returns how many are worth
// something.
func (b *baton) open(n int) (good int) {
	for i := range n {
		d := &b.batch.Packets[i]
		if b.k.open(&b.arrivals[good], d.From, d.Data) {
			good++
		}
	}
	return good
}

// overLocked tells whether p should give up the role.
func (b *baton) overLocked(p *Process) bool {
	if p == b.background {
		return b.stopped || len(b.waiting) > 0
	}
	return !p.waitsLocked()
}

// passLocked lets a process that the last round woke run, and if it waits again
// and p is a server, gives it the role: the role follows the work. It tells
// whether it did.
func (b *baton) passLocked(p *Process) bool {
	k := b.k
	k.mu.Unlock()
	runtime.Gosched()
	k.mu.Lock()
	b.woke = false
	if len(b.waiting) == 0 || !p.receives() {
		return false
	}
	q := b.waiting[len(b.waiting)-1]
	if q.receives() {
		return false
	}
	b.waiting[len(b.waiting)-1] = p
	k.reader.Store(q)
	k.mu.Unlock()
	q.post()
	k.mu.Lock()
	return true
}

func (p *Process) receives() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == ReceiveBlocked || p.state == ReceiveSpecific
}

// receive waits for datagrams; 0 means "look again". others is the number of
// transactions outstanding besides p's own.
func (b *baton) receive(p *Process, others int) int {
	l := b.k.config.Link
	if p == b.background {
		if n := l.TryReceive(b.batch); n > 0 {
			return n
		}
		l.Park(parkLimit)
		return 0
	}
	if n := l.TryReceive(b.batch); n > 0 {
		return b.hit(n)
	}
	if b.quiet {
		l.Park(parkLimit)
		return b.hit(l.TryReceive(b.batch))
	}
	if others > busy {
		runtime.Gosched()
		if n := l.TryReceive(b.batch); n > 0 {
			return b.hit(n)
		}
		l.Park(parkLimit)
		return b.hit(l.TryReceive(b.batch))
	}
	if n := b.spin(p); n > 0 {
		return b.hit(n)
	}
	if len(p.token) > 0 {
		return 0
	}
	if others > 0 || b.slept {
		l.Park(parkLimit)
	} else {
		runtime.Gosched()
		l.Sleep(sleepLimit)
		b.slept = true
	}
	return b.hit(l.TryReceive(b.batch))
}

// hit notes that something came.
func (b *baton) hit(n int) int {
	if n > 0 {
		b.slept = false
	}
	return n
}

// spin polls the link for a short time, unless that was in vain lately or the
// peer needs this processor.
func (b *baton) spin(p *Process) int {
	l := b.k.config.Link
	if b.skip > 0 {
		b.skip--
		return 0
	}
	if l.Near() {
		return 0
	}
	start := time.Now()
	for i := 0; ; i++ {
		if n := l.TryReceive(b.batch); n > 0 {
			b.misses, b.backOff = 0, 0
			return n
		}
		if len(p.token) > 0 {
			return 0
		}
		if i%8 == 7 && time.Since(start) > spinLimit {
			break
		}
	}
	if b.misses++; b.misses >= 2 {
		b.backOff = min(max(2*b.backOff, spinBackOff), spinBackOffMax)
		b.skip = b.backOff
	}
	return 0
}
