package uio

import (
	"context"
	"errors"
	"io"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

const (
	// chunkSize is what one transaction reads or writes at most, in octets.
	chunkSize = ipc.MaxAppended
	// maxWindow is how many transactions of one File are under way at most.
	maxWindow = 8
)

// buffers are chunks of memory that wait for their next use.
var buffers = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// transfer returns the request for count octets at pos.
func (f *File) transfer(op ipc.Op, pos int64, count int) *ipc.Message {
	var m ipc.Message
	bs := uint64(f.info.BlockSize)
	transfer{f.id.ID, uint64(pos) / bs, uint32(count), uint32(uint64(pos) % bs)}.put(&m, op)
	return &m
}

// readChunk reads at most chunkSize octets at pos, in one transaction. It
// returns less than len(p) only at the end, and io.EOF only with nothing.
func (f *File) readChunk(ctx context.Context, p []byte, pos int64) (int, error) {
	if f.local != nil {
		if pos >= int64(len(f.local)) {
			return 0, io.EOF
		}
		return copy(p, f.local[pos:]), nil
	}
	m := f.transfer(OpReadInstance, pos, len(p))
	if err := f.send(ctx, m, ipc.Segment{Write: p}); err != nil {
		if ipc.CodeOf(err) == ipc.EndOfFile {
			err = io.EOF
		}
		return 0, err
	}
	return min(m.SegmentSize(), len(p)), nil
}

// ReadAt reads len(p) octets at off, several blocks at a time. It returns io.EOF
// with less. The seek pointer stays. A stream can't: RequestUnsupported.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.is(Stream) {
		return 0, f.fail("uio.ReadAt", ipc.RequestUnsupported)
	}
	if off < 0 {
		return 0, f.fail("uio.ReadAt", ipc.BadArgs)
	}
	f.mu.Lock()
	err := f.usableLocked()
	if err == nil {
		err = f.drainLocked()
	}
	f.mu.Unlock()
	if err != nil {
		return 0, f.fail("uio.ReadAt", err)
	}
	n, err := f.readMany(f.reads.ctx, p, off)
	return n, f.fail("uio.ReadAt", err)
}

// usableLocked returns errClosed for a closed File. The caller holds mu.
func (f *File) usableLocked() error {
	if f.closed {
		return errClosed
	}
	return nil
}

// readMany reads len(p) octets at off, or up to the end with io.EOF.
func (f *File) readMany(ctx context.Context, p []byte, off int64) (int, error) {
	done, err := 0, error(nil)
	for done < len(p) && err == nil {
		var n int
		if n, err = f.readBatch(ctx, p[done:min(len(p), done+maxWindow*chunkSize)], off+int64(done)); n == 0 && err == nil {
			err = io.EOF
		}
		done += n
	}
	return done, err
}

// readBatch reads at most maxWindow chunks at once and returns how many octets
// are there without a gap, with the error that came after them.
func (f *File) readBatch(ctx context.Context, p []byte, off int64) (int, error) {
	if len(p) <= chunkSize {
		return f.readChunk(ctx, p, off)
	}
	var counts [maxWindow]int
	var errs [maxWindow]error
	var all sync.WaitGroup
	read := func(i int) {
		part := p[i*chunkSize : min(len(p), (i+1)*chunkSize)]
		counts[i], errs[i] = f.readChunk(ctx, part, off+int64(i)*chunkSize)
	}
	for i := 1; i*chunkSize < len(p); i++ {
		all.Go(func() { read(i) }) // ends with its transaction; waited for below
	}
	read(0)
	all.Wait()
	n := 0
	for i := 0; i*chunkSize < len(p); i++ {
		n += counts[i]
		if errs[i] != nil || counts[i] < min(chunkSize, len(p)-i*chunkSize) {
			return n, errs[i]
		}
	}
	return n, nil
}

// Read reads at the seek pointer and moves it. It returns io.EOF at the end. Of
// a stream it waits until there is something.
func (f *File) Read(p []byte) (int, error) { return f.ReadContext(context.Background(), p) }

// ReadContext is Read that ends with ctx: UserTimeout, Aborted. What a stream
// had to give meanwhile is not lost.
func (f *File) ReadContext(ctx context.Context, p []byte) (int, error) {
	return f.read(ctx, p, len(p) < chunkSize)
}

// read is ReadContext; ahead as in readLocked.
func (f *File) read(ctx context.Context, p []byte, ahead bool) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	ctx, release := f.reads.within(ctx)
	defer release()
	if f.is(Stream) {
		n, err := f.readStream(ctx, p)
		return n, f.fail("uio.Read", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.usableLocked()
	if err == nil {
		err = f.drainLocked()
	}
	if err != nil {
		return 0, f.fail("uio.Read", err)
	}
	n, err := f.readLocked(ctx, p, ahead)
	f.pos += int64(n)
	return n, f.fail("uio.Read", err)
}

// readStream reads the next block of a stream. Where another reader of the
// instance was faster the server says which block is next.
func (f *File) readStream(ctx context.Context, p []byte) (int, error) {
	f.streamMu.Lock()
	defer f.streamMu.Unlock()
	p = p[:min(len(p), chunkSize)]
	for {
		var m ipc.Message
		transfer{f.id.ID, f.next, uint32(len(p)), 0}.put(&m, OpReadInstance)
		err := f.send(ctx, &m, ipc.Segment{Write: p})
		switch {
		case err == nil:
			f.next++
			return min(m.SegmentSize(), len(p)), nil
		case errors.Is(err, ipc.BadBlockNo) && m.Code() == ipc.BadBlockNo && m.Uint64(8) != f.next:
			f.next = m.Uint64(8)
		default:
			return 0, err
		}
	}
}

// ahead is what a File has fetched, or is fetching, from its seek pointer on.
type ahead struct {
	chunks []*chunk // one after the other, without gaps
	window int      // how many chunks to have under way
	next   int64    // where reading in order would go on
	atEnd  bool     // the last chunk was short and is used up: the end was there
	flight sync.WaitGroup
}

// chunk is one read under way or done.
type chunk struct {
	pos  int64
	data []byte // the first octets of buf
	err  error
	done chan struct{} // closed when data and err are there
	buf  *[chunkSize]byte
}

// drop forgets what was fetched.
func (a *ahead) drop() { a.chunks, a.window, a.atEnd = nil, 0, false }

// wait waits for reads under way.
func (a *ahead) wait() {
	a.drop()
	a.flight.Wait()
}

// fetch starts to read the chunk at pos. The read ends with the File.
func (f *File) fetch(pos int64) *chunk {
	c := &chunk{pos: pos, buf: buffers.Get().(*[chunkSize]byte), done: make(chan struct{})}
	f.ahead.flight.Go(func() { // ends with its transaction; Close waits for it
		n, err := f.readChunk(f.reads.ctx, c.buf[:], pos)
		c.data, c.err = c.buf[:n], err
		close(c.done)
	})
	return c
}

// readLocked reads at the seek pointer, which stays: with ahead what was fetched
// or is to be, and more is fetched; else straight into p, unless something was
// fetched. The caller holds mu.
func (f *File) readLocked(ctx context.Context, p []byte, ahead bool) (int, error) {
	a := &f.ahead
	if f.pos != a.next {
		a.drop()
		a.next = f.pos
	}
	if a.atEnd {
		a.drop()
		return 0, io.EOF
	}
	if len(a.chunks) == 0 && !ahead {
		n, err := f.readBatch(ctx, p[:min(len(p), maxWindow*chunkSize)], f.pos)
		a.next += int64(n)
		return n, endAfter(n, err)
	}
	f.fillLocked()
	c := a.chunks[0]
	select {
	case <-c.done:
	case <-ctx.Done():
		return 0, f.orClosed(naming.CodeOf(ctx.Err()))
	}
	if c.err != nil {
		a.drop()
		return 0, c.err
	}
	n := copy(p, c.data[a.next-c.pos:])
	a.next += int64(n)
	if a.next == c.pos+int64(len(c.data)) {
		a.chunks = a.chunks[1:]
		if len(c.data) < chunkSize {
			a.drop()
			a.atEnd = !f.is(VariableBlock)
		}
		buffers.Put(c.buf)
	}
	return n, endAfter(n, nil)
}

// endAfter keeps the end of file for the read after the last octets.
func endAfter(n int, err error) error {
	if n == 0 && err == nil || n > 0 && err == io.EOF {
		if n == 0 {
			return io.EOF
		}
		return nil
	}
	return err
}

// fillLocked sees to it that a read of the seek pointer is under way, and the
// more of those after it the longer the File was read in order, but none beyond
// the size that the object had. The caller holds mu.
func (f *File) fillLocked() {
	a := &f.ahead
	if len(a.chunks) == 0 {
		a.chunks = append(a.chunks, f.fetch(a.next))
		a.window = max(a.window, 1)
	}
	for len(a.chunks) < a.window {
		end := a.chunks[len(a.chunks)-1].pos + chunkSize
		if f.is(VariableBlock) || end >= f.size {
			return
		}
		a.chunks = append(a.chunks, f.fetch(end))
	}
	if a.next == a.chunks[0].pos {
		a.window = min(2*a.window, maxWindow)
	}
}

// WriteTo copies what is left to w, reading ahead.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	buf := buffers.Get().(*[chunkSize]byte)
	defer buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, readerAhead{f}, buf[:])
}

// readerAhead reads a File ahead, however large the buffer.
type readerAhead struct{ f *File }

func (r readerAhead) Read(p []byte) (int, error) { return r.f.read(context.Background(), p, true) }

// Seek moves the seek pointer. io.SeekEnd asks the server for the size. A stream
// can't: RequestUnsupported.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	base, err := f.seekBaseLocked(whence)
	if err == nil && base+offset < 0 {
		err = ipc.BadArgs
	}
	if err != nil {
		return f.pos, f.fail("uio.Seek", err)
	}
	f.pos = base + offset
	return f.pos, nil
}

// seekBaseLocked returns what an offset counts from. The caller holds mu.
func (f *File) seekBaseLocked(whence int) (int64, error) {
	if f.is(Stream) {
		return 0, ipc.RequestUnsupported
	}
	if f.closed {
		return 0, errClosed
	}
	switch whence {
	case io.SeekStart:
		return 0, nil
	case io.SeekCurrent:
		return f.pos, nil
	case io.SeekEnd:
		if err := f.drainLocked(); err != nil {
			return 0, err
		}
		info, err := f.Query(f.writes.ctx)
		return int64(info.Size), err
	}
	return 0, ipc.BadArgs
}
