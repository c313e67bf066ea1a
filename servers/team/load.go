package team

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
)

// load answers OpLoad.
func (s *Server) load(ctx context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) {
	r, spec, err := readSpec(p, m, t, segment)
	var g *running
	if err == nil {
		g, err = s.start(ctx, spec, r.ArgPID(0), t.Client)
	}
	if err != nil {
		s.refuse(p, m, t, r, err)
		return
	}
	program.PutLoaded(m, g.id, uint32(g.pid))
	if !s.send(p, m, t, nil) { // the client has given up, and does not know of it
		g.terminate()
	}
}

// find answers OpFind.
func (s *Server) find(p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) {
	room := m.Capacity()
	r, spec, err := readSpec(p, m, t, segment)
	var path string
	if err == nil {
		path, err = s.findPath(spec)
	}
	if err == nil && len(path) > room {
		err = ipc.BadReplySegment
	}
	if err != nil {
		s.refuse(p, m, t, r, err)
		return
	}
	m.Reset()
	m.Set(ipc.FlagDGM)
	s.send(p, m, t, []byte(path))
}

// findPath returns the Unix path of the program that spec names.
func (s *Server) findPath(spec *program.Spec) (string, error) {
	dir, no := s.directory(spec.Dir)
	if no != nil {
		return "", no
	}
	path, no := s.locate(spec, dir)
	if no != nil {
		return "", no
	}
	return path, nil
}

// readSpec reads the request of OpLoad and OpFind: the name, and the encoded
// Spec after it, of which what did not come with the request is fetched.
func readSpec(p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) (*naming.Request, *program.Spec, error) {
	r, err := naming.ParseRequest(m, segment)
	if err != nil {
		return r, nil, err
	}
	size := int(r.Arg32(8))
	if r.Context != naming.DefaultContext || r.Rest() != "." {
		return r, nil, ipc.NotAContext
	}
	if size > program.MaxSpec || len(r.Name)+size != m.SegmentSize() {
		return r, nil, ipc.BadArgs
	}
	data := make([]byte, size)
	have := copy(data, r.Data)
	if have < size {
		if err := p.MoveFrom(t, data[have:], len(r.Name)+have); err != nil {
			return r, nil, err
		}
	}
	spec, err := program.DecodeSpec(data)
	return r, spec, err
}

// refuse answers that the program is not started.
func (s *Server) refuse(p ipc.Process, m *ipc.Message, t ipc.Transaction, r *naming.Request, err error) {
	no := &program.Refusal{Code: naming.CodeOf(err)}
	errors.As(err, &no)
	program.PutRefusal(m, len(r.Name), no)
	s.send(p, m, t, nil)
}

// start starts the program of spec. Its errors are *program.Refusal, or say that
// there is no room.
func (s *Server) start(ctx context.Context, spec *program.Spec, owner, client ipc.PID) (*running, error) {
	if owner.IsGroup() {
		return nil, ipc.BadArgs
	}
	id, err := s.table.reserve()
	if err != nil {
		return nil, err
	}
	g := &running{
		s: s, id: id, dir: spec.Dir, keep: spec.Keep, argvText: argvText(argv(spec)),
		owner: cmp.Or(owner, client), client: client, since: time.Now(),
	}
	if err := g.start(ctx, spec); err != nil {
		s.table.giveUp()
		return nil, err
	}
	s.log().Info("program started", "id", id, "pid", g.pid, "path", g.path, "peer", client)
	return g, nil
}

func (g *running) start(ctx context.Context, spec *program.Spec) error {
	dir, no := g.s.directory(spec.Dir)
	if no != nil {
		return no
	}
	if g.path, no = g.s.locate(spec, dir); no != nil {
		return no
	}
	g.names = naming.NewClient(g.s.team)
	if no = g.plumb.open(ctx, g.names, spec); no != nil {
		g.names.Close()
		return no
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: g.environment(spec.Env), Files: g.plumb.files()}
	c := g.s.spawn(g.guest(), g.path, argv(spec), attr)
	if c.err != nil {
		g.plumb.undo()
		g.names.Close()
		return refuse(program.PartProgram, startError(c.err))
	}
	g.pid, g.pidfd = c.pid, c.pidfd
	g.plumb.closeChild()
	life, cancel := context.WithCancel(context.Background())
	g.over = func() { cancel(); g.names.Close() }
	g.plumb.run(life)
	g.s.table.add(g)
	if !g.keep {
		g.s.owners.add(g)
	}
	g.s.table.life.Go(g.lifeLoop)
	return nil
}

// startError returns what Linux meant by refusing to run a file that is there.
func startError(err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT): // what the first line of the script names
		return ipc.NotExecutable
	case errors.Is(err, syscall.EACCES):
		return ipc.NoPermission
	case errors.Is(err, syscall.E2BIG):
		return ipc.BadArgs
	case errors.Is(err, syscall.EAGAIN):
		return ipc.NoServerResources
	}
	return err
}

// guest tells whether the program was started from another host.
func (g *running) guest() bool { return g.client.Host() != g.s.identity.Host() }

// argv returns the arguments, with the program's own name.
func argv(spec *program.Spec) []string {
	if len(spec.Args) > 0 {
		return spec.Args
	}
	return []string{spec.Path}
}

// maxArgvText bounds the arguments in a descriptor, in octets.
const maxArgvText = 4096

// argvText returns the arguments to be shown.
func argvText(args []string) string {
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a[:min(len(a), maxArgvText-b.Len())])
		if b.Len() >= maxArgvText-1 {
			break
		}
	}
	return b.String()
}

// environment returns the program's environment: what was given, or else the
// server's own, and where it runs, which program of the host it is, from which
// host it was started, in which context, and how it joins the host.
func (g *running) environment(given []string) []string {
	if len(given) == 0 {
		given = os.Environ()
	}
	ours := []string{
		"VSYS_HOST=" + g.s.team.Host(), "VSYS_JOB=" + g.name(), "VSYS_ORIGIN=" + g.origin(),
		"VSYS_DIR=" + g.dir, "VSYS_HOST_SOCKET=" + g.s.Socket,
	}
	env := make([]string, 0, len(given)+len(ours))
	for _, e := range given {
		name, _, _ := strings.Cut(e, "=")
		if !slices.ContainsFunc(ours, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			env = append(env, e)
		}
	}
	return append(env, ours...)
}

// origin returns the name of the host that the program was started from, or its
// number where the name is not known.
func (g *running) origin() string { return g.s.hostName(g.client) }
