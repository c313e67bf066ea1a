package executive

import (
	"context"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"vsys/naming"
	"vsys/program"
	"vsys/shell"
	"vsys/uio"
)

// system is V as package shell wants it: a shell.System.
type system struct {
	names    *naming.Client
	programs *program.Client
	hosts    hostNames
	pipes    atomic.Uint64 // that were made
	stderr   io.Writer     // for what befalls a program's streams
}

func newSystem(s *Session, stderr io.Writer) *system {
	sys := &system{names: s.Names, programs: s.Programs, stderr: stderr}
	sys.hosts.names = s.Names
	sys.hosts.get() // so that the first completion knows them
	return sys
}

var _ shell.System = (*system)(nil)

// Here returns the name of the executive's host.
func (s *system) Here() string { return s.names.Team().Host() }

// HostNames returns the live hosts, as of at most a second ago.
func (s *system) HostNames() []string { return s.hosts.get() }

// Pick chooses the least loaded host.
func (s *system) Pick(ctx context.Context, _ shell.Lookup) (host, why string, err error) {
	return s.programs.Pick(ctx)
}

// ReadDir returns what the context holds, prefixes beneath it too.
func (s *system) ReadDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	list, err := uio.ReadDir(ctx, s.names, name)
	entries := make([]fs.DirEntry, len(list))
	for i := range list {
		entries[i] = list[i].Info()
	}
	return entries, err
}

// hostNames remembers the names of the live hosts, so that asking for them does
// not block.
type hostNames struct {
	names *naming.Client

	mu    sync.Mutex // guards below
	last  []string
	asked time.Time
}

// How old the names may be, and how long asking for them may take.
const (
	namesAge     = time.Second
	namesTimeout = 5 * time.Second
)

// get returns the names, and has them asked for if they are old.
func (h *hostNames) get() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) > namesAge {
		h.asked = time.Now()
		go h.ask() // ends after namesTimeout, or when the client is closed
	}
	return h.last
}

func (h *hostNames) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), namesTimeout)
	defer cancel()
	hosts, err := h.names.Hosts(ctx)
	if err != nil {
		return
	}
	var live []string
	for i := range hosts {
		if hosts[i].Live() {
			live = append(live, hosts[i].Name)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = live
}
