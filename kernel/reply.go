package kernel

import (
	"slices"

	"vsys/ipc"
)

// Reply answers t; see ipc.Process.
func (p *Process) Reply(m *ipc.Message, t ipc.Transaction, data []byte) error {
	const op = "ipc.Reply"
	if len(data) > ipc.MaxAppended {
		return p.fail(op, t.Client, ipc.BadArgs)
	}
	m.Clear(^ipc.FlagDGM)
	code := ipc.NonexistentEntity
	if t.Client.SameTeam(p.pid) {
		code = p.replyLocal(m, t, data)
	}
	if code == ipc.NonexistentEntity {
		// Also what a process of this team sent elsewhere and was forwarded back.
		code = p.replyRemote(m, t, data)
	}
	if code != ipc.OK {
		return p.fail(op, t.Client, code)
	}
	return nil
}

func (p *Process) replyLocal(m *ipc.Message, t ipc.Transaction, data []byte) ipc.Code {
	c := p.k.processes.lookup(t.Client)
	if c == nil {
		return ipc.NonexistentEntity
	}
	if t.Server.IsGroup() {
		return p.replyToGroupSend(c, m, t, data)
	}
	c.mu.Lock()
	if !c.awaits(t.ID, p.pid) {
		c.mu.Unlock()
		return ipc.NonexistentEntity
	}
	if len(data) > len(c.sending.segment.Write) {
		c.mu.Unlock()
		return ipc.BadArgs
	}
	c.replied(p.pid, m, data)
	c.mu.Unlock()
	c.wake()
	return ipc.OK
}

// replyToGroupSend answers a Send to a group from the own team.
func (p *Process) replyToGroupSend(c *Process, m *ipc.Message, t ipc.Transaction, data []byte) ipc.Code {
	c.mu.Lock()
	s := &c.sending
	ok := s.to == t.Server && s.id == t.ID && slices.Contains(s.members, p.pid)
	if ok && m.Code() != ipc.ResponseDiscarded {
		c.groupReplied(groupReply{p.pid, *m, slices.Clone(data)})
	}
	if ok {
		c.memberAnswered(p.pid)
	}
	c.mu.Unlock()
	if !ok {
		return ipc.NonexistentEntity
	}
	c.wake()
	return ipc.OK
}

func (p *Process) replyRemote(m *ipc.Message, t ipc.Transaction, data []byte) ipc.Code {
	k := p.k
	o := newOutbox()
	k.mu.Lock()
	code := ipc.NonexistentEntity
	if r := k.endpoint.Find(t.Client, t.ID, p.pid); r != nil {
		if len(data) > r.Message.Capacity() {
			code = ipc.BadArgs
		} else {
			answer := *m
			answer.SetSegmentSize(len(data))
			code = ipc.OK
			k.endpoint.Reply(k.now(), r, &answer, data)
			k.drainLocked(o)
		}
	}
	k.mu.Unlock()
	k.flush(o)
	return code
}

// AwaitingReply tells whether t is still to be answered; see ipc.Process.
func (p *Process) AwaitingReply(t ipc.Transaction) bool {
	if t.Client.SameTeam(p.pid) && p.clientAwaits(t) {
		return true
	}
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	return p.k.endpoint.Find(t.Client, t.ID, p.pid) != nil
}

// Direct tells whether the Request of t came from its client straight; see
// ipc.Direct.
func (p *Process) Direct(t ipc.Transaction) bool {
	if t.Client.SameTeam(p.pid) && p.clientAwaits(t) {
		return true
	}
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	r := p.k.endpoint.Find(t.Client, t.ID, p.pid)
	return r != nil && !r.Forwarded()
}

// clientAwaits tells whether t's client, of the own team, awaits the reply of p.
func (p *Process) clientAwaits(t ipc.Transaction) bool {
	c := p.k.processes.lookup(t.Client)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owes(t, p.pid)
}

// owes tells whether server, of the same team, is still to answer t, which is
// p's. p.mu is held.
func (p *Process) owes(t ipc.Transaction, server ipc.PID) bool {
	if !t.Server.IsGroup() {
		return p.awaits(t.ID, server)
	}
	s := &p.sending
	return s.to == t.Server && s.id == t.ID && slices.Contains(s.members, server)
}

// Forward passes t on; see ipc.Process.
func (p *Process) Forward(m *ipc.Message, t ipc.Transaction, to ipc.PID) error {
	const op = "ipc.Forward"
	if to.IsGroup() || t.Server.IsGroup() {
		return p.fail(op, to, ipc.NoPermission)
	}
	code := ipc.NonexistentEntity
	if t.Client.SameTeam(p.pid) {
		code = p.forwardLocal(m, t, to)
	}
	if code == ipc.NonexistentEntity {
		code = p.forwardRemote(m, t, to)
	}
	if code != ipc.OK {
		return p.fail(op, to, code)
	}
	return nil
}

// forwardLocal passes on the Request of a process of the own team.
func (p *Process) forwardLocal(m *ipc.Message, t ipc.Transaction, to ipc.PID) ipc.Code {
	k := p.k
	c := k.processes.lookup(t.Client)
	if c == nil {
		return ipc.NonexistentEntity
	}
	if !to.SameTeam(p.pid) {
		return p.forwardOut(c, m, t, to)
	}
	q := k.processes.lookup(to)
	if q == nil {
		return ipc.NonexistentEntity
	}
	c.mu.Lock()
	if !c.awaits(t.ID, p.pid) {
		c.mu.Unlock()
		return ipc.NonexistentEntity
	}
	s := &c.sending
	s.holder, s.to = to, to
	forwarded(s.m, m)
	c.mu.Unlock()
	k.hand(request{client: c, id: t.ID}, q)
	return ipc.OK
}

// forwarded overwrites the code and user data of a Request with those of m; what
// the kernel said of the client's segment stays.
func forwarded(request, m *ipc.Message) {
	segment := request.Has(ipc.FlagSDA)
	copy(request[:ipc.UserOffset+ipc.UserSize], m[:])
	request.Clear(ipc.FlagSDA)
	if segment {
		request.Set(ipc.FlagSDA)
	}
}

// hand queues the Request of a process of the team for q, or fails it if q has
// died.
func (k *Kernel) hand(r request, q *Process) {
	q.mu.Lock()
	dead := q.state == Dead || r.copy != nil && q.queue.unheld >= MaxQueue
	if !dead {
		q.queue.put(r)
		if q.wants(r.client.pid) {
			q.receiving.code, q.state = lookAgain, Ready
		}
	}
	q.mu.Unlock()
	if dead {
		k.failSender(r.client, q.pid)
		return
	}
	q.wake()
}

// failSender ends what c, of the team, waits for of the process dead: the answer
// to a Request that it has or had in its queue, or a Request from it.
func (k *Kernel) failSender(c *Process, dead ipc.PID) {
	c.mu.Lock()
	waits := c.state == AwaitingReply && c.sending.local && c.sending.holder == dead
	if waits {
		c.sending.code, c.state = ipc.NonexistentEntity, Ready
	}
	if c.state == ReceiveSpecific && c.receiving.from == dead {
		c.receiving.code, c.state, waits = ipc.NonexistentEntity, Ready, true
	}
	if c.state == AwaitingReply && c.memberAnswered(dead) {
		waits = c.state == Ready
	}
	c.mu.Unlock()
	if waits {
		c.wake()
	}
}

// forwardOut passes the Request of a process of the own team on to another team.
func (p *Process) forwardOut(c *Process, m *ipc.Message, t ipc.Transaction, to ipc.PID) ipc.Code {
	k := p.k
	if _, code := k.route(to.Host(), to.Team()); code != ipc.OK {
		return code
	}
	o := newOutbox()
	k.mu.Lock()
	c.mu.Lock()
	waits := c.awaits(t.ID, p.pid)
	if waits {
		s := &c.sending
		s.local, s.holder, s.to = false, 0, to
		forwarded(s.m, m)
		data := s.segment.Read[:min(len(s.segment.Read), ipc.MaxAppended)]
		k.endpoint.Readdress(k.now(), &c.client, s.m, to, data, s.segment.Write)
		s.id = c.client.Transaction()
	}
	c.mu.Unlock()
	k.drainLocked(o)
	k.mu.Unlock()
	k.flush(o)
	if !waits {
		return ipc.NonexistentEntity
	}
	c.wake()
	return ipc.OK
}

// forwardRemote passes on the Request of a process of another team.
func (p *Process) forwardRemote(m *ipc.Message, t ipc.Transaction, to ipc.PID) ipc.Code {
	k := p.k
	if to.SameTeam(p.pid) && k.processes.lookup(to) == nil {
		return ipc.NonexistentEntity
	}
	if _, code := k.route(to.Host(), to.Team()); code != ipc.OK {
		return code
	}
	o := newOutbox()
	code := ipc.NonexistentEntity
	k.mu.Lock()
	if r := k.endpoint.Find(t.Client, t.ID, p.pid); r != nil {
		request, done := r.Message, false
		forwarded(&request, m)
		if to.SameTeam(p.pid) {
			done = k.endpoint.Redirect(k.now(), r, &request, to)
		} else {
			done = k.endpoint.Forward(k.now(), r, &request, to)
		}
		if code = ipc.OK; !done {
			code = ipc.NoPermission
		}
		k.drainLocked(o)
	}
	k.mu.Unlock()
	k.flush(o)
	return code
}
