package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vsys/node/command"
	"vsys/node/service"
	"vsys/node/settings"
)

// statusNotRunning is the exit status of vsys status where no host runs: what the
// Linux Standard Base has for it.
const statusNotRunning = 3

func statusVerb() *cobra.Command {
	var asJSON bool
	v := &cobra.Command{
		Use: "status", Short: "Show how the host of this machine is",
		Long: "The exit status is 0 if a host runs, and 3 if none does.",
		Args: cobra.NoArgs,
	}
	f := settings.AddFlags(v.Flags(), "state")
	v.Flags().BoolVar(&asJSON, "json", false, "as a JSON object")
	v.RunE = func(v *cobra.Command, _ []string) error {
		ctx, stop := interruptible(v.Context())
		defer stop()
		set, err := f.Load()
		var s *service.Status
		if err == nil {
			s, err = service.Ask(ctx, set.Get("state"))
		}
		if err != nil {
			return exit(command.Report(v.ErrOrStderr(), "vsys status", err))
		}
		out := v.OutOrStdout()
		switch {
		case asJSON:
			err = json.NewEncoder(out).Encode(s)
		case s.Running:
			err = printStatus(out, s)
		default:
			_, err = fmt.Fprintf(out, "No host runs with the state directory %s.\n", set.Get("state"))
		}
		if err == nil && !s.Running {
			return exit(statusNotRunning)
		}
		return err
	}
	return v
}

// printStatus prints the status of a host that runs, a line for each thing.
func printStatus(out io.Writer, s *service.Status) error {
	state := "runs"
	if s.Problem != "" {
		state += ", but " + s.Problem
	}
	rows := [][2]string{{"host", state}, {"process", fmt.Sprint(s.Process)}}
	if s.Name != "" {
		rows = [][2]string{
			{"host", s.Name + ": " + state},
			{"number", fmt.Sprintf("0x%04x", s.Number)},
			{"address", s.Address},
			{"domain", s.Domain},
			{"version", s.Version},
			{"process", fmt.Sprint(s.Process)},
			{"up", (time.Duration(s.Uptime) * time.Second).String()},
		}
	}
	if s.Problem == "" {
		rows = append(rows, [2]string{"teams", fmt.Sprint(s.Teams)},
			[2]string{"hosts", fmt.Sprintf("%d live, %d lost", s.Live, s.Lost)})
	}
	if k := s.Security; k != nil && !k.Clear {
		rows = append(rows, [2]string{"key", k.Fingerprint}, [2]string{"roles", k.Roles},
			[2]string{"certificate", "until " + k.NotAfter.Local().Format(time.DateOnly)},
			[2]string{"keepers", cmp.Or(strings.Join(k.Keepers, ", "), "none that lives")})
		if n := len(k.Troubles); n > 0 {
			rows = append(rows, [2]string{"trouble", k.Troubles[n-1].Text})
		}
	}
	rows = append(rows, [2]string{"state", s.State}, [2]string{"socket", cmp.Or(s.Socket, "none")},
		[2]string{"log", cmp.Or(s.Log, "standard error; vsys cat /log/"+s.Name+"/kernel")},
		[2]string{"config", cmp.Or(s.Config, "no file")})
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r[:], "\t"))
	}
	return w.Flush()
}
