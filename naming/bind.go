package naming

import (
	"slices"
	"strings"
	"sync"

	"vsys/ipc"
)

// maxBindings bounds the aliases of a client, maxAliasDepth how many of them a
// name may go through.
const (
	maxBindings   = 1024
	maxAliasDepth = 8
)

// Binding is an alias of the user's: names at and beneath Prefix stand for those
// at and beneath Target.
type Binding struct {
	Prefix string `json:"prefix"`
	Target string `json:"target"`
}

// bindings are a client's aliases.
type bindings struct {
	mu   sync.RWMutex
	list []Binding // guarded by mu; by ascending Prefix
}

// Bind makes prefix an alias for target, in this client only; both are absolute.
// It replaces an alias of that name, and does not block.
//
// Codes: IllegalName (also for "/", and a target beneath the prefix);
// NoServerResources.
func (c *Client) Bind(prefix, target string) error {
	p, err := Clean(prefix)
	if err != nil || p == "/" {
		return &ipc.OpError{Op: "naming.Bind", Name: prefix, Err: ipc.IllegalName}
	}
	t, err := Clean(target)
	if err != nil || Covers(p, t) {
		return &ipc.OpError{Op: "naming.Bind", Name: target, Err: ipc.IllegalName}
	}
	c.binds.mu.Lock()
	defer c.binds.mu.Unlock()
	i, found := c.binds.findLocked(p)
	if found {
		c.binds.list[i].Target = t
		return nil
	}
	if len(c.binds.list) == maxBindings {
		return &ipc.OpError{Op: "naming.Bind", Name: prefix, Err: ipc.NoServerResources}
	}
	c.binds.list = slices.Insert(c.binds.list, i, Binding{p, t})
	return nil
}

// Unbind ends an alias. NotFound: there is none of that name.
func (c *Client) Unbind(prefix string) error {
	p, err := Clean(prefix)
	c.binds.mu.Lock()
	defer c.binds.mu.Unlock()
	i, found := c.binds.findLocked(p)
	if err != nil || !found {
		return &ipc.OpError{Op: "naming.Unbind", Name: prefix, Err: ipc.NotFound}
	}
	c.binds.list = slices.Delete(c.binds.list, i, i+1)
	return nil
}

// Bindings returns the aliases, by ascending prefix.
func (c *Client) Bindings() []Binding {
	c.binds.mu.RLock()
	defer c.binds.mu.RUnlock()
	return slices.Clone(c.binds.list)
}

// findLocked returns where prefix is or belongs in the list. The caller holds mu.
func (b *bindings) findLocked(prefix string) (int, bool) {
	return slices.BinarySearchFunc(b.list, prefix, func(x Binding, p string) int {
		return strings.Compare(x.Prefix, p)
	})
}

// expand returns the clean absolute name that name stands for. IllegalName: it
// can't be a name, or goes through too many aliases.
func (b *bindings) expand(name string) (string, error) {
	name, err := Clean(name)
	b.mu.RLock()
	defer b.mu.RUnlock()
	for depth := 0; err == nil; depth++ {
		a, ok := b.longestLocked(name)
		if !ok {
			return name, nil
		}
		if depth == maxAliasDepth {
			return "", ipc.IllegalName
		}
		name, err = Clean(a.Target + "/" + name[len(a.Prefix):])
	}
	return "", err
}

// longestLocked returns the alias with the longest prefix that covers name. The
// caller holds mu.
func (b *bindings) longestLocked(name string) (Binding, bool) {
	for i := len(b.list) - 1; i >= 0; i-- {
		if Covers(b.list[i].Prefix, name) {
			return b.list[i], true
		}
	}
	return Binding{}, false
}
