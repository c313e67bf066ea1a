package program

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"vsys/ipc"
	"vsys/naming"
)

// Any, as Cmd.Host, asks for the least loaded host.
const Any = "any"

// maxTries bounds how many hosts are asked to run one program.
const maxTries = 8

// unixPrefix is where the hosts' Unix files are.
const unixPrefix = "/unix"

// choice is the hosts that may run a program, best first, and why.
type choice struct {
	hosts []string
	why   string
}

// choose returns where the program may run. It blocks for Any. Codes: HostUnknown
// (there is no live host); those of naming.Client.Hosts.
func (c *Client) choose(ctx context.Context, host, dir string) (choice, error) {
	switch {
	case host == Any:
	case host != "":
		return choice{[]string{host}, "asked for"}, nil
	default:
		if h := naming.Beneath(unixPrefix, dir); h != "" {
			return choice{[]string{h}, "it serves " + dir}, nil
		}
		return choice{[]string{c.names.Team().Host()}, "the caller's own host"}, nil
	}
	hosts, err := c.names.Hosts(ctx)
	if err != nil {
		return choice{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ranked := rank(hosts, c.running, c.turns)
	if len(ranked) == 0 {
		return choice{}, ipc.HostUnknown
	}
	c.turn++
	c.turns[ranked[0].Name] = c.turn
	ch := choice{why: reason(ranked, hosts)}
	for _, r := range ranked[:min(len(ranked), maxTries)] {
		ch.hosts = append(ch.hosts, r.Name)
	}
	return ch, nil
}

// candidate is a live host with its load per processor.
type candidate struct {
	*naming.Host
	load  float64
	right bool // its processor is of the type of the own host's
}

// rank orders the live hosts: those of the own host's processor type first, then
// by load per processor in quarters, then by whose turn it is, then by free memory.
// To the load that a host tells, an average of the past minute, are added the
// programs that this client has there: running, by host. turns tells when a host
// was chosen last; of equals the one that waited longest comes first.
func rank(hosts []naming.Host, running map[string]int, turns map[string]uint64) []candidate {
	processor := ""
	for i := range hosts {
		if hosts[i].State == naming.HostSelf {
			processor = hosts[i].Processor
		}
	}
	var list []candidate
	for i := range hosts {
		h := &hosts[i]
		if h.Live() {
			load := (h.Load + float64(running[h.Name])) / float64(max(h.Processors, 1))
			list = append(list, candidate{h, load, processor == "" || h.Processor == processor})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.right != b.right {
			if a.right {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(math.Round(a.load*4), math.Round(b.load*4)),
			cmp.Compare(turns[a.Name], turns[b.Name]),
			cmp.Compare(b.MemoryFree, a.MemoryFree),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return list
}

// reason says why the first of the candidates is the best.
func reason(ranked []candidate, all []naming.Host) string {
	var words []string
	for _, r := range ranked {
		w := fmt.Sprintf("%s %.2f", r.Name, r.load)
		if !r.right {
			w += " (" + r.Processor + ")"
		}
		words = append(words, w)
	}
	for i := range all {
		if !all[i].Live() {
			words = append(words, all[i].Name+" lost")
		}
	}
	return "least loaded: " + strings.Join(words, ", ")
}
