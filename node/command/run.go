package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/node"
	"vsys/program"
)

// runFlags are what run can be told.
type runFlags struct {
	dir, host     string
	timeout       time.Duration
	keep, verbose bool
}

var run = &Command{
	Name: "run", Args: "[@HOST | @any] [--] PROGRAM [ARG…]", Short: "Run a program on a host, and have its exit status",
	Long: "Without @HOST it runs on the host that serves the working directory. The exit status is\n" +
		"the program's own; 128+n if signal n ended it; 127 no such program; 126 not for that\n" +
		"processor; 125 it could not be started; 124 timed out; 123 the host was lost.",
	Example: "  run @any -- make -j8\n  run @beta uname -a",
	New: func(f *pflag.FlagSet) Run {
		var o runFlags
		f.SetInterspersed(false)
		f.StringVar(&o.dir, "dir", "", "the working directory, a V name (default: the current one if it is there)")
		f.DurationVar(&o.timeout, "timeout", 0, "end it after this time, as 90s")
		f.BoolVar(&o.keep, "keep", false, "it outlives this command")
		f.BoolVarP(&o.verbose, "verbose", "v", false, "say where it runs and why")
		return func(ctx context.Context, e *Env, args []string) int {
			args = o.place(args)
			if len(args) == 0 {
				return e.usage("a program is needed")
			}
			return e.run(ctx, args, o)
		}
	},
}

// place takes the placement word and "--" off args.
func (o *runFlags) place(args []string) []string {
	if len(args) > 0 && strings.HasPrefix(args[0], "@") {
		o.host, args = args[0][1:], args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return args
}

func (e *Env) run(ctx context.Context, args []string, o runFlags) int {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	cmd := e.Programs.Command(args[0], args[1:]...)
	cmd.Host, cmd.Dir, cmd.Env, cmd.Keep = o.host, e.workingDir(o), e.Environ, o.keep
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.Stdin, e.Stdout, e.Stderr
	if err := cmd.Start(ctx); err != nil {
		return e.ran(ctx, err)
	}
	if o.verbose {
		fmt.Fprintf(e.Stderr, "[%s: %s]\n", cmd.State.Where(), cmd.State.Why)
	}
	return e.ran(ctx, cmd.Wait(ctx))
}

// ran reports what went wrong with a program, unless that is its own affair or it
// was interrupted, and returns the exit status.
func (e *Env) ran(ctx context.Context, err error) int {
	var exit *program.ExitError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return StatusInterrupted
	case err != nil && !errors.As(err, &exit):
		Report(e.Stderr, e.name, err)
	}
	return program.Status(err)
}

// workingDir returns the working directory: the given one, or the current one if
// it is on the host.
func (e *Env) workingDir(o runFlags) string {
	host := naming.Beneath("/unix", e.Dir)
	switch {
	case o.dir != "":
		if dir, err := e.abs(o.dir); err == nil {
			return dir
		}
		return o.dir
	case host != "" && (o.host == "" || o.host == host):
		return e.Dir
	}
	return node.NoDir
}

var kill = &Command{
	Name: "kill", Args: "/team/HOST/ID…", Short: "Send a signal to programs",
	Long: "A number is a Unix process of the host that kill runs on: kill -9 4711 @beta.\n" +
		"ls -l /team/HOST shows the programs of a host. In the executive kill takes jobs (%1) too.",
	Example: "  kill -s INT /team/beta/7",
	Rewrite: signalFlag,
	New: func(f *pflag.FlagSet) Run {
		name := f.StringP("signal", "s", "TERM", "which signal, by name or number")
		return func(ctx context.Context, e *Env, args []string) int {
			sig, err := signalOf(*name)
			if err != nil {
				return e.usage("%v", err)
			}
			if len(args) == 0 {
				return e.usage("a name is needed")
			}
			status := 0
			for _, arg := range args {
				if pid, err := strconv.Atoi(arg); err == nil && pid > 0 {
					if err := syscall.Kill(pid, sig); err != nil {
						status = max(status, e.fail(fmt.Errorf("%d: %w", pid, err)))
					}
					continue
				}
				status = max(status, e.each(ctx, []string{arg}, func(name string) error { return e.signal(ctx, name, sig) }))
			}
			return status
		}
	},
}

// signalFlag makes -9, or -KILL, the flag -s 9.
func signalFlag(args []string) []string {
	if len(args) == 0 || len(args[0]) < 2 || args[0][0] != '-' {
		return args
	}
	if _, err := signalOf(args[0][1:]); err != nil {
		return args
	}
	return append([]string{"-s", args[0][1:]}, args[1:]...)
}

// signalOf returns the signal called s: TERM, SIGTERM or 15.
func signalOf(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 65 {
		return syscall.Signal(n), nil
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("%s: there is no such signal", s)
}

// signal sends a signal to the program called name.
func (e *Env) signal(ctx context.Context, name string, sig syscall.Signal) error {
	host := naming.Beneath("/team", name)
	id, err := strconv.ParseUint(naming.Base(name), 10, 32)
	if err != nil || name != program.Prefix(host)+"/"+naming.Base(name) {
		return fmt.Errorf("%s: it is not the name of a program: %w", name, ipc.BadArgs)
	}
	if _, err := e.Programs.Query(ctx, host, uint32(id)); err != nil {
		return err
	}
	cmd, err := e.Programs.Attach(ctx, host, uint32(id))
	if err != nil {
		return err
	}
	return cmd.Signal(ctx, sig)
}
