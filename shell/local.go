package shell

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// group is the programs of a job that are children of this process. With job
// control they form a Unix process group, else they are in the executive's. It
// may be used by any goroutine.
type group struct {
	control bool

	mu   sync.Mutex       // guards below; held while a child is started or reaped
	pgid int              // the process group, 0 while there is none
	pids map[int]struct{} // children that are not reaped, so still in the group
}

func newGroup(control bool) *group { return &group{control: control, pids: map[int]struct{}{}} }

// start starts a child in the group.
func (g *group) start(path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.control {
		attr.Sys = &syscall.SysProcAttr{Setpgid: true, Pgid: g.pgid}
	}
	pid, err = forkExec(path, args, attr)
	if err != nil {
		return 0, err
	}
	if len(g.pids) == 0 && g.control {
		g.pgid = pid
	}
	g.pids[pid] = struct{}{}
	return pid, nil
}

// forkExec is syscall.ForkExec, again for as long as another child that was just
// forked still holds the program's file open for writing (go.dev/issue/22315).
func forkExec(path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	for delay := time.Millisecond; delay < 300*time.Millisecond; delay *= 2 {
		if pid, err = syscall.ForkExec(path, args, attr); err != syscall.ETXTBSY {
			break
		}
		time.Sleep(delay)
	}
	if err == syscall.ENOEXEC { // a script without #!
		return syscall.ForkExec("/bin/sh", append([]string{"sh", path}, args[1:]...), attr)
	}
	return pid, err
}

// wait blocks until the child pid has stopped (only with job control) or ended.
func (g *group) wait(pid int) syscall.WaitStatus {
	options, reap := unix.WEXITED|unix.WNOWAIT, unix.WNOHANG
	if g.control {
		options, reap = options|unix.WSTOPPED, reap|unix.WUNTRACED
	}
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, options, nil)
		if err != nil && err != unix.EINTR {
			return syscall.WaitStatus(0xFF00)
		}
		if status, ok := g.reap(pid, reap); ok {
			return status
		}
	}
}

// reap takes pid's change of state, if there is one, and forgets it if it ended.
// The group exists in Unix for as long as one of its children is not reaped.
func (g *group) reap(pid, options int) (status syscall.WaitStatus, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	got, err := syscall.Wait4(pid, &status, options, nil)
	if err != nil || got != pid {
		return 0, false
	}
	if !status.Stopped() {
		delete(g.pids, pid)
	}
	if len(g.pids) == 0 {
		g.pgid = 0
	}
	return status, true
}

// signal sends sig to all children, and with job control to theirs.
func (g *group) signal(_ context.Context, sig syscall.Signal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pgid != 0 {
		return ignoreGone(syscall.Kill(-g.pgid, sig))
	}
	var errs error
	for pid := range g.pids {
		errs = errors.Join(errs, ignoreGone(syscall.Kill(pid, sig)))
	}
	return errs
}

func ignoreGone(err error) error {
	if err == syscall.ESRCH {
		return nil
	}
	return err
}

// id returns the process group, 0 if there is none, and whether no child is left.
func (g *group) id() (pgid int, empty bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pgid, len(g.pids) == 0
}

// child is a program to run as a child of this process.
type child struct {
	path  string
	args  []string
	env   []string
	dir   string // in this host's Unix file system
	stdio [3]*os.File
}

// handDelay is after how long a program gets the terminal that has not asked for
// it by using it. Till then Ctrl-C comes to the executive, because that to a
// program that ends at the same moment is lost.
const handDelay = 50 * time.Millisecond

// runLocal runs c in j and waits for it.
func (s *Shell) runLocal(ctx context.Context, j *job, c child) (Status, error) {
	if err := j.add(j.local); err != nil {
		return Status{Signal: syscall.SIGINT}, nil
	}
	attr := &syscall.ProcAttr{Dir: c.dir, Env: c.env, Files: make([]uintptr, 3)}
	for i, f := range c.stdio {
		attr.Files[i] = f.Fd()
	}
	pid, err := j.local.start(c.path, c.args, attr)
	if err != nil {
		s.removeLocal(j, 0)
		return Status{}, err
	}
	if sig := j.killedBy(); sig != 0 { // while the child was being started
		j.local.signal(ctx, sig)
	}
	unwatch := context.AfterFunc(ctx, func() { j.local.signal(ctx, syscall.SIGKILL) })
	defer unwatch()
	hand := time.AfterFunc(handDelay, func() { s.front(j) })
	defer hand.Stop()
	for {
		status := j.local.wait(pid)
		switch {
		case !status.Stopped():
			s.removeLocal(j, status.Signal())
			return statusOf(status), nil
		case isTerminalStop(status.StopSignal()) && s.front(j):
			j.local.signal(ctx, syscall.SIGCONT)
		default:
			j.memberStopped(pid)
		}
	}
}

// isStopped asks Linux whether pid is stopped now: the state is the first field
// after the name, which is in parentheses.
func isStopped(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return err == nil && ok && len(state) > 0 && (state[0] == 'T' || state[0] == 't')
}

// isTerminalStop tells whether sig stops a program that used the terminal from
// the background. One that did so before the terminal was handed to it is
// simply continued.
func isTerminalStop(sig syscall.Signal) bool { return sig == syscall.SIGTTIN || sig == syscall.SIGTTOU }

func statusOf(w syscall.WaitStatus) Status {
	if w.Signaled() {
		return Status{Signal: w.Signal()}
	}
	return Status{Exit: w.ExitStatus()}
}

// removeLocal ends the membership of j's children if none is left, and takes the
// terminal back, so that Ctrl-C between two programs is not lost. died is the
// signal that killed one, 0 or -1 if none did.
func (s *Shell) removeLocal(j *job, died syscall.Signal) {
	j.mu.Lock()
	_, empty := j.local.id()
	if empty && j.front && s.term != nil {
		s.term.take()
	}
	j.mu.Unlock()
	if empty {
		j.remove(j.local, 0)
	}
	if died == syscall.SIGINT || died == syscall.SIGQUIT {
		j.kill(died)
	}
}

// front hands j's process group the terminal if j is in the foreground, and
// tells whether it is.
func (s *Shell) front(j *job) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.front || s.term == nil {
		return false
	}
	if pgid, _ := j.local.id(); pgid != 0 {
		s.term.give(pgid)
	}
	return true
}
