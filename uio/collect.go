package uio

import (
	"context"
	"time"

	"vsys/ipc"
)

// maxProbes bounds how many owners are asked in one round.
const maxProbes = 64

// collectLoop asks the owners of instances, a few at a time, whether they are
// there, and releases what the dead have left. It does nothing while there are
// no instances. It ends with ctx.
func (s *Server) collectLoop(ctx context.Context, team ipc.Team) {
	if s.probeInterval() < 0 {
		return
	}
	p, err := team.NewProcess(ctx, "collector")
	if err != nil {
		s.log().Warn("no process to ask owners with", "code", ipc.CodeOf(err))
		return
	}
	defer p.Destroy()
	tick := time.NewTimer(s.probeInterval())
	defer tick.Stop()
	var after ipc.PID // the owner asked last
	for {
		select {
		case <-s.table.filled:
		case <-ctx.Done():
			return
		}
		for s.table.len() > 0 {
			tick.Reset(s.probeInterval())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			after = s.collect(p, after)
		}
	}
}

// collect asks some owners, those after the given one first, and returns the one
// it asked last.
func (s *Server) collect(p ipc.Process, after ipc.PID) ipc.PID {
	owners := s.table.owners()
	first := 0
	for first < len(owners) && owners[first] <= after {
		first++
	}
	for i := range min(len(owners), maxProbes) {
		after = owners[(first+i)%len(owners)]
		switch ipc.CodeOf(p.ValidPID(after)) {
		case ipc.NonexistentEntity, ipc.RetransTimeout:
			n := s.table.releaseOf(after)
			s.log().Info("collected instances of a dead owner", "pid", after, "instances", n)
		case ipc.Aborted:
			return after
		}
	}
	return after
}
