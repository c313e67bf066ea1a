package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vsys/node"
	"vsys/node/command"
	"vsys/node/service"
	"vsys/node/settings"
	"vsys/seal/enroll"
)

func joinVerb() *cobra.Command {
	var again, foreground bool
	limit := enroll.DefaultLimit
	v := &cobra.Command{
		Use: "join CODE", Short: "Make this machine a host of a domain, by invitation",
		Long: "CODE is what vsys invite, or vsys boot, has printed on a host of the domain. The two machines\n" +
			"must be on one network at that time, or CODE has an address at its end. Then the host boots,\n" +
			"as by vsys boot with the same flags; from then on vsys boot is enough.",
		Example: "  vsys join 7-purple-otter-…\n  vsys join 7-purple-otter-…@192.0.2.7 --name beta",
		Args:    cobra.MinimumNArgs(1),
	}
	f := settings.AddFlags(v.Flags())
	v.Flags().BoolVar(&again, "again", false, "leave the domain that this machine is in")
	v.Flags().BoolVarP(&foreground, "foreground", "f", false, "run the host here, until interrupted")
	v.Flags().DurationVar(&limit, "timeout", limit, "how long to try")
	v.RunE = func(v *cobra.Command, args []string) error {
		ctx, stop := interruptible(v.Context())
		defer stop()
		err := func() error {
			s, err := f.Load()
			if err != nil {
				return err
			}
			code, err := enroll.ParseCode(strings.Join(args, "-"))
			if err != nil {
				return &node.Refusal{Err: err, Try: "the whole code, as it was printed; or vsys invite, for a new one"}
			}
			if err := service.Occupied(s.Get("state")); err != nil {
				return err
			}
			c := s.Config()
			grant, err := node.Join(ctx, node.Joining{Code: code, Name: c.Name, Addr: c.Addr, State: c.State, Again: again, Limit: limit})
			if err != nil {
				return err
			}
			fmt.Fprintf(v.OutOrStdout(), "%s let this machine in, as %s.\n", grant.Inviter, grant.Certificate.Name)
			b := bootFlags{settings: f, foreground: foreground}
			if foreground {
				return b.run(ctx, s)
			}
			args := append([]string{"boot"}, s.Args()...)
			if s.User {
				args = append(args, "--user")
			}
			if v.Flags().Changed("config") {
				args = append(args, "--config="+s.File)
			}
			return b.background(ctx, v.OutOrStdout(), s, args)
		}()
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys join", err))
		}
		return nil
	}
	return v
}
