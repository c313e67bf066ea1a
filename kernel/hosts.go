package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link/frame"
)

// hosts is the shell around the host table (package hello): it sends the
// table's packets as frames, gives it those that arrive, and the time.
type hosts struct {
	h       *Host
	mu      sync.Mutex // guards what follows; a leaf but for Kernel.Link
	table   *hello.Table
	timer   *time.Timer
	taken   error         // the host's name or number belongs to another
	settled chan struct{} // closed when the claim time is over
	closed  bool

	live atomic.Pointer[[]netip.AddrPort] // where the other live hosts are
}

func (t *hosts) init(h *Host) {
	t.h = h
	t.settled = make(chan struct{})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table = hello.New(hello.Config{
		Self: hello.Host{
			Number: h.ids.number, Name: h.config.Name, Kernel: h.HostServer(), Addr: h.pool.Addr(),
			Epoch: uint64(time.Now().UnixNano()), Version: h.config.Version,
			Processor: runtime.GOARCH, Processors: runtime.NumCPU(),
		},
		Peers: h.config.Peers, Rand: randomSource(),
	})
	t.timer = time.AfterFunc(never, t.tick)
	t.afterLocked(t.table.Start(h.since(), nil))
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

// afterLocked sends what a call of the table returned, logs what it found, and
// sets the timer.
func (t *hosts) afterLocked(out []hello.Packet) {
	t.noteLiveLocked()
	for _, p := range out {
		b := newBuffer(len(p.Body) + frame.Overhead)
		b.b = frame.Header{Type: frame.Hello}.Append(b.b)
		b.b = append(b.b, p.Body...)
		b.b = frame.AppendCheckTag(b.b)
		if err := t.h.Kernel.config.Link.Send(p.To, b.b); err != nil {
			t.h.log.Debug("hello", "peer", p.To, "err", err)
		}
		b.free()
	}
	for _, e := range t.table.Events() {
		t.h.log.Info("hosts", "event", e.String())
		if (e.Kind == hello.NameTaken || e.Kind == hello.NumberTaken) && e.Host.State == hello.Self {
			t.taken = fmt.Errorf("%v: %w", e, ipc.DuplicateName)
		}
	}
	now := t.h.since()
	select {
	case <-t.settled:
	default:
		if t.table.Settled(now) || t.taken != nil {
			close(t.settled)
		}
	}
	if !t.closed {
		t.timer.Reset(max(t.table.Deadline()-now, 0))
	}
}

// tick is called by the timer.
func (t *hosts) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.afterLocked(t.table.Tick(t.h.since(), nil))
	}
}

// heard takes the body of a hello frame.
func (t *hosts) heard(from netip.AddrPort, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	out, err := t.table.Heard(t.h.since(), from, body, nil)
	if err != nil {
		t.h.log.Debug("hello", "peer", from, "err", err)
		return
	}
	t.afterLocked(out)
}

// stop ends the table's timer: the host was never one.
func (t *hosts) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.timer.Stop()
}

// goodbye tells the others that the host ends.
func (t *hosts) goodbye() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.timer.Stop()
	t.afterLocked(t.table.Goodbye(nil))
}

// addresses returns where the other live hosts are. It takes no lock: Kernel.mu may
// be held.
func (t *hosts) addresses() []netip.AddrPort {
	if live := t.live.Load(); live != nil {
		return *live
	}
	return nil
}

// noteLiveLocked renews what addresses returns.
func (t *hosts) noteLiveLocked() {
	var live []netip.AddrPort
	for _, h := range t.table.Hosts() {
		if h.State == hello.Live {
			live = append(live, h.Addr)
		}
	}
	t.live.Store(&live)
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
