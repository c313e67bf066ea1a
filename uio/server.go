package uio

import (
	"context"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// Limits of a server that does not say.
const (
	DefaultMaxInstances = 4096
	DefaultMaxWorkers   = 256
	// DefaultProbeInterval is how often the owners of instances are asked
	// whether they are there.
	DefaultProbeInterval = 2 * time.Second
	// watchInterval is how often it is looked whether the clients of stream
	// operations have given up, unless owners are asked more often.
	watchInterval = time.Second
)

// OpenRequest is a request to open an object, checked.
type OpenRequest struct {
	*naming.Request
	Mode  Mode        // Check has passed
	Perm  fs.FileMode // permission bits of what Create makes
	Owner ipc.PID     // who the instance will belong to
}

// Server is the server's half of UIO and of the naming protocol. All fields are
// optional; they must not change while Serve runs. Its functions may block, and
// may be called by several goroutines at once; their ctx ends when the server
// stops. They may answer with an error as a [naming.Handler] does.
type Server struct {
	// Open opens the object of a name. The default answers RequestUnsupported.
	// The server checks r.Mode against the object: NotFound, IsAContext (not
	// opened with Directory), NotAContext (opened with Directory),
	// DuplicateName (Exclusive), NoPermission, ReadOnly, NotReadable,
	// NotWriteable.
	Open func(ctx context.Context, r *OpenRequest) (Object, error)

	// The other operations by name.
	naming.Handler

	// Other is shown every request that is not of UIO or naming, with what came
	// of its segment. It answers, forwards or keeps t and returns true, or
	// returns false without touching m, for the default, IllegalRequest. m and
	// segment are good until it returns.
	Other func(ctx context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool

	MaxInstances  int           // 0: DefaultMaxInstances
	MaxWorkers    int           // at least 16; 0: DefaultMaxWorkers
	ProbeInterval time.Duration // 0: DefaultProbeInterval; negative: owners are not asked
	Log           *slog.Logger  // nil: discard

	table table
}

func (s *Server) maxInstances() int {
	if s.MaxInstances > 0 {
		return s.MaxInstances
	}
	return DefaultMaxInstances
}

func (s *Server) maxWorkers() int {
	if s.MaxWorkers > 0 {
		return max(s.MaxWorkers, 2*reserve)
	}
	return DefaultMaxWorkers
}

func (s *Server) probeInterval() time.Duration {
	if s.ProbeInterval != 0 {
		return s.ProbeInterval
	}
	return DefaultProbeInterval
}

func (s *Server) watchInterval() time.Duration {
	if s.ProbeInterval > 0 {
		return min(s.ProbeInterval, watchInterval)
	}
	return watchInterval
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}

// Serve answers the requests to p until ctx ends or p is destroyed, which is the
// normal end and no error. It then destroys p, releases all instances and waits
// for its workers. It is called once.
//
// Prefixes are announced by the caller, with naming.AddPrefix, before it serves.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, p.Destroy)
	defer stop()
	s.table.init()
	c := newCrew(ctx, s, p)
	var loops sync.WaitGroup // they end with ctx; Serve waits for them
	loops.Go(func() { s.collectLoop(ctx, p.Team()) })
	loops.Go(func() { c.streams.watchLoop(ctx, s.watchInterval()) })
	err := c.run()
	p.Destroy()
	cancel()
	s.table.close()
	c.wait()
	loops.Wait()
	if ipc.CodeOf(err) == ipc.Aborted {
		return nil
	}
	return err
}

// Instances returns how many instances there are.
func (s *Server) Instances() int { return s.table.len() }

// Adopt makes an instance of an object that was not opened by name, such as the
// end of a pipe that a program is started with; the instance is of the process p
// that Serve has. It may be called before Serve. NoServerResources; Aborted:
// Serve has ended.
func (s *Server) Adopt(o Object, owner ipc.PID) (id uint32, err error) {
	in, err := s.table.add(o, owner, s.maxInstances())
	if err != nil {
		return 0, err
	}
	return in.id, nil
}
