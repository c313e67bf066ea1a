package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/interp"

	"vsys/ipc"
)

// stage is one simple command about to run: what was decided about it, and the
// interpreter's state around it.
type stage struct {
	s      *Shell
	hc     interp.HandlerContext
	job    *job
	traits traits
	host   string // where it runs, once that is known
	why    string // why there, of @any
	dir    Place
	args   []string
	env    []string
}

// files closes over what a program's streams need while it runs.
type files struct {
	close  []io.Closer
	copies sync.WaitGroup
}

// done closes the executive's copies and waits until the pumped output is out.
func (f *files) done() {
	for _, c := range f.close {
		c.Close()
	}
	f.copies.Wait()
}

// program runs the stage as a program, wherever that is.
func (st *stage) program(ctx context.Context) error {
	if err := st.place(ctx); err != nil {
		return st.failed(err)
	}
	st.s.ran.set(st.args[0], st.host, "", st.why)
	if st.host == st.s.here && st.dir.Host == st.host && st.dir.Path != "" {
		return st.runHere(ctx)
	}
	return st.runThere(ctx)
}

// place finds the host: the placement word's, or that of the current directory.
func (st *stage) place(ctx context.Context) (err error) {
	st.dir, err = st.s.sys.Place(ctx, st.hc.Dir)
	if st.dir.Host == "" {
		st.dir.Host = st.s.here
	}
	switch {
	case st.host == anyHost:
		st.host, st.why, err = st.s.sys.Pick(ctx, st.lookup())
		return err
	case st.host != "":
		return nil
	}
	st.host = st.dir.Host
	return err
}

func (st *stage) lookup() Lookup {
	return Lookup{Host: st.host, Name: st.args[0], Path: st.hc.Env.Get("PATH").String(), Dir: st.hc.Dir}
}

// runHere runs the stage in this process if it is a command of V, else as a child
// of it.
func (st *stage) runHere(ctx context.Context) error {
	defer st.claimHere()()
	if st.s.builtins[st.args[0]] != nil {
		return st.s.command(ctx, st.hc, st.args)
	}
	file, err := st.s.sys.Find(ctx, st.lookup())
	if err != nil {
		return st.failed(err)
	}
	var fs files
	stdio, err := st.inherit(&fs)
	if err != nil {
		return st.failed(err)
	}
	env := append(st.env, "PWD="+st.dir.Path)
	status, err := st.s.runLocal(ctx, st.job, child{file, st.args, env, st.dir.Path, stdio})
	fs.done()
	if err != nil {
		return st.failed(localError(err))
	}
	return exit(status.Code())
}

// localError gives an error of Linux's exec the code that V has for it.
func localError(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return ipc.NotFound
	case errors.Is(err, os.ErrPermission):
		return ipc.NoPermission
	}
	return &ipc.OpError{Op: "exec", Err: errors.Join(ipc.NotExecutable, err)}
}

// inherit returns files for a child: the interpreter's own where they are files,
// the write ends of pipes that are pumped where they are not.
func (st *stage) inherit(fs *files) (stdio [3]*os.File, err error) {
	stdio[0] = st.s.childInput(st.hc.Stdin)
	if stdio[0] == nil {
		if stdio[0], err = os.Open(os.DevNull); err != nil {
			return stdio, err
		}
		fs.close = append(fs.close, stdio[0])
	}
	if stdio[1], err = fs.output(st.hc.Stdout); err != nil {
		return stdio, err
	}
	if st.hc.Stderr == st.hc.Stdout {
		stdio[2] = stdio[1]
		return stdio, nil
	}
	stdio[2], err = fs.output(st.hc.Stderr)
	return stdio, err
}

// output returns a file whose bytes reach w.
func (f *files) output(w io.Writer) (*os.File, error) {
	if file := fileOf(w); file != nil {
		return file, nil
	}
	r, pw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	f.close = append(f.close, pw)
	// The copy ends when the program and the executive have closed the pipe.
	f.copies.Go(func() {
		defer r.Close()
		io.Copy(w, r)
	})
	return pw, nil
}

// childInput returns the file a child reads in place of the interpreter's.
func (s *Shell) childInput(in io.Reader) *os.File {
	f, _ := in.(*os.File)
	if f != nil && f == s.keys {
		return s.stdin // keys does not block, which a child would not expect
	}
	return f
}

// claimHere tells the stages before and after that this one uses the pipes. It
// returns what takes that back.
func (st *stage) claimHere() (release func()) {
	in, out := st.claims("")
	return func() { in.release(); out.release() }
}

func (st *stage) claims(host string) (in, out *claim) {
	if st.traits&joinedIn != 0 {
		f, _ := st.hc.Stdin.(*os.File)
		in = st.s.edges.claim(f, reader, host)
	}
	if st.traits&joinedOut != 0 {
		f, _ := st.hc.Stdout.(*os.File)
		out = st.s.edges.claim(f, writer, host)
	}
	return in, out
}

// failed reports that the program was not started, and returns the status.
func (st *stage) failed(err error) error {
	if e := st.job.interrupted(); e != nil || errors.Is(err, context.Canceled) {
		return exit(statusSignal + 2)
	}
	why := st.args[0] + ": " + reason(err)
	try := hint(err)
	switch ipc.CodeOf(err) {
	case ipc.NotFound:
		why = st.args[0] + ": no such command on " + st.host
		try = "type " + st.args[0] + " tells where it is looked for; @HOST runs it elsewhere"
	case ipc.HostUnknown:
		why = "@" + st.host + ": no such host"
		try = "hosts lists them; quote '@" + st.host + "' to pass it as an argument"
	}
	complain(st.hc.Stderr, why, try)
	return exit(startStatus(err))
}

// isFIFO tells whether arg is a process substitution's, a name of this host only.
func isFIFO(arg string) bool { return strings.HasPrefix(path.Base(arg), "sh-interp-") }
