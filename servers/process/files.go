package process

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vsys/naming"
)

// files are the listings of the tree, by name.
var files = map[string]func(*Server) listing{
	"host":      (*Server).host,
	"hosts":     (*Server).hosts,
	"processes": (*Server).processes,
	"groups":    (*Server).groups,
	"teams":     (*Server).teams,
	"stats":     (*Server).stats,
}

// jsonSuffix asks for a listing's other form.
const jsonSuffix = ".json"

// sortedHosts returns the domain's hosts by name.
func (s *Server) sortedHosts() []naming.Host {
	hosts := s.Domain.Hosts()
	slices.SortFunc(hosts, func(a, b naming.Host) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number))
	})
	return hosts
}

// names returns the names of the domain's hosts.
func (s *Server) names() names {
	n := names{}
	for _, h := range s.Domain.Hosts() {
		n[h.Number] = h.Name
	}
	return n
}

func (s *Server) host() listing {
	hosts := s.Domain.Hosts()
	i := slices.IndexFunc(hosts, func(h naming.Host) bool { return h.State == naming.HostSelf })
	if i < 0 {
		return listing{}
	}
	h := hosts[i]
	return pairs(h,
		[]string{"name", h.Name},
		[]string{"number", fmt.Sprintf("0x%04x", h.Number)},
		[]string{"server", h.Server.String()},
		[]string{"address", cmp.Or(h.Address, "-")},
		[]string{"version", h.Version},
		[]string{"processor", processor(&h)},
		[]string{"load", load(&h)},
		[]string{"memory", octets(h.MemoryTotal)},
		[]string{"free", octets(h.MemoryFree)},
	)
}

func processor(h *naming.Host) string { return fmt.Sprintf("%d x %s", h.Processors, h.Processor) }
func load(h *naming.Host) string      { return strconv.FormatFloat(h.Load, 'f', 2, 64) }

func (s *Server) hosts() listing {
	now := time.Now()
	l := listing{rows: [][]string{{"HOST", "STATE", "PROCESSOR", "LOAD", "MEMORY", "FREE", "ADDRESS", "HEARD", "VERSION"}}}
	for _, h := range s.sortedHosts() {
		l.rows = append(l.rows, []string{
			h.Name, string(h.State), processor(&h), load(&h), octets(h.MemoryTotal), octets(h.MemoryFree),
			cmp.Or(h.Address, "-"), ago(now, h.LastHeard), h.Version,
		})
		l.objects = append(l.objects, h)
	}
	return l
}

func (s *Server) processes() listing {
	type object struct {
		PID      string    `json:"pid"`
		Name     string    `json:"name"`
		State    string    `json:"state"`
		WaitsFor string    `json:"waits_for,omitempty"`
		Since    time.Time `json:"since,omitzero"`
	}
	now, n := time.Now(), s.names()
	l := listing{rows: [][]string{{"PID", "NAME", "STATE", "WAITS FOR", "SINCE"}}}
	all := s.Kernel.Processes()
	slices.SortFunc(all, func(a, b ProcessInfo) int {
		return cmp.Or(cmp.Compare(a.PID.LogicalHost(), b.PID.LogicalHost()), cmp.Compare(a.PID, b.PID))
	})
	for _, p := range all {
		l.rows = append(l.rows, []string{n.pid(p.PID), p.Name, p.State, n.pid(p.WaitsFor), ago(now, p.Since)})
		l.objects = append(l.objects, object{hex(p.PID), p.Name, p.State, hex(p.WaitsFor), p.Since})
	}
	return l
}

func (s *Server) groups() listing {
	type object struct {
		Group   string   `json:"group"`
		Members []string `json:"members"`
	}
	n := s.names()
	l := listing{rows: [][]string{{"GROUP", "MEMBERS"}}}
	all := s.Kernel.Groups()
	slices.SortFunc(all, func(a, b GroupInfo) int { return cmp.Compare(a.Group, b.Group) })
	for _, g := range all {
		slices.Sort(g.Members)
		o := object{Group: hex(g.Group), Members: []string{}}
		var members []string
		for _, m := range g.Members {
			members = append(members, n.pid(m))
			o.Members = append(o.Members, hex(m))
		}
		l.rows = append(l.rows, []string{n.pid(g.Group), strings.Join(members, " ")})
		l.objects = append(l.objects, o)
	}
	return l
}

func (s *Server) teams() listing {
	type object struct {
		Number uint16 `json:"team"`
		Name   string `json:"name"`
		OSPID  int    `json:"os_pid"`
		Alive  bool   `json:"alive"`
	}
	state := map[bool]string{true: "alive", false: "dead"}
	l := listing{rows: [][]string{{"TEAM", "NAME", "OS PID", "STATE"}}}
	all := s.Kernel.Teams()
	slices.SortFunc(all, func(a, b TeamInfo) int { return cmp.Compare(a.Number, b.Number) })
	for _, t := range all {
		l.rows = append(l.rows, []string{
			strconv.Itoa(int(t.Number)), t.Name, strconv.Itoa(t.OSPID), state[t.Alive],
		})
		l.objects = append(l.objects, object{t.Number, t.Name, t.OSPID, t.Alive})
	}
	return l
}

func (s *Server) stats() listing {
	counters := s.Kernel.Stats()
	l := pairs(counters)
	for name, value := range counters {
		l.rows = append(l.rows, []string{name, strconv.FormatUint(value, 10)})
	}
	slices.SortFunc(l.rows, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return l
}
