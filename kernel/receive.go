package kernel

import (
	"vsys/ipc"
)

// Receive waits for a Request; see ipc.Process.
func (p *Process) Receive(m *ipc.Message, buf []byte) (ipc.Transaction, error) {
	t, code := p.receive(m, buf, 0)
	if code != ipc.OK {
		return t, p.fail("ipc.Receive", 0, code)
	}
	return t, nil
}

// ReceiveSpecific waits for a Request from one process; see ipc.Process.
func (p *Process) ReceiveSpecific(m *ipc.Message, buf []byte, from ipc.PID) (ipc.Transaction, error) {
	const op = "ipc.ReceiveSpecific"
	if !from.SameTeam(p.pid) {
		if err := p.ValidPID(from); err != nil {
			return ipc.Transaction{}, p.fail(op, from, ipc.CodeOf(err))
		}
	}
	t, code := p.receive(m, buf, from)
	if code != ipc.OK {
		return t, p.fail(op, from, code)
	}
	return t, nil
}

// receive takes a Request from the queue, or waits for one.
func (p *Process) receive(m *ipc.Message, buf []byte, from ipc.PID) (ipc.Transaction, ipc.Code) {
	for {
		if t, code, blocked := p.tryReceive(m, buf, from); !blocked {
			return t, code
		}
		if t, code := p.awaitRequest(); code != lookAgain {
			return t, code
		}
	}
}

// tryReceive takes a Request from the queue, or enters the state of Receive.
func (p *Process) tryReceive(m *ipc.Message, buf []byte, from ipc.PID) (t ipc.Transaction, code ipc.Code, blocked bool) {
	for {
		p.mu.Lock()
		if p.state != Ready || p.cancelled {
			p.mu.Unlock()
			return t, ipc.Aborted, false
		}
		r, ok := p.queue.get(sender(from))
		if !ok {
			code := p.block(m, buf, from)
			p.mu.Unlock()
			return t, code, code == ipc.OK
		}
		p.mu.Unlock()
		if t, ok := p.take(&r, m, buf); ok {
			return t, ipc.OK, false
		}
	}
}

// lookAgain is the code with which a wait in Receive ends when something was
// put into the queue.
const lookAgain = ipc.Retry

// block enters the state of Receive. p.mu is held.
func (p *Process) block(m *ipc.Message, buf []byte, from ipc.PID) ipc.Code {
	if p.expired() {
		return ipc.UserTimeout
	}
	if from != 0 && from.SameTeam(p.pid) && p.k.processes.lookup(from) == nil {
		return ipc.NonexistentEntity
	}
	w := &p.receiving
	w.m, w.buf, w.from, w.code = m, buf, from, ipc.OK
	p.state = ReceiveBlocked
	if from != 0 {
		p.state = ReceiveSpecific
	}
	p.armTimeout()
	return ipc.OK
}

// sender returns what a queue is to yield: Requests from that process, or nil
// for any.
func sender(from ipc.PID) func(*request) bool {
	if from == 0 {
		return nil
	}
	return func(r *request) bool {
		return r.client != nil && r.client.pid == from || r.remote != nil && r.remote.Client == from
	}
}

func (p *Process) awaitRequest() (ipc.Transaction, ipc.Code) {
	for {
		p.mu.Lock()
		w := &p.receiving
		if p.state != ReceiveBlocked && p.state != ReceiveSpecific {
			t, code := w.got, w.code
			w.m, w.buf = nil, nil
			p.mu.Unlock()
			return t, code
		}
		local := w.local
		p.mu.Unlock()
		if local {
			p.k.baton.cover()
		}
		p.wait(!local)
	}
}

// wants tells whether p waits for a Request from that process. p.mu is held.
func (p *Process) wants(client ipc.PID) bool {
	return p.state == ReceiveBlocked || p.state == ReceiveSpecific && p.receiving.from == client
}

// takeLocal gives the Request of a process of the team to p, which waits for
// it. p.mu is held.
func (p *Process) takeLocal(client, server ipc.PID, id uint32, m *ipc.Message, data []byte) {
	w := &p.receiving
	*w.m = *m
	w.got = ipc.Transaction{Client: client, Server: server, ID: id}
	w.got.Appended = copy(w.buf, data[:min(len(data), ipc.MaxAppended)])
	w.local = true
	p.state = Ready
}

// take gives the Request r, from p's queue, to p. It fails if its client no
// longer waits.
func (p *Process) take(r *request, m *ipc.Message, buf []byte) (ipc.Transaction, bool) {
	switch {
	case r.copy != nil:
		*m = r.copy.m
		t := ipc.Transaction{Client: r.client.pid, Server: r.copy.group, ID: r.id}
		t.Appended = copy(buf, r.copy.data)
		return t, true
	case r.remote != nil:
		return p.takeRemote(r, m, buf)
	}
	c := r.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaits(r.id, p.pid) {
		return ipc.Transaction{}, false
	}
	*m = *c.sending.m
	t := ipc.Transaction{Client: c.pid, Server: c.sending.to, ID: r.id}
	data := c.sending.segment.Read
	t.Appended = copy(buf, data[:min(len(data), ipc.MaxAppended)])
	return t, true
}

func (p *Process) takeRemote(r *request, m *ipc.Message, buf []byte) (ipc.Transaction, bool) {
	k := p.k
	k.mu.Lock()
	defer k.mu.Unlock()
	// The record may have been used again since: what is queued is named by
	// client and transaction.
	remote := r.remote
	if k.endpoint.Find(remote.Client, r.id, p.pid) != remote {
		return ipc.Transaction{}, false
	}
	*m = remote.Message
	t := ipc.Transaction{Client: remote.Client, Server: remote.Server, ID: remote.Transaction}
	t.Appended = copy(buf, remote.Data)
	k.endpoint.Received(k.now(), remote)
	k.timer.atMost(k.endpoint.Deadline())
	p.mu.Lock()
	p.receiving.local = false
	p.mu.Unlock()
	return t, true
}

// awaits tells whether p waits for the reply to the transaction id within the
// team, which the process holder has. p.mu is held.
func (p *Process) awaits(id uint32, holder ipc.PID) bool {
	t := &p.sending
	return p.state == AwaitingReply && t.local && t.id == id && t.holder == holder
}
