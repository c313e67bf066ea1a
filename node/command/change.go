package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/naming"
	"vsys/node"
	"vsys/uio"
)

var mkdir = &Command{
	Name: "mkdir", Args: "NAME…", Short: "Make contexts (directories)",
	New: func(f *pflag.FlagSet) Run {
		parents := f.BoolP("parents", "p", false, "those above it too, and no error if it is there")
		return func(ctx context.Context, e *Env, args []string) int {
			return e.some(ctx, args, func(name string) error {
				if *parents {
					return uio.MkdirAll(ctx, e.Names, name, 0o777)
				}
				return e.Names.Mkdir(ctx, name, 0o777)
			})
		}
	},
}

// some is each for commands that need a name.
func (e *Env) some(ctx context.Context, args []string, do func(name string) error) int {
	if len(args) == 0 {
		return e.usage("a name is needed")
	}
	return e.each(ctx, args, do)
}

var rm = &Command{
	Name: "rm", Args: "NAME…", Short: "Remove files, and trees with -r",
	Long: "Symbolic links are removed, not followed. What other servers have beneath a name stays.",
	New: func(f *pflag.FlagSet) Run {
		tree := f.BoolP("recursive", "r", false, "contexts too, with all that is beneath them")
		force := f.BoolP("force", "f", false, "no error if there is no such name")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) == 0 && *force {
				return 0
			}
			return e.some(ctx, args, func(name string) error { return e.remove(ctx, name, *tree, *force) })
		}
	},
}

// topDepth is how deep hosts and what they export are, as /unix/HOST/NAME: nobody
// should be advised to remove one.
const topDepth = 3

func (e *Env) remove(ctx context.Context, name string, tree, force bool) error {
	d, err := e.Names.Lstat(ctx, name)
	switch {
	case errors.Is(err, ipc.NotFound) && force:
		return nil
	case err != nil:
		return err
	case d.IsContext() && !tree:
		try := "rm -r " + shown(name)
		if strings.Count(name, "/") <= topDepth {
			try = "ls " + shown(name)
		}
		return &node.Refusal{Err: fmt.Errorf("%s: %w", shown(name), ipc.IsAContext), Try: try}
	case d.IsContext():
		return uio.RemoveAll(ctx, e.Names, name)
	}
	return e.Names.Remove(ctx, name)
}

var rmdir = &Command{
	Name: "rmdir", Args: "NAME…", Short: "Remove empty contexts (directories)",
	New: func(*pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			return e.some(ctx, args, func(name string) error {
				d, err := e.Names.Lstat(ctx, name)
				switch {
				case err != nil:
					return err
				case !d.IsContext():
					return &ipc.OpError{Name: name, Err: ipc.NotAContext}
				}
				return e.Names.Remove(ctx, name)
			})
		}
	},
}

var touch = &Command{
	Name: "touch", Args: "NAME…", Short: "Set the time of change to now, and make files that are not there",
	New: func(f *pflag.FlagSet) Run {
		only := f.BoolP("no-create", "c", false, "make no files")
		return func(ctx context.Context, e *Env, args []string) int {
			return e.some(ctx, args, func(name string) error {
				now := time.Now()
				d := naming.Descriptor{Modified: now, Accessed: now}
				err := e.Names.WriteDescriptor(ctx, name, d, naming.FieldModified|naming.FieldAccessed)
				switch {
				case !errors.Is(err, ipc.NotFound):
					return err
				case *only:
					return nil
				}
				file, err := e.open(ctx, name, uio.Write|uio.Create, 0o666)
				if err != nil {
					return err
				}
				return file.Close()
			})
		}
	},
}

var mv = &Command{
	Name: "mv", Args: "NAME… NAME", Short: "Move files and trees, also to another host",
	Long: "On one server that is a renaming, done at once or not at all. To another one it is a\n" +
		"copy, with modes and times, and then the removal of what was copied.",
	New: func(f *pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			return e.into(ctx, args, func(from, to string) error { return e.move(ctx, from, to) })
		}
	},
}

// into does something from each name but the last to that one, or to a name in it
// if it is a context.
func (e *Env) into(ctx context.Context, args []string, do func(from, to string) error) int {
	if len(args) < 2 {
		return e.usage("two names are needed")
	}
	last := args[len(args)-1]
	to, err := e.abs(last)
	if err != nil {
		return e.fail(err)
	}
	d, err := e.Names.Stat(ctx, to)
	isContext := err == nil && d.IsContext()
	switch {
	case err != nil && !errors.Is(err, ipc.NotFound):
		return e.fail(err)
	case len(args) > 2 && !isContext:
		return e.fail(&ipc.OpError{Name: to, Err: ipc.NotAContext})
	}
	return e.each(ctx, args[:len(args)-1], func(from string) error {
		target := to
		if isContext {
			if target, err = naming.Join(to, naming.Base(from)); err != nil {
				return err
			}
		}
		if naming.Covers(from, target) {
			return fmt.Errorf("%s: it can't go to %s, which is itself or in it: %w", from, target, ipc.BadArgs)
		}
		return do(from, target)
	})
}

func (e *Env) move(ctx context.Context, from, to string) error {
	err := e.Names.Rename(ctx, from, to)
	if errors.Is(err, ipc.NotFound) {
		if _, there := e.Names.Lstat(ctx, from); there == nil { // so it is the other name
			return &ipc.OpError{Name: to, Err: ipc.NotFound}
		}
	}
	if !errors.Is(err, ipc.CrossServer) {
		return err
	}
	if status := e.copyTree(ctx, from, to, copyFlags{tree: true, preserve: true, links: true}); status != 0 {
		return fmt.Errorf("%s: it was not moved: not all of it could be copied to %s: %w", from, to, ipc.Aborted)
	}
	if err := uio.RemoveAll(ctx, e.Names, from); err != nil {
		return fmt.Errorf("%s: it was copied to %s, and not removed: %w", from, to, err)
	}
	return nil
}
