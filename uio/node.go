package uio

import (
	"context"
	"io/fs"
	"strings"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

// Node is a named object of a server whose names form a tree. What else it can
// do it says by the interfaces below. Its methods may be called by several
// workers at once.
type Node interface {
	// Stat describes the object. The name in it is what List has; a Tree does not
	// look at it.
	Stat(ctx context.Context) (naming.Descriptor, error)
}

// ContextNode is a Node with names beneath it.
type ContextNode interface {
	Node
	// Lookup returns the node of a component: NotFound, or *naming.Elsewhere.
	Lookup(ctx context.Context, component string) (Node, error)
	// List describes what there is, each with its name.
	List(ctx context.Context) ([]naming.Descriptor, error)
}

// Opener is a Node that can be opened. Exclusive does not come here, as the node
// is there, and neither does Directory.
type Opener interface {
	Open(ctx context.Context, r *OpenRequest) (Object, error)
}

// Creator is a ContextNode in which Create can make an object.
type Creator interface {
	Create(ctx context.Context, component string, r *OpenRequest) (Object, error)
}

// ContextMaker is a ContextNode in which contexts can be made. DuplicateName.
type ContextMaker interface {
	CreateContext(ctx context.Context, component string, perm fs.FileMode) error
}

// Remover is a ContextNode of which objects can be removed. NotFound,
// ContextNotEmpty.
type Remover interface {
	Remove(ctx context.Context, component string) error
}

// Renamer is a ContextNode whose objects can be moved to another of the same
// server, replacing what has the new name.
type Renamer interface {
	Rename(ctx context.Context, component string, to ContextNode, newComponent string) error
}

// NodeModifier is a Node of which the descriptor can be changed.
type NodeModifier interface {
	Modify(ctx context.Context, d naming.Descriptor, fields naming.Fields) error
}

// maxContexts bounds the context ids that a Tree gives.
const maxContexts = 65536

// Tree serves names that form a tree of nodes. Fill in a Server with Install.
type Tree struct {
	// Root is what context naming.DefaultContext stands for.
	Root ContextNode

	mu       sync.Mutex
	contexts []string          // guarded by mu: names from Root, by context id - 1
	ids      map[string]uint32 // guarded by mu: the inverse
}

// Install sets the functions of s that go by name.
func (t *Tree) Install(s *Server) {
	s.Open = t.open
	s.Handler = naming.Handler{
		ContextID: t.contextID, Stat: t.stat, Modify: t.modify, Remove: t.remove,
		Rename: t.rename, CreateContext: t.createContext,
	}
}

// ContextOf returns a context id for a name from Root, like "a/b", to announce a
// prefix with. It is InvalidContext to clients while there is no such context.
func (t *Tree) ContextOf(name string) (uint32, error) {
	name = strings.Trim(name, "/")
	if name == "" || name == "." {
		return naming.DefaultContext, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if id := t.ids[name]; id != 0 {
		return id, nil
	}
	if len(t.contexts) == maxContexts {
		return 0, ipc.NoServerResources
	}
	if t.ids == nil {
		t.ids = make(map[string]uint32)
	}
	t.contexts = append(t.contexts, name)
	t.ids[name] = uint32(len(t.contexts))
	return t.ids[name], nil
}

// nameOf returns the name from Root of a context id. InvalidContext.
func (t *Tree) nameOf(id uint32) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case id == naming.DefaultContext:
		return "", nil
	case int64(id) > int64(len(t.contexts)):
		return "", ipc.InvalidContext
	}
	return t.contexts[id-1], nil
}

// walker interprets names in the tree for one request.
type walker struct {
	*Tree
	ctx context.Context
}

// Context returns the context with that id. InvalidContext.
func (w walker) Context(id uint32) (Node, error) {
	name, err := w.nameOf(id)
	if err != nil {
		return nil, err
	}
	var n Node = w.Root
	for _, c := range strings.FieldsFunc(name, func(r rune) bool { return r == '/' }) {
		if n, err = w.Step(n, c); err != nil {
			return nil, ipc.InvalidContext
		}
	}
	return n, nil
}

// Step interprets one component. NotFound, NotAContext.
func (w walker) Step(n Node, component string) (Node, error) {
	c, ok := n.(ContextNode)
	if !ok {
		return nil, ipc.NotAContext
	}
	return c.Lookup(w.ctx, component)
}

func (t *Tree) walk(ctx context.Context, r *naming.Request) (Node, error) {
	return naming.Walk[Node](walker{t, ctx}, r)
}

// parent returns the context that r's last component is in, and that component:
// "" if the name ends where its context begins. NotAContext.
func (t *Tree) parent(ctx context.Context, r *naming.Request) (ContextNode, string, error) {
	n, component, err := naming.WalkParent[Node](walker{t, ctx}, r)
	if err != nil {
		return nil, "", err
	}
	c, ok := n.(ContextNode)
	if !ok {
		return nil, "", ipc.NotAContext
	}
	return c, component, nil
}

// inside is parent for an object that is to be removed or moved: the context
// that a name begins in can't be, NoPermission.
func (t *Tree) inside(ctx context.Context, r *naming.Request) (ContextNode, string, error) {
	c, component, err := t.parent(ctx, r)
	if err == nil && component == "" {
		err = ipc.NoPermission
	}
	return c, component, err
}

func (t *Tree) contextID(ctx context.Context, r *naming.Request) (uint32, error) {
	base, err := t.nameOf(r.Context)
	if err != nil {
		return 0, err
	}
	rest := r.Rest()
	n, err := t.walk(ctx, r)
	if err != nil {
		return 0, err
	}
	if _, ok := n.(ContextNode); !ok {
		return 0, ipc.NotAContext
	}
	if rest == "." {
		return r.Context, nil
	}
	return t.ContextOf(base + "/" + rest)
}

func (t *Tree) stat(ctx context.Context, r *naming.Request, _ bool) (naming.Descriptor, error) {
	n, err := t.walk(ctx, r)
	if err != nil {
		return naming.Descriptor{}, err
	}
	return n.Stat(ctx)
}

func (t *Tree) modify(ctx context.Context, r *naming.Request, d naming.Descriptor, fields naming.Fields, _ bool) error {
	n, err := t.walk(ctx, r)
	if err != nil {
		return err
	}
	if m, ok := n.(NodeModifier); ok {
		return m.Modify(ctx, d, fields)
	}
	return ipc.RequestUnsupported
}

func (t *Tree) remove(ctx context.Context, r *naming.Request) error {
	c, component, err := t.inside(ctx, r)
	if err != nil {
		return err
	}
	if m, ok := c.(Remover); ok {
		return m.Remove(ctx, component)
	}
	return t.refuse(ctx, c, component, ipc.RequestUnsupported)
}

// refuse returns code for what c can't do to an object, or NotFound if there is
// none.
func (t *Tree) refuse(ctx context.Context, c ContextNode, component string, code ipc.Code) error {
	if _, err := c.Lookup(ctx, component); err != nil {
		return err
	}
	return code
}

func (t *Tree) createContext(ctx context.Context, r *naming.Request, perm fs.FileMode) error {
	c, component, err := t.parent(ctx, r)
	if err != nil {
		return err
	}
	if component == "" {
		return ipc.DuplicateName
	}
	if m, ok := c.(ContextMaker); ok {
		return m.CreateContext(ctx, component, perm)
	}
	if _, err := c.Lookup(ctx, component); err == nil {
		return ipc.DuplicateName
	}
	return ipc.RequestUnsupported
}

func (t *Tree) rename(ctx context.Context, r *naming.Request) error {
	from, component, err := t.inside(ctx, r)
	if err != nil {
		return err
	}
	to, newComponent, err := t.inside(ctx, r.Second)
	if err != nil {
		return err
	}
	if m, ok := from.(Renamer); ok {
		return m.Rename(ctx, component, to, newComponent)
	}
	return t.refuse(ctx, from, component, ipc.RequestUnsupported)
}

// open opens what is there, or makes it.
func (t *Tree) open(ctx context.Context, r *OpenRequest) (Object, error) {
	c, component, err := t.parent(ctx, r.Request)
	if err != nil {
		return nil, err
	}
	var n Node = c
	if component != "" {
		n, err = c.Lookup(ctx, component)
	}
	maker, makes := c.(Creator)
	switch {
	case err == nil:
		return t.openNode(ctx, n, r)
	case ipc.CodeOf(err) == ipc.NotFound && r.Mode&Create != 0 && makes:
		return maker.Create(ctx, component, r)
	case ipc.CodeOf(err) == ipc.NotFound && r.Mode&Create != 0:
		return nil, ipc.RequestUnsupported
	}
	if _, elsewhere := err.(*naming.Elsewhere); elsewhere {
		r.Advance()
	}
	return nil, err
}

// openNode opens a node that is there.
func (t *Tree) openNode(ctx context.Context, n Node, r *OpenRequest) (Object, error) {
	c, isContext := n.(ContextNode)
	opener, opens := n.(Opener)
	switch {
	case r.Mode&Exclusive != 0:
		return nil, ipc.DuplicateName
	case r.Mode&Directory != 0 && !isContext:
		return nil, ipc.NotAContext
	case r.Mode&Directory != 0:
		return openDirectory(ctx, c)
	case opens:
		return opener.Open(ctx, r)
	case isContext:
		return nil, ipc.IsAContext
	}
	return nil, ipc.RequestUnsupported
}

// openDirectory opens a context to be read.
func openDirectory(ctx context.Context, c ContextNode) (Object, error) {
	d, err := c.Stat(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	return NewDirectory(d, list)
}
