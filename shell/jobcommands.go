package shell

import (
	"context"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// jobs lists the jobs in the background.
func jobs(_ context.Context, c *ownCall) error {
	for _, j := range c.s.table.all() {
		c.s.table.print(c.hc.Stdout, j)
	}
	c.s.table.forget((*job).isDone)
	return nil
}

// jobArg returns the job that the command's first argument names.
func (c *ownCall) jobArg() *job {
	spec := "%+"
	if len(c.args) > 0 {
		spec = c.args[0]
	}
	return c.s.table.find(spec)
}

// fg brings a job to the foreground and waits for it. Meanwhile its own job
// passes on what the terminal sends.
func fg(ctx context.Context, c *ownCall) error {
	j := c.jobArg()
	if j == nil || c.s.term == nil {
		return c.fail(1, "no such job")
	}
	d := delegate{j}
	own := jobOf(ctx)
	if err := own.add(d); err != nil {
		return exit(statusSignal + int(syscall.SIGINT))
	}
	defer own.remove(d, 0)
	c.s.enterFront(j)
	j.resume()
	c.printf("%s\n", j.text)
	state := j.await(ctx)
	c.s.leaveFront(j)
	if state == stopped {
		c.s.table.print(c.hc.Stderr, j)
		return exit(statusSignal + int(syscall.SIGTSTP))
	}
	c.s.table.forget(func(k *job) bool { return k == j })
	return exit(j.status)
}

// await waits until j has stopped or ended, or ctx is done.
func (j *job) await(ctx context.Context) jobState {
	for {
		state, changed := j.look()
		if state != running {
			return state
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return state
		}
	}
}

// bg lets a stopped job go on in the background.
func bg(_ context.Context, c *ownCall) error {
	j := c.jobArg()
	if j == nil {
		return c.fail(1, "no such job")
	}
	j.resume()
	c.printf("[%d] %s\n", j.id, j.text)
	return nil
}

// wait waits for jobs: all, or those that are named, and returns the status of
// the last. What the interpreter started inside of a statement is waited for by
// the interpreter.
func wait(ctx context.Context, c *ownCall) error {
	if len(c.args) == 0 {
		for _, j := range c.s.table.all() {
			if j != jobOf(ctx) && !c.s.waitFor(ctx, j) {
				return exit(statusSignal + int(syscall.SIGINT))
			}
		}
		return c.waitNested(ctx, "wait")
	}
	status := 0
	for _, arg := range c.args {
		if !strings.HasPrefix(arg, "%") {
			if err := c.waitNested(ctx, "wait", arg); err != nil {
				return err
			}
			continue
		}
		j := c.s.table.find(arg)
		switch {
		case j == nil:
			return c.fail(statusNotFound, "%s: no such job", arg)
		case !c.s.waitFor(ctx, j):
			return exit(statusSignal + int(syscall.SIGINT))
		}
		status = j.status
	}
	return exit(status)
}

// waitNested runs the interpreter's own wait, and leaves it alone when ctx is done.
func (c *ownCall) waitNested(ctx context.Context, args ...string) error {
	waited := make(chan error, 1)
	// It ends with what it waits for; Close sees to that.
	c.s.pending.Go(func() { waited <- c.hc.Builtin(ctx, args) })
	select {
	case err := <-waited:
		return err
	case <-ctx.Done():
		return exit(statusSignal + int(syscall.SIGINT))
	}
}

// waitFor waits until j is done and forgets it; false means that ctx is.
func (s *Shell) waitFor(ctx context.Context, j *job) bool {
	for state, changed := j.look(); state != done; state, changed = j.look() {
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
	s.table.forget(func(k *job) bool { return k == j })
	return true
}

// kill sends a signal, SIGTERM by default, to jobs and to processes of this host.
func kill(_ context.Context, c *ownCall) error {
	sig, args, ok := signalArg(c.args)
	if !ok || len(args) == 0 {
		return c.fail(statusUsage, "[-SIGNAL] %%JOB|PID …")
	}
	status := 0
	for _, arg := range args {
		if strings.HasPrefix(arg, "%") {
			if j := c.s.table.find(arg); j != nil {
				j.deliver(sig)
				continue
			}
			status = 1
			c.fail(1, "%s: no such job", arg)
			continue
		}
		pid, err := strconv.Atoi(arg)
		if err == nil {
			err = syscall.Kill(pid, sig)
		}
		if err != nil {
			status = 1
			c.fail(1, "%s: %v on %s", arg, err, c.s.here)
		}
	}
	return exit(status)
}

// signalArg takes the signal off kill's arguments: -9, -KILL, -s KILL.
func signalArg(args []string) (sig syscall.Signal, rest []string, ok bool) {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") {
		return syscall.SIGTERM, args, true
	}
	name := args[0][1:]
	rest = args[1:]
	if (name == "s" || name == "n") && len(rest) > 0 {
		name, rest = rest[0], rest[1:]
	}
	if n, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(n), rest, n >= 0 && n < 65
	}
	sig = unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	return sig, rest, sig != 0
}

// signalName returns a signal's name, as SIGINT.
func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(sig))
}
