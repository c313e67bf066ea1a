package naming

import (
	"context"
	"errors"
	"sync"

	"vsys/ipc"
)

const (
	// maxProcesses bounds the processes of a pool; who wants one more waits.
	maxProcesses = 256
	// maxIdle bounds those that are kept for the next operation.
	maxIdle = 16
)

// pool keeps the processes that a client sends with: one for each operation
// under way.
type pool struct {
	team  ipc.Team
	life  context.Context // ends with the pool; the processes' own
	end   context.CancelFunc
	slots chan struct{} // holds one element for each process in use

	mu   sync.Mutex
	idle []ipc.Process // guarded by mu
}

// leased is a process in use for one operation.
type leased struct {
	p    ipc.Process
	stop func() bool // ends the watch over the operation's context; nil: none
}

func (b *pool) init(team ipc.Team) {
	b.team = team
	b.life, b.end = context.WithCancel(context.Background())
	b.slots = make(chan struct{}, maxProcesses)
}

// lease returns a process whose waits end with ctx. Codes: Aborted, UserTimeout;
// those of NewProcess.
func (b *pool) lease(ctx context.Context) (leased, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return leased{}, ended(ctx)
	case <-b.life.Done():
		return leased{}, ipc.Aborted
	}
	p, err := b.take()
	if err != nil {
		<-b.slots
		return leased{}, err
	}
	deadline, _ := ctx.Deadline()
	p.SetDeadline(deadline)
	l := leased{p: p}
	if ctx.Done() != nil {
		l.stop = context.AfterFunc(ctx, p.Destroy)
	}
	return l, nil
}

// take returns an idle process, or a new one.
func (b *pool) take() (ipc.Process, error) {
	b.mu.Lock()
	if n := len(b.idle); n > 0 {
		p := b.idle[n-1]
		b.idle = b.idle[:n-1]
		b.mu.Unlock()
		return p, nil
	}
	b.mu.Unlock()
	return b.team.NewProcess(b.life, "client")
}

// done ends the lease and returns what the operation's error err means: one
// that the end of ctx has caused says so.
func (b *pool) done(ctx context.Context, l leased, err error) error {
	defer func() { <-b.slots }()
	if l.stop != nil && !l.stop() {
		if err != nil {
			return ended(ctx)
		}
		return nil
	}
	b.mu.Lock()
	keep := b.life.Err() == nil && len(b.idle) < maxIdle && !errors.Is(err, ipc.Aborted)
	if keep {
		b.idle = append(b.idle, l.p)
	}
	b.mu.Unlock()
	if !keep {
		l.p.Destroy()
	}
	return err
}

// close destroys what is idle; what is in use ends with the life of the pool.
func (b *pool) close() {
	b.end()
	b.mu.Lock()
	idle := b.idle
	b.idle = nil
	b.mu.Unlock()
	for _, p := range idle {
		p.Destroy()
	}
}

// ended says how ctx has ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ipc.UserTimeout
	}
	return ipc.Aborted
}
