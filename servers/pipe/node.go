package pipe

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// MaxPipes is how many pipes there may be.
const MaxPipes = 1024

// root is the context /pipe/HOST.
type root struct {
	mu    sync.Mutex
	pipes map[string]*pipe // guarded by mu; those with a name
	count int              // guarded by mu; those with an end, named or not
}

// Stat describes the context.
func (*root) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o777}, nil
}

// Lookup returns the pipe called component.
func (r *root) Lookup(_ context.Context, component string) (uio.Node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pipes[component]; p != nil {
		return node{r, component, p}, nil
	}
	return nil, ipc.NotFound
}

// List describes the pipes, by name.
func (r *root) List(ctx context.Context) ([]naming.Descriptor, error) {
	r.mu.Lock()
	pipes := maps.Clone(r.pipes)
	r.mu.Unlock()
	var list []naming.Descriptor
	for _, name := range slices.Sorted(maps.Keys(pipes)) {
		list = append(list, pipes[name].describe(name))
	}
	return list, nil
}

// Create makes a pipe and opens its first end. If somebody else has made it
// meanwhile, that one is opened: DuplicateName with Exclusive.
func (r *root) Create(_ context.Context, component string, o *uio.OpenRequest) (uio.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pipes[component]
	switch {
	case p != nil && o.Mode&uio.Exclusive != 0:
		return nil, ipc.DuplicateName
	case p != nil:
		return r.openLocked(p, component, o)
	case r.count >= MaxPipes:
		return nil, ipc.NoServerResources
	}
	p = newPipe()
	e, err := r.openLocked(p, component, o)
	if err == nil {
		r.pipes[component] = p
		r.count++
	}
	return e, err
}

// Remove takes the pipe's name away; its ends stay.
func (r *root) Remove(_ context.Context, component string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pipes[component] == nil {
		return ipc.NotFound
	}
	delete(r.pipes, component)
	return nil
}

// openLocked opens an end of p. The caller holds mu. InvalidMode: it is to be
// both read and written, and so would never end.
func (r *root) openLocked(p *pipe, name string, o *uio.OpenRequest) (uio.Object, error) {
	e := &end{root: r, pipe: p, name: name, owner: o.Owner, write: o.Mode&uio.Write != 0}
	switch {
	case o.Mode&uio.Execute != 0:
		return nil, ipc.NotExecutable
	case e.write && o.Mode&uio.Read != 0:
		return nil, ipc.InvalidMode
	}
	p.join(e.write, e.owner)
	return e, nil
}

// setOwner gives an end to another process, if it is still open.
func (r *root) setOwner(e *end, owner ipc.PID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !e.released {
		e.pipe.pass(e.write, e.owner, owner)
		e.owner = owner
	}
}

// release ends an end, and the pipe if it was the last one.
func (r *root) release(e *end) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.released = true
	if !e.pipe.leave(e.write, e.owner) {
		return
	}
	r.count--
	if r.pipes[e.name] == e.pipe {
		delete(r.pipes, e.name)
	}
}

// node is a pipe by name.
type node struct {
	root *root
	name string
	pipe *pipe
}

// Stat describes the pipe.
func (n node) Stat(context.Context) (naming.Descriptor, error) { return n.pipe.describe(n.name), nil }

// Open opens an end. NotFound: the pipe is gone since it was looked up.
func (n node) Open(_ context.Context, o *uio.OpenRequest) (uio.Object, error) {
	n.root.mu.Lock()
	defer n.root.mu.Unlock()
	if n.root.pipes[n.name] != n.pipe {
		return nil, ipc.NotFound
	}
	return n.root.openLocked(n.pipe, n.name, o)
}

// describe describes the pipe.
func (p *pipe) describe(name string) naming.Descriptor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return naming.Descriptor{
		Tag: naming.TagPipe, Name: name, Mode: fs.ModeNamedPipe | 0o666, Size: uint64(len(p.returned) + p.fill),
		Values: map[string]string{"readers": list(p.readers.owners), "writers": list(p.writers.owners)},
	}
}

// list prints processes with spaces between them.
func list(pids []ipc.PID) string {
	words := make([]string, len(pids))
	for i, pid := range pids {
		words[i] = pid.String()
	}
	return strings.Join(words, " ")
}
