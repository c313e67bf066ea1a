package uiotest

import (
	"context"
	"io"
	"slices"
	"sync"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// memPipe is a named pipe. What is read ends when something was written and
// nobody has the pipe open to write any more.
type memPipe struct {
	mu      sync.Mutex // guards below
	data    []byte
	writers int           // instances that write
	ended   bool          // there are no more
	changed chan struct{} // closed, and replaced, when any of it changes
}

// pipeSize is how many octets a pipe holds, unless one write is larger.
const pipeSize = 1 << 16

func newMemPipe() *memPipe { return &memPipe{changed: make(chan struct{})} }

// changedLocked wakes who waits. The caller holds mu.
func (p *memPipe) changedLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// until calls do, with mu held, each time that something has changed, until that
// says that it is done, or ctx has ended.
func (p *memPipe) until(ctx context.Context, do func() bool) error {
	for {
		p.mu.Lock()
		err := ctx.Err()
		done := err != nil || do()
		changed := p.changed
		p.mu.Unlock()
		if done {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (p *memPipe) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagPipe, Mode: 0o666}, nil
}

func (p *memPipe) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	end := &pipeEnd{memPipe: p, attributes: uio.Stream}
	if r.Mode&uio.Read != 0 {
		end.attributes |= uio.Readable
	}
	if r.Mode&uio.Write != 0 {
		end.attributes |= uio.Writeable
		p.mu.Lock()
		p.writers++
		p.mu.Unlock()
	}
	return end, nil
}

// pipeEnd is an opening of a pipe.
type pipeEnd struct {
	*memPipe
	attributes uio.Attributes
}

func (e *pipeEnd) Info() uio.Info { return uio.Info{Attributes: e.attributes, BlockSize: 1} }

func (e *pipeEnd) ReadStream(ctx context.Context, p []byte) (n int, err error) {
	waited := e.until(ctx, func() bool {
		if len(e.data) == 0 {
			err = io.EOF
			return e.ended
		}
		n, err = copy(p, e.data), nil
		e.data = e.data[n:]
		e.changedLocked()
		return true
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

// Unread puts data in front.
func (e *pipeEnd) Unread(data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.data = slices.Concat(data, e.data)
	e.changedLocked()
}

func (e *pipeEnd) WriteStream(ctx context.Context, p []byte) (n int, err error) {
	waited := e.until(ctx, func() bool {
		switch {
		case e.ended:
			err = ipc.Aborted
		case len(e.data) > 0 && len(e.data)+len(p) > pipeSize:
			return false
		default:
			n, e.data = len(p), append(e.data, p...)
			e.changedLocked()
		}
		return true
	})
	if waited != nil {
		return 0, waited
	}
	return n, err
}

func (e *pipeEnd) Release(bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.attributes.Has(uio.Writeable) {
		e.writers--
		e.ended = e.writers == 0
		e.changedLocked()
	}
	return nil
}
