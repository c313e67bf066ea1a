package shell

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
)

// remote is a program on another host as a member of a job.
type remote struct{ Program }

func (r *remote) signal(ctx context.Context, sig syscall.Signal) error { return r.Signal(ctx, sig) }

// runThere runs the stage on another host and waits for it.
func (st *stage) runThere(ctx context.Context) error {
	if slices.ContainsFunc(st.args, isFIFO) {
		complain(st.hc.Stderr, st.args[0]+": a process substitution is on "+st.s.here+", the program on "+st.host,
			"a pipe, or a file with a V name")
		return exit(statusNotStarted)
	}
	in, out := st.claims(st.host)
	defer in.release()
	defer out.release()
	var fs files
	spec, err := st.spec(ctx, in, out, &fs)
	if err != nil {
		fs.done()
		return st.failed(err)
	}
	st.announce()
	prog, err := st.s.sys.Start(ctx, spec)
	if err != nil {
		closePipes(spec)
		fs.done()
		return st.failed(err)
	}
	st.s.ran.set(st.args[0], st.host, prog.Where(), st.why)
	return st.await(ctx, prog, &fs)
}

// await waits for a program that was started.
func (st *stage) await(ctx context.Context, prog Program, fs *files) error {
	m := &remote{prog}
	if err := st.job.add(m); err != nil {
		prog.Signal(ctx, syscall.SIGKILL)
	}
	status, err := prog.Wait(ctx)
	st.job.remove(m, status.Signal)
	fs.done()
	switch {
	case err == nil:
		return exit(status.Code())
	case st.job.interrupted() != nil || ctx.Err() != nil:
		return exit(statusSignal + int(syscall.SIGINT))
	}
	complain(st.hc.Stderr, fmt.Sprintf("%s on %s: %s; the outcome is unknown", st.args[0], st.host, reason(err)), hint(err))
	return exit(waitStatus(err))
}

// spec says what to start. Pipes whose other end is on another host too become
// V pipes.
func (st *stage) spec(ctx context.Context, in, out *claim, fs *files) (spec Spec, err error) {
	spec = Spec{Lookup: st.lookup(), Args: st.args, Env: st.env}
	if spec.Stdio[0], err = st.input(ctx, in); err != nil {
		return spec, err
	}
	defer func() {
		if err != nil {
			closePipes(spec)
		}
	}()
	if spec.Stdio[1], err = st.output(ctx, st.hc.Stdout, ownOut, out, fs); err != nil {
		return spec, err
	}
	if st.hc.Stderr == st.hc.Stdout {
		spec.Stdio[2] = spec.Stdio[1]
		return spec, nil
	}
	spec.Stdio[2], err = st.output(ctx, st.hc.Stderr, ownErr, nil, fs)
	return spec, err
}

func (st *stage) input(ctx context.Context, in *claim) (End, error) {
	if pipe, err := in.join(ctx); pipe != nil || err != nil {
		return End{Pipe: pipe}, err
	}
	f, _ := st.hc.Stdin.(*os.File)
	if st.traits&ownIn != 0 {
		if name, ok := st.s.names.get(f); ok {
			return End{Name: name}, nil
		}
	}
	if f != nil && f == st.s.keys {
		return End{File: f, gate: &st.job.gate}, nil
	}
	return End{File: f}, nil
}

func (st *stage) output(ctx context.Context, w io.Writer, own traits, out *claim, fs *files) (End, error) {
	if pipe, err := out.join(ctx); pipe != nil || err != nil {
		return End{Pipe: pipe}, err
	}
	if snk, ok := w.(*sink); ok && st.traits&own != 0 && snk.name != "" {
		return End{Name: snk.name, Flag: snk.flag}, nil
	}
	if w == io.Discard {
		return End{}, nil
	}
	f, err := fs.output(w)
	return End{File: f}, err
}

// closePipes closes the V pipes that no program took over.
func closePipes(spec Spec) {
	for i, e := range spec.Stdio {
		if e.Pipe != nil && (i != 2 || e != spec.Stdio[1]) {
			e.Pipe.Close()
		}
	}
}

// announce says where a program that was placed @any runs, and why.
func (st *stage) announce() {
	if st.why != "" && st.s.verbose {
		fmt.Fprintf(st.hc.Stderr, "[%s: %s]\n", st.host, st.why)
	}
}
