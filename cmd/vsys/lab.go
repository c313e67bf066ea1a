package main

import (
	"os"

	"github.com/spf13/cobra"

	"vsys/lab"
)

func labVerb() *cobra.Command {
	c := lab.Config{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, History: historyFile()}
	var loss, duplicate, reorder float64
	v := &cobra.Command{
		Use: "lab [FILE [ARG…]]", Short: "Boot several hosts on this machine, and open the executive on the first",
		Long: "Boots a V domain of its own: hosts alpha, beta, gamma …, each an OS process, with\n" +
			"loopback addresses. It needs no root, and all of it is gone afterwards. With -c or\n" +
			"FILE it runs the script and has its exit status.\n\n" +
			"What the hosts say to one another is sealed, unless --clear says otherwise.\n\n" +
			"In a lab the executive has one more command, lab, which kills, boots and pauses hosts.",
		Example: "  vsys lab\n  vsys lab -n 5 -c 'hosts; uname -a @beta'\n  vsys lab --loss 5 --duplicate 5 --reorder 5 experiment.sh",
		RunE: func(v *cobra.Command, args []string) error {
			if c.Text == "" && len(args) > 0 {
				c.File, args = args[0], args[1:]
			}
			c.Args = args
			c.Faults.Loss, c.Faults.Duplicate, c.Faults.Reorder = loss/100, duplicate/100, reorder/100
			begin := interruptible
			if c.Text == "" && c.File == "" {
				begin = terminable
			}
			ctx, stop := begin(v.Context())
			defer stop()
			return exit(ended(ctx, lab.Run(ctx, c)))
		},
	}
	f := v.Flags()
	f.SetInterspersed(false)
	f.IntVarP(&c.Hosts, "hosts", "n", 3, "how many hosts")
	f.StringVarP(&c.Text, "command", "c", "", "run this script instead of reading lines")
	f.Float64Var(&loss, "loss", 0, "of what each host and program sends, lose this much, in %")
	f.Float64Var(&duplicate, "duplicate", 0, "send this much twice, in %")
	f.Float64Var(&reorder, "reorder", 0, "let this much be overtaken, in %")
	f.IntVar(&c.MTU, "mtu", 0, "octets in a datagram (default what loopback has, or 1472, as on Ethernet, with faults)")
	f.Uint64Var(&c.Faults.Seed, "seed", 0, "of the randomness of faults")
	f.BoolVar(&c.Clear, "clear", false, "seal nothing, so that what goes over the wire can be read")
	return v
}
