package uio

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"vsys/ipc"
	"vsys/naming"
)

// Open opens the object name as mode says; perm is for what Create makes. The
// instance belongs to the client c; Close releases it. It blocks; ctx is for the
// opening only. A context is opened with Directory, and without it refused with
// IsAContext.
//
// Codes: those of naming.Client.Do; InvalidMode, IsAContext, NotAContext,
// DuplicateName, NoPermission, ReadOnly, NotReadable, NotWriteable,
// NotExecutable, NoServerResources.
func Open(ctx context.Context, c *naming.Client, name string, mode Mode, perm fs.FileMode) (*File, error) {
	fail := func(server ipc.PID, err error) (*File, error) {
		return nil, &ipc.OpError{Op: "uio.Open", Name: name, PID: server, Err: err}
	}
	if err := mode.Check(); err != nil {
		return fail(0, err)
	}
	owner, err := c.Owner()
	if err != nil {
		return fail(0, ipc.CodeOf(err))
	}
	call := naming.Call{
		Verb: "uio.Open", Op: OpCreateInstance, Name: name,
		Repeatable: mode&Exclusive == 0,
	}
	call.Put16(0, uint16(mode))
	call.Put16(2, uint16(perm.Perm()))
	call.PutPID(4, owner)
	a, err := c.Do(ctx, call)
	if errors.Is(err, naming.ErrVirtual) && mode&Directory != 0 {
		return openVirtual(ctx, c, name)
	}
	if err != nil {
		return nil, err
	}
	id, info, err := readInfo(&a.Message)
	if err != nil {
		return fail(a.Server, err)
	}
	f := newFile(c, name, InstanceID{a.Server, id}, info)
	f.owned = true
	f.dir.merge = true
	return f, nil
}

// openVirtual opens a context that only holds prefixes.
func openVirtual(ctx context.Context, c *naming.Client, name string) (*File, error) {
	list, err := c.Beneath(ctx, name)
	if err != nil {
		return nil, err
	}
	o, err := NewDirectory(naming.Descriptor{}, list)
	if err != nil {
		return nil, &ipc.OpError{Op: "uio.Open", Name: name, Err: err}
	}
	info := o.Info()
	info.BlockSize = DefaultBlockSize
	f := newFile(c, name, InstanceID{}, info)
	f.local = append([]byte{}, o.(*bytesObject).data...)
	return f, nil
}

// OpenInstance makes a File of an instance that was passed on, such as a
// program's standard input. Close does not release it, unless Adopt was called.
// It asks the server what the instance is, and blocks. Codes: InvalidInstance;
// Unreachable.
func OpenInstance(ctx context.Context, c *naming.Client, id InstanceID) (*File, error) {
	f := newFile(c, "", id, Info{})
	info, err := f.Query(ctx)
	if err != nil {
		return nil, err
	}
	return newFile(c, "", id, info), nil
}

// CreateFile makes the object, or cuts it to nothing, and opens it to read and
// write. Codes as Open.
func CreateFile(ctx context.Context, c *naming.Client, name string) (*File, error) {
	return Open(ctx, c, name, Read|Write|Create|Truncate, 0o666)
}

// ReadFile returns all that the object holds. Codes as Open.
func ReadFile(ctx context.Context, c *naming.Client, name string) ([]byte, error) {
	f, err := Open(ctx, c, name, Read, 0)
	if err != nil {
		return nil, err
	}
	data, err := f.readAll(ctx)
	return data, errors.Join(err, f.Close())
}

// readAll reads from the beginning to the end.
func (f *File) readAll(ctx context.Context) ([]byte, error) {
	var data []byte
	if !f.is(Stream) {
		data = make([]byte, 0, min(f.info.Size, maxWindow*chunkSize)+1)
	}
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := f.ReadContext(ctx, data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
}

// WriteFile makes the object, or cuts it to nothing, and writes data to it.
// Codes as Open, and those of writing.
func WriteFile(ctx context.Context, c *naming.Client, name string, data []byte, perm fs.FileMode) error {
	f, err := Open(ctx, c, name, Write|Create|Truncate, perm)
	if err != nil {
		return err
	}
	_, err = f.WriteContext(ctx, data)
	if err != nil {
		_ = f.Abandon() // the first error is the one that counts
		return err
	}
	return f.Close()
}

// MkdirAll makes the context name and those above it that are not there. Codes
// of naming.Client.Mkdir, and NotAContext.
func MkdirAll(ctx context.Context, c *naming.Client, name string, perm fs.FileMode) error {
	d, err := c.Stat(ctx, name)
	switch {
	case err == nil && d.IsContext():
		return nil
	case err == nil:
		return &ipc.OpError{Op: "uio.MkdirAll", Name: name, Err: ipc.NotAContext}
	case !errors.Is(err, ipc.NotFound):
		return err
	}
	clean, err := naming.Clean(name)
	if err != nil || clean == "/" {
		return &ipc.OpError{Op: "uio.MkdirAll", Name: name, Err: ipc.NotFound}
	}
	if err := MkdirAll(ctx, c, naming.Dir(clean), perm); err != nil {
		return err
	}
	if err := c.Mkdir(ctx, clean, perm); err != nil && !errors.Is(err, ipc.DuplicateName) {
		return err
	}
	return nil
}

// RemoveAll removes the object name and, of a context, all that is beneath it;
// symbolic links are removed and not followed. It is no error if there is none.
// Prefixes beneath the name stay, and so do the contexts that hold them.
func RemoveAll(ctx context.Context, c *naming.Client, name string) error {
	d, err := c.Lstat(ctx, name)
	if errors.Is(err, ipc.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.IsContext() {
		list, err := ReadDir(ctx, c, name)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Tag == naming.TagPrefix {
				continue
			}
			inner, err := naming.Join(name, list[i].Name)
			if err == nil {
				err = RemoveAll(ctx, c, inner)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := c.Remove(ctx, name); err != nil && !errors.Is(err, ipc.NotFound) {
		return err
	}
	return nil
}
