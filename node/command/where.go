package command

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/naming"
)

var where = &Command{
	Name: "where", Args: "[NAME…]", Short: "Show which server, on which host, answers for names",
	New: func(f *pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) == 0 {
				args = []string{"."}
			}
			rows := [][]string{{"NAME", "HOST", "SERVER"}}
			status := e.each(ctx, args, func(name string) error {
				host, server, err := e.server(ctx, name)
				if err == nil {
					rows = append(rows, []string{name, host, server})
				}
				return err
			})
			return max(status, e.written(e.table(rows)))
		}
	},
}

// server returns who answers for a name; nobody for one that only holds prefixes.
func (e *Env) server(ctx context.Context, name string) (host, server string, err error) {
	a, err := e.Names.Do(ctx, naming.Call{
		Verb: "command.Where", Op: naming.OpReadDescriptor, Name: name,
		Write: make([]byte, ipc.MaxAppended), Repeatable: true,
	})
	switch {
	case errors.Is(err, naming.ErrVirtual):
		return "any", "-", nil
	case err != nil:
		return "", "", err
	}
	host = e.Names.Team().HostName(a.Server.Host())
	return host, a.Server.Name(host), nil
}
