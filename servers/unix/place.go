package unix

import (
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
)

// place is what a name leads to: a path in an export. Without an export it is
// /unix/HOST itself where that is none, and holds only the names of the others.
type place struct {
	*export
	name string // clean, from /unix/HOST; "" for that itself
	path string // from the export's directory, which is "."
}

// place returns where a clean name from /unix/HOST leads. NotFound.
func (s *Server) place(name string) (place, error) {
	first, rest, _ := strings.Cut(name, "/")
	if e := s.exports[first]; e != nil && first != "" {
		return place{e, name, orDot(rest)}, nil
	}
	if e := s.exports[""]; e != nil {
		return place{e, name, orDot(name)}, nil
	}
	if name == "" {
		return place{}, nil
	}
	return place{}, ipc.NotFound
}

func orDot(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// find returns where r's name leads, without looking whether there is anything.
func (s *Server) find(r *naming.Request) (place, error) {
	base, err := s.contexts.name(r.Context)
	if err != nil {
		return place{}, err
	}
	name := path.Join(base, r.Rest())
	if name == "." {
		name = ""
	}
	return s.place(name)
}

// inside is find for an object that is to be made, moved or removed: ReadOnly,
// and atRoot for the directory of an export, which can't be.
func (s *Server) inside(r *naming.Request, atRoot ipc.Code) (place, error) {
	p, err := s.find(r)
	switch {
	case err != nil:
		return p, err
	case p.export == nil || p.path == ".":
		return p, atRoot
	case !p.Writable:
		return p, ipc.ReadOnly
	}
	return p, nil
}

// blame moves r on to the component that err, which came of interpreting r's
// name, is about, and returns err: InvalidContext if it is about the context
// that the name begins in. Without an error it does nothing.
func (s *Server) blame(r *naming.Request, err error) error {
	if err == nil {
		return nil
	}
	base, unknown := s.contexts.name(r.Context)
	if unknown != nil {
		return unknown
	}
	if base != "" && s.lookup(base) != nil {
		return ipc.InvalidContext
	}
	for c := r.Peek(); c != ""; c = r.Peek() {
		if base = strings.TrimPrefix(base+"/"+c, "/"); s.lookup(base) != nil {
			break
		}
		r.Advance()
	}
	return err
}

// lookup returns what keeps a clean name from leading anywhere.
func (s *Server) lookup(name string) error {
	p, err := s.place(name)
	if err != nil || p.export == nil {
		return err
	}
	fd, err := p.look(true)
	if err != nil {
		return err
	}
	closeFD(fd)
	return nil
}

// maxTries bounds how often Linux is asked again when directories were renamed
// while it interpreted a name.
const maxTries = 32

// open opens the place's object; mode is for O_CREAT. Whatever the flags, it
// neither waits for the other side of a FIFO nor takes a terminal.
func (p place) open(flags int, mode uint32) (int, error) {
	return resolve(p.root, p.path, flags, mode)
}

// resolve opens the object that path leads to beneath the directory root.
func resolve(root int, path string, flags int, mode uint32) (int, error) {
	how := unix.OpenHow{
		Flags: uint64(flags | unix.O_CLOEXEC), Mode: uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	if flags&unix.O_PATH == 0 {
		how.Flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	var fd int
	err := error(unix.EAGAIN)
	for i := 0; i < maxTries && (err == unix.EAGAIN || err == unix.EINTR); i++ {
		fd, err = unix.Openat2(root, path, &how)
	}
	return fd, code(err)
}

// look returns a descriptor that stands for the place's object without opening
// it. follow: not for a symbolic link itself.
func (p place) look(follow bool) (int, error) {
	flags := unix.O_PATH
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	return p.open(flags, 0)
}

// parent returns a descriptor that stands for the directory that the place's
// last component is in, and that component.
func (p place) parent() (int, string, error) {
	dir, component := path.Split(p.path)
	fd, err := resolve(p.root, orDot(dir), unix.O_PATH|unix.O_DIRECTORY, 0)
	return fd, component, err
}

// closeFD closes a descriptor to which nothing was written, so that nothing can
// be lost.
func closeFD(fd int) { _ = unix.Close(fd) }

// orElse returns err, or other if that is nil.
func orElse(err error, other error) error {
	if err != nil {
		return err
	}
	return other
}

// code adds to naming.CodeOf what only this server meets.
func code(err error) error {
	switch {
	case errors.Is(err, unix.EAGAIN):
		return ipc.Busy
	case errors.Is(err, unix.ESTALE):
		return ipc.InvalidInstance
	case errors.Is(err, unix.EMLINK):
		return ipc.NoServerResources
	case errors.Is(err, unix.EOVERFLOW):
		return ipc.BadArgs
	}
	return err
}
