package program

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// Exit statuses that V adds to the program's own and 128+n for signal n.
const (
	StatusLost          = 123 // the host was lost, the outcome is not known
	StatusTimeout       = 124 // timed out
	StatusNotStarted    = 125 // it could not be started
	StatusNotExecutable = 126 // no binary for that processor, no program, or not allowed
	StatusNotFound      = 127 // no such program
	statusInterrupted   = 128 + int(syscall.SIGINT)
)

// State says where a program runs and why, and, after Wait, how it ended.
type State struct {
	Host string // where it runs
	Why  string // why there, in a few words
	ID   uint32 // of the program in the host's team server: /team/HOST/ID
	Unix int    // its process id on that host; 0 if it is not known

	Ended  bool // the fields below are set
	Exit   int  // what it exited with, 0 to 255
	Signal syscall.Signal
	Stdio  ipc.Code      // what kept its input or output from being moved; OK: nothing
	CPU    time.Duration // processor time, with that of children it waited for
}

// Where says where it runs, as people read it: "beta, pid 4711".
func (s *State) Where() string {
	if s.Unix == 0 {
		return fmt.Sprintf("%s, program %d", s.Host, s.ID)
	}
	return fmt.Sprintf("%s, pid %d", s.Host, s.Unix)
}

// Status returns the exit status: the program's own, 128+n if signal n ended it,
// 1 if it did well but not all of its input or output could be moved.
func (s *State) Status() int {
	switch {
	case s.Signal != 0:
		return 128 + int(s.Signal)
	case s.Exit == 0 && s.Stdio != ipc.OK:
		return 1
	}
	return s.Exit
}

// String says how it ended.
func (s *State) String() string {
	switch {
	case !s.Ended:
		return "running"
	case s.Signal != 0:
		return "signal: " + s.Signal.String()
	case s.Exit == 0 && s.Stdio != ipc.OK:
		return "its input or output failed: " + s.Stdio.Error()
	}
	return fmt.Sprintf("exit status %d", s.Exit)
}

// ExitError is the error of a program that ended with another status than 0.
type ExitError struct{ *State }

// Error says how it ended.
func (e *ExitError) Error() string { return e.String() }

// Lost is in the chain of the error where the host or the team server was lost,
// so that it is not known how the program ended, or whether it was started.
type Lost struct{ Err error }

// Error says so.
func (l *Lost) Error() string { return l.Err.Error() + "; the outcome is not known" }

// Unwrap returns what told so.
func (l *Lost) Unwrap() error { return l.Err }

// isLoss tells whether a request may have failed because its host is lost.
func isLoss(c ipc.Code) bool {
	return c == ipc.RetransTimeout || c == ipc.Unreachable || c == ipc.NonexistentEntity
}

// Status returns the exit status that stands for what Cmd's methods returned: 0
// for nil.
func Status(err error) int {
	var exit *ExitError
	var lost *Lost
	var refusal *Refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Status()
	case errors.As(err, &lost):
		return StatusLost
	case errors.As(err, &refusal):
		return refusal.status()
	case errors.Is(err, ipc.UserTimeout):
		return StatusTimeout
	case errors.Is(err, ipc.Aborted):
		return statusInterrupted
	case errors.Is(err, naming.ErrOutcomeUnknown):
		return StatusLost
	}
	return StatusNotStarted
}

func (r *Refusal) status() int {
	switch {
	case r.Part == PartProgram && r.Code == ipc.NotFound:
		return StatusNotFound
	case r.Part == PartProgram && (r.Code == ipc.NotExecutable || r.Code == ipc.NoPermission):
		return StatusNotExecutable
	}
	return StatusNotStarted
}
