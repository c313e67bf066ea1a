package uiotest

import (
	"context"
	"io"
	"sync"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// memPipe is a named pipe. What is read ends when something was written and
// nobody has the pipe open to write any more.
type memPipe struct {
	data chan []byte

	mu      sync.Mutex
	writers int           // guarded by mu: instances that write
	ended   chan struct{} // closed when there are no more
}

// pipeDepth is how many writes a pipe holds.
const pipeDepth = 4

func newMemPipe() *memPipe {
	return &memPipe{data: make(chan []byte, pipeDepth), ended: make(chan struct{})}
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
	left       []byte // of what was taken out of the pipe
}

func (e *pipeEnd) Info() uio.Info { return uio.Info{Attributes: e.attributes, BlockSize: 1} }

func (e *pipeEnd) ReadStream(ctx context.Context, p []byte) (int, error) {
	if len(e.left) == 0 {
		select {
		case e.left = <-e.data:
		default:
			select {
			case e.left = <-e.data:
			case <-e.ended:
				select {
				case e.left = <-e.data:
				default:
					return 0, io.EOF
				}
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

func (e *pipeEnd) WriteStream(ctx context.Context, p []byte) (int, error) {
	select {
	case <-e.ended:
		return 0, ipc.Aborted
	default:
	}
	select {
	case e.data <- append([]byte{}, p...):
		return len(p), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (e *pipeEnd) Release(bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.attributes.Has(uio.Writeable) {
		if e.writers--; e.writers == 0 {
			close(e.ended)
		}
	}
	return nil
}
