package shell

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the controlling terminal of an interactive executive, which the
// process groups of jobs take turns to own.
type terminal struct {
	fd    int           // the executive's standard input
	pgid  int           // the executive's own process group
	born  int           // the one that it was started in
	modes *unix.Termios // as the executive left them
}

// openTerminal returns the terminal that stdin is; keys must be it too. The
// executive gets a process group of its own, so that Ctrl-Z and Ctrl-C do not
// reach whoever started it.
func openTerminal(stdin, keys *os.File) *terminal {
	if keys == nil {
		return nil
	}
	t := &terminal{fd: int(stdin.Fd()), born: unix.Getpgrp()}
	if unix.Setpgid(0, 0); unix.Getpgrp() != t.born {
		t.give(unix.Getpgrp())
	}
	t.pgid = unix.Getpgrp()
	t.save()
	return t
}

// close gives the terminal back to the process group that the executive came from.
func (t *terminal) close() {
	if t.pgid != t.born && unix.Setpgid(0, t.born) == nil {
		t.give(t.born)
	}
}

// openKeys opens the controlling terminal once more, if stdin is it: in Go's
// poller, so that reading it can be cancelled. Others who have stdin don't notice.
// It returns nil if stdin is no terminal.
func openKeys(stdin *os.File) *os.File {
	if !isTerminal(stdin) {
		return nil
	}
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil // it is not our controlling terminal
	}
	return os.NewFile(uintptr(fd), "/dev/tty")
}

// isTerminal asks only devices for their descriptor: Fd makes a pipe one whose
// reading can't be cancelled.
func isTerminal(f *os.File) bool {
	if f == nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term.IsTerminal(int(f.Fd()))
}

// save keeps the modes as they are, restore brings them back.
func (t *terminal) save() {
	if modes, err := unix.IoctlGetTermios(t.fd, unix.TCGETS); err == nil {
		t.modes = modes
	}
}

func (t *terminal) restore() {
	if t.modes != nil {
		unix.IoctlSetTermios(t.fd, unix.TCSETSW, t.modes)
	}
}

// give makes pgid the terminal's foreground process group.
func (t *terminal) give(pgid int) {
	blockTTOU(func() { unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, pgid) })
}

// take makes the executive's process group the foreground one.
func (t *terminal) take() { t.give(t.pgid) }

// blockTTOU calls f with SIGTTOU blocked, because whoever uses the terminal from
// the background is stopped by it. It is not ignored: children would inherit that.
func blockTTOU(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, old unix.Sigset_t
	set.Val[0] = 1 << (uint(unix.SIGTTOU) - 1)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old) == nil {
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	}
	f()
}
