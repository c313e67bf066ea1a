package uio

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// closePatience bounds what Close waits for beyond writes that are under way.
const closePatience = 5 * time.Second

// File is an instance as the standard library's interfaces want it: io.Reader,
// io.Writer, io.Seeker, io.ReaderAt, io.WriterAt, io.ReaderFrom, io.WriterTo,
// io.Closer, fs.ReadDirFile.
//
// The seek pointer and all buffers are here, in the client. Reading in order
// fetches blocks ahead; what is written is sent behind, and an error of it is
// reported by a later Write, by Sync or by Close. So a write is seen by others
// at the latest after Sync or Close. To objects that are streams or AppendOnly
// it is sent at once.
//
// A File may be used by several goroutines; operations that move the seek
// pointer go one after the other, and those of ReadAt at once. A stream can be
// read while it is written. Close ends what waits.
//
// Errors are io.EOF or [*ipc.OpError]. Unreachable: the server or its host is
// gone. InvalidInstance: the server has released the instance, or the File is
// closed.
type File struct {
	c     *naming.Client
	id    InstanceID
	name  string // as it was opened, "" for one that was passed on
	info  Info   // as it was when opened
	local []byte // contents of a virtual context, which has no instance

	reads, writes lifetime // what is under way ends with them

	streamMu sync.Mutex // serialises the reads of a stream
	next     uint64     // guarded by streamMu: the block to read next

	mu     sync.Mutex // guards below
	pos    int64      // the seek pointer, octets
	size   int64      // of the object, as far as is known; bounds the read-ahead
	ahead  ahead
	behind behind
	dir    dirReader
	owned  bool // Close releases the instance
	closed bool

	lost atomic.Bool // the server is gone: it is not waited for again
}

// lifetime ends operations of a File; a context, as the File outlives the one
// that it was opened with.
type lifetime struct {
	ctx context.Context
	end context.CancelFunc
}

func newLifetime() (l lifetime) {
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

// within returns ctx, cancelled also when l ends. The caller calls release.
func (l lifetime) within(ctx context.Context) (_ context.Context, release func()) {
	if ctx.Done() == nil {
		return l.ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func newFile(c *naming.Client, name string, id InstanceID, info Info) *File {
	f := &File{
		c: c, id: id, name: name, info: info, next: info.Next, size: int64(info.Size),
		reads: newLifetime(), writes: newLifetime(),
	}
	f.behind.init()
	return f
}

// Name returns the name that the file was opened with, "" if it was passed on.
func (f *File) Name() string { return f.name }

// ID returns the instance, to be passed on. It is zero for a virtual context.
func (f *File) ID() InstanceID { return f.id }

// Attributes returns what the instance can do.
func (f *File) Attributes() Attributes { return f.info.Attributes }

// BlockSize returns the object's block size, in octets.
func (f *File) BlockSize() int { return int(f.info.BlockSize) }

func (f *File) is(a Attributes) bool { return f.info.Attributes.Has(a) }

// isSequential tells that there is no position to write at.
func (f *File) isSequential() bool { return f.info.Attributes&(Stream|AppendOnly) != 0 }

// fail returns what went wrong in an operation of f; io.EOF stays as it is.
func (f *File) fail(verb string, err error) error {
	var op *ipc.OpError
	switch code := ipc.CodeOf(err); {
	case err == nil, err == io.EOF:
		return err
	case errors.As(err, &op) && err == error(op):
		return err
	case code == ipc.EndOfFile:
		return io.EOF
	case code == ipc.NonexistentEntity || code == ipc.RetransTimeout:
		err = ipc.Unreachable
	}
	return &ipc.OpError{Op: verb, Name: f.name, PID: f.id.Server, Host: f.c.Team().HostName(f.id.Server.Host()), Err: err}
}

// send sends a request to the server and checks its reply.
func (f *File) send(ctx context.Context, m *ipc.Message, s ipc.Segment) error {
	if f.local != nil {
		return ipc.RequestUnsupported
	}
	err := send(ctx, f.c, m, f.id.Server, s)
	switch ipc.CodeOf(err) {
	case ipc.OK:
		return nil
	case ipc.RetransTimeout, ipc.Unreachable, ipc.NonexistentEntity:
		f.lost.Store(true)
	}
	return f.orClosed(err)
}

// orClosed returns errClosed for an error that only says that Close was called
// meanwhile.
func (f *File) orClosed(err error) error {
	if f.reads.ctx.Err() != nil && ipc.CodeOf(err) == ipc.Aborted {
		return errClosed
	}
	return err
}

func send(ctx context.Context, c *naming.Client, m *ipc.Message, to ipc.PID, s ipc.Segment) error {
	if _, err := c.Send(ctx, m, to, s); err != nil {
		return ipc.CodeOf(err)
	}
	return m.Code().Err()
}

// request returns a request for the instance with arguments not yet set.
func (f *File) request(op ipc.Op) *ipc.Message {
	var m ipc.Message
	m.SetOp(op)
	m.PutUint32(4, f.id.ID)
	return &m
}

// Query asks the server what the instance is now. Codes of Send, and
// InvalidInstance.
func (f *File) Query(ctx context.Context) (Info, error) {
	if f.local != nil {
		return f.info, nil
	}
	m := f.request(OpQueryInstance)
	if err := f.send(ctx, m, ipc.Segment{}); err != nil {
		return Info{}, f.fail("uio.Query", err)
	}
	_, info, err := readInfo(m)
	return info, f.fail("uio.Query", err)
}

// SetOwner gives the instance to another process: the server keeps it as long as
// that lives. Close does then not release it any more.
func (f *File) SetOwner(ctx context.Context, owner ipc.PID) error {
	m := f.request(OpSetInstanceOwner)
	m.PutPID(8, owner)
	if err := f.send(ctx, m, ipc.Segment{}); err != nil {
		return f.fail("uio.SetOwner", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owned = false
	return nil
}

// Adopt makes this client the owner of an instance that was passed on: Close
// releases it.
func (f *File) Adopt(ctx context.Context) error {
	owner, err := f.c.Owner()
	if err == nil {
		err = f.SetOwner(ctx, owner)
	}
	if err != nil {
		return f.fail("uio.Adopt", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owned = true
	return nil
}

// Sync sends what is written and waits until the server keeps it.
func (f *File) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.drainLocked(); err != nil {
		return f.fail("uio.Sync", err)
	}
	return f.fail("uio.Sync", f.send(f.writes.ctx, f.request(OpSyncInstance), ipc.Segment{}))
}

// Truncate sets the size of the object. The seek pointer stays.
func (f *File) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.drainLocked()
	if err == nil && size < 0 {
		err = ipc.BadArgs
	}
	if err == nil {
		f.ahead.drop()
		m := f.request(OpSetInstanceSize)
		m.PutUint64(8, uint64(size))
		err = f.send(f.writes.ctx, m, ipc.Segment{})
	}
	return f.fail("uio.Truncate", err)
}

// Stat describes the object. It is an [naming.Info].
func (f *File) Stat() (fs.FileInfo, error) {
	d, err := f.Descriptor(f.writes.ctx)
	if err != nil {
		return nil, err
	}
	return d.Info(), nil
}

// Descriptor describes the object, after sending what is written.
func (f *File) Descriptor(ctx context.Context) (naming.Descriptor, error) {
	f.mu.Lock()
	err := f.drainLocked()
	f.mu.Unlock()
	if err != nil {
		return naming.Descriptor{}, f.fail("uio.Stat", err)
	}
	buf := make([]byte, ipc.MaxAppended)
	m := f.request(OpReadDescriptor)
	err = f.send(ctx, m, ipc.Segment{Write: buf})
	if f.name != "" && ipc.CodeOf(err) == ipc.RequestUnsupported {
		return f.c.Stat(ctx, f.name)
	}
	if err != nil {
		return naming.Descriptor{}, f.fail("uio.Stat", err)
	}
	d, _, err := naming.DecodeDescriptor(buf[:min(m.SegmentSize(), len(buf))])
	if clean, bad := naming.Clean(f.name); bad == nil {
		d.Name = naming.Base(clean)
	}
	return d, f.fail("uio.Stat", err)
}

// WriteDescriptor changes what describes the object, as
// naming.Client.WriteDescriptor does by name.
func (f *File) WriteDescriptor(ctx context.Context, d naming.Descriptor, fields naming.Fields) error {
	data, err := d.Append(nil)
	if err == nil {
		m := f.request(OpWriteDescriptor)
		m.PutUint32(8, uint32(fields))
		err = f.send(ctx, m, ipc.Segment{Read: data})
	}
	return f.fail("uio.WriteDescriptor", err)
}

// Close sends what is written, and releases the instance if the client owns it.
// It ends reads that wait. The error is the first of those that no Write has
// reported. Closing again returns InvalidInstance, which is fs.ErrClosed.
func (f *File) Close() error { return f.close(keep) }

// Abandon is Close for one who gives up: what is written need not be kept.
func (f *File) Abandon() error { return f.close(abandon) }

func (f *File) close(mode uint32) error {
	f.reads.end()
	if f.is(Stream) || mode == abandon {
		f.writes.end()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.fail("uio.Close", errClosed)
	}
	err := f.drainLocked()
	if mode == abandon {
		err = nil
	}
	f.closed = true
	f.writes.end()
	f.ahead.wait()
	switch {
	case !f.owned || f.local != nil:
	case f.lost.Load():
		err = errors.Join(err, ipc.Unreachable)
	default:
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		m := f.request(OpReleaseInstance)
		m.PutUint32(8, mode)
		err = errors.Join(err, f.send(ctx, m, ipc.Segment{}))
	}
	return f.fail("uio.Close", unjoin(err))
}

// unjoin returns the first of joined errors.
func unjoin(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()[0]
	}
	return err
}

// errClosed is the error of operations on a closed File.
var errClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string   { return "the file is closed" }
func (closedError) Unwrap() []error { return []error{ipc.InvalidInstance, fs.ErrClosed} }
