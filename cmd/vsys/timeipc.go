package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"vsys/lab/timeipc"
	"vsys/node/command"
)

// timeipcServe is the hidden verb of the processes that timeipc measures.
const timeipcServe = "timeipc-serve"

func timeipcVerb() *cobra.Command {
	c := timeipc.Config{Serve: []string{timeipcServe}}
	var asJSON bool
	v := &cobra.Command{
		Use: "timeipc", Short: "Measure what a message costs: in a team, on a host, between hosts",
		Long: "Measures Send-Receive-Reply with segments of 0, 1,024 and 16,384 octets, sealed and in\n" +
			"the clear, beside an unbuffered channel, a Unix socket and plain Go UDP in the same run;\n" +
			"and by how much the first request of two teams that never spoke takes longer than their\n" +
			"second. All run in turn; the processors are given out as Linux likes, so pin it to compare\n" +
			"placements: taskset -c 1 vsys timeipc puts both ends on one processor.",
		Example: "  vsys timeipc\n  vsys timeipc --rounds 99 --json",
		Args:    cobra.NoArgs,
		RunE: func(v *cobra.Command, _ []string) error {
			ctx, stop := interruptible(v.Context())
			defer stop()
			rows, err := timeipc.Measure(ctx, c)
			if err != nil {
				return exit(command.Report(v.ErrOrStderr(), "vsys timeipc", err))
			}
			if !asJSON {
				return timeipc.Print(v.OutOrStdout(), rows)
			}
			out := json.NewEncoder(v.OutOrStdout())
			for _, r := range rows {
				if err := out.Encode(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	v.Flags().IntVar(&c.Rounds, "rounds", 41, "how often all cases are measured")
	v.Flags().IntVar(&c.Calls, "calls", 400, "messages of a case in a round")
	v.Flags().BoolVar(&asJSON, "json", false, "one object a line")
	return v
}

func timeipcServeVerb() *cobra.Command {
	return &cobra.Command{
		Use: timeipcServe + " WHAT WHERE", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(v *cobra.Command, args []string) error {
			ctx, stop := interruptible(v.Context())
			defer stop()
			return timeipc.Serve(ctx, args[0], args[1], v.InOrStdin())
		},
	}
}
