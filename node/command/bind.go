package command

import (
	"context"

	"github.com/spf13/pflag"
)

var bind = &Command{
	Name: "bind", Args: "[PREFIX NAME]", Short: "Make a prefix an alias for a name, or show the aliases",
	Long:    "An alias is of this executive only, and ends with it.",
	Example: "  bind /src /unix/beta/usr/src",
	Inside:  true,
	New: func(f *pflag.FlagSet) Run {
		json := f.Bool("json", false, "one JSON object a line")
		return func(_ context.Context, e *Env, args []string) int {
			switch len(args) {
			case 0:
				return e.written(e.bindings(*json))
			case 2:
				prefix, err := e.abs(args[0])
				if err != nil {
					return e.fail(err)
				}
				target, err := e.abs(args[1])
				if err == nil {
					err = e.Names.Bind(prefix, target)
				}
				if err != nil {
					return e.fail(err)
				}
				return 0
			}
			return e.usage("a prefix and a name are needed")
		}
	},
}

func (e *Env) bindings(asJSON bool) error {
	var rows [][]string
	for _, b := range e.Names.Bindings() {
		if asJSON {
			if err := e.object(b); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{b.Prefix, b.Target})
	}
	return e.table(rows)
}

var unbind = &Command{
	Name: "unbind", Args: "PREFIX…", Short: "End aliases", Inside: true,
	New: func(*pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			return e.some(ctx, args, e.Names.Unbind)
		}
	},
}
