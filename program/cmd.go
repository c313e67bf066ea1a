package program

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"vsys/ipc"
)

// Cmd is a program to be started, or started, modelled on os/exec.Cmd. Its
// fields are set before Start. Wait and Run are for one goroutine; Signal and
// Terminate may be called by any once Start has returned.
type Cmd struct {
	Path   string   // as Spec.Path says
	Search string   // as Spec.Search says
	Args   []string // Args[0] is the program's own name
	Env    []string // NAME=value; none: the environment of the host's team server
	Dir    string   // working directory, a V name; "": the user's home there
	Host   string   // "": the host that serves Dir, or the own; Any: the least loaded
	Keep   bool     // it outlives this program

	// Standard input, output and error. nil is /dev/null. A [*uio.File] is passed
	// on: after Start it is the program's, and is not to be closed. For [Lend]
	// and [Named] see there. Any other is served from here, while the program
	// runs and Wait waits. Equal Stdout and Stderr are one.
	//
	// When Wait returns all of the output is written. A Read of Stdin may be
	// under way still, and end at any time later.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// State says where the program runs, after Start, and how it ended, after
	// Wait; nil before.
	State *State

	c      *Client
	server ipc.PID
	served served
}

// Command returns a Cmd for the program called name, with arguments.
func (c *Client) Command(name string, args ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, args...), c: c}
}

// Attach returns the Cmd of a program that somebody has started, to wait for it
// or to signal it. It blocks. Codes: HostUnknown, Unreachable.
func (c *Client) Attach(ctx context.Context, host string, id uint32) (*Cmd, error) {
	server, err := c.server(ctx, host)
	if err != nil {
		return nil, &ipc.OpError{Op: "program.Attach", Name: programName(host, id), Host: host, Err: err}
	}
	return &Cmd{Keep: true, State: &State{Host: host, Why: "it was there", ID: id}, c: c, server: server}, nil
}

// Run starts the program and waits for it.
func (c *Cmd) Run(ctx context.Context) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	return c.Wait(ctx)
}

// Output runs the program and returns its standard output.
func (c *Cmd) Output(ctx context.Context) ([]byte, error) {
	var b bytes.Buffer
	c.Stdout = &b
	err := c.Run(ctx)
	return b.Bytes(), err
}

// Start starts the program and returns when it runs. It blocks, until ctx ends.
//
// Codes: NotFound, NotExecutable and all others that the team server refuses
// with, each in a [*Refusal]; HostUnknown; Unreachable (the host is known to be
// lost, nothing was started); UserTimeout, Aborted; BadArgs. RetransTimeout, with
// a [*Lost] in the chain: the host fell silent, it may have been started.
func (c *Cmd) Start(ctx context.Context) error {
	if c.State != nil {
		return &ipc.OpError{Op: "program.Start", Name: c.Path, Err: errors.New("it was started before")}
	}
	ch, err := c.c.choose(ctx, c.Host, c.Dir)
	if err != nil {
		return &ipc.OpError{Op: "program.Start", Name: c.Path, Host: c.Host, Err: err}
	}
	s := &Spec{Path: c.Path, Search: c.Search, Args: c.Args, Env: c.Env, Dir: c.Dir, Keep: c.Keep}
	if s.Stdio, err = c.stdio(ctx); err != nil {
		c.served.release(c.c)
		return &ipc.OpError{Op: "program.Start", Name: c.Path, Host: c.Host, Err: err}
	}
	if err := c.startOn(ctx, ch, s); err != nil {
		c.served.release(c.c)
		return err
	}
	c.c.count(c.State.Host, 1)
	return nil
}

// startOn starts the program on the first host that takes it. If none does, the
// error is that of the first.
func (c *Cmd) startOn(ctx context.Context, ch choice, s *Spec) error {
	var first error
	for _, host := range ch.hosts {
		server, l, err := c.c.load(ctx, host, s)
		if err == nil {
			c.server = server
			c.State = &State{Host: host, Why: ch.why, ID: l.id, Unix: int(l.unix)}
			return nil
		}
		if first == nil {
			first = err
		}
		if !mayTryAnother(err) {
			return err
		}
		ch.why += "; " + host + " refused: " + why(err)
	}
	if len(ch.hosts) > 1 {
		return &refusedByAll{first, ch.why}
	}
	return first
}

// mayTryAnother tells whether a host that failed to start the program with err
// has certainly not done so, and another may do better.
func mayTryAnother(err error) bool {
	var lost *Lost
	if errors.As(err, &lost) {
		return false
	}
	switch ipc.CodeOf(err) {
	case ipc.NotFound, ipc.NotExecutable, ipc.CrossServer, ipc.NoServerResources,
		ipc.Busy, ipc.Unreachable, ipc.HostUnknown:
		return true
	}
	return false
}

// why returns the reason in err without what it was about.
func why(err error) string {
	var op *ipc.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err.Error()
}

// refusedByAll is the error of a program that no host would start: the first
// one's, with what the others said.
type refusedByAll struct {
	first error
	why   string
}

func (r *refusedByAll) Error() string { return r.first.Error() + " (" + r.why + ")" }
func (r *refusedByAll) Unwrap() error { return r.first }

// Wait waits until the program has ended and its output is written. It returns
// nil for exit status 0, an [*ExitError] for any other. It blocks; when ctx ends
// first the program is terminated, unless it is to be kept, and the code is
// UserTimeout or Aborted. With a [*Lost] in the chain the host, or its team
// server, is lost.
func (c *Cmd) Wait(ctx context.Context) error {
	if c.State == nil || c.State.Ended {
		return &ipc.OpError{Op: "program.Wait", Name: c.Path, Err: errors.New("it does not run")}
	}
	defer c.served.release(c.c)
	defer c.c.count(c.State.Host, -1)
	e, err := c.await(ctx)
	if err != nil {
		// The process's deadline may come just before ctx's own.
		if (ctx.Err() != nil || err == ipc.UserTimeout) && !c.Keep {
			c.abandon()
		}
		return c.fail("program.Wait", err)
	}
	s := c.State
	s.Ended, s.Exit, s.Signal = true, e.Exit, syscall.Signal(e.Signal)
	s.Stdio, s.CPU = e.Stdio, time.Duration(e.CPU)*time.Millisecond
	if s.Status() != 0 {
		return &ExitError{s}
	}
	return nil
}

// await waits with a process of its own, since that may take long.
func (c *Cmd) await(ctx context.Context) (Ending, error) {
	p, err := c.c.names.Team().NewProcess(ctx, "wait")
	if err != nil {
		return Ending{}, ipc.CodeOf(err)
	}
	defer p.Destroy()
	deadline, _ := ctx.Deadline()
	p.SetDeadline(deadline)
	var m ipc.Message
	m.SetOp(OpWait)
	m.PutUint32(4, c.State.ID)
	if _, err := p.Send(&m, c.server, ipc.Segment{}); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return Ending{}, ipc.UserTimeout
		}
		return Ending{}, ipc.CodeOf(err)
	}
	if m.Code() != ipc.OK {
		return Ending{}, m.Code()
	}
	return readEnding(&m), nil
}

// abandonPatience bounds how long the message takes that nobody waits any more.
const abandonPatience = 2 * time.Second

// abandon terminates a program whose Wait has ended early.
func (c *Cmd) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), abandonPatience)
	defer cancel()
	_ = c.Terminate(ctx) // the team server will notice that its owner has gone
}

// Signal sends the program and its children a signal. It is no error if it has
// ended. It blocks. Codes: BadArgs (no such signal), NoPermission; UserTimeout,
// Aborted. With a [*Lost] in the chain the host is lost.
func (c *Cmd) Signal(ctx context.Context, sig syscall.Signal) error {
	var m ipc.Message
	m.SetOp(OpSignal)
	m.PutUint32(8, uint32(sig))
	return c.send(ctx, "program.Signal", &m)
}

// Terminate ends the program and its children: by SIGTERM, and half a second
// later by SIGKILL. It does not wait for that. Codes as Signal.
func (c *Cmd) Terminate(ctx context.Context) error {
	var m ipc.Message
	m.SetOp(OpTerminate)
	return c.send(ctx, "program.Terminate", &m)
}

func (c *Cmd) send(ctx context.Context, verb string, m *ipc.Message) error {
	if c.State == nil {
		return &ipc.OpError{Op: verb, Name: c.Path, Err: errors.New("it does not run")}
	}
	m.PutUint32(4, c.State.ID)
	if _, err := c.c.names.Send(ctx, m, c.server, ipc.Segment{}); err != nil {
		return c.fail(verb, ipc.CodeOf(err))
	}
	if code := m.Code(); code != ipc.OK && code != ipc.NotFound {
		return c.fail(verb, code)
	}
	return nil
}

// fail returns what went wrong with the running program.
func (c *Cmd) fail(verb string, err error) error {
	if isLoss(ipc.CodeOf(err)) {
		err = &Lost{err}
	}
	return &ipc.OpError{Op: verb, Name: programName(c.State.Host, c.State.ID), Host: c.State.Host, Err: err}
}

// String returns the command as people read it.
func (c *Cmd) String() string { return strings.Join(c.Args, " ") }
