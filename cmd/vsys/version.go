package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"vsys/node"
)

func versionVerb() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program",
		Args: cobra.NoArgs,
		RunE: func(v *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(v.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine is what --version prints too.
func versionLine() string {
	return fmt.Sprintf("vsys %s %s/%s\n", node.Version(), runtime.GOOS, runtime.GOARCH)
}
