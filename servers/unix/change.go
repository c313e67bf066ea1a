package unix

import (
	"context"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
)

// at calls f with the directory that r's last component is in and that
// component, for an operation that changes the directory. atRoot is the answer
// if the name ends at the directory of an export.
func (s *Server) at(r *naming.Request, atRoot ipc.Code, f func(dir int, component string) error) error {
	p, err := s.inside(r, atRoot)
	if err != nil {
		return s.blame(r, err)
	}
	dir, component, err := p.parent()
	if err != nil {
		return s.blame(r, err)
	}
	defer closeFD(dir)
	return s.blame(r, code(f(dir, component)))
}

// remove removes what r names, not what a symbolic link leads to.
func (s *Server) remove(_ context.Context, r *naming.Request) error {
	return s.at(r, ipc.NoPermission, func(dir int, component string) error {
		err := unix.Unlinkat(dir, component, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(dir, component, unix.AT_REMOVEDIR)
		}
		if err == unix.EEXIST { // so say some file systems
			err = unix.ENOTEMPTY
		}
		return err
	})
}

func (s *Server) createContext(_ context.Context, r *naming.Request, perm fs.FileMode) error {
	return s.at(r, ipc.DuplicateName, func(dir int, component string) error {
		return unix.Mkdirat(dir, component, uint32(perm))
	})
}

func (s *Server) symlink(_ context.Context, r *naming.Request, text string) error {
	return s.at(r, ipc.DuplicateName, func(dir int, component string) error {
		return unix.Symlinkat(text, dir, component)
	})
}

// rename gives what r names the name r.Second, in the same export: CrossServer.
func (s *Server) rename(_ context.Context, r *naming.Request) error {
	return s.both(r, ipc.NoPermission, unix.Renameat)
}

// link gives what r names one more name, in the same export: CrossServer.
func (s *Server) link(_ context.Context, r *naming.Request) error {
	return s.both(r, ipc.DuplicateName, func(dir int, component string, newDir int, newComponent string) error {
		return unix.Linkat(dir, component, newDir, newComponent, 0)
	})
}

// both is at for two names. atRoot is the answer if the second one ends at the
// directory of an export. If it is the second that leads nowhere the first is
// not to blame.
func (s *Server) both(r *naming.Request, atRoot ipc.Code, f func(dir int, component string, newDir int, newComponent string) error) error {
	return s.at(r, ipc.NoPermission, func(dir int, component string) error {
		from, err := s.find(r)
		if err != nil {
			return err
		}
		to, err := s.inside(r.Second, atRoot)
		if err != nil {
			return err
		}
		if from.export != to.export {
			return ipc.CrossServer
		}
		newDir, newComponent, err := to.parent()
		if err != nil {
			return err
		}
		defer closeFD(newDir)
		return f(dir, component, newDir, newComponent)
	})
}

// modify changes what r names.
func (s *Server) modify(_ context.Context, r *naming.Request, d naming.Descriptor, fields naming.Fields, follow bool) error {
	p, err := s.find(r)
	switch {
	case err != nil:
		return s.blame(r, err)
	case p.export == nil || !p.Writable:
		return ipc.ReadOnly
	}
	fd, err := p.look(follow)
	if err != nil {
		return s.blame(r, err)
	}
	defer closeFD(fd)
	return change(fd, d, fields)
}

// changeable are the fields of a descriptor that can be changed.
const changeable = naming.FieldMode | naming.FieldSize | naming.FieldModified | naming.FieldAccessed

// change changes the object that fd stands for. Size first, as the other two
// seldom fail after it, and it changes a time.
func change(fd int, d naming.Descriptor, fields naming.Fields) error {
	st, err := fstat(fd)
	switch {
	case err != nil:
		return err
	case fields&^changeable != 0 || isLink(&st) && fields&(naming.FieldMode|naming.FieldSize) != 0:
		return ipc.RequestUnsupported
	case fields&naming.FieldModified != 0 && d.Modified.IsZero() || fields&naming.FieldAccessed != 0 && d.Accessed.IsZero():
		return ipc.BadArgs
	}
	if fields&naming.FieldSize != 0 {
		if err := setSize(fd, &st, d.Size); err != nil {
			return code(err)
		}
	}
	if fields&naming.FieldMode != 0 {
		if err := unix.Chmod(procPath(fd), uint32(d.Mode.Perm())); err != nil {
			return code(err)
		}
	}
	if fields&(naming.FieldModified|naming.FieldAccessed) == 0 {
		return nil
	}
	times := []unix.Timespec{timespec(d.Accessed, fields&naming.FieldAccessed), timespec(d.Modified, fields&naming.FieldModified)}
	return code(unix.UtimesNanoAt(unix.AT_FDCWD, procPath(fd), times, 0))
}

// setSize shortens or extends the regular file that fd stands for.
func setSize(fd int, st *unix.Stat_t, size uint64) error {
	switch {
	case isDir(st):
		return ipc.IsAContext
	case !isRegular(st):
		return ipc.RequestUnsupported
	case size >= 1<<63:
		return ipc.BadArgs
	}
	w, err := unix.Open(procPath(fd), unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer closeFD(w)
	return unix.Ftruncate(w, int64(size))
}

// timespec returns t for Linux, or to leave the time as it is without field.
func timespec(t time.Time, field naming.Fields) unix.Timespec {
	if field == 0 {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.NsecToTimespec(t.UnixNano())
}
