package uiotest

import (
	"context"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Memory is a server of files in memory, and of pipes: an object whose name ends
// in ".pipe" is one. It lasts as long as the value.
type Memory struct {
	uio.Server
	Tree uio.Tree
}

// NewMemory returns a server with an empty root.
func NewMemory() *Memory {
	m := &Memory{}
	m.Tree.Root = &memContext{nodes: make(map[string]uio.Node), changed: time.Now()}
	m.Tree.Install(&m.Server)
	return m
}

// memContext is a context: its own lock is held while its names change, and of
// two contexts the lock of the one where a rename begins is taken first after
// memRename.
type memContext struct {
	mu      sync.Mutex
	nodes   map[string]uio.Node // guarded by mu
	changed time.Time           // guarded by mu
}

// memRename serialises renames, which take two locks.
var memRename sync.Mutex

func (c *memContext) Stat(context.Context) (naming.Descriptor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o755, Modified: c.changed}, nil
}

func (c *memContext) Lookup(_ context.Context, component string) (uio.Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[component]; n != nil {
		return n, nil
	}
	return nil, ipc.NotFound
}

func (c *memContext) List(ctx context.Context) ([]naming.Descriptor, error) {
	c.mu.Lock()
	nodes := maps.Clone(c.nodes)
	c.mu.Unlock()
	var list []naming.Descriptor
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		d, err := nodes[name].Stat(ctx)
		if err != nil {
			return nil, err
		}
		d.Name = name
		list = append(list, d)
	}
	return list, nil
}

func (c *memContext) Create(ctx context.Context, component string, r *uio.OpenRequest) (uio.Object, error) {
	var n interface {
		uio.Node
		uio.Opener
	} = &memFile{mode: r.Perm, changed: time.Now()}
	if strings.HasSuffix(component, ".pipe") {
		n = newMemPipe()
	}
	if err := c.add(component, n); err != nil {
		return nil, err
	}
	return n.Open(ctx, r)
}

func (c *memContext) add(component string, n uio.Node) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes[component] != nil {
		return ipc.DuplicateName
	}
	c.nodes[component], c.changed = n, time.Now()
	return nil
}

func (c *memContext) CreateContext(_ context.Context, component string, _ fs.FileMode) error {
	return c.add(component, &memContext{nodes: make(map[string]uio.Node), changed: time.Now()})
}

func (c *memContext) Remove(_ context.Context, component string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[component]
	if n == nil {
		return ipc.NotFound
	}
	if inner, ok := n.(*memContext); ok && !inner.empty() {
		return ipc.ContextNotEmpty
	}
	delete(c.nodes, component)
	c.changed = time.Now()
	return nil
}

func (c *memContext) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.nodes) == 0
}

func (c *memContext) Rename(_ context.Context, component string, to uio.ContextNode, newComponent string) error {
	memRename.Lock()
	defer memRename.Unlock()
	target := to.(*memContext)
	c.mu.Lock()
	defer c.mu.Unlock()
	if target != c {
		target.mu.Lock()
		defer target.mu.Unlock()
	}
	n := c.nodes[component]
	if n == nil {
		return ipc.NotFound
	}
	if n == uio.Node(target) {
		return ipc.BadArgs
	}
	if old := target.nodes[newComponent]; old != nil && old != n {
		if _, is := old.(*memContext); is {
			return ipc.IsAContext
		}
	}
	delete(c.nodes, component)
	target.nodes[newComponent] = n
	c.changed, target.changed = time.Now(), time.Now()
	return nil
}

// memFile is a file, and also what its instances read and write.
type memFile struct {
	mu      sync.Mutex
	data    []byte      // guarded by mu
	mode    fs.FileMode // guarded by mu
	changed time.Time   // guarded by mu
}

// maxMemory bounds a file, in octets.
const maxMemory = 64 << 20

func (f *memFile) Stat(context.Context) (naming.Descriptor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return naming.Descriptor{
		Tag: naming.TagFile, Mode: f.mode, Size: uint64(len(f.data)), Modified: f.changed,
	}, nil
}

func (f *memFile) Modify(_ context.Context, d naming.Descriptor, fields naming.Fields) error {
	const can = naming.FieldMode | naming.FieldSize | naming.FieldModified
	if fields&^can != 0 {
		return ipc.RequestUnsupported
	}
	if fields&naming.FieldSize != 0 {
		if err := f.SetSize(int64(min(d.Size, maxMemory+1))); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fields&naming.FieldMode != 0 {
		f.mode = d.Mode.Perm()
	}
	if fields&naming.FieldModified != 0 {
		f.changed = d.Modified
	}
	return nil
}

func (f *memFile) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	if r.Mode&uio.Truncate != 0 {
		if err := f.SetSize(0); err != nil {
			return nil, err
		}
	}
	o := memInstance{memFile: f, attributes: uio.Storage}
	if r.Mode&uio.Read != 0 {
		o.attributes |= uio.Readable
	}
	if r.Mode&uio.Write != 0 {
		o.attributes |= uio.Writeable
	}
	if r.Mode&uio.Append != 0 {
		o.attributes |= uio.AppendOnly
	}
	return o, nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	return copy(p, f.data[off:]), nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writeLocked(p, off)
}

// writeLocked writes p at off. The caller holds mu.
func (f *memFile) writeLocked(p []byte, off int64) (int, error) {
	if off > maxMemory-int64(len(p)) {
		return 0, ipc.NoSpace
	}
	if grow := off + int64(len(p)) - int64(len(f.data)); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	f.changed = time.Now()
	return copy(f.data[off:], p), nil
}

func (f *memFile) WriteStream(_ context.Context, p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writeLocked(p, int64(len(f.data)))
}

func (f *memFile) SetSize(size int64) error {
	if size > maxMemory {
		return ipc.NoSpace
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = time.Now()
	if grow := size - int64(len(f.data)); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	f.data = f.data[:size:size]
	return nil
}

// memInstance is an opening of a file.
type memInstance struct {
	*memFile
	attributes uio.Attributes
}

func (o memInstance) Info() uio.Info {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uio.Info{Attributes: o.attributes, Size: uint64(len(o.data)), BlockSize: 1024}
}

func (o memInstance) Describe() (naming.Descriptor, error) { return o.Stat(context.Background()) }
func (o memInstance) Modify(d naming.Descriptor, fields naming.Fields) error {
	return o.memFile.Modify(context.Background(), d, fields)
}
func (o memInstance) Release(bool) error { return nil }
