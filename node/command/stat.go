package command

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"vsys/naming"
)

var stat = &Command{
	Name: "stat", Args: "NAME…", Short: "Show the descriptors of objects",
	New: func(f *pflag.FlagSet) Run {
		json := f.Bool("json", false, "one JSON object a line")
		self := f.BoolP("no-dereference", "P", false, "of a symbolic link itself")
		return func(ctx context.Context, e *Env, args []string) int {
			return e.some(ctx, args, func(name string) error {
				get := e.Names.Stat
				if *self {
					get = e.Names.Lstat
				}
				d, err := get(ctx, name)
				switch {
				case err != nil:
					return err
				case *json:
					return e.object(d)
				}
				return e.table(describe(name, &d))
			})
		}
	},
}

// describe returns the rows of stat: what is known of the object.
func describe(name string, d *naming.Descriptor) [][]string {
	rows := [][]string{{"name", name}, {"type", d.Tag.String()}, {"mode", d.Mode.String()}}
	add := func(key, value string) {
		if value != "" && value != "-" {
			rows = append(rows, []string{key, value})
		}
	}
	add("size", strconv.FormatUint(d.Size, 10))
	add("owner", d.Owner)
	if d.ID != 0 {
		add("id", strconv.FormatUint(d.ID, 10))
	}
	const precise = "2006-01-02 15:04:05.000000000 -0700"
	for _, t := range []struct {
		key string
		at  string
	}{{"modified", d.Modified.Format(precise)}, {"accessed", d.Accessed.Format(precise)}, {"changed", d.Changed.Format(precise)}} {
		if t.at[:4] != "0001" {
			add(t.key, t.at)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(d.Values)) {
		add(k, d.Values[k])
	}
	return rows
}
