package kernel

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp"
	"vsys/vmtp/packet"
)

// The operations between kernels that move a segment (docs/wire/segment.md).
// They are addressed to the management module of the client's team, which the
// co-resident entity names, and idempotent.
//
//	octet of the message
//	 4    8   the client whose segment it is (co-resident entity)
//	12    4   its Transaction
//	16    4   offset in the segment
//	20    4   octets
const (
	opMoveFrom = ipc.Op(ipc.InterfaceSegment<<8 | 1) // reply: the octets
	opMoveTo   = ipc.Op(ipc.InterfaceSegment<<8 | 2) // with the octets as segment
)

// MoveFrom copies out of the client's segment; see ipc.Process.
func (p *Process) MoveFrom(t ipc.Transaction, dst []byte, off int) error {
	return p.move("ipc.MoveFrom", opMoveFrom, t, dst, off)
}

// MoveTo copies into the client's segment; see ipc.Process.
func (p *Process) MoveTo(t ipc.Transaction, off int, src []byte) error {
	return p.move("ipc.MoveTo", opMoveTo, t, src, off)
}

func (p *Process) move(op string, what ipc.Op, t ipc.Transaction, memory []byte, off int) error {
	code := ipc.NonexistentEntity
	switch {
	case off < 0 || off > ipc.MaxSegment || len(memory) > ipc.MaxSegment:
		code = ipc.BadArgs
	case t.Client.SameTeam(p.pid) && p.clientAwaits(t):
		code = p.moveLocal(what, t, memory, off)
	case p.AwaitingReply(t):
		code = p.moveRemote(what, t, memory, off)
	}
	if code != ipc.OK {
		return p.fail(op, t.Client, code)
	}
	return nil
}

// moveLocal copies between two processes of the team.
func (p *Process) moveLocal(what ipc.Op, t ipc.Transaction, memory []byte, off int) ipc.Code {
	c := p.k.processes.lookup(t.Client)
	if c == nil {
		return ipc.NonexistentEntity
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != AwaitingReply || !c.owes(t, p.pid) {
		return ipc.NonexistentEntity
	}
	return c.moveSegment(what, memory, off)
}

// moveSegment copies between memory and the segment that p grants. p.mu is held.
func (p *Process) moveSegment(what ipc.Op, memory []byte, off int) ipc.Code {
	segment := p.sending.segment.Read
	if what == opMoveTo {
		segment = p.sending.segment.Write
	}
	if off > len(segment) || len(memory) > len(segment)-off {
		return ipc.NoPermission
	}
	if what == opMoveTo {
		copy(segment[off:], memory)
	} else {
		copy(memory, segment[off:])
	}
	return ipc.OK
}

// moveLimit bounds the wait for the client's kernel: its team may be stopped while
// its host answers for it.
const moveLimit = vmtp.LostAfter

// moveRemote copies by requests to the client's kernel, a packet group each.
func (p *Process) moveRemote(what ipc.Op, t ipc.Transaction, memory []byte, off int) ipc.Code {
	mover, err := p.k.mover()
	if err != nil {
		return ipc.CodeOf(err)
	}
	defer p.k.release(mover)
	for len(memory) > 0 {
		part := memory[:min(len(memory), ipc.MaxAppended)]
		m, s := moveRequest(what, t, part, off)
		mover.SetDeadline(time.Now().Add(moveLimit))
		if _, err := mover.Send(&m, ipc.ManagerGroup, s); err != nil {
			return ipc.CodeOf(err)
		}
		if m.Code() != ipc.OK {
			return m.Code()
		}
		if what == opMoveFrom && m.SegmentSize() != len(part) {
			return ipc.BadReplySegment
		}
		memory, off = memory[len(part):], off+len(part)
	}
	return ipc.OK
}

// moveRequest returns the Request for a move of at most a packet group.
func moveRequest(what ipc.Op, t ipc.Transaction, part []byte, off int) (m ipc.Message, s ipc.Segment) {
	m.SetOp(what)
	m.Set(ipc.FlagCRE)
	m.PutPID(4, t.Client)
	m.PutUint32(12, t.ID)
	m.PutUint32(16, uint32(off))
	m.PutUint32(20, uint32(len(part)))
	if what == opMoveTo {
		return m, ipc.Segment{Read: part}
	}
	return m, ipc.Segment{Write: part}
}

// mover returns a process of the kernel's own, for one move.
func (k *Kernel) mover() (*Process, error) {
	k.mu.Lock()
	if n := len(k.movers); n > 0 {
		p := k.movers[n-1]
		k.movers = k.movers[:n-1]
		k.mu.Unlock()
		return p, nil
	}
	k.mu.Unlock()
	return k.newProcess(k.ctx, "mover", 0)
}

func (k *Kernel) release(mover *Process) {
	const spare = 16
	k.mu.Lock()
	keep := len(k.movers) < spare && !k.closed
	if keep {
		k.movers = append(k.movers, mover)
	}
	k.mu.Unlock()
	if !keep {
		mover.Destroy()
	}
}

// manageLocked answers a Request to the team's management module that is not
// VMTP's own: a move of a segment that one of the team's processes grants.
func (k *Kernel) manageLocked(now time.Duration, r *vmtp.Remote) {
	var answer ipc.Message
	code, data := k.moveFor(&r.Message, r.Data)
	answer.SetCode(code)
	answer.Set(ipc.FlagDGM)
	answer.SetSegmentSize(len(data))
	k.endpoint.Reply(now, r, &answer, data)
}

// moveFor does a move for another team: authorised by the transaction that it
// names, within the segment that the client granted. It returns what was moved
// out.
func (k *Kernel) moveFor(m *ipc.Message, data []byte) (ipc.Code, []byte) {
	op := m.Op()
	if op != opMoveFrom && op != opMoveTo {
		return ipc.IllegalRequest, nil
	}
	c := k.processes.lookup(m.PID(4))
	if c == nil {
		return ipc.NonexistentEntity, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.sending
	if c.state != AwaitingReply || t.local || t.id != m.Uint32(12) {
		return ipc.NonexistentEntity, nil
	}
	off, n := int(m.Uint32(16)), int(m.Uint32(20))
	if off > ipc.MaxSegment || n > ipc.MaxAppended || op == opMoveTo && n != len(data) {
		return ipc.BadArgs, nil
	}
	if op == opMoveTo {
		return c.moveSegment(op, data, off), nil
	}
	out := make([]byte, n)
	code := c.moveSegment(op, out, off)
	if code != ipc.OK {
		return code, nil
	}
	return ipc.OK, out
}

// ValidPID asks whether the process pid exists; see ipc.Process.
func (p *Process) ValidPID(pid ipc.PID) error {
	const op = "ipc.ValidPID"
	if pid.SameTeam(p.pid) {
		if p.k.processes.lookup(pid) == nil {
			return p.fail(op, pid, ipc.NonexistentEntity)
		}
		return nil
	}
	if pid.IsGroup() || pid == 0 {
		return p.fail(op, pid, ipc.BadArgs)
	}
	probe := packet.Probe{CREntity: pid, Entity: pid}
	h := probe.Header(p.pid, 0)
	asker, err := p.k.newProcess(p.ctx, "probe", 0)
	if err != nil {
		return err
	}
	defer asker.Destroy()
	p.mu.Lock()
	asker.deadline = p.deadline
	p.asker = asker
	dead := p.state == Dead
	p.mu.Unlock()
	if dead {
		return p.fail(op, pid, ipc.Aborted)
	}
	if _, err := asker.Send(&h.Message, ipc.ManagerGroup, ipc.Segment{}); err != nil {
		return p.fail(op, pid, ipc.CodeOf(err))
	}
	if a := packet.ProbeAnswerOf(&h); a.Code != ipc.OK {
		return p.fail(op, pid, a.Code)
	}
	return nil
}
