package team

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
	"vsys/uio"
)

// DefaultMaxPrograms is how many programs a server runs at a time that does not
// say.
const DefaultMaxPrograms = 512

// Server is a team server. All fields are optional; none may change while it
// serves.
type Server struct {
	// MapPath returns the path, in the host's Unix file system, of a V name that
	// is one of this host's Unix files. nil: there are none.
	MapPath func(name string) (path string, ok bool)
	// Program is the path of V's own program on this host, which is started where
	// program.Own is asked for. "": it is looked for like others.
	Program string
	// Socket is where programs join the host (kernel.Join). "": nowhere.
	Socket      string
	MaxPrograms int          // that run at a time; 0: DefaultMaxPrograms
	Log         *slog.Logger // nil: discard

	names    *naming.Client
	team     ipc.Team
	table    table
	owners   owners
	own      spawner // of programs that were started from this host
	guests   spawner // of those from others
	identity ipc.PID // of the process that serves
}

func (s *Server) maxPrograms() int {
	if s.MaxPrograms > 0 {
		return s.MaxPrograms
	}
	return DefaultMaxPrograms
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (s *Server) mapPath(name string) (string, bool) {
	if s.MapPath == nil {
		return "", false
	}
	return s.MapPath(name)
}

// Serve joins the group of team servers, announces the names, and answers the
// requests to p until ctx ends or p is destroyed, which is no error. Then it
// destroys p, ends all programs and waits for them. It is called once. Codes:
// those of JoinGroup and naming.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	s.team, s.identity = p.Team(), p.PID()
	if err := p.JoinGroup(ipc.TeamServerGroup); err != nil {
		return err
	}
	if err := naming.AddPrefix(p, program.Prefix(s.team.Host()), naming.DefaultContext); err != nil {
		return err
	}
	heedSignals()
	s.names = naming.NewClient(s.team)
	defer s.names.Close()
	s.table.init(s.maxPrograms())
	s.owners.init(s)
	s.own.start(0)
	defer s.own.stop()
	s.guests.start(guestNice)
	defer s.guests.stop()
	server := uio.Server{Other: s.other, Log: s.Log}
	tree := uio.Tree{Root: root{s}}
	tree.Install(&server)
	err := server.Serve(ctx, p)
	s.table.endAll()
	s.owners.wait()
	return err
}

// heedSignals sees to it that programs don't inherit signals as ignored where
// this program was started so, as a shell without job control does with &: what
// is heeded here is back to the default in them. It is for the life of this
// program, to which such signals still do nothing: other servers may be in it.
func heedSignals() {
	heard := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			signal.Notify(heard, sig)
		}
	}
}

// other answers the requests of the program protocol.
func (s *Server) other(ctx context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	switch m.Op() {
	case program.OpLoad:
		s.load(ctx, p, m, t, segment)
	case program.OpFind:
		s.find(p, m, t, segment)
	case program.OpWait:
		s.wait(p, m, t)
	case program.OpSignal:
		s.reply(p, m, t, nil, s.signal(m.Uint32(4), syscall.Signal(m.Uint32(8))))
	case program.OpTerminate:
		s.reply(p, m, t, nil, s.terminate(m.Uint32(4)))
	case program.OpQueryTeam:
		data, err := s.queryTeam(m.Uint32(4))
		s.reply(p, m, t, data, err)
	case program.OpQueryHost:
		data, err := s.queryHost(ctx)
		s.reply(p, m, t, data, err)
	default:
		return false
	}
	return true
}

// reply answers t with data, or with why not.
func (s *Server) reply(p ipc.Process, m *ipc.Message, t ipc.Transaction, data []byte, err error) {
	if err == nil && len(data) > m.Capacity() {
		err = ipc.BadReplySegment
	}
	if err != nil {
		data = nil
	}
	idempotent := m.Op() == program.OpQueryTeam || m.Op() == program.OpQueryHost
	m.Reset()
	if idempotent {
		m.Set(ipc.FlagDGM)
	}
	m.SetCode(naming.CodeOf(err))
	s.send(p, m, t, data)
}

// send replies m as it is. It tells whether there was somebody to answer.
func (s *Server) send(p ipc.Process, m *ipc.Message, t ipc.Transaction, data []byte) bool {
	err := p.Reply(m, t, data)
	if err != nil {
		s.log().Debug("reply", "peer", t.Client, "code", ipc.CodeOf(err))
	}
	return err == nil
}

// running returns a program that runs; nil if it has ended and is remembered.
// NotFound: nobody knows it.
func (s *Server) running(id uint32) (*running, error) {
	g, err := s.table.get(id)
	if err != nil {
		if _, ok := s.table.ending(id); ok {
			return nil, nil
		}
	}
	return g, err
}

// lastSignal is the highest signal of Linux.
const lastSignal = 64

// signal sends a signal to the group of a program; to one that has ended it does
// nothing. NotFound as running; BadArgs.
func (s *Server) signal(id uint32, sig syscall.Signal) error {
	if sig < 1 || sig > lastSignal {
		return ipc.BadArgs
	}
	g, err := s.running(id)
	if g == nil {
		return err
	}
	if sig == syscall.SIGTSTP { // which Linux discards where there is no terminal
		sig = syscall.SIGSTOP
	}
	return g.signal(sig)
}

// terminate begins to end a program. NotFound as running.
func (s *Server) terminate(id uint32) error {
	g, err := s.running(id)
	if g != nil {
		g.terminate()
	}
	return err
}

// wait answers when the program has ended.
func (s *Server) wait(p ipc.Process, m *ipc.Message, t ipc.Transaction) {
	id := m.Uint32(4)
	g, err := s.table.get(id)
	if err == nil {
		err = g.addWaiter(p, t)
	} else if e, ok := s.table.ending(id); ok {
		e.Put(m, id)
		s.send(p, m, t, nil)
		return
	}
	if err != nil {
		s.reply(p, m, t, nil, err)
	}
}
