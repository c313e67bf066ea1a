package shell

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mvdan.cc/sh/v3/interp"

	"vsys/ipc"
)

// Exit statuses that V gives a meaning (design of the command line).
const (
	statusUsage         = 2
	statusLost          = 123 // the host is lost, the outcome unknown
	statusTimeout       = 124 // timed out
	statusNotStarted    = 125 // V couldn't start it
	statusNotExecutable = 126 // no binary for that processor
	statusNotFound      = 127
	statusSignal        = 128 // + the signal's number
)

// startStatus returns the exit status of a program that Start did not start.
func startStatus(err error) int {
	switch ipc.CodeOf(err) {
	case ipc.NotFound:
		return statusNotFound
	case ipc.NotExecutable, ipc.NoPermission, ipc.IsAContext:
		return statusNotExecutable
	case ipc.UserTimeout:
		return statusTimeout
	case ipc.RetransTimeout:
		return statusLost
	}
	return statusNotStarted
}

// waitStatus returns the exit status of a program that Wait lost sight of.
func waitStatus(err error) int {
	if ipc.CodeOf(err) == ipc.UserTimeout || errors.Is(err, context.DeadlineExceeded) {
		return statusTimeout
	}
	return statusLost
}

// exit makes a status what the interpreter expects of a handler.
func exit(status int) error {
	if status == 0 {
		return nil
	}
	return interp.ExitStatus(status)
}

// isLoss tells whether err means that a host can't be reached, which the user
// must hear of even where bash would be silent.
func isLoss(err error) bool {
	switch ipc.CodeOf(err) {
	case ipc.Unreachable, ipc.RetransTimeout, ipc.UserTimeout:
		return true
	}
	return false
}

// hint returns what to try after err, "" if there is nothing to say.
func hint(err error) string {
	switch ipc.CodeOf(err) {
	case ipc.Unreachable, ipc.RetransTimeout:
		return "hosts shows who is alive; cd and @HOST lead elsewhere"
	case ipc.HostUnknown:
		return "hosts lists them; quote the word to pass it as an argument"
	case ipc.NotExecutable:
		return "place it on a host whose processor it was built for: @HOST"
	case ipc.UserTimeout:
		return "again, or another host: @HOST"
	case ipc.NoPermission:
		return "ls -l shows who may"
	}
	return ""
}

// complain prints an error as V does: what failed and why, then what to try.
func complain(w io.Writer, why, try string) {
	if try != "" {
		why += "\ntry: " + try
	}
	fmt.Fprintln(w, why)
}

// reason returns the innermost words of err: what the code says, without the
// operation that V used to find out.
func reason(err error) string {
	var op *ipc.OpError
	if !errors.As(err, &op) {
		return err.Error()
	}
	if op.Host == "" {
		return op.Err.Error()
	}
	return op.Host + ": " + op.Err.Error()
}
