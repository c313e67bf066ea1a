package shell

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
)

// maxHistory is how many commands are remembered.
const maxHistory = 10_000

// history is the commands that were typed, in a file if there is one: one a line,
// as Go quotes strings, because a command may have several lines. It has the
// methods that the line editor asks for. It may be used by any goroutine.
type history struct {
	path string

	mu    sync.Mutex
	lines []string // oldest first; guarded by mu
}

// openHistory reads the file at path; "" means none. What can't be read is left out.
func openHistory(path string) *history {
	h := &history{path: path}
	f, err := os.Open(path)
	if path == "" || err != nil {
		return h
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line, err := strconv.Unquote(lines.Text()); err == nil {
			h.lines = append(h.lines, line)
		}
	}
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	return h
}

// Write adds a command, unless it is the last one again, and returns how many
// there are.
func (h *history) Write(line string) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.lines); line == "" || n > 0 && h.lines[n-1] == line {
		return n, nil
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	if h.path == "" {
		return len(h.lines), nil
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return len(h.lines), err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, strconv.Quote(line))
	return len(h.lines), err
}

// GetLine returns the i-th command, from 0.
func (h *history) GetLine(i int) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < 0 || i >= len(h.lines) {
		return "", fs.ErrNotExist
	}
	return h.lines[i], nil
}

// Len returns how many commands there are.
func (h *history) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

// Dump returns all commands.
func (h *history) Dump() any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}

// historyCommand prints the last n commands, all without an argument.
func historyCommand(_ context.Context, c *ownCall) error {
	lines := c.s.history.Dump().([]string)
	first := 0
	if len(c.args) > 0 {
		n, err := strconv.Atoi(c.args[0])
		if err != nil || n < 0 {
			return c.fail(statusUsage, "%s: not a number of commands", c.args[0])
		}
		first = max(0, len(lines)-n)
	}
	for i := first; i < len(lines); i++ {
		c.printf("%5d  %s\n", i+1, lines[i])
	}
	return nil
}
