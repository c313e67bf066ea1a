package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"vsys/naming"
)

var hosts = &Command{
	Name: "hosts", Short: "Show the hosts of the domain",
	Long: "CLEAR marks hosts of a domain in which nothing is sealed. Lost hosts are shown too, with how long ago they were heard. The load is the number of\n" +
		"programs that want to run, an average of one minute.",
	New: func(f *pflag.FlagSet) Run {
		json := f.Bool("json", false, "one JSON object a line")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) > 0 {
				return e.usage("%s: it takes no arguments", args[0])
			}
			list, err := e.Names.Hosts(ctx)
			if err != nil {
				return e.fail(err)
			}
			return e.written(e.hosts(list, *json))
		}
	},
}

func (e *Env) hosts(list []naming.Host, asJSON bool) error {
	if asJSON {
		for _, h := range list {
			if err := e.object(h); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"HOST", "STATE", "TYPE", "CPUS", "LOAD", "FREE", "MEMORY", "VERSION", "ADDRESS"}}
	for _, h := range list {
		state := string(h.State)
		if h.State == naming.HostLost {
			state += " " + ago(h.LastHeard)
		}
		if h.Clear {
			state += " CLEAR"
		}
		rows = append(rows, []string{
			h.Name, state, h.Processor, strconv.Itoa(h.Processors), fmt.Sprintf("%.2f", h.Load),
			octets(h.MemoryFree), octets(h.MemoryTotal), cmp.Or(h.Version, "-"), cmp.Or(h.Address, "-"),
		})
	}
	return e.table(rows)
}

// ago prints how long ago t was.
func ago(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return time.Since(t).Round(time.Second).String()
}

// octets prints a number of octets in the largest unit that leaves it at 1 or
// more.
func octets(n uint64) string {
	const units = "kMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	i, f := 0, float64(n)/(1<<10)
	for ; f >= 1<<10 && i < len(units)-1; i++ {
		f /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
