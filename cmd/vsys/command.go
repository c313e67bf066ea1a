package main

import (
	"context"

	"github.com/spf13/cobra"

	"vsys/node/command"
	"vsys/node/executive"
)

// commandVerb makes a verb of one of V's own commands. It runs in the host that
// --host-socket says.
func commandVerb(c *command.Command) *cobra.Command {
	v := &cobra.Command{Use: c.Name + " " + c.Args, Short: c.Short, Long: c.Long, Example: c.Example}
	run := c.New(v.Flags())
	v.RunE = func(v *cobra.Command, args []string) error {
		ctx, stop := interruptible(v.Context())
		defer stop()
		s, err := join(ctx, v)
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys "+c.Name, err))
		}
		defer s.Close()
		e, err := s.Env(ctx)
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys "+c.Name, err))
		}
		if dir := v.Flag("dir").Value.String(); dir != "" {
			e.Dir = dir
		}
		return exit(c.Start(ctx, e, run, args))
	}
	return v
}

// join joins the host that the flags say.
func join(ctx context.Context, v *cobra.Command) (*executive.Session, error) {
	socket, err := v.Flags().GetString("host-socket")
	if err != nil {
		return nil, err
	}
	return executive.Join(ctx, socket)
}
