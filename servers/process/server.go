package process

import (
	"context"
	"log/slog"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Server is a process server. Domain and Kernel must be set, and no field may
// change while it serves.
type Server struct {
	Domain naming.Domain // the hosts and prefixes
	Kernel Kernel        // what the tree shows
	Keeper Keeper        // of the domain's keys; nil: there are none
	Log    *slog.Logger  // nil: discard
}

// Prefix returns the prefix of the tree of the host called name.
func Prefix(name string) string { return "/proc/" + name }

// Serve joins the group of kernel servers, announces the tree, and answers the
// requests to p until ctx ends or p is destroyed, which is no error. It destroys
// p. It is called once. Codes: those of JoinGroup and of Domain.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	prefix := naming.Prefix{
		Name: Prefix(p.Team().Host()), Server: p.PID(), Context: naming.DefaultContext,
		Host: p.PID().Host(), HostName: p.Team().Host(),
	}
	if err := p.JoinGroup(ipc.CSNHGroup); err != nil {
		return err
	}
	if err := s.Domain.AddPrefix(prefix); err != nil {
		return err
	}
	// The prefix may be gone with the host's others; it is not missed.
	defer func() { _ = s.Domain.DeletePrefix(prefix.Name, prefix.Server) }()
	server := uio.Server{Other: s.other, Log: s.Log}
	tree := uio.Tree{Root: root{s}}
	tree.Install(&server)
	return server.Serve(ctx, p)
}

// other answers what is asked of kernel servers only.
func (s *Server) other(_ context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	return serveKeeper(s.Keeper, p, m, t, segment) || naming.ServeDomain(s.Domain, p, m, t, segment)
}
