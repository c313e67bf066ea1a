package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal/cert"
)

// hosts is the shell around the host table (package hello) and, in a sealed domain,
// the handshakes with its hosts (trust): it sends their packets as frames, gives
// them those that arrive, and the time. It implements hostFrames.
type hosts struct {
	h       *Host
	mu      sync.Mutex // guards what follows; a leaf but for Kernel.Link
	table   *hello.Table
	trust   *trust // nil in a clear domain
	timer   *time.Timer
	taken   error         // the host's name, number or key belongs to another
	settled chan struct{} // closed when the claim time is over
	closed  bool
	casts   multicast

	conflicts []Conflict
	keepers   map[cert.Fingerprint]string // other hosts that were here with the domain's key, by name

	noted      time.Duration              // when live was renewed
	live       atomic.Pointer[[]HostAddr] // where the other live hosts are
	generation uint64                     // of keys and addresses, from 1 on
}

// noteEvery is how often is looked where the other hosts are, if nothing happens.
const noteEvery = time.Second

func (t *hosts) init(h *Host) error {
	epoch, err := h.ids.epoch()
	if err != nil {
		return err
	}
	t.h = h
	h.noteSleep()
	t.generation = 1 // teams begin with 0: they know nothing
	t.settled = make(chan struct{})
	t.mu.Lock()
	defer t.mu.Unlock()
	self := hello.Host{
		Number: h.ids.number, Name: h.config.Name, Kernel: h.HostServer(), Addr: h.ownAddr(),
		Epoch: epoch, Version: h.config.Version,
		Processor: runtime.GOARCH, Processors: runtime.NumCPU(),
	}
	if m := h.config.Member; m != nil {
		self.Fingerprint = m.Identity.Key.Fingerprint()
		t.trust = newTrust(t, m, self.Number, self.Epoch)
	}
	t.table = hello.New(hello.Config{
		Self: self, Peers: h.config.Peers, Multicast: h.config.Multicast, Rand: randomSource(),
	})
	t.timer = time.AfterFunc(never, t.tick)
	if h.config.Multicast {
		if err := t.casts.start(t); err != nil {
			t.closed = true
			t.timer.Stop()
			if t.trust != nil {
				t.trust.stop()
			}
			return err
		}
		t.table.SetAddresses(h.since(), t.casts.told, nil)
	}
	t.afterLocked(t.table.Start(h.since(), nil))
	return nil
}

// claim waits until the host may offer service: nobody else has its name.
func (t *hosts) claim(ctx context.Context) error {
	select {
	case <-t.settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

// open opens a frame for the host kernel. It holds no lock.
func (t *hosts) open(a *arrival, b []byte) error {
	if a.head.Type == frame.Join {
		if t.trust == nil || t.trust.joins == nil {
			return frame.ErrType
		}
		a.body = b
		return nil
	}
	return t.trust.openGroup(a, b)
}

// takeLocked takes an opened frame, to be looked at when Kernel.mu is free.
func (t *hosts) takeLocked(o *outbox, a *arrival) {
	later := *a
	later.body = slices.Clone(a.body)
	o.later = append(o.later, func() { t.take(&later) })
}

// take takes an opened frame.
func (t *hosts) take(a *arrival) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	switch {
	case t.trust != nil:
		t.trust.takeLocked(a)
	case a.head.Type == frame.Hello:
		out, err := t.table.Heard(t.h.since(), a.from, a.body, nil)
		t.heardLocked(a, out, err)
	}
}

// heardLocked does what the table makes of a hello.
func (t *hosts) heardLocked(a *arrival, out []hello.Packet, err error) {
	if err != nil {
		t.h.log.Debug("hello", "peer", a.from, "err", err)
	}
	t.afterLocked(out)
}

// afterLocked sends what a call of the table returned, logs what it found, and
// sets the timer.
func (t *hosts) afterLocked(out []hello.Packet) {
	now := t.h.since()
	events := t.table.Events()
	if len(events) > 0 || now >= t.noted+noteEvery { // that a host has moved is no event
		t.noted = now
		t.noteLiveLocked()
	}
	for _, p := range out {
		t.sendLocked(p.To, t.helloFrame(&p))
	}
	for _, e := range events {
		t.h.log.Info("hosts", "event", e.String())
		t.noteConflictLocked(&e)
		if e.Host.State == hello.Self && (e.Kind == hello.NameTaken || e.Kind == hello.NumberTaken || e.Kind == hello.KeyTaken) {
			t.lostLocked(fmt.Errorf("%v: %w", e, ipc.DuplicateName), e.Kind)
		}
	}
	select {
	case <-t.settled:
	default:
		if t.table.Settled(now) || t.taken != nil {
			close(t.settled)
		}
	}
	if t.closed {
		return
	}
	next := t.table.Deadline()
	if t.trust != nil {
		next = min(next, t.trust.deadline())
	}
	t.timer.Reset(max(next-now, 0))
}

// lostLocked notes that the host's name, number or key is another's: one that boots
// does not go on; one that runs tells its owner, but for its name, under which it
// is only not listed any more.
func (t *hosts) lostLocked(err error, kind hello.EventKind) {
	if t.taken != nil || kind == hello.NameTaken && t.trust != nil {
		return // the certificate gives the host its name: it is listed by another meanwhile
	}
	select {
	case <-t.settled:
		if kind == hello.NameTaken {
			return
		}
		t.taken = &Taken{Kind: kind, Err: err}
		if f := t.h.config.Lost; f != nil {
			go f(t.taken) // ends when the owner has noted it
		}
	default:
		t.taken = &Taken{Kind: kind, Err: err}
	}
}

// Taken says that the name, the number or the key of a host belongs to another.
type Taken struct {
	Kind hello.EventKind // NameTaken, NumberTaken, KeyTaken
	Err  error
}

// Error says whose it is.
func (e *Taken) Error() string { return e.Err.Error() }

// Unwrap returns what is around ipc.DuplicateName.
func (e *Taken) Unwrap() error { return e.Err }

// helloFrame returns the frame of a hello.
func (t *hosts) helloFrame(p *hello.Packet) *buffer {
	b := newBuffer(len(p.Body) + helloOverhead)
	if t.trust != nil {
		t.trust.sealHello(b, p)
		return b
	}
	b.b = frame.Header{Type: frame.Hello}.Append(b.b)
	b.b = append(b.b, p.Body...)
	b.b = frame.AppendCheckTag(b.b)
	return b
}

// sendLocked sends a frame to an address, or with none to all by multicast.
func (t *hosts) sendLocked(to netip.AddrPort, b *buffer) {
	defer b.free()
	if len(b.b) == 0 {
		return
	}
	if !to.IsValid() {
		t.casts.sendLocked(b.b)
		return
	}
	if err := t.h.Kernel.config.Link.Send(to, b.b); err != nil {
		t.h.log.Debug("hello", "peer", to, "err", err)
	}
}

// tick is called by the timer.
func (t *hosts) tick() {
	t.h.noteSleep()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.trust != nil {
		t.trust.tickLocked()
	}
	t.afterLocked(t.table.Tick(t.h.since(), nil))
}

// stop ends the table's timer: the host was never one.
func (t *hosts) stop() {
	t.mu.Lock()
	t.closed = true
	t.timer.Stop()
	t.mu.Unlock()
	t.end()
}

// goodbye tells the others that the host ends.
func (t *hosts) goodbye() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		t.timer.Stop()
		out := t.table.Goodbye(nil)
		if t.trust != nil && len(out) > 0 {
			t.trust.sayGoodbyeLocked(out[0].Body)
		}
		t.afterLocked(out)
	}
	t.mu.Unlock()
	t.end()
}

// end ends the loops beside the table.
func (t *hosts) end() {
	t.casts.stop()
	if t.trust != nil {
		t.trust.stop()
	}
}

// addresses returns where the other live hosts are. It takes no lock: Kernel.mu may
// be held.
func (t *hosts) addresses() []HostAddr {
	if live := t.live.Load(); live != nil {
		return *live
	}
	return nil
}

// noteLiveLocked renews what addresses returns.
func (t *hosts) noteLiveLocked() {
	var live []HostAddr
	for _, h := range t.table.Hosts() {
		if h.State == hello.Live {
			live = append(live, HostAddr{h.Number, h.Addr})
		}
	}
	if old := t.live.Load(); old == nil || !slices.Equal(live, *old) {
		t.live.Store(&live)
		t.generation++
		if t.trust != nil {
			for _, h := range live {
				t.trust.pairs.Moved(h.Number, h.Addr)
			}
			t.noteKeepersLocked()
		}
	}
}

// at returns the number of the live host at an address, 0 if there is none.
func (t *hosts) at(a netip.AddrPort) uint16 {
	for _, h := range t.addresses() {
		if h.Addr == a {
			return h.Number
		}
	}
	return 0
}

func (t *hosts) locate(number uint16) (netip.AddrPort, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, ok := t.table.ByNumber(number)
	return h.Addr, ok && h.State != hello.Lost && h.Addr.IsValid()
}

func (t *hosts) name(number uint16) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, _ := t.table.ByNumber(number)
	return h.Name
}

func (t *hosts) removeServer(l ipc.LogicalHost) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.afterLocked(t.table.RemoveServer(t.h.since(), l, nil))
	}
}

// Hosts returns all hosts that are known, by name.
func (h *Host) Hosts() []hello.Host {
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	return h.hosts.table.Hosts()
}

// Learned returns where hosts are or were: worth a greeting at the next boot.
func (h *Host) Learned() []netip.AddrPort {
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	return h.hosts.table.Learned()
}

// Since returns how long ago a host of Hosts was heard.
func (h *Host) Since(host hello.Host) time.Duration {
	if host.State == hello.Self {
		return 0
	}
	return h.since() - host.Heard
}

// Prefixes returns the name prefixes of all hosts; see hello.Table.Prefixes.
func (h *Host) Prefixes() []hello.Match {
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	return h.hosts.table.Prefixes()
}

var errClosed = errors.New("the host is shutting down")

// AddPrefix makes the host serve a prefix and tells the others; see
// hello.Table.AddPrefix.
func (h *Host) AddPrefix(p hello.Prefix) error {
	t := &h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	out, err := t.table.AddPrefix(h.since(), p, nil)
	t.afterLocked(out)
	return err
}

// RemovePrefix ends that; see hello.Table.RemovePrefix.
func (h *Host) RemovePrefix(name string, server ipc.PID) error {
	t := &h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	out, err := t.table.RemovePrefix(h.since(), name, server, nil)
	t.afterLocked(out)
	return err
}

// SetLoad notes the host's load (runnable programs in hundredths) and memory
// (octets), which go out with the next beat.
func (h *Host) SetLoad(load uint32, total, free uint64) {
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	h.hosts.table.SetLoad(load, total, free)
}

// helloHead reads the host number and the boot epoch of a hello's head.
func helloHead(body []byte) (number uint16, epoch uint64, ok bool) {
	if len(body) < 16 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(body[4:]), binary.BigEndian.Uint64(body[8:]), true
}
