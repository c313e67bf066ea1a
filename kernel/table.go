package kernel

import (
	"iter"
	"sync/atomic"

	"vsys/ipc"
)

// processTable finds the processes of a team by number, without a lock. It
// grows by chunks and never shrinks. add and remove are guarded by Kernel.mu.
type processTable struct {
	chunks [256]atomic.Pointer[[256]atomic.Pointer[Process]]
	last   uint16 // number that was given last
	count  int
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
	if p := chunk[n&255].Load(); p != nil && p.pid == pid {
		return p
	}
	return nil
}

// add gives p a number, the given one unless it is 0, and enters it. Numbers
// are given in turn, so that one comes back as late as can be. Codes:
// NoServerResources, DuplicateName.
func (t *processTable) add(p *Process, base ipc.PID, number uint16) ipc.Code {
	if number != 0 {
		slot := t.slot(number)
		if slot.Load() != nil {
			return ipc.DuplicateName
		}
		p.pid = base.WithProcess(number)
		slot.Store(p)
		t.count++
		return ipc.OK
	}
	for range 1 << 16 {
		if t.last++; t.last < firstNumber {
			t.last = firstNumber
		}
		if slot := t.slot(t.last); slot.Load() == nil {
			p.pid = base.WithProcess(t.last)
			slot.Store(p)
			t.count++
			return ipc.OK
		}
	}
	return ipc.NoServerResources
}

func (t *processTable) slot(number uint16) *atomic.Pointer[Process] {
	c := &t.chunks[number>>8]
	if c.Load() == nil {
		c.Store(new([256]atomic.Pointer[Process]))
	}
	return &c.Load()[number&255]
}

// remove takes p out.
func (t *processTable) remove(p *Process) {
	t.slot(p.pid.Process()).Store(nil)
	t.count--
}

// all yields the processes that are there.
func (t *processTable) all() iter.Seq[*Process] {
	return func(yield func(*Process) bool) {
		for i := range t.chunks {
			chunk := t.chunks[i].Load()
			if chunk == nil {
				continue
			}
			for j := range chunk {
				if p := chunk[j].Load(); p != nil && !yield(p) {
					return
				}
			}
		}
	}
}
