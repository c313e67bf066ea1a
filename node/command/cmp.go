package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"vsys/ipc"
)

var cmpCommand = &Command{
	Name: "cmp", Args: "NAME NAME", Short: "Compare two files",
	Long: "The exit status is 0 if they are the same, 1 if they differ, and 2 if that can't be told.",
	New: func(f *pflag.FlagSet) Run {
		silent := f.BoolP("silent", "s", false, "only the exit status tells")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) != 2 {
				return e.usage("two names are needed")
			}
			why, err := e.compare(ctx, args)
			switch {
			case err != nil:
				return max(e.fail(err), StatusUsage)
			case why == "":
				return 0
			case !*silent:
				fmt.Fprintln(e.Stdout, why)
			}
			return StatusFailed
		}
	},
}

// compare says how two files differ, "" if they don't.
func (e *Env) compare(ctx context.Context, names []string) (why string, err error) {
	err = e.input(ctx, names[0], func(a io.Reader) error {
		return e.input(ctx, names[1], func(b io.Reader) (err error) {
			why, err = difference(names, a, b)
			return err
		})
	})
	return why, err
}

// difference says how what a and b yield differs, "" if it does not.
func difference(names []string, a, b io.Reader) (string, error) {
	bufA, bufB := make([]byte, tailChunk), make([]byte, tailChunk)
	at, line := int64(1), int64(1)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if err := errors.Join(failure(errA), failure(errB)); err != nil {
			return "", err
		}
		for i := range min(n, m) {
			if bufA[i] != bufB[i] {
				return fmt.Sprintf("%s %s differ: byte %d, line %d", names[0], names[1], at, line), nil
			}
			if at++; bufA[i] == '\n' {
				line++
			}
		}
		switch {
		case n < m:
			return fmt.Sprintf("%s ends after byte %d", names[0], at-1), nil
		case m < n:
			return fmt.Sprintf("%s ends after byte %d", names[1], at-1), nil
		case errA != nil:
			return "", nil
		}
	}
}

// failure returns err unless it only says that all is read.
func failure(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	if err != nil && ipc.CodeOf(err) == ipc.InternalError {
		return fmt.Errorf("reading: %w", err)
	}
	return err
}
