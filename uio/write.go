package uio

import (
	"context"
	"io"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

// behind is what was written to a File and is not yet sent, or not yet answered.
// What is under way never overlaps: it is one run without gaps, and ends before
// the next one begins.
type behind struct {
	buf    []byte // not yet sent; the first octets of one of buffers
	pos    int64  // where buf begins
	room   chan struct{}
	flight sync.WaitGroup

	errMu sync.Mutex
	err   error // guarded by errMu: the first error, from then on that of every write
}

func (b *behind) init() { b.room = make(chan struct{}, maxWindow) }

func (b *behind) failed() error {
	b.errMu.Lock()
	defer b.errMu.Unlock()
	return b.err
}

func (b *behind) fail(err error) {
	b.errMu.Lock()
	defer b.errMu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

// writeChunk writes all of p at pos; more than one transaction only if the
// server takes less. It returns how much was written.
func (f *File) writeChunk(ctx context.Context, p []byte, pos int64) (int, error) {
	for done := 0; ; {
		m := f.transfer(OpWriteInstance, pos+int64(done), len(p)-done)
		if err := f.send(ctx, m, ipc.Segment{Read: p[done:]}); err != nil {
			return done, err
		}
		n := int(m.Uint32(4))
		if n <= 0 || n > len(p)-done {
			return done, io.ErrShortWrite
		}
		if done += n; done == len(p) {
			return done, nil
		}
	}
}

// Write writes at the seek pointer and moves it. To a stream or an object that
// is AppendOnly it is sent before Write returns, and waits until there is room.
func (f *File) Write(p []byte) (int, error) { return f.WriteContext(context.Background(), p) }

// WriteContext is Write that ends with ctx: UserTimeout, Aborted. What is sent
// behind is not ended by it.
func (f *File) WriteContext(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	ctx, release := f.writes.within(ctx)
	defer release()
	if err := f.writeable(); err != nil {
		return 0, f.fail("uio.Write", err)
	}
	if f.isSequential() {
		n, err := f.writeMany(ctx, p, 0)
		return n, f.fail("uio.Write", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.writeLocked(ctx, p)
	f.pos += int64(n)
	f.size = max(f.size, f.pos)
	return n, f.fail("uio.Write", err)
}

// writeable returns an error if f can't be written.
func (f *File) writeable() error {
	switch {
	case f.writes.ctx.Err() != nil:
		return errClosed
	case !f.is(Writeable):
		return ipc.NotWriteable
	}
	return nil
}

// writeMany writes p at pos, chunk after chunk.
func (f *File) writeMany(ctx context.Context, p []byte, pos int64) (int, error) {
	done := 0
	for done < len(p) {
		part := p[done:min(len(p), done+chunkSize)]
		n, err := f.writeChunk(ctx, part, pos+int64(done))
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// writeLocked puts p into the buffer and sends what fills it. The caller holds
// mu.
func (f *File) writeLocked(ctx context.Context, p []byte) (int, error) {
	b := &f.behind
	f.ahead.drop()
	if len(b.buf) > 0 && b.pos+int64(len(b.buf)) != f.pos {
		if err := f.drainLocked(); err != nil {
			return 0, err
		}
	}
	done := 0
	for done < len(p) {
		if err := b.failed(); err != nil {
			return done, err
		}
		if len(b.buf) == 0 {
			b.buf, b.pos = buffers.Get().(*[chunkSize]byte)[:0], f.pos+int64(done)
		}
		n := min(len(p)-done, chunkSize-len(b.buf))
		b.buf = append(b.buf, p[done:done+n]...)
		if done += n; len(b.buf) == chunkSize {
			if err := f.postLocked(ctx); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// postLocked starts to send the buffer, when there is room for one more under
// way. The caller holds mu.
func (f *File) postLocked(ctx context.Context) error {
	b := &f.behind
	select {
	case b.room <- struct{}{}:
	case <-ctx.Done():
		return naming.CodeOf(ctx.Err())
	}
	buf, pos := b.buf, b.pos
	b.buf = nil
	b.flight.Go(func() { // ends with its transaction; drainLocked waits for it
		defer func() { <-b.room }()
		if _, err := f.writeChunk(f.writes.ctx, buf, pos); err != nil {
			b.fail(err)
		}
		buffers.Put((*[chunkSize]byte)(buf))
	})
	return nil
}

// drainLocked sends what is written and waits for the answers. It returns the
// first error there was. The caller holds mu.
func (f *File) drainLocked() error {
	b := &f.behind
	if len(b.buf) > 0 && b.failed() == nil {
		if _, err := f.writeChunk(f.writes.ctx, b.buf, b.pos); err != nil {
			b.fail(err)
		}
	}
	b.buf = nil
	b.flight.Wait()
	return b.failed()
}

// WriteAt writes p at off and waits for it. The seek pointer stays. A stream or
// an object that is AppendOnly can't: RequestUnsupported.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	err := f.writeable()
	switch {
	case err != nil:
	case off < 0:
		err = ipc.BadArgs
	case f.isSequential():
		err = ipc.RequestUnsupported
	}
	if err != nil {
		return 0, f.fail("uio.WriteAt", err)
	}
	f.mu.Lock()
	err = f.drainLocked()
	f.mu.Unlock()
	if err != nil {
		return 0, f.fail("uio.WriteAt", err)
	}
	n, err := f.writeMany(f.writes.ctx, p, off)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead.drop()
	f.size = max(f.size, off+int64(n))
	return n, f.fail("uio.WriteAt", err)
}

// ReadFrom writes what r has, up to its end.
func (f *File) ReadFrom(r io.Reader) (int64, error) {
	buf := buffers.Get().(*[chunkSize]byte)
	defer buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, buf[:])
}
