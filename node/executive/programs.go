package executive

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/node"
	"vsys/node/command"
	"vsys/program"
	"vsys/shell"
	"vsys/uio"
)

// Find returns the path of a program on a host; see shell.Programs.
func (s *system) Find(ctx context.Context, l shell.Lookup) (string, error) {
	return s.programs.Find(ctx, l.Host, &program.Spec{Path: l.Name, Search: l.Path, Dir: s.dir(ctx, l)})
}

// dir returns the working context for a program on l.Host: l.Dir if that is there
// and one of Unix files, else none.
func (s *system) dir(ctx context.Context, l shell.Lookup) string {
	if naming.Covers("/unix/"+l.Host, l.Dir) {
		return l.Dir
	}
	p, err := s.Place(ctx, l.Dir) // an alias may lead there
	if err == nil && p.Host == l.Host && p.Path != "" {
		return "/unix/" + p.Host + p.Path
	}
	return node.NoDir
}

// Start starts a program on another host; see shell.Programs. One of V's own
// commands is V's own there too, so that its names are V names.
func (s *system) Start(ctx context.Context, spec shell.Spec) (shell.Program, error) {
	cmd := s.programs.Command(spec.Name)
	cmd.Search, cmd.Dir, cmd.Host = spec.Path, s.dir(ctx, spec.Lookup), spec.Host
	cmd.Args, cmd.Env = spec.Args, spec.Env
	if c := command.Find(spec.Name); c != nil && !c.Inside && len(spec.Args) > 0 {
		cmd.Path = program.Own
		cmd.Args = append([]string{program.Own, "--dir", spec.Dir, c.Name}, spec.Args[1:]...)
	}
	p := &running{cmd: cmd, name: spec.Name, stderr: s.stderr}
	if err := p.join(spec.Stdio); err != nil {
		return nil, err
	}
	if err := cmd.Start(ctx); err != nil {
		p.release()
		return nil, startError(err)
	}
	return p, nil
}

// startError returns err with the code that the shell tells by whether the
// program may have been started.
func startError(err error) error {
	var lost *program.Lost
	if errors.As(err, &lost) && ipc.CodeOf(err) == ipc.Unreachable {
		return &ipc.OpError{Op: "program.Start", Err: ipc.RetransTimeout}
	}
	return err
}

// running is a program that was started: a shell.Program.
type running struct {
	cmd   *program.Cmd
	input *shell.Input // what is read for it, nil for none

	name   string    // as the user wrote it
	stderr io.Writer // of the executive
}

// join gives the program its standard streams.
func (p *running) join(ends [3]shell.End) error {
	var outputs [3]io.Writer
	for i, e := range ends {
		switch {
		case i > 0 && e == ends[1] && outputs[1] != nil:
			outputs[i] = outputs[1]
		case e.Pipe != nil && i == 0:
			p.cmd.Stdin = e.Pipe.(*pipeEnd).File
		case e.Pipe != nil:
			outputs[i] = e.Pipe.(*pipeEnd).File
		case e.Name != "" && i == 0:
			p.cmd.Stdin = program.Named{Name: e.Name, Mode: uio.Read}
		case e.Name != "":
			outputs[i] = program.Named{Name: e.Name, Mode: mode(e.Flag)}
		case e.File != nil && i == 0:
			in, err := shell.NewInput(e)
			if err != nil {
				return err
			}
			p.input, p.cmd.Stdin = in, in
		case e.File != nil:
			outputs[i] = e.File
		}
	}
	p.cmd.Stdout, p.cmd.Stderr = outputs[1], outputs[2]
	return nil
}

// release lets go of what is read for the program.
func (p *running) release() {
	if p.input != nil {
		_ = p.input.Close() // it always succeeds
	}
}

// Where tells where the program runs.
func (p *running) Where() string { return p.cmd.State.Where() }

// Wait waits for its end; see shell.Program.
func (p *running) Wait(ctx context.Context) (shell.Status, error) {
	defer p.release()
	err := p.cmd.Wait(ctx)
	s := p.cmd.State
	switch {
	case err != nil && !s.Ended && ctx.Err() != nil:
		return shell.Status{}, ctx.Err()
	case err != nil && !s.Ended:
		return shell.Status{}, cause(err)
	}
	return p.status(s), nil
}

// cause returns err without its words on the outcome, which the shell has too.
func cause(err error) error {
	var lost *program.Lost
	var op *ipc.OpError
	if errors.As(err, &lost) && errors.As(err, &op) {
		return &ipc.OpError{Op: op.Op, Name: op.Name, Host: op.Host, Err: lost.Err}
	}
	return err
}

// status returns how the program ended. That its input or output failed is said
// here, since it may be of no more use to the program to say so; and what it then
// dies of, a pipe that nobody reads, is not its own doing.
func (p *running) status(s *program.State) shell.Status {
	status := shell.Status{Exit: s.Exit, Signal: s.Signal}
	if s.Stdio == ipc.OK {
		return status
	}
	which := "standard input or output"
	if s.Stdio == ipc.NoSpace {
		which = "standard output"
	}
	command.Report(p.stderr, p.name+" on "+s.Host+": "+which, s.Stdio)
	if s.Signal == syscall.SIGPIPE || s.Exit == 128+int(syscall.SIGPIPE) || status.Code() == 0 {
		return shell.Status{Exit: command.StatusFailed}
	}
	return status
}

// signalPatience bounds how long a signal takes to be sent.
const signalPatience = 5 * time.Second

// Signal sends it a signal; see shell.Program.
func (p *running) Signal(ctx context.Context, sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, signalPatience)
	defer cancel()
	return p.cmd.Signal(ctx, sig)
}
