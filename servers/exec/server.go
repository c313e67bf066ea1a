package exec

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// probeInterval is how often executives are asked whether they are there.
const probeInterval = 2 * time.Second

// Server is an exec server. No field may change while it serves.
type Server struct {
	Log *slog.Logger // nil: discard

	mu    sync.Mutex           // guards below
	last  uint32               // the id given last
	all   map[uint32]Executive // by id
	first chan struct{}        // holds an element when an executive came where there was none
}

// Serve announces the names and answers the requests to p until ctx ends or p is
// destroyed, which is no error. It destroys p. It is called once. Codes: those of
// naming.AddPrefix.
func (s *Server) Serve(ctx context.Context, p ipc.Process) error {
	defer p.Destroy()
	s.all, s.first = make(map[uint32]Executive), make(chan struct{}, 1)
	if err := naming.AddPrefix(p, Prefix(p.Team().Host()), naming.DefaultContext); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	prober, err := p.Team().NewProcess(ctx, "exec probe")
	if err != nil {
		cancel()
		return err
	}
	defer prober.Destroy()
	var probing sync.WaitGroup
	probing.Go(func() { s.probeLoop(ctx, prober) }) // ends with ctx
	server := uio.Server{Other: s.other, Log: s.Log}
	tree := uio.Tree{Root: root{s}}
	tree.Install(&server)
	err = server.Serve(ctx, p)
	cancel()
	probing.Wait()
	return err
}

// other answers the requests of executives.
func (s *Server) other(_ context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	id, err := m.Uint32(4), error(nil)
	switch m.Op() {
	case OpRegister:
		id, err = s.register(p.PID(), t.Client, segment)
	case OpUpdate:
		err = s.update(id, t.Client, segment)
	case OpDeregister:
		err = s.deregister(id, t.Client)
	case OpInterrupt:
		var e Executive
		if e, err = s.get(id); err == nil {
			err = p.Forward(m, t, e.PID)
		}
		if err == nil {
			return true // the executive answers
		}
	default:
		return false
	}
	m.Reset()
	m.SetCode(naming.CodeOf(err))
	m.PutUint32(4, id)
	_ = p.Reply(m, t, nil) // who has given up is found gone
	return true
}

// read reads what the executive of process client says of itself.
func read(client ipc.PID, segment []byte) (Executive, error) {
	d, rest, err := naming.DecodeDescriptor(segment)
	if err != nil || len(rest) > 0 {
		return Executive{}, ipc.BadArgs
	}
	e, err := ExecutiveOf(&d)
	if err == nil && !e.PID.SameTeam(client) {
		err = ipc.NoPermission
	}
	return e, err
}

// register takes an executive of this host. NoPermission: it is of another, or
// not the client's; NoServerResources; BadArgs.
func (s *Server) register(self, client ipc.PID, segment []byte) (uint32, error) {
	e, err := read(client, segment)
	if err != nil {
		return 0, err
	}
	if e.PID.Host() != self.Host() {
		return 0, ipc.NoPermission
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= MaxExecutives {
		return 0, ipc.NoServerResources
	}
	s.last++
	e.ID, e.Since = s.last, time.Now()
	s.all[e.ID] = e
	select {
	case s.first <- struct{}{}:
	default:
	}
	return e.ID, nil
}

// update replaces what an executive has said. NotFound, NoPermission, BadArgs.
func (s *Server) update(id uint32, client ipc.PID, segment []byte) error {
	e, err := read(client, segment)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.all[id]
	switch {
	case !ok:
		return ipc.NotFound
	case old.PID != e.PID:
		return ipc.NoPermission
	}
	e.ID, e.Since = id, old.Since
	s.all[id] = e
	return nil
}

// deregister forgets an executive. NotFound, NoPermission.
func (s *Server) deregister(id uint32, client ipc.PID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.all[id]
	switch {
	case !ok:
		return ipc.NotFound
	case !e.PID.SameTeam(client):
		return ipc.NoPermission
	}
	delete(s.all, id)
	return nil
}

// get returns an executive. NotFound.
func (s *Server) get(id uint32) (Executive, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.all[id]
	if !ok {
		return e, ipc.NotFound
	}
	return e, nil
}

// list returns the executives, by id.
func (s *Server) list() []Executive {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Executive, 0, len(s.all))
	for _, e := range s.all {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Executive) int { return int(a.ID) - int(b.ID) })
	return list
}

// probeLoop forgets executives whose process is gone. While there are none it
// sleeps. It ends with ctx.
func (s *Server) probeLoop(ctx context.Context, p ipc.Process) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		var work <-chan time.Time
		list := s.list()
		if len(list) > 0 {
			work = tick.C
		}
		select {
		case <-ctx.Done():
			return
		case <-s.first:
			continue
		case <-work:
		}
		for _, e := range list {
			p.SetDeadline(time.Now().Add(probeInterval))
			if ipc.CodeOf(p.ValidPID(e.PID)) == ipc.NonexistentEntity {
				_ = s.deregister(e.ID, e.PID) // it may have done so itself
			}
		}
	}
}
