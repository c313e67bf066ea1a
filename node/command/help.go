package command

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
)

func helpCommand() *Command {
	return &Command{
		Name: "help", Args: "[COMMAND]", Short: "Show V's own commands, or how to use one", Inside: true,
		New: func(*pflag.FlagSet) Run {
			return func(_ context.Context, e *Env, args []string) int { return e.help(args) }
		},
	}
}

func (e *Env) help(args []string) int {
	if len(args) == 0 {
		return e.written(e.helpAll())
	}
	c := Find(args[0])
	if c == nil {
		return e.usage("%s: V has no such command of its own", args[0])
	}
	f := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
	c.New(f)
	_, err := fmt.Fprint(e.Stdout, c.help(f))
	return e.written(err)
}

func (e *Env) helpAll() error {
	fmt.Fprintln(e.Stdout, "The language is bash's, names are V names, and @HOST or @any says where a command runs.")
	fmt.Fprintln(e.Stdout, "V's own commands; NAME --help says more:")
	fmt.Fprintln(e.Stdout)
	var rows [][]string
	for _, c := range All() {
		rows = append(rows, []string{"  " + c.Name, c.Short})
	}
	return e.table(rows)
}
