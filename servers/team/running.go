package team

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
)

const (
	// grace is how long a program has between SIGTERM and SIGKILL.
	grace = 500 * time.Millisecond
	// outputPatience is how long output may stay away, from whoever holds the
	// pipes, when the program has ended; and how long a program that was killed
	// may take to have its output written.
	outputPatience = time.Second
	// maxWaiters bounds the requests to wait for one program.
	maxWaiters = 16
)

// running is a program: its first process, whose id is that of its session and
// process group, until that has ended and its output is written.
//
//	running ──first process ends──> zombie ──group killed, reaped──> draining ──> ended
type running struct {
	s        *Server
	id       uint32
	path     string // of its file, in the Unix file system
	argvText string // its arguments, to be shown, not all of them if they are many
	dir      string // the V name of its working directory
	keep     bool   // as Spec.Keep
	owner    ipc.PID
	client   ipc.PID // who asked
	since    time.Time

	pid   int
	pidfd *os.File
	names *naming.Client // its instances belong to it
	plumb plumbing
	over  func() // ends the pumps, and what they wait for

	mu       sync.Mutex // guards below
	reaped   bool       // pid may be another's by now
	dying    bool       // terminate was called
	ended    bool       // ending is set, everybody was told
	ending   program.Ending
	waiters  []waiter
	deadline []*time.Timer // of terminate
}

// waiter is a request to wait, to be answered by p.
type waiter struct {
	p ipc.Process
	t ipc.Transaction
}

// lifeLoop is the program's life. It ends soon after its first process, and the
// table waits for it.
func (g *running) lifeLoop() {
	g.awaitExit()
	if !g.keep {
		_ = g.signal(syscall.SIGKILL) // what it has left behind
	}
	e := g.reap()
	g.plumb.drain()
	e.Stdio = g.plumb.failure()
	g.over()
	g.finish(e)
}

// awaitExit returns when the first process has ended, and is a zombie, so that
// no other process can have its id.
func (g *running) awaitExit() {
	conn, err := g.pidfd.SyscallConn()
	if err == nil {
		err = conn.Read(func(fd uintptr) bool {
			var info unix.Siginfo
			err := unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
			return err == nil && info.Signo != 0 || err != nil && err != unix.EINTR
		})
	}
	if err != nil { // the descriptor can't be polled: wait in Linux
		g.s.log().Warn("pidfd", "pid", g.pid, "err", err)
		_ = unix.Waitid(unix.P_PID, g.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	}
}

// reap takes the zombie away and says how the process ended.
func (g *running) reap() (e program.Ending) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reaped = true
	g.pidfd.Close()
	var status syscall.WaitStatus
	var usage syscall.Rusage
	for {
		_, err := syscall.Wait4(g.pid, &status, 0, &usage)
		if err != syscall.EINTR {
			break
		}
	}
	e.Exit = max(status.ExitStatus(), 0)
	if status.Signaled() {
		e.Signal = int(status.Signal())
	}
	e.CPU = uint32((usage.Utime.Nano() + usage.Stime.Nano()) / int64(time.Millisecond))
	return e
}

// signal sends the program's group a signal; to one that has ended it does
// nothing.
func (g *running) signal(sig syscall.Signal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reaped {
		return nil
	}
	return syscall.Kill(-g.pid, sig)
}

// terminate begins to end the program: SIGTERM, SIGKILL after grace, and, if its
// output then can't be written, no more of that. Calling it twice is no error.
func (g *running) terminate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dying || g.ended {
		return
	}
	g.dying = true
	if !g.reaped {
		_ = syscall.Kill(-g.pid, syscall.SIGTERM)
		_ = syscall.Kill(-g.pid, syscall.SIGCONT)
	}
	g.deadline = []*time.Timer{
		time.AfterFunc(grace, func() { _ = g.signal(syscall.SIGKILL) }),
		time.AfterFunc(grace+outputPatience, g.over),
	}
}

// addWaiter notes a request that is answered when the program has ended, at once
// if it has. Busy: too many wait.
func (g *running) addWaiter(p ipc.Process, t ipc.Transaction) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := waiter{p, t}
	if g.ended {
		g.tell(w, g.ending)
		return nil
	}
	there := g.waiters[:0]
	for _, other := range g.waiters { // some may have given up
		if other.p.AwaitingReply(other.t) {
			there = append(there, other)
		}
	}
	g.waiters = there
	if len(g.waiters) == maxWaiters {
		return ipc.Busy
	}
	g.waiters = append(g.waiters, w)
	return nil
}

// finish tells everybody how the program ended.
func (g *running) finish(e program.Ending) {
	g.s.owners.remove(g)
	g.s.table.finish(g, e)
	g.mu.Lock()
	g.ended, g.ending = true, e
	waiters := g.waiters
	g.waiters = nil
	for _, t := range g.deadline {
		t.Stop()
	}
	g.mu.Unlock()
	for _, w := range waiters {
		g.tell(w, e)
	}
	g.s.log().Info("program ended", "id", g.id, "pid", g.pid, "exit", e.Exit, "signal", e.Signal)
}

func (g *running) tell(w waiter, e program.Ending) {
	var m ipc.Message
	e.Put(&m, g.id)
	g.s.send(w.p, &m, w.t, nil)
}
