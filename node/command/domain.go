package command

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/uio"
)

var teams = &Command{
	Name: "teams", Args: "[HOST…]", Short: "Show the teams of the live hosts, or of some",
	New: func(f *pflag.FlagSet) Run { return kernelRun(f, "teams", (*Env).teams) },
}

var groups = &Command{
	Name: "groups", Args: "[HOST…]", Short: "Show the process groups with members on the live hosts, or on some",
	New: func(f *pflag.FlagSet) Run { return kernelRun(f, "groups", (*Env).groups) },
}

var stats = &Command{
	Name: "stats", Args: "[HOST…]", Short: "Show the counters of the live hosts' kernels, or of some",
	New: func(f *pflag.FlagSet) Run { return kernelRun(f, "stats", (*Env).stats) },
}

// said is what a host's process server says: JSON objects.
type said struct {
	host    string
	objects []json.RawMessage
}

// kernelRun runs a command that shows the file of /proc/HOST on several hosts:
// show prints it, unless it is wanted as JSON.
func kernelRun(f *pflag.FlagSet, file string, show func(*Env, []said) ([][]string, error)) Run {
	asJSON := f.Bool("json", false, "one JSON object a line")
	return func(ctx context.Context, e *Env, args []string) int {
		if len(args) == 0 {
			hosts, err := e.Names.Hosts(ctx)
			if err != nil {
				return e.fail(err)
			}
			for i := range hosts {
				if hosts[i].Live() {
					args = append(args, hosts[i].Name)
				}
			}
		}
		all, status := e.ask(ctx, args, file)
		if *asJSON {
			return max(status, e.written(e.said(all)))
		}
		rows, err := show(e, all)
		if err != nil {
			return max(status, e.fail(err))
		}
		return max(status, e.written(e.table(rows)))
	}
}

// ask reads the file of each host, of all at once, and reports those that fail.
func (e *Env) ask(ctx context.Context, hosts []string, file string) ([]said, int) {
	texts, errs := make([][]byte, len(hosts)), make([]error, len(hosts))
	var reading sync.WaitGroup
	for i, host := range hosts {
		reading.Go(func() { // ends with ctx, or when a silent host is given up
			texts[i], errs[i] = uio.ReadFile(ctx, e.Names, "/proc/"+host+"/"+file+".json")
		})
	}
	reading.Wait()
	var all []said
	status := 0
	for i, host := range hosts {
		if err := errs[i]; err != nil {
			if ipc.CodeOf(err) == ipc.NotFound {
				err = &ipc.OpError{Name: host, Err: ipc.HostUnknown}
			}
			status = max(status, e.fail(err))
			continue
		}
		s := said{host: host}
		for line := range bytes.Lines(texts[i]) {
			s.objects = append(s.objects, bytes.TrimSpace(line))
		}
		all = append(all, s)
	}
	return all, status
}

// said prints what the hosts said as JSON, each object with its host.
func (e *Env) said(all []said) error {
	for _, s := range all {
		host, err := json.Marshal(s.host)
		if err != nil {
			return err
		}
		for _, o := range s.objects {
			line := append(append([]byte(`{"host":`), host...), '}', '\n')
			if rest := bytes.TrimPrefix(o, []byte("{")); len(rest) > 1 {
				line = append(append(line[:len(line)-2], ','), append(rest, '\n')...)
			}
			if _, err := e.Stdout.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Env) teams(all []said) ([][]string, error) {
	rows := [][]string{{"HOST", "TEAM", "OS PID", "NAME"}}
	for _, s := range all {
		for _, o := range s.objects {
			var t struct {
				Team  int    `json:"team"`
				Name  string `json:"name"`
				OSPID int    `json:"os_pid"`
			}
			if err := json.Unmarshal(o, &t); err != nil {
				return nil, err
			}
			rows = append(rows, []string{s.host, strconv.Itoa(t.Team), strconv.Itoa(t.OSPID), t.Name})
		}
	}
	return rows, nil
}

// wellKnown are the names of the system's groups.
var wellKnown = map[string]string{
	ipc.CSNHGroup.String():       "kernel servers",
	ipc.TeamServerGroup.String(): "team servers",
}

func (e *Env) groups(all []said) ([][]string, error) {
	rows := [][]string{{"HOST", "GROUP", "NAME", "MEMBERS"}}
	for _, s := range all {
		for _, o := range s.objects {
			var g struct {
				Group   string   `json:"group"`
				Members []string `json:"members"`
			}
			if err := json.Unmarshal(o, &g); err != nil {
				return nil, err
			}
			name := "-"
			if n := wellKnown[g.Group]; n != "" {
				name = n
			}
			for i, m := range g.Members { // they are the host's own
				if pid, err := ipc.ParsePID(m); err == nil {
					g.Members[i] = pid.Name(s.host)
				}
			}
			rows = append(rows, []string{s.host, g.Group, name, strings.Join(g.Members, " ")})
		}
	}
	return rows, nil
}

// stats has a row for each counter and a column for each host.
func (e *Env) stats(all []said) ([][]string, error) {
	header := []string{"COUNTER"}
	counters := map[string][]string{}
	for i, s := range all {
		header = append(header, s.host)
		for _, o := range s.objects {
			var c map[string]uint64
			if err := json.Unmarshal(o, &c); err != nil {
				return nil, err
			}
			for name, n := range c {
				if counters[name] == nil {
					counters[name] = slices.Repeat([]string{"-"}, len(all))
				}
				counters[name][i] = strconv.FormatUint(n, 10)
			}
		}
	}
	rows := [][]string{header}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		rows = append(rows, append([]string{name}, counters[name]...))
	}
	return rows, nil
}
