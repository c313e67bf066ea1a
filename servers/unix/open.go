package unix

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// open opens what r names, or makes it.
func (s *Server) open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	p, err := s.find(r.Request)
	if err != nil {
		return nil, s.blame(r.Request, err)
	}
	if p.export == nil {
		return s.openVirtual(r.Mode)
	}
	follow := r.Mode&uio.NoFollow == 0
	fd, err := p.look(follow)
	if errors.Is(err, unix.ENOENT) && r.Mode&uio.Create != 0 {
		f, failed := s.create(p, r)
		if !errors.Is(failed, unix.EEXIST) || r.Mode&uio.Exclusive != 0 {
			return f, s.blame(r.Request, failed)
		}
		fd, err = p.look(follow) // somebody else has made it meanwhile
	}
	if err != nil {
		return nil, s.blame(r.Request, err)
	}
	defer closeFD(fd)
	return s.openFound(p, fd, r)
}

// openVirtual opens /unix/HOST where it is no export.
func (s *Server) openVirtual(mode uio.Mode) (uio.Object, error) {
	switch {
	case mode&uio.Exclusive != 0:
		return nil, ipc.DuplicateName
	case mode&uio.Directory == 0:
		return nil, ipc.IsAContext
	}
	return s.newDirectory(place{}, -1)
}

// openFound opens the object that fd stands for, which is at p.
func (s *Server) openFound(p place, fd int, r *uio.OpenRequest) (uio.Object, error) {
	st, err := fstat(fd)
	switch {
	case err != nil:
		return nil, err
	case r.Mode&uio.Exclusive != 0:
		return nil, ipc.DuplicateName
	case isDir(&st) && r.Mode&uio.Directory != 0:
		return s.openDirectory(p, fd)
	case isDir(&st):
		return nil, ipc.IsAContext
	case r.Mode&uio.Directory != 0:
		return nil, ipc.NotAContext
	case !isRegular(&st):
		return nil, ipc.RequestUnsupported
	case r.Mode&uio.Write != 0 && !p.Writable:
		return nil, ipc.ReadOnly
	case r.Mode&uio.Execute != 0 && st.Mode&0o111 == 0:
		return nil, ipc.NotExecutable
	}
	opened, err := unix.Open(procPath(fd), access(r.Mode)|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, code(err)
	}
	f := s.newFile(p, opened, r.Mode)
	if r.Mode&uio.Truncate != 0 {
		if err := f.SetSize(0); err != nil {
			_ = f.close() // the error that counts is that it can't be cut
			return nil, err
		}
	}
	return f, nil
}

// create makes the file at p and opens it. EEXIST: it is there.
func (s *Server) create(p place, r *uio.OpenRequest) (uio.Object, error) {
	if !p.Writable {
		return nil, ipc.ReadOnly
	}
	flags := access(r.Mode) | unix.O_CREAT
	if r.Mode&(uio.Exclusive|uio.NoFollow) != 0 {
		flags |= unix.O_EXCL
	}
	fd, err := p.open(flags, uint32(r.Perm))
	if err != nil {
		return nil, err
	}
	if st, err := fstat(fd); err != nil || !isRegular(&st) { // it was made by somebody else
		closeFD(fd)
		return nil, orElse(err, ipc.RequestUnsupported)
	}
	return s.newFile(p, fd, r.Mode), nil
}

func (s *Server) newFile(p place, fd int, mode uio.Mode) *file {
	f := &file{s: s, export: p.export, name: naming.Base("/" + p.name), attributes: uio.Storage, handle: handle{fd: fd}}
	if mode&(uio.Read|uio.Execute) != 0 {
		f.attributes |= uio.Readable
	}
	if mode&uio.Write != 0 {
		f.attributes |= uio.Writeable
	}
	if mode&uio.Append != 0 {
		f.attributes |= uio.AppendOnly
	}
	return f
}

// access returns Linux's flags for a mode. A program is opened to be read.
func access(mode uio.Mode) int {
	flags := unix.O_RDONLY
	switch {
	case mode&uio.Write == 0:
	case mode&(uio.Read|uio.Execute) == 0:
		flags = unix.O_WRONLY
	default:
		flags = unix.O_RDWR
	}
	if mode&uio.Append != 0 {
		flags |= unix.O_APPEND
	}
	return flags
}
