package team

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// root is the context /team/HOST.
type root struct{ s *Server }

// Stat describes the context.
func (root) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o555}, nil
}

// find returns the running program of a name. NotFound.
func (r root) find(component string) (*running, error) {
	id, err := strconv.ParseUint(component, 10, 32)
	if err != nil || strconv.FormatUint(id, 10) != component {
		return nil, ipc.NotFound
	}
	return r.s.table.get(uint32(id))
}

// Lookup returns the program called component.
func (r root) Lookup(_ context.Context, component string) (uio.Node, error) {
	g, err := r.find(component)
	if err != nil {
		return nil, err
	}
	return node{g}, nil
}

// List describes the running programs.
func (r root) List(context.Context) ([]naming.Descriptor, error) {
	use := usages()
	var all []naming.Descriptor
	for _, g := range r.s.table.list() {
		all = append(all, g.descriptor(use[g.pid]))
	}
	return all, nil
}

// Remove terminates the program called component.
func (r root) Remove(_ context.Context, component string) error {
	g, err := r.find(component)
	if err == nil {
		g.terminate()
	}
	return err
}

// node is a running program by its name.
type node struct{ g *running }

// Stat describes the program as it is now.
func (n node) Stat(context.Context) (naming.Descriptor, error) {
	return n.g.descriptor(usages()[n.g.pid]), nil
}

// Open opens the program's description, to be read as text.
func (n node) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	switch {
	case r.Mode&uio.Write != 0:
		return nil, ipc.ReadOnly
	case r.Mode&uio.Execute != 0:
		return nil, ipc.NotExecutable
	}
	d := n.g.descriptor(usages()[n.g.pid])
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(d.Values)) {
		fmt.Fprintf(&b, "%-12s  %s\n", key, d.Values[key])
	}
	return uio.NewBytes([]byte(b.String()), d), nil
}

// name returns the program's name in the domain, as beta/17.
func (g *running) name() string { return fmt.Sprintf("%s/%d", g.s.team.Host(), g.id) }

// descriptor describes the program, which uses that much.
func (g *running) descriptor(u usage) naming.Descriptor {
	return naming.Descriptor{
		Tag: naming.TagProgram, Name: strconv.FormatUint(uint64(g.id), 10), Mode: 0o444,
		Modified: g.since, ID: uint64(g.id), Owner: g.s.hostName(g.owner),
		Values: map[string]string{
			"program": g.path, "argv": g.argvText,
			"dir": g.dir, "job": g.name(), "pid": strconv.Itoa(g.pid),
			"owner": g.owner.Name(g.s.team.HostName(g.owner.Host())), "origin": g.origin(),
			"keep": strconv.FormatBool(g.keep), "guest": strconv.FormatBool(g.guest()),
			"state": g.state(u), "since": g.since.UTC().Format(time.RFC3339),
			"cpu_ms":       strconv.FormatInt(u.cpu.Milliseconds(), 10),
			"memory_bytes": strconv.FormatUint(u.memory, 10),
			"processes":    strconv.Itoa(u.processes),
		},
	}
}

// state says what the program does, as people read it.
func (g *running) state(u usage) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.reaped:
		return "ended, output to be written"
	case g.dying:
		return "terminating"
	case u.stopped:
		return "stopped"
	}
	return "running"
}

// queryTeam answers OpQueryTeam.
func (s *Server) queryTeam(id uint32) ([]byte, error) {
	g, err := s.table.get(id)
	if err != nil {
		return nil, err
	}
	d := g.descriptor(usages()[g.pid])
	return d.Append(nil)
}

// hostName returns the name of pid's host, or its number if it has none.
func (s *Server) hostName(pid ipc.PID) string {
	if name := s.team.HostName(pid.Host()); name != "" {
		return name
	}
	return strconv.Itoa(int(pid.Host()))
}
