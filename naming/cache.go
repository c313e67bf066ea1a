package naming

import (
	"strings"
	"sync"
	"time"

	"vsys/ipc"
)

// maxEntries bounds the cache; beyond it entries are dropped at random.
const maxEntries = 4096

// entry says which context the names beneath a prefix are in. It may be stale.
type entry struct {
	prefix  string
	server  ipc.PID
	context uint32
	used    time.Time // when the server last answered for it
}

// same tells whether f leads where e does.
func (e entry) same(f entry) bool {
	return e.prefix == f.prefix && e.server == f.server && e.context == f.context
}

// cache maps prefixes to contexts. Nobody keeps it right: entries are repaired
// on use.
type cache struct {
	mu      sync.Mutex
	entries map[string]entry // guarded by mu; by prefix
}

// longest returns the entry with the longest prefix that covers name, which is
// clean.
func (c *cache) longest(name string) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for prefix := name; ; {
		if e, ok := c.entries[prefix]; ok {
			return e, true
		}
		if prefix == "/" {
			return entry{}, false
		}
		prefix = prefix[:strings.LastIndexByte(prefix, '/')]
		if prefix == "" {
			prefix = "/"
		}
	}
}

// put notes that e was good now.
func (c *cache) put(e entry) {
	e.used = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[string]entry)
	}
	for prefix := range c.entries {
		if len(c.entries) < maxEntries {
			break
		}
		delete(c.entries, prefix)
	}
	c.entries[e.prefix] = e
}

// drop forgets e, unless the cache has already learned better.
func (c *cache) drop(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.prefix].same(e) {
		delete(c.entries, e.prefix)
	}
}
