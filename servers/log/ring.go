package log

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Limits of a Ring.
const (
	MaxLines = 10_000
	MaxSize  = 1 << 20  // octets of all lines, with their ends
	MaxLine  = 16 << 10 // octets of one, with its end
)

// Ring keeps the last lines written to it. The zero value is an empty ring. Its
// methods may be called by any goroutine and do not wait.
type Ring struct {
	mu       sync.Mutex // guards below
	lines    [][]byte   // each with its end; those before first are dropped
	first    int        // of the oldest line, at most MaxLines
	size     int        // octets of all
	modified time.Time  // when the last one came
}

// Write adds p as one line, with an end if it has none, and drops the oldest
// lines where there are too many. p is copied. It never fails.
func (r *Ring) Write(p []byte) (int, error) {
	line := bytes.Clone(bytes.TrimSuffix(p, []byte("\n")))
	line = append(line[:min(len(line), MaxLine-1)], '\n')
	r.mu.Lock()
	defer r.mu.Unlock()
	r.modified = time.Now()
	r.size += len(line)
	r.lines = append(r.lines, line)
	for len(r.lines)-r.first > MaxLines || r.size > MaxSize {
		r.size -= len(r.lines[r.first])
		r.lines[r.first] = nil
		r.first++
	}
	if r.first > MaxLines { // seldom, so that a line costs the same on the average
		r.lines, r.first = slices.Clone(r.lines[r.first:]), 0
	}
	return len(p), nil
}

// Bytes returns the lines, oldest first. They are the caller's.
func (r *Ring) Bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Join(r.lines[r.first:], nil)
}

// state returns how many octets Bytes has and when the last line came: zero if
// none did.
func (r *Ring) state() (size int, modified time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size, r.modified
}
