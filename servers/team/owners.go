package team

import (
	"context"
	"sync"
	"time"

	"vsys/ipc"
)

const (
	// probeInterval is how often an owner is asked whether it is there.
	probeInterval = time.Second
	// ownerPatience is how long an owner may be silent before it is taken to be
	// gone, so that its programs are within five seconds (design D12).
	ownerPatience = 4 * time.Second
)

// owners are the processes that programs are tied to. Each is watched by a
// goroutine of its own, since a silent one may take seconds. mu is taken before a
// program's own.
type owners struct {
	s      *Server
	life   context.Context // ends when no more is to be watched
	end    context.CancelFunc
	guards sync.WaitGroup

	mu  sync.Mutex
	all map[ipc.PID]*owner // guarded by mu
}

// owner is a process with its programs, one at least.
type owner struct {
	programs map[*running]bool // guarded by owners.mu
	stop     context.CancelFunc
}

func (o *owners) init(s *Server) {
	o.s, o.all = s, make(map[ipc.PID]*owner)
	o.life, o.end = context.WithCancel(context.Background())
}

// wait ends the watching and waits for that.
func (o *owners) wait() {
	o.end()
	o.guards.Wait()
}

// add ties a program to its owner.
func (o *owners) add(g *running) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.all[g.owner]
	if w == nil {
		ctx, stop := context.WithCancel(o.life)
		w = &owner{programs: make(map[*running]bool), stop: stop}
		o.all[g.owner] = w
		o.guards.Go(func() { o.guardLoop(ctx, g.owner) })
	}
	w.programs[g] = true
}

// remove unties a program that has ended. An owner without programs is not
// watched any more.
func (o *owners) remove(g *running) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.all[g.owner]
	if w == nil {
		return
	}
	delete(w.programs, g)
	if len(w.programs) == 0 {
		w.stop()
		delete(o.all, g.owner)
	}
}

// guardLoop watches one owner, and terminates its programs when it is gone. It
// ends then, or with ctx.
func (o *owners) guardLoop(ctx context.Context, pid ipc.PID) {
	p, err := o.s.team.NewProcess(ctx, "guard")
	if err != nil {
		o.s.log().Warn("owner is not watched", "peer", pid, "err", err)
		return
	}
	defer p.Destroy()
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for heard := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.SetDeadline(heard.Add(ownerPatience))
		switch code := ipc.CodeOf(p.ValidPID(pid)); {
		case code == ipc.OK:
			heard = time.Now()
		case isGone(code) || time.Since(heard) >= ownerPatience:
			o.lose(ctx, pid, code)
			return
		}
	}
}

// isGone tells whether ValidPID has said that a process is gone, or its host.
func isGone(c ipc.Code) bool {
	return c == ipc.NonexistentEntity || c == ipc.RetransTimeout || c == ipc.Unreachable
}

// lose terminates the programs of an owner that is gone. Those that are tied to
// it later find it gone again.
func (o *owners) lose(ctx context.Context, pid ipc.PID, why ipc.Code) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.all[pid]
	if w == nil || ctx.Err() != nil {
		return
	}
	delete(o.all, pid)
	w.stop()
	for g := range w.programs {
		o.s.log().Info("owner is gone", "id", g.id, "peer", pid, "code", why)
		g.terminate()
	}
}
