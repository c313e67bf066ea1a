package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vsys/node"
	"vsys/node/command"
	"vsys/node/executive"
)

func execVerb() *cobra.Command {
	c := executive.Config{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), History: historyFile()}
	v := &cobra.Command{
		Use: "exec [FILE [ARG…]]", Short: "Open the executive (shell), or run a script",
		Long: "The executive has the language of bash. Names are V names, and @HOST or @any says\n" +
			"where a command runs. The current directory is the present one of this host.",
		Example: "  vsys exec\n  vsys exec -c 'cat /unix/beta/etc/hostname | wc -c @gamma'",
		RunE: func(v *cobra.Command, args []string) error {
			if c.Text == "" && len(args) > 0 {
				c.File, args = args[0], args[1:]
			}
			c.Args = args
			begin := interruptible
			if c.Text == "" && c.File == "" {
				begin = terminable
			}
			ctx, stop := begin(v.Context())
			defer stop()
			s, err := join(ctx, v)
			if err != nil {
				return exit(command.Report(v.ErrOrStderr(), "vsys exec", err))
			}
			defer s.Close()
			return exit(ended(ctx, s.Run(ctx, c)))
		},
	}
	v.Flags().SetInterspersed(false)
	v.Flags().StringVarP(&c.Text, "command", "c", "", "run this script instead of reading lines")
	return v
}

// historyFile returns where lines are remembered.
func historyFile() string { return filepath.Join(node.DefaultState(), "history") }
