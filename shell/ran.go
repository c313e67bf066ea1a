package shell

import (
	"fmt"
	"io"
	"sync"
)

// ran is where the last program ran. It may be used by any goroutine.
type ran struct {
	mu    sync.Mutex
	name  string // guarded by mu, as the rest
	host  string
	where string // "pid 4711", "" for a child of this process
	why   string // of @any
}

// set notes where a program runs.
func (r *ran) set(name, host, where, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name, r.host, r.where, r.why = name, host, where, why
}

// lastHost returns the host of the last program, "" if there was none.
func (r *ran) lastHost() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host
}

// print prints a line of where, if a program ran.
func (r *ran) print(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.name == "" {
		return
	}
	line := "last       " + r.name + "  " + r.host
	if r.where != "" {
		line += "  " + r.where
	}
	if r.why != "" {
		line += "  " + r.why
	}
	fmt.Fprintln(w, line)
}
