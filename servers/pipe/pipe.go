package pipe

import (
	"context"
	"io"
	"slices"
	"sync"

	"vsys/ipc"
)

// Size is how many octets a pipe holds.
const Size = 64 << 10

// pipe is a bounded buffer with the ends that are open.
//
// At most one reader and one writer at a time look at the buffer and wait for
// each other; the others wait for their turn. So a wake-up that is sent to one
// of them has somebody to take it, and a channel of one element holds it.
type pipe struct {
	reading, writing   chan struct{} // hold an element while it is somebody's turn
	readable, writable chan struct{} // hold an element when there is reason to look again

	mu      sync.Mutex // guards below
	buf     []byte     // a ring of Size octets; nil before the first write
	first   int        // where what is in it begins
	fill    int        // how many octets are in it
	readers ends
	writers ends
	// returned was read by who turned out to be gone, and comes before what is in
	// buf; less than MaxAppended octets for each end that reads.
	returned []byte
}

// ends are the open ends of one side.
type ends struct {
	owners []ipc.PID // whom they belong to, with repetitions
	ever   bool      // there has been one
}

// gone tells whether there were ends and are none now.
func (e *ends) gone() bool { return e.ever && len(e.owners) == 0 }

func newPipe() *pipe {
	one := func() chan struct{} { return make(chan struct{}, 1) }
	return &pipe{reading: one(), writing: one(), readable: one(), writable: one()}
}

// sideLocked returns the ends that write, or those that read. The caller holds mu.
func (p *pipe) sideLocked(write bool) *ends {
	if write {
		return &p.writers
	}
	return &p.readers
}

// join adds an end.
func (p *pipe) join(write bool, owner ipc.PID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.sideLocked(write)
	e.owners, e.ever = append(e.owners, owner), true
}

// pass gives one end of the process from to another process.
func (p *pipe) pass(write bool, from, to ipc.PID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owners := p.sideLocked(write).owners
	owners[slices.Index(owners, from)] = to
}

// leave takes an end away, and wakes who waits on the other side if it was the
// last one. It tells whether the pipe has no ends any more.
func (p *pipe) leave(write bool, owner ipc.PID) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.sideLocked(write)
	i := slices.Index(e.owners, owner)
	e.owners = slices.Delete(e.owners, i, i+1)
	if e.gone() {
		post(p.readable)
		post(p.writable)
	}
	return len(p.readers.owners)+len(p.writers.owners) == 0
}

// post puts an element into c unless there is one.
func post(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read takes octets out, as many as there are and fit, at least one. It waits
// for that, for io.EOF or for the end of ctx.
func (p *pipe) read(ctx context.Context, b []byte) (int, error) {
	return turn(ctx, p.reading, p.readable, func() (int, error) { return p.take(b) })
}

// write puts all of b in, at most Size octets. It waits until there is room, or
// nobody reads any more (Aborted), or ctx ends.
func (p *pipe) write(ctx context.Context, b []byte) (int, error) {
	return turn(ctx, p.writing, p.writable, func() (int, error) { return p.put(b) })
}

// turn waits for the caller's turn and then calls do, each time that there is
// reason to, until that does something or fails. Right before, it looks whether
// ctx has ended, so that nothing is done for who has given up.
func turn(ctx context.Context, turn, again chan struct{}, do func() (int, error)) (int, error) {
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-turn }()
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if n, err := do(); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-again:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// take takes out what there is. 0 with nil: wait.
func (p *pipe) take(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := copy(b, p.returned); n > 0 {
		p.returned = p.returned[n:]
		return n, nil
	}
	if p.fill == 0 {
		if p.writers.gone() {
			return 0, io.EOF
		}
		return 0, nil
	}
	n := copy(b, p.buf[p.first:min(p.first+p.fill, Size)])
	n += copy(b[n:], p.buf[:p.fill-min(p.fill, Size-p.first)])
	p.first, p.fill = (p.first+n)%Size, p.fill-n
	post(p.writable)
	return n, nil
}

// unread puts b in front, to be read next. There is always room for it.
func (p *pipe) unread(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned = slices.Concat(b, p.returned)
	post(p.readable)
}

// put puts b in if there is room for all of it. 0 with nil: wait.
func (p *pipe) put(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.readers.gone():
		return 0, ipc.Aborted
	case len(b) > Size-p.fill:
		return 0, nil
	case p.buf == nil:
		p.buf = make([]byte, Size)
	}
	end := (p.first + p.fill) % Size
	n := copy(p.buf[end:], b)
	copy(p.buf, b[n:])
	p.fill += len(b)
	post(p.readable)
	return len(b), nil
}
