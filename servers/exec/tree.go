package exec

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strconv"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// root is the context /exec/HOST.
type root struct{ s *Server }

// Stat describes the context.
func (root) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o555}, nil
}

// Lookup returns the executive called component.
func (r root) Lookup(_ context.Context, component string) (uio.Node, error) {
	id, err := strconv.ParseUint(component, 10, 32)
	if err != nil || strconv.FormatUint(id, 10) != component {
		return nil, ipc.NotFound
	}
	e, err := r.s.get(uint32(id))
	if err != nil {
		return nil, err
	}
	return node{e}, nil
}

// List describes the executives.
func (r root) List(context.Context) ([]naming.Descriptor, error) {
	var all []naming.Descriptor
	for _, e := range r.s.list() {
		all = append(all, e.Descriptor())
	}
	return all, nil
}

// node is an executive by its name.
type node struct{ e Executive }

// Stat describes the executive.
func (n node) Stat(context.Context) (naming.Descriptor, error) { return n.e.Descriptor(), nil }

// Open opens the executive's description, to be read as text.
func (n node) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	switch {
	case r.Mode&uio.Write != 0:
		return nil, ipc.ReadOnly
	case r.Mode&uio.Execute != 0:
		return nil, ipc.NotExecutable
	}
	return uio.NewBytes([]byte(n.e.String()+"\n"), n.e.Descriptor()), nil
}

// String says who does what where.
func (e Executive) String() string {
	return fmt.Sprintf("%s on %s in %s: %s", cmp.Or(e.User, "somebody"), cmp.Or(e.Terminal, "no terminal"),
		cmp.Or(e.Directory, "/"), cmp.Or(e.Command, "waiting for a command"))
}
