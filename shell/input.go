package shell

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Input reads a file of the executive's on behalf of a program elsewhere. It
// takes something only when it is asked to, of a terminal only while the
// program's job is in the foreground, and nothing once it is closed: the keys
// after that belong to the next command.
type Input struct {
	f    *os.File
	gate *gate
	r, w *os.File // a pipe: a byte in it wakes Read up, its end closes it
	wake int      // r's descriptor

	mu     sync.Mutex // held by Read; guards closed and r
	closed bool
}

// NewInput returns an Input for e.File, which may be nil. It fails only for want
// of descriptors.
func NewInput(e End) (*Input, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in := &Input{f: e.File, gate: e.gate, r: r, w: w, wake: int(r.Fd())}
	if in.gate == nil {
		in.gate = &gate{open: true}
	}
	in.gate.enter(in)
	return in, nil
}

// Read reads as io.Reader says. It returns os.ErrClosed once the Input is closed,
// also when it waits. It is for one goroutine.
func (in *Input) Read(p []byte) (int, error) {
	if in.f == nil || len(p) == 0 {
		return 0, io.EOF
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	conn, err := in.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	for !in.closed {
		n, taken, err := 0, false, error(nil)
		fail := conn.Control(func(fd uintptr) {
			if err = in.wait(int(fd)); err == nil {
				n, taken, err = in.gate.read(int(fd), p)
			}
		})
		switch {
		case fail != nil:
			return 0, fail
		case err != nil || taken && n == 0:
			return 0, ended(err)
		case taken:
			return n, nil
		}
	}
	return 0, os.ErrClosed
}

func ended(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// wait blocks until fd has something to read and the gate is open, or something
// about that has changed. It waits in Linux, since Go can't poll every file.
func (in *Input) wait(fd int) error {
	if !in.gate.isOpen() {
		fd = -1
	}
	polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(in.wake), Events: unix.POLLIN}}
	if _, err := unix.Poll(polls, -1); err != nil && err != unix.EINTR {
		return err
	}
	switch {
	case polls[1].Revents&unix.POLLIN != 0:
		_, err := unix.Read(in.wake, make([]byte, 64))
		return err
	case polls[1].Revents != 0:
		return os.ErrClosed
	}
	return nil
}

// Close wakes Read up and waits until it has returned. The file stays open.
// Closing twice is no error.
func (in *Input) Close() error {
	in.gate.leave(in)
	in.w.Close()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.r.Close()
	return nil
}

// gate lets the Inputs of a job read the terminal while the job is in the
// foreground. It may be used by any goroutine.
type gate struct {
	mu     sync.Mutex // guards below; held while the terminal is read
	open   bool
	inputs map[*Input]struct{}
}

func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// set opens or shuts the gate. When it has shut it, nothing is read any more.
func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = open
	for in := range g.inputs {
		in.w.Write([]byte{0})
	}
}

func (g *gate) enter(in *Input) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inputs == nil {
		g.inputs = map[*Input]struct{}{}
	}
	g.inputs[in] = struct{}{}
}

func (g *gate) leave(in *Input) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inputs, in)
}

// read reads what poll said is there, if the gate is still open. taken is false
// if nothing was read because it is not, or because another was faster.
func (g *gate) read(fd int, p []byte) (n int, taken bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if ready, _ := unix.Poll(polls, 0); !g.open || ready == 0 {
		return 0, false, nil
	}
	n, err = unix.Read(fd, p)
	if err == unix.EAGAIN || err == unix.EINTR {
		return 0, false, nil
	}
	return max(n, 0), true, err
}
