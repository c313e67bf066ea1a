package pipe

import (
	"context"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// end is an instance: an open end of a pipe.
type end struct {
	root  *root
	pipe  *pipe
	name  string
	write bool // else it reads

	owner    ipc.PID // guarded by the root's mu
	released bool    // guarded by the root's mu
}

// Info returns what the end can do.
func (e *end) Info() uio.Info {
	i := uio.Info{Attributes: uio.Stream | uio.Readable, BlockSize: ipc.MaxAppended}
	if e.write {
		i.Attributes = uio.Stream | uio.Writeable
	}
	return i
}

// ReadStream takes octets out, as soon as there are any.
func (e *end) ReadStream(ctx context.Context, b []byte) (int, error) { return e.pipe.read(ctx, b) }

// Unread puts back what a reader was too late for.
func (e *end) Unread(b []byte) { e.pipe.unread(b) }

// WriteStream puts all of b in, as soon as there is room.
func (e *end) WriteStream(ctx context.Context, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return e.pipe.write(ctx, b)
}

// SetOwner notes whom the end belongs to from now on.
func (e *end) SetOwner(owner ipc.PID) { e.root.setOwner(e, owner) }

// Describe describes the pipe.
func (e *end) Describe() (naming.Descriptor, error) { return e.pipe.describe(e.name), nil }

// Release closes the end. What was written stays to be read.
func (e *end) Release(bool) error {
	e.root.release(e)
	return nil
}
