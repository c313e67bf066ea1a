package unix

import (
	"context"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// file is an instance of a regular file.
type file struct {
	s          *Server
	export     *export
	name       string // last component
	attributes uio.Attributes
	handle
}

// handle is a descriptor of Linux that is not closed while somebody uses it, as
// the number would then soon be another file's.
type handle struct {
	mu sync.RWMutex // held for reading by who uses fd
	fd int          // guarded by mu; -1 when closed
}

// use calls f with the descriptor. fs.ErrClosed.
func (h *handle) use(f func(fd int) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.fd < 0 {
		return fs.ErrClosed
	}
	return code(f(h.fd))
}

// close closes the descriptor when nobody uses it any more. Closing twice is no
// error.
func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fd < 0 {
		return nil
	}
	fd := h.fd
	h.fd = -1
	return code(unix.Close(fd))
}

// Info returns what the instance can do, and the size of the file now.
func (f *file) Info() uio.Info {
	i := uio.Info{Attributes: f.attributes}
	_ = f.use(func(fd int) error { // without a size if it can't be told
		st, err := fstat(fd)
		i.Size = uint64(st.Size)
		return err
	})
	return i
}

// ReadAt fills p as far as the file goes: several reads may be needed of what
// Linux makes up, as in /proc.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.use(func(fd int) error {
		for n < len(p) {
			m, err := unix.Pread(fd, p[n:], off+int64(n))
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return err
			}
			if m == 0 {
				return io.EOF
			}
			n += m
		}
		return nil
	})
	return n, err
}

// WriteAt writes all of p, or returns why it stopped.
func (f *file) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.use(func(fd int) error {
		n, err = writeAll(p, func(p []byte, done int) (int, error) {
			return unix.Pwrite(fd, p, off+int64(done))
		})
		return err
	})
	return n, err
}

// WriteStream writes all of p at the end of the file, or returns why it stopped.
// It is called for instances that are AppendOnly.
func (f *file) WriteStream(_ context.Context, p []byte) (n int, err error) {
	err = f.use(func(fd int) error {
		n, err = writeAll(p, func(p []byte, _ int) (int, error) { return unix.Write(fd, p) })
		return err
	})
	return n, err
}

// writeAll calls write with what is left of p until nothing is, or write fails.
func writeAll(p []byte, write func(p []byte, done int) (int, error)) (n int, err error) {
	for n < len(p) {
		m, err := write(p[n:], n)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

func (f *file) SetSize(size int64) error {
	return f.use(func(fd int) error { return unix.Ftruncate(fd, size) })
}

func (f *file) Sync() error { return f.use(unix.Fsync) }

func (f *file) Describe() (d naming.Descriptor, err error) {
	err = f.use(func(fd int) error {
		d, err = f.s.describe(fd, f.name)
		return err
	})
	return d, err
}

func (f *file) Modify(d naming.Descriptor, fields naming.Fields) error {
	if !f.export.Writable {
		return ipc.ReadOnly
	}
	return f.use(func(fd int) error { return change(fd, d, fields) })
}

// Release closes the file. What was written stays, wanted or not.
func (f *file) Release(bool) error { return f.close() }
