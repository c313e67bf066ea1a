package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// lsFlags are what ls can be told.
type lsFlags struct{ long, all, self, json, human, newest bool }

var ls = &Command{
	Name: "ls", Args: "[NAME…]", Short: "List contexts (directories)",
	Long: "One name a line. What begins with a dot is left out, unless --all is given.",
	Example: "  ls /                  the merged top of the tree\n" +
		"  ls -l /unix/beta/etc",
	New: func(f *pflag.FlagSet) Run {
		var o lsFlags
		f.BoolVarP(&o.long, "long", "l", false, "mode, owner, size and time of change too")
		f.BoolVarP(&o.all, "all", "a", false, "names that begin with a dot too")
		f.BoolVarP(&o.self, "directory", "d", false, "contexts themselves, not what they hold")
		f.BoolVar(&o.json, "json", false, "one JSON object a line")
		f.BoolVarP(&o.human, "human-readable", "h", false, "with -l, sizes as 4.0K, 1.2M")
		f.BoolVarP(&o.newest, "time", "t", false, "what was changed last first")
		f.BoolP("one", "1", true, "one name a line, as it is in any case")
		return func(ctx context.Context, e *Env, args []string) int { return e.ls(ctx, args, o) }
	},
}

func (e *Env) ls(ctx context.Context, args []string, o lsFlags) int {
	if len(args) == 0 {
		args = []string{"."}
	}
	first := true
	return e.each(ctx, args, func(name string) error {
		list, isContext, err := e.entries(ctx, name, o)
		if err != nil {
			return err
		}
		if len(args) > 1 && isContext && !o.json {
			if !first {
				fmt.Fprintln(e.Stdout)
			}
			fmt.Fprintf(e.Stdout, "%s:\n", name)
		}
		first = false
		return e.list(list, o)
	})
}

// entries returns what ls shows of name: what the context holds, or the object.
func (e *Env) entries(ctx context.Context, name string, o lsFlags) (list []naming.Descriptor, isContext bool, err error) {
	if !o.self {
		list, err = uio.ReadDir(ctx, e.Names, name)
		if !errors.Is(err, ipc.NotAContext) {
			return list, true, err
		}
	}
	d, err := e.Names.Lstat(ctx, name)
	d.Name = name
	return []naming.Descriptor{d}, false, err
}

func (e *Env) list(list []naming.Descriptor, o lsFlags) error {
	if o.newest {
		slices.SortStableFunc(list, func(a, b naming.Descriptor) int { return b.Modified.Compare(a.Modified) })
	}
	var rows [][]string
	for i := range list {
		d := &list[i]
		switch {
		case strings.HasPrefix(d.Name, ".") && !o.all:
		case o.json:
			if err := e.object(d); err != nil {
				return err
			}
		case o.long:
			rows = append(rows, long(d, o.human))
		default:
			if _, err := fmt.Fprintln(e.Stdout, d.Name); err != nil {
				return err
			}
		}
	}
	return e.table(rows)
}

// long returns the row of ls -l.
func long(d *naming.Descriptor, human bool) []string {
	name, kind := d.Name, ""
	switch {
	case d.Value("target") != "":
		name += " -> " + d.Value("target")
	case d.Tag == naming.TagPrefix && d.Value("state") == string(naming.HostLost):
		kind = d.Value("host_name") + " (lost)"
	case d.Tag == naming.TagPrefix:
		kind = d.Value("host_name")
	}
	owner := d.Owner
	if kind != "" {
		owner = "@" + kind
	}
	if owner == "" {
		owner = "-"
	}
	return []string{d.Mode.String(), owner, size(d.Size, human), stamp(d.Modified), name}
}

// size prints a number of octets, for people with three or four characters and a
// power of 1024.
func size(octets uint64, human bool) string {
	if !human || octets < 1024 {
		return fmt.Sprintf("%10d", octets)
	}
	n, powers := float64(octets), "KMGTPE"
	for n /= 1024; n >= 1024 && len(powers) > 1; n /= 1024 {
		powers = powers[1:]
	}
	if n < 10 {
		return fmt.Sprintf("%9.1f%c", n, powers[0])
	}
	return fmt.Sprintf("%9.0f%c", n, powers[0])
}

// stamp prints a time as ls does, "-" where it is not known.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02 15:04")
}
