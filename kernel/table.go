package kernel

import (
	"iter"
	"sync/atomic"

	"vsys/ipc"
)

// processTable finds the processes of a team by number, without a lock. It
// grows by chunks and never shrinks. add and remove are guarded by Kernel.mu.
type processTable struct {
	chunks [256]atomic.Pointer[processChunk]
	last   uint16 // number that was given last
}

// processChunk is 256 consecutive numbers.
type processChunk struct {
	slots [256]atomic.Pointer[Process]
	live  atomic.Int32 // the slots that are taken
}

// firstNumber is the lowest number given to a process that asks for none: those
// below are for servers that are known by number.
const firstNumber = 16

// lookup returns the process with the identifier pid, nil if there is none.
func (t *processTable) lookup(pid ipc.PID) *Process {
	n := pid.Process()
	chunk := t.chunks[n>>8].Load()
	if chunk == nil {
		return nil
	}
	if p := chunk.slots[n&255].Load(); p != nil && p.pid == pid {
		return p
	}
	return nil
}

// add gives p a number, the given one unless it is 0, and enters it. Numbers
// are given in turn, so that one comes back as late as can be. Codes:
// NoServerResources, DuplicateName.
func (t *processTable) add(p *Process, base ipc.PID, number uint16) ipc.Code {
	if number != 0 {
		if !t.enter(p, base, number) {
			return ipc.DuplicateName
		}
		return ipc.OK
	}
	for range 1 << 16 {
		if t.last++; t.last < firstNumber {
			t.last = firstNumber
		}
		if t.enter(p, base, t.last) {
			return ipc.OK
		}
	}
	return ipc.NoServerResources
}

// enter gives p that number unless it is taken.
func (t *processTable) enter(p *Process, base ipc.PID, number uint16) bool {
	c := t.chunks[number>>8].Load()
	if c == nil {
		c = new(processChunk)
		t.chunks[number>>8].Store(c)
	}
	if c.slots[number&255].Load() != nil {
		return false
	}
	p.pid = base.WithProcess(number)
	c.slots[number&255].Store(p)
	c.live.Add(1)
	return true
}

// remove takes p out.
func (t *processTable) remove(p *Process) {
	c := t.chunks[p.pid.Process()>>8].Load()
	c.slots[p.pid.Process()&255].Store(nil)
	c.live.Add(-1)
}

// all yields the processes that are there.
func (t *processTable) all() iter.Seq[*Process] {
	return func(yield func(*Process) bool) {
		for i := range t.chunks {
			chunk := t.chunks[i].Load()
			if chunk == nil || chunk.live.Load() == 0 {
				continue
			}
			for j := range chunk.slots {
				if p := chunk.slots[j].Load(); p != nil && !yield(p) {
					return
				}
			}
		}
	}
}
