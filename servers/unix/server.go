package unix

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Export is a directory of the host that is seen under a V name.
type Export struct {
	Name     string // one component below /unix/HOST; "": /unix/HOST itself
	Path     string // of the directory on the host
	Writable bool   // else all changes are answered ReadOnly
}

// Server is a V server. Exports must have at least one element, no field may
// change while it serves.
type Server struct {
	Exports []Export
	Log     *slog.Logger // nil: discard

	uio      uio.Server
	exports  map[string]*export // by name
	contexts contexts
	owners   owners
}

// export is an Export at work.
type export struct {
	Export
	root int // descriptor of its directory, only to begin names at
}

// Prefix returns the prefix of the files of the host called name.
func Prefix(name string) string { return "/unix/" + name }

// Serve announces the prefix of p's host and answers the requests to p until ctx
// ends or p is destroyed, which is no error. It destroys p, and closes all files
// before it returns. It is called once.
//
// Codes: what keeps an export from being opened (NotFound, NotAContext,
// NoPermission; RequestUnsupported: Linux is too old; the error has its path),
// IllegalName and DuplicateName (its name), BadArgs (there is none), those of
// naming.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	defer s.closeExports()
	if err := s.openExports(p.Team().Host()); err != nil {
		return err
	}
	if err := naming.AddPrefix(p, Prefix(p.Team().Host()), naming.DefaultContext); err != nil {
		return err
	}
	s.uio.Open = s.open
	s.uio.Handler = naming.Handler{
		ContextID: s.contextID, Stat: s.stat, Modify: s.modify, Remove: s.remove,
		Rename: s.rename, CreateContext: s.createContext, Link: s.link, Symlink: s.symlink,
	}
	s.uio.MaxInstances = maxInstances()
	s.uio.Log = s.Log
	return s.uio.Serve(ctx, p)
}

// openExports opens the directories.
func (s *Server) openExports(host string) error {
	s.exports = make(map[string]*export)
	fail := func(name string, err error) error {
		return &ipc.OpError{Op: "unix.Serve", Name: strings.TrimSuffix(Prefix(host)+"/"+name, "/"), Host: host, Err: err}
	}
	if len(s.Exports) == 0 {
		return fail("", fmt.Errorf("nothing to export: %w", ipc.BadArgs))
	}
	for _, e := range s.Exports {
		if e.Name != "" && !naming.IsComponent(e.Name) {
			return fail(e.Name, ipc.IllegalName)
		}
		if s.exports[e.Name] != nil {
			return fail(e.Name, ipc.DuplicateName)
		}
		root, err := openRoot(e.Path)
		if err != nil {
			return fail(e.Name, fmt.Errorf("%s: %w", e.Path, naming.CodeOf(err)))
		}
		s.exports[e.Name] = &export{e, root}
	}
	return nil
}

// openRoot returns a descriptor of a directory that names can begin at. It tries
// what all operations need: ENOSYS if Linux is too old, ENOENT without /proc.
func openRoot(path string) (int, error) {
	root, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	fd, err := resolve(root, ".", unix.O_PATH, 0)
	if err == nil {
		err = unix.Access(procPath(fd), unix.F_OK)
		closeFD(fd)
	}
	if err != nil {
		closeFD(root)
		return -1, err
	}
	return root, nil
}

func (s *Server) closeExports() {
	for _, e := range s.exports {
		closeFD(e.root)
	}
}

// maxInstances leaves half of the process's descriptors to others.
func maxInstances() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return uio.DefaultMaxInstances
	}
	return int(max(1, min(limit.Cur/2, uio.DefaultMaxInstances)))
}
