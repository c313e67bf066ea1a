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
	var after ipc.PID // the owner asked last
	patrol(ctx, s.probeInterval(), s.table.filled, s.table.len, func() { after = s.collect(p, after) })
}

// patrol calls round every interval from when filled holds an element until
// there is nothing left to look at, over and over. It ends with ctx.
func patrol(ctx context.Context, interval time.Duration, filled <-chan struct{}, left func() int, round func()) {
	tick := time.NewTimer(interval)
	defer tick.Stop()
	for {
		select {
		case <-filled:
		case <-ctx.Done():
			return
		}
		for left() > 0 {
			tick.Reset(interval)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			round()
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
