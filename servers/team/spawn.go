package team

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// guestNice is how much lower the priority of guests is than the server's own:
// with both at work the owner's programs get nine tenths of a processor.
const guestNice = 10

// worstNice is the lowest priority of Linux.
const worstNice = 19

// spawner starts programs from one OS thread that lives as long as the server.
// Linux ties a child's death to that of the thread that made it, and gives it
// that thread's priority.
type spawner struct {
	orders chan order
	done   chan struct{} // closed when the thread has ended
}

// order asks for a program.
type order struct {
	path   string
	argv   []string
	attr   *syscall.ProcAttr
	result chan<- child // has room for one
}

// child is a program that was started, or why not.
type child struct {
	pid   int
	pidfd *os.File // non-blocking
	err   error
}

// start starts the thread. It ends with stop.
func (sp *spawner) start(nice int) {
	sp.orders, sp.done = make(chan order), make(chan struct{})
	go sp.spawnLoop(nice) // ends when orders is closed; stop waits for it
}

// stop ends the thread, which must have no children any more.
func (sp *spawner) stop() {
	close(sp.orders)
	<-sp.done
}

// spawnLoop is the thread's life. It never unlocks, so that no other goroutine
// gets a thread of low priority.
func (sp *spawner) spawnLoop(nice int) {
	defer close(sp.done)
	runtime.LockOSThread()
	if nice > 0 {
		// Linux has priorities of threads; 0 is this one. A process may always
		// lower its own.
		if raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-raw+nice, worstNice))
		}
	}
	for o := range sp.orders {
		o.result <- spawn(&o)
	}
}

// spawn starts the program in a session and process group of its own.
func spawn(o *order) child {
	fd := -1
	o.attr.Sys = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, PidFD: &fd}
	pid, _, err := syscall.StartProcess(o.path, o.argv, o.attr)
	if err != nil {
		return child{err: err}
	}
	if err = unix.SetNonblock(fd, true); err != nil { // no pidfd: Linux is too old
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return child{err: err}
	}
	return child{pid: pid, pidfd: os.NewFile(uintptr(fd), "pidfd")}
}

// spawn starts a program; guest says at which priority.
func (s *Server) spawn(guest bool, path string, argv []string, attr *syscall.ProcAttr) child {
	result := make(chan child, 1)
	sp := &s.own
	if guest {
		sp = &s.guests
	}
	sp.orders <- order{path, argv, attr, result}
	return <-result
}
