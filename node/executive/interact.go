package executive

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/term"

	"vsys/shell"
)

// leavePatience bounds how long an executive takes to end at a terminal that
// nobody types at any more.
const leavePatience = time.Second

// statusTerminated is that of a program which SIGTERM has ended.
const statusTerminated = 128 + int(syscall.SIGTERM)

// interact runs sh at a terminal until the user leaves or ctx ends. The line
// editor can't be ended from outside: it then is left to end with this process,
// and the terminal is given back as it was.
func interact(ctx context.Context, sh *shell.Shell, c *Config) int {
	back := keepTerminal(c.Stdin)
	done := make(chan int, 1)
	go func() { done <- sh.Interact(ctx) }() // ends as said above
	select {
	case status := <-done:
		sh.Close()
		return status
	case <-ctx.Done():
	}
	select {
	case status := <-done:
		sh.Close()
		return status
	case <-time.After(leavePatience):
		back()
		return statusTerminated
	}
}

// keepTerminal returns what brings the terminal f back into its present mode.
func keepTerminal(f *os.File) (back func()) {
	if terminal(f) == nil {
		return func() {}
	}
	state, err := term.GetState(int(f.Fd()))
	if err != nil {
		return func() {}
	}
	return func() {
		const noBracketedPaste = "\x1b[?2004l"
		fmt.Fprint(f, noBracketedPaste)
		_ = term.Restore(int(f.Fd()), state) // it may be gone
	}
}
