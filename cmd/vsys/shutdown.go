package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"vsys/node/command"
	"vsys/node/service"
	"vsys/node/settings"
)

func shutdownVerb() *cobra.Command {
	patience := service.StopPatience
	v := &cobra.Command{
		Use: "shutdown", Short: "End the host of this machine",
		Long: "Ends the host that vsys boot has booted, and returns when it is gone. It says goodbye to\n" +
			"the other hosts, and its programs end. That no host runs is no error.",
		Example: "  vsys shutdown\n  vsys shutdown --state /tmp/beta",
		Args:    cobra.NoArgs,
	}
	f := settings.AddFlags(v.Flags(), "state")
	v.Flags().DurationVar(&patience, "timeout", patience, "how long to wait for its end")
	v.RunE = func(v *cobra.Command, _ []string) error {
		ctx, stop := interruptible(v.Context())
		defer stop()
		s, err := f.Load()
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys shutdown", err))
		}
		r, err := service.Stop(ctx, s.Get("state"), patience)
		switch {
		case err != nil:
			return exit(command.Report(v.ErrOrStderr(), "vsys shutdown", err))
		case r == nil:
			_, err = fmt.Fprintf(v.OutOrStdout(), "No host runs with the state directory %s.\n", s.Get("state"))
		default:
			_, err = fmt.Fprintf(v.OutOrStdout(), "%v has ended.\n", r)
		}
		return err
	}
	return v
}
