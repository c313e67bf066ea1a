package pipe

import (
	"context"
	"log/slog"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

const (
	// maxEnds is how many ends may be open.
	maxEnds = 2 * MaxPipes
	// maxWorkers lets each end have a worker that waits.
	maxWorkers = maxEnds + 64
)

// Server is a pipe server. No field may change while it serves.
type Server struct {
	Log *slog.Logger // nil: discard

	uio  uio.Server
	root root
}

// Prefix returns the prefix of the pipes of the host called name.
func Prefix(name string) string { return "/pipe/" + name }

// Serve announces the prefix of p's host and answers the requests to p until ctx
// ends or p is destroyed, which is no error; what waits then has Aborted. It
// destroys p. It is called once. Codes: those of naming.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	if err := naming.AddPrefix(p, Prefix(p.Team().Host()), naming.DefaultContext); err != nil {
		return err
	}
	s.root.pipes = make(map[string]*pipe)
	tree := uio.Tree{Root: &s.root}
	tree.Install(&s.uio)
	s.uio.MaxInstances, s.uio.MaxWorkers = maxEnds, maxWorkers
	s.uio.Log = s.Log
	return s.uio.Serve(ctx, p)
}
