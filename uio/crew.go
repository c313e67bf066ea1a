package uio

import (
	"context"
	"sync"

	"vsys/ipc"
)

const (
	// reserve is how many workers are kept for operations that do not wait for
	// somebody: streams may occupy the others.
	reserve = 8
	// maxIdleWorkers is how many wait for work before one retires.
	maxIdleWorkers = 4
)

// crew is the workers of a server. One at a time has the receiver's role: it
// waits for the next request, hands the role to the next worker and does the
// work itself, so that no wake-up stands between a request and its answer, and a
// slow object blocks nobody else. When all workers are at work the role waits,
// and so do the requests, in the kernel.
type crew struct {
	ctx  context.Context
	s    *Server
	p    ipc.Process
	role chan struct{} // holds one element: the role, while nobody has it
	done chan struct{} // closed when no more is received
	all  sync.WaitGroup

	mu      sync.Mutex // guards below
	workers int
	idle    int // workers that wait for the role
	err     error

	streams streams
}

func newCrew(ctx context.Context, s *Server, p ipc.Process) *crew {
	c := &crew{ctx: ctx, s: s, p: p, role: make(chan struct{}, 1), done: make(chan struct{})}
	c.streams.init(s.maxWorkers() - reserve)
	c.role <- struct{}{}
	return c
}

// run starts the first worker and waits until no more is received; it returns
// why.
func (c *crew) run() error {
	c.hire()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// wait waits for the workers to end.
func (c *crew) wait() { c.all.Wait() }

// hire starts a worker. It ends by retiring, or when no more is received.
func (c *crew) hire() {
	c.mu.Lock()
	c.workers++
	c.mu.Unlock()
	c.all.Go(c.workerLoop)
}

// workerLoop is one worker's life.
func (c *crew) workerLoop() {
	w := &worker{crew: c, in: make([]byte, ipc.MaxAppended), out: make([]byte, ipc.MaxAppended)}
	for c.takeRole() {
		var err error
		if w.t, err = c.p.Receive(&w.m, w.in); err != nil {
			c.stop(err)
			return
		}
		c.passRole()
		w.handle()
	}
}

// takeRole waits for the receiver's role. False: the worker is not needed.
func (c *crew) takeRole() bool {
	c.mu.Lock()
	if c.idle >= maxIdleWorkers {
		c.workers--
		c.mu.Unlock()
		return false
	}
	c.idle++
	c.mu.Unlock()
	taken := false
	select {
	case <-c.role:
		taken = true
	case <-c.done:
	}
	c.mu.Lock()
	c.idle--
	c.mu.Unlock()
	return taken
}

// passRole lets another worker receive, a new one if all are at work.
func (c *crew) passRole() {
	c.mu.Lock()
	hire := c.idle == 0 && c.workers < c.s.maxWorkers()
	c.mu.Unlock()
	c.role <- struct{}{}
	if hire {
		c.hire()
	}
}

// stop ends the receiving; the role is with the caller and stays there.
func (c *crew) stop(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	close(c.done)
}
