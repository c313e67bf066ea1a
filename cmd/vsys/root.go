package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vsys/node"
	"vsys/node/command"
	"vsys/node/executive"
)

// verbs are what vsys does beside V's own commands (package command).
var verbs = []func() *cobra.Command{labVerb, bootVerb, joinVerb, doctorVerb, shutdownVerb, statusVerb, configVerb, execVerb, timeipcVerb, timeipcServeVerb, versionVerb}

// root returns the command line: vsys VERB.
func root() *cobra.Command {
	r := &cobra.Command{
		Use: "vsys VERB", Short: "Many machines, one computer",
		SilenceErrors: true, SilenceUsage: true,
		Version: node.Version(),
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.PersistentFlags().String("host-socket", executive.Socket(), "the socket of the host to join")
	r.PersistentFlags().Lookup("host-socket").DefValue = "$" + executive.SocketVariable + " or this user's"
	r.PersistentFlags().String("dir", "", "the V name that relative names start from (default: the working directory's)")
	for _, v := range verbs {
		r.AddCommand(v())
	}
	for _, c := range command.All() {
		if !c.Inside {
			r.AddCommand(commandVerb(c))
		}
	}
	r.SetVersionTemplate(versionLine())
	r.SetHelpCommandGroupID("")
	return r
}

// exitStatus ends a verb with a status; what is to be said has been said.
type exitStatus int

func (exitStatus) Error() string { return "exit status" }

// exit makes a status the error of a verb.
func exit(status int) error {
	if status == 0 {
		return nil
	}
	return exitStatus(status)
}

// rewritten returns args with the old forms of a command's arguments as flags.
func rewritten(r *cobra.Command, args []string) []string {
	v, _, err := r.Find(args)
	if err != nil {
		return args // it is reported when they are parsed
	}
	at := slices.Index(args, v.Name()) + 1
	if c := command.Find(v.Name()); at > 0 && c != nil && c.Rewrite != nil {
		return append(slices.Clone(args[:at]), c.Rewrite(args[at:])...)
	}
	return args
}

// run does what the arguments say and returns the exit status.
func run(ctx context.Context, args []string) int {
	r := root()
	r.SetArgs(rewritten(r, args))
	err := r.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	why, try := err.Error(), "vsys help"
	if c, _, find := r.Find(args); find == nil && c != r {
		why, try = c.Name()+": "+why, "vsys help "+c.Name()
	}
	why, _, _ = strings.Cut(why, "\n")         // cobra's suggestions
	why, _, _ = strings.Cut(why, ": strconv.") // Go's word for it
	command.Complain(os.Stderr, "vsys: "+why, try)
	return command.StatusUsage
}
