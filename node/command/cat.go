package command

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"vsys/uio"
)

var cat = &Command{
	Name: "cat", Args: "[NAME…]", Short: "Print files, or standard input",
	New: func(*pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			return e.inputs(ctx, args, func(_ string, r io.Reader) error {
				_, err := io.Copy(e.Stdout, r)
				return err
			})
		}
	},
}

var tee = &Command{
	Name: "tee", Args: "[NAME…]", Short: "Copy standard input to files and to standard output",
	New: func(f *pflag.FlagSet) Run {
		appending := f.BoolP("append", "a", false, "write at the end of the files, don't begin them anew")
		return func(ctx context.Context, e *Env, args []string) int { return e.tee(ctx, args, *appending) }
	},
}

// tee writes to what can be opened, as far as it can be written.
func (e *Env) tee(ctx context.Context, args []string, appending bool) int {
	mode := uio.Write | uio.Create | uio.Truncate
	if appending {
		mode = uio.Write | uio.Create | uio.Append
	}
	writers := []io.Writer{e.Stdout}
	var files []file
	status := e.each(ctx, args, func(name string) error {
		f, err := e.open(ctx, name, mode, 0o666)
		if err == nil {
			files, writers = append(files, f), append(writers, f)
		}
		return err
	})
	if _, err := io.Copy(io.MultiWriter(writers...), e.stdin(ctx)); err != nil {
		status = max(status, e.fail(err))
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			status = max(status, e.fail(err))
		}
	}
	return status
}
