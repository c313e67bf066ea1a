package log

import (
	"context"
	"io/fs"
	"log/slog"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Server is a log server. Lines must be set, and no field may change while it
// serves.
type Server struct {
	Lines *Ring        // what /log/HOST/kernel reads as
	Log   *slog.Logger // nil: discard

	uio uio.Server
}

// Prefix returns the prefix of the logs of the host called name.
func Prefix(name string) string { return "/log/" + name }

// Serve announces the prefix of p's host and answers the requests to p until ctx
// ends or p is destroyed, which is no error. It destroys p. It is called once.
// Codes: those of naming.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	if err := naming.AddPrefix(p, Prefix(p.Team().Host()), naming.DefaultContext); err != nil {
		return err
	}
	tree := uio.Tree{Root: root{s.Lines}}
	tree.Install(&s.uio)
	s.uio.Log = s.Log
	return s.uio.Serve(ctx, p)
}

// kernelName is the name of the one object.
const kernelName = "kernel"

// root is the context /log/HOST.
type root struct{ lines *Ring }

// Stat describes the context.
func (root) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o555}, nil
}

// Lookup returns the log called component.
func (r root) Lookup(_ context.Context, component string) (uio.Node, error) {
	if component != kernelName {
		return nil, ipc.NotFound
	}
	return file(r), nil
}

// List describes the one log there is.
func (r root) List(context.Context) ([]naming.Descriptor, error) {
	return []naming.Descriptor{file(r).descriptor()}, nil
}

// file is /log/HOST/kernel.
type file struct{ lines *Ring }

// descriptor describes the log as it is now.
func (f file) descriptor() naming.Descriptor {
	size, modified := f.lines.state()
	return naming.Descriptor{
		Tag: naming.TagRecord, Name: kernelName, Mode: 0o444, Size: uint64(size), Modified: modified,
	}
}

// Stat describes the log.
func (f file) Stat(context.Context) (naming.Descriptor, error) { return f.descriptor(), nil }

// Open opens the log as it is now, to be read.
func (f file) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	switch {
	case r.Mode&uio.Write != 0:
		return nil, ipc.ReadOnly
	case r.Mode&uio.Execute != 0:
		return nil, ipc.NotExecutable
	}
	return uio.NewBytes(f.lines.Bytes(), f.descriptor()), nil
}
