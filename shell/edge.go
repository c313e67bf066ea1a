package shell

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// edges are the pipes of running pipelines whose two ends may be joined on other
// hosts. The interpreter makes a pipe for each; while nothing is written to it,
// its inode serves as the edge's name. The stages at both ends claim it and say
// where they run. It may be used by any goroutine.
type edges struct {
	sys Programs

	mu sync.Mutex
	m  map[inode]*edge // guarded by mu
}

type inode struct{ dev, ino uint64 }

func inodeOf(f *os.File) (inode, bool) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return inode{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return inode{uint64(st.Dev), st.Ino}, ok
}

// side is which end of a pipe.
type side int

const (
	writer side = iota
	reader
)

// edge is one pipe. A side's fields are set before its channel is closed.
type edge struct {
	claimed [2]chan struct{} // by side, closed when that side is claimed
	host    [2]string        // where that stage runs, "" for in this process or as its child
	users   int              // guarded by edges.mu

	make sync.Once // makes the V pipe
	ends [2]PipeEnd
	err  error
}

// claim is one stage's hold on one end of an edge.
type claim struct {
	edges *edges
	key   inode
	edge  *edge
	side  side
	file  *os.File
}

// claim takes one end of the interpreter's pipe f for a stage that runs on host,
// "" for here. It returns nil if f is no pipe. The claim lasts until release.
func (es *edges) claim(f *os.File, sd side, host string) *claim {
	if f == nil {
		return nil
	}
	key, ok := inodeOf(f)
	if !ok {
		return nil
	}
	es.mu.Lock()
	defer es.mu.Unlock()
	e := es.m[key]
	if e == nil {
		e = &edge{claimed: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
		es.m[key] = e
	}
	select {
	case <-e.claimed[sd]:
		return nil // a second stage with the same descriptor, in a substitution
	default:
	}
	e.users++
	e.host[sd] = host
	close(e.claimed[sd])
	return &claim{es, key, e, sd, f}
}

// release ends the claim; the edge goes with the last one.
func (c *claim) release() {
	if c == nil {
		return
	}
	c.edges.mu.Lock()
	defer c.edges.mu.Unlock()
	if c.edge.users--; c.edge.users == 0 {
		delete(c.edges.m, c.key)
	}
}

// join waits for the stage at the other end. If that too runs on another host,
// join returns the V pipe's end for this side, made in the reader's host; else
// nil, and the data goes through the interpreter's pipe. A stage whose other end
// is never claimed learns it from that pipe: the reader when something is in it
// or nobody writes, the writer when nobody reads.
func (c *claim) join(ctx context.Context) (PipeEnd, error) {
	if c == nil || !c.paired(ctx) {
		return nil, ctx.Err()
	}
	e := c.edge
	if e.host[writer] == "" || e.host[reader] == "" {
		return nil, nil
	}
	e.make.Do(func() {
		e.ends[reader], e.ends[writer], e.err = c.edges.sys.NewPipe(ctx, e.host[reader])
	})
	return e.ends[c.side], e.err
}

// paired waits until the other side is claimed and tells whether it was.
func (c *claim) paired(ctx context.Context) bool {
	other := c.edge.claimed[1-c.side]
	events := int16(unix.POLLIN)
	if c.side == writer {
		events = unix.POLLERR
	}
	alone := make(chan struct{})
	var watcher sync.WaitGroup
	// The watcher ends when the pipe stirs or its deadline is set.
	watcher.Go(func() {
		if waitFor(c.file, events) {
			close(alone)
		}
	})
	select {
	case <-other:
	case <-alone:
	case <-ctx.Done():
	}
	c.file.SetReadDeadline(time.Now())
	watcher.Wait()
	c.file.SetReadDeadline(time.Time{})
	select {
	case <-other:
		return true
	default:
		return false
	}
}
