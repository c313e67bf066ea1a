package kernel

import (
	"vsys/ipc"
)

// Send sends m and waits for the reply; see ipc.Process.
func (p *Process) Send(m *ipc.Message, to ipc.PID, s ipc.Segment) (ipc.PID, error) {
	const op = "ipc.Send"
	datagram := m.Has(ipc.FlagDGM) // before m may be overwritten by a reply
	if code := p.startSend(m, to, s); code != ipc.OK {
		return 0, p.fail(op, to, code)
	}
	if datagram {
		return 0, nil
	}
	replier, code := p.awaitReply()
	if code != ipc.OK {
		return replier, p.fail(op, to, code)
	}
	return replier, nil
}

// startSend sends m; unless it is a datagram, p then awaits the reply.
func (p *Process) startSend(m *ipc.Message, to ipc.PID, s ipc.Segment) ipc.Code {
	if len(s.Read) > ipc.MaxSegment || len(s.Write) > ipc.MaxSegment {
		return ipc.BadArgs
	}
	m.SetSegmentSize(len(s.Read))
	m.SetCapacity(len(s.Write))
	switch {
	case to.SameTeam(p.pid):
		return p.sendLocal(m, to, s)
	case to.IsGroup() && to != ipc.ManagerGroup:
		return p.sendGroup(m, to, s)
	}
	return p.sendRemote(m, to, s)
}

// beginSending enters the state AwaitingReply. p.mu is held.
func (p *Process) beginSending(m *ipc.Message, to ipc.PID, s ipc.Segment) ipc.Code {
	switch {
	case p.state != Ready, p.cancelled:
		return ipc.Aborted
	case p.expired():
		return ipc.UserTimeout
	}
	t := &p.sending
	t.to, t.m, t.segment = to, m, s
	t.code, t.replier = ipc.OK, 0
	t.replies, t.members, t.silent, t.answered = nil, nil, false, false
	if !m.Has(ipc.FlagDGM) {
		p.state = AwaitingReply
	}
	return ipc.OK
}

// sendLocal hands m to a process of the own team.
func (p *Process) sendLocal(m *ipc.Message, to ipc.PID, s ipc.Segment) ipc.Code {
	q := p.k.processes.lookup(to)
	if q == nil {
		return ipc.NonexistentEntity
	}
	p.mu.Lock()
	code := p.beginSending(m, to, s)
	t := &p.sending
	t.localID++
	t.id, t.local, t.holder = t.localID, true, to
	id := t.id
	p.armTimeout()
	p.mu.Unlock()
	if code != ipc.OK {
		return code
	}
	r := request{client: p, id: id}
	if m.Has(ipc.FlagDGM) {
		r.copy = &groupCopy{group: to, m: *m, data: append([]byte(nil), s.Read[:min(len(s.Read), ipc.MaxAppended)]...)}
	}
	q.mu.Lock()
	woke := false
	switch {
	case q.state == Dead:
		code = ipc.NonexistentEntity
	case q.wants(p.pid) && r.copy == nil:
		q.takeLocal(p.pid, to, id, m, s.Read)
		woke = true
	case q.wants(p.pid):
		q.takeLocal(p.pid, to, id, &r.copy.m, r.copy.data)
		woke = true
	case m.Has(ipc.FlagCMD):
		code = ipc.NotAwaitingMsg
	case r.copy != nil && q.queue.unheld >= MaxQueue:
		code = ipc.Busy
	default:
		q.queue.put(r)
	}
	q.mu.Unlock()
	if woke {
		q.wake()
	}
	if code != ipc.OK {
		p.mu.Lock()
		if p.state == AwaitingReply {
			p.state = Ready
		}
		p.mu.Unlock()
	}
	return code
}

// sendRemote starts a transaction with a process of another team, or with the
// management module of one.
func (p *Process) sendRemote(m *ipc.Message, to ipc.PID, s ipc.Segment) ipc.Code {
	k := p.k
	via := to.LogicalHost()
	if to == ipc.ManagerGroup && m.Has(ipc.FlagCRE) {
		via = m.PID(ipc.UserOffset).LogicalHost()
	}
	if _, code := k.route(via.Host(), via.Team()); code != ipc.OK {
		return code
	}
	o := newOutbox()
	k.mu.Lock()
	p.mu.Lock()
	code := p.beginSending(m, to, s)
	p.sending.local, p.sending.holder = false, 0
	p.armTimeout()
	p.mu.Unlock()
	if code == ipc.OK {
		data := s.Read[:min(len(s.Read), ipc.MaxAppended)]
		k.endpoint.Send(k.now(), &p.client, m, to, via, data, s.Write)
		p.mu.Lock()
		p.sending.id = p.client.Transaction()
		p.mu.Unlock()
		k.drainLocked(o)
	}
	k.mu.Unlock()
	k.flush(o)
	return code
}

// awaitReply waits until the transaction has ended and returns how.
func (p *Process) awaitReply() (ipc.PID, ipc.Code) {
	for {
		p.mu.Lock()
		if p.state != AwaitingReply {
			replier, code := p.sending.replier, p.sending.code
			p.sending.m, p.sending.segment = nil, ipc.Segment{}
			p.mu.Unlock()
			return replier, code
		}
		local := p.sending.local
		p.mu.Unlock()
		p.wait(!local)
	}
}

// replied ends the wait of p, in Send to one server, with the message m and the
// segment data. p.mu is held.
func (p *Process) replied(from ipc.PID, m *ipc.Message, data []byte) {
	t := &p.sending
	n := copy(t.segment.Write, data)
	*t.m = *m
	t.m.Clear(ipc.FlagDGM) // was for the kernels, and would make m's next Send a datagram
	t.m.SetSegmentSize(n)
	t.replier = from
	if n < len(data) {
		t.code = ipc.BadReplySegment
	}
	p.state = Ready
}

// interrupt ends what p waits for with code.
func (p *Process) interrupt(code ipc.Code) {
	k := p.k
	o := newOutbox()
	k.mu.Lock()
	p.mu.Lock()
	waiting := p.state
	var holder ipc.PID // has the Request within the team
	id := p.sending.id
	if code == ipc.UserTimeout && !p.expired() {
		waiting = Ready // the wait that timed out is over, another has begun
	}
	switch waiting {
	case AwaitingReply:
		if p.sending.local {
			holder = p.sending.holder
		}
		p.sending.code = code
		p.state = Ready
		if !p.sending.local {
			k.endpoint.Abort(k.now(), &p.client)
		}
	case ReceiveBlocked, ReceiveSpecific:
		p.receiving.code = code
		p.state = Ready
	}
	p.mu.Unlock()
	if q := k.processes.lookup(holder); q != nil {
		q.mu.Lock()
		for dropped := true; dropped; {
			_, dropped = q.queue.get(func(r *request) bool {
				return r.client == p && r.copy == nil && int32(r.id-id) <= 0
			})
		}
		q.mu.Unlock()
	}
	k.drainLocked(o)
	k.mu.Unlock()
	k.flush(o)
	if waiting != Ready && waiting != Dead {
		p.wake()
	}
}
