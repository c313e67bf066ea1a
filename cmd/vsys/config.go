package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vsys/node/command"
	"vsys/node/settings"
)

func configVerb() *cobra.Command {
	var asJSON bool
	v := &cobra.Command{
		Use: "config", Short: "Show what vsys boot takes for its settings, and why",
		Long: "Lists all settings with their values and where those come from: a flag, the configuration\n" +
			"file, or the default. It takes the flags of vsys boot, to try them out. vsys config\n" +
			"explain KEY says all about one.",
		Example: "  vsys config\n  vsys config explain addr",
		Args:    cobra.NoArgs,
	}
	f := settings.AddFlags(v.Flags())
	v.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	v.RunE = func(v *cobra.Command, _ []string) error {
		s, err := f.Load()
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys config", err))
		}
		if asJSON {
			out := json.NewEncoder(v.OutOrStdout())
			for _, r := range s.Rows() {
				if err := out.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
		return printSettings(v.OutOrStdout(), s)
	}
	v.AddCommand(explainVerb())
	return v
}

// printSettings lists all settings.
func printSettings(out io.Writer, s *settings.Settings) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tVALUE\tSOURCE")
	for _, r := range s.Rows() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Key, r.Value, r.Source)
	}
	return w.Flush()
}

func explainVerb() *cobra.Command {
	v := &cobra.Command{Use: "explain KEY", Short: "Say all about one setting", Args: cobra.ExactArgs(1)}
	f := settings.AddFlags(v.Flags())
	v.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var keys []string
		for _, s := range settings.Table {
			keys = append(keys, s.Key)
		}
		return keys, cobra.ShellCompDirectiveNoFileComp
	}
	v.RunE = func(v *cobra.Command, args []string) error {
		s, err := f.Load()
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys config", err))
		}
		row := settings.Find(args[0])
		if row == nil {
			command.Complain(v.ErrOrStderr(), fmt.Sprintf("vsys config explain: %s: there is no such key", args[0]), "vsys config lists them")
			return exit(command.StatusFailed)
		}
		out := v.OutOrStdout()
		fmt.Fprintf(out, "%s: %s\n", row.Key, row.Short)
		if row.Long != "" {
			fmt.Fprintf(out, "\n%s\n\n", row.Long)
		}
		_, err = fmt.Fprintf(out, "type:     %s\ndefault:  %s\nvalue:    %s\nfrom:     %s\n", row.Type,
			strings.ReplaceAll(row.Default, "\n", "\n          "), s.Get(row.Key), s.Source(row.Key))
		return err
	}
	return v
}
