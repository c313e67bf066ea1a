package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"vsys/hello"
	"vsys/ipc"
	"vsys/kernel"
	"vsys/node"
	"vsys/node/settings"
)

// Job is a host to be run.
type Job struct {
	Settings *settings.Settings
	Manager  *Manager
	Log      string        // the file that standard error is, "" if it is none
	Ready    func(*Record) // called when the host serves
}

// Run is a host until ctx ends, or cannot be one, which is the error. A host whose
// number turns out to be another's boots again with another one. It logs to standard
// error. Codes: those of node.Start. DuplicateName, with advice: a host has the state
// directory already, or this host's key.
func Run(ctx context.Context, j Job) error {
	for {
		again, err := j.run(ctx)
		if !again || err != nil {
			return err
		}
	}
}

// run is one life of the host; again says that it is to boot again.
func (j *Job) run(ctx context.Context) (again bool, err error) {
	c := j.Settings.Config()
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: j.Settings.Level()}))
	c.Listener = j.Manager.Listener(c.Socket)
	n, err := node.Start(ctx, c)
	if err != nil {
		return false, explained(err, c.State)
	}
	defer n.Close()
	r := newRecord(n, j.Log, j.Settings.File)
	if err := r.write(); err != nil {
		return false, fmt.Errorf("host %s: state directory: %w", r.Name, err)
	}
	tell := func(assignments ...string) {
		if err := j.Manager.Notify(assignments...); err != nil {
			c.Logger.Warn("service manager", "err", err)
		}
	}
	if err := j.keep(n, c.Listener != nil); err != nil {
		c.Logger.Warn("the socket is not kept over a restart", "err", err)
	}
	tell("READY=1", fmt.Sprintf("STATUS=host %s at %s", r.Name, r.Address))
	life, end := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { j.Manager.watch(life, c.Logger, n.Alive) }) // ends with life
	j.Ready(r)
	j.Ready = func(*Record) {}
	select {
	case <-ctx.Done():
		tell("STOPPING=1", "STATUS=ending")
	case err = <-n.Lost():
		c.Logger.Error("the host ends", "err", err)
	}
	end()
	watching.Wait()
	var taken *kernel.Taken
	if errors.As(err, &taken) && taken.Kind == hello.NumberTaken {
		return true, kernel.NewNumber(c.State)
	}
	return false, err
}

// keep lets the manager keep the socket, unless it has it already.
func (j *Job) keep(n *node.Node, kept bool) error {
	if l := n.Listener(); l != nil && !kept {
		return j.Manager.Keep(l)
	}
	return nil
}

// Occupied returns the error of a boot where a host has the state directory already,
// with advice; nil if none has.
func Occupied(state string) error {
	r, err := Find(state)
	if err != nil || r == nil {
		return err
	}
	return &node.Refusal{
		Err: fmt.Errorf("%v has the state directory %s: %w", r, state, ipc.DuplicateName),
		Try: "vsys status; vsys shutdown ends it; --state, --socket and --addr make another host",
	}
}

// explained returns what is to be said if a host could not start: where it is
// because one runs already, which one.
func explained(err error, state string) error {
	switch {
	case errors.Is(err, ipc.DuplicateName):
		if r, _ := Find(state); r != nil && r.Process != os.Getpid() {
			return Occupied(state)
		}
	case errors.Is(err, ipc.Unreachable):
		return &node.Refusal{Err: err, Try: "--addr with an address that this machine has; ip address lists them"}
	case errors.Is(err, ipc.IllegalName):
		return &node.Refusal{Err: err, Try: "vsys boot --name beta"}
	}
	return err
}
