package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"vsys/node/command"
	"vsys/node/executive"
)

// commandVerb makes a verb of one of V's own commands. It runs in the host that
// --host-socket says.
func commandVerb(c *command.Command) *cobra.Command {
	v := &cobra.Command{Use: c.Name + " " + c.Args, Short: c.Short, Long: c.Long, Example: c.Example}
	run := c.New(v.Flags())
	if v.Flags().ShorthandLookup("h") != nil { // cobra would take it
		v.Flags().Bool("help", false, "help for "+c.Name)
	}
	v.ValidArgsFunction = complete
	v.RunE = func(v *cobra.Command, args []string) error {
		ctx, stop := interruptible(v.Context())
		defer stop()
		s, err := join(ctx, v)
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys "+c.Name, err))
		}
		defer s.Close()
		e, err := env(ctx, v, s)
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys "+c.Name, err))
		}
		return exit(c.Start(ctx, e, run, args))
	}
	return v
}

// completePatience bounds how long the Tab key may take.
const completePatience = 500 * time.Millisecond

// complete completes V names for the shells of Unix.
func complete(v *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(context.Background(), completePatience)
	defer cancel()
	s, err := join(ctx, v)
	if err != nil {
		return nil, directive
	}
	defer s.Close()
	e, err := env(ctx, v, s)
	if err != nil {
		return nil, directive
	}
	return e.Complete(ctx, word), directive
}

// env returns what a command runs in, as the flags say.
func env(ctx context.Context, v *cobra.Command, s *executive.Session) (*command.Env, error) {
	e, err := s.Env(ctx)
	if err != nil {
		return nil, err
	}
	if dir := v.Flag("dir").Value.String(); dir != "" {
		e.Dir = dir
	}
	return e, nil
}

// join joins the host that the flags say.
func join(ctx context.Context, v *cobra.Command) (*executive.Session, error) {
	socket, err := v.Flags().GetString("host-socket")
	if err != nil {
		return nil, err
	}
	return executive.Join(ctx, socket)
}
