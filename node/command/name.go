package command

import (
	"context"
	"io"
	"io/fs"
	"strings"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// abs returns the absolute V name of an argument. IllegalName.
func (e *Env) abs(arg string) (string, error) {
	name, err := naming.Join(e.Dir, arg)
	if err != nil {
		return "", &ipc.OpError{Name: shorten(arg), Err: err}
	}
	return name, nil
}

// maxShown is how much of a name that can't be is shown, in octets.
const maxShown = 60

// shorten returns name for a message, "" in quotes.
func shorten(name string) string {
	switch {
	case name == "":
		return `""`
	case len(name) > maxShown:
		return name[:maxShown] + "…"
	}
	return name
}

// each does something to each name, goes on after failures, and returns the
// worst status.
func (e *Env) each(ctx context.Context, args []string, do func(name string) error) int {
	status := 0
	for _, arg := range args {
		name, err := e.abs(arg)
		if err == nil {
			err = do(name)
		}
		if err != nil {
			status = max(status, e.fail(err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return status
}

// stdin is the argument that stands for standard input.
const stdin = "-"

// file is an open file that ends with a context.
type file struct {
	*uio.File
	stop func() bool
}

// open opens a file for as long as ctx lasts.
func (e *Env) open(ctx context.Context, name string, mode uio.Mode, perm fs.FileMode) (file, error) {
	f, err := uio.Open(ctx, e.Names, name, mode, perm)
	if err != nil {
		return file{}, err
	}
	// What is written need not be kept once the command is interrupted.
	return file{f, context.AfterFunc(ctx, func() { _ = f.Abandon() })}, nil
}

// Close closes the file. The error is that of what was written.
func (f file) Close() error {
	if !f.stop() {
		return ipc.Aborted
	}
	return f.File.Close()
}

// abandon closes a file that something went wrong with.
func (f file) abandon() {
	if f.stop() {
		_ = f.File.Abandon() // the first error is the one that counts
	}
}

// stdin returns standard input for as long as ctx lasts.
func (e *Env) stdin(ctx context.Context) io.Reader {
	if e.Stdin == nil {
		return strings.NewReader("")
	}
	return &stdinReader{ctx: ctx, r: e.Stdin}
}

// input calls do with what arg names: standard input for "-".
func (e *Env) input(ctx context.Context, arg string, do func(r io.Reader) error) error {
	if arg == stdin {
		return do(e.stdin(ctx))
	}
	name, err := e.abs(arg)
	if err != nil {
		return err
	}
	f, err := e.open(ctx, name, uio.Read, 0)
	if err != nil {
		return err
	}
	defer f.abandon()
	return do(f.File)
}

// inputs calls do with each of what args name, standard input if that is
// nothing, goes on after failures, and returns the worst status.
func (e *Env) inputs(ctx context.Context, args []string, do func(arg string, r io.Reader) error) int {
	if len(args) == 0 {
		args = []string{stdin}
	}
	status := 0
	for _, arg := range args {
		err := e.input(ctx, arg, func(r io.Reader) error { return do(arg, r) })
		if err != nil {
			status = max(status, e.fail(err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return status
}
