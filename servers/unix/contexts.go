package unix

import (
	"context"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

// maxContexts bounds the context ids that are given; they last as long as the
// server.
const maxContexts = 65536

// contexts gives numbers to names of contexts, from /unix/HOST. What a number
// stands for is whatever has the name, so that a number costs no descriptor.
type contexts struct {
	mu    sync.Mutex
	names []string          // guarded by mu; by id - 1
	ids   map[string]uint32 // guarded by mu; the inverse
}

// id returns the number of a clean name, "" being naming.DefaultContext.
// NoServerResources.
func (c *contexts) id(name string) (uint32, error) {
	if name == "" {
		return naming.DefaultContext, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := c.ids[name]; id != 0 {
		return id, nil
	}
	if len(c.names) == maxContexts {
		return 0, ipc.NoServerResources
	}
	if c.ids == nil {
		c.ids = make(map[string]uint32)
	}
	c.names = append(c.names, name)
	c.ids[name] = uint32(len(c.names))
	return c.ids[name], nil
}

// name returns the name with that number. InvalidContext.
func (c *contexts) name(id uint32) (string, error) {
	if id == naming.DefaultContext {
		return "", nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if uint64(id) > uint64(len(c.names)) {
		return "", ipc.InvalidContext
	}
	return c.names[id-1], nil
}

// contextID returns the number of the context that r names.
func (s *Server) contextID(_ context.Context, r *naming.Request) (uint32, error) {
	p, err := s.find(r)
	if err != nil {
		return 0, err
	}
	if p.export != nil {
		fd, err := p.look(true)
		if err != nil {
			return 0, s.blame(r, err)
		}
		defer closeFD(fd)
		if st, err := fstat(fd); err != nil || !isDir(&st) {
			return 0, orElse(err, ipc.NotAContext)
		}
	}
	return s.contexts.id(p.name)
}
