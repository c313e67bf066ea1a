package kernel

import (
	"context"
	"time"

	"vsys/ipc"
)

// Async is a process whose operations do not block: they start, and what they
// were waiting for is looked up when notify has been called. The simulator uses
// it, where the processes of many kernels share one goroutine; the kernel under
// it is the same. Its kernel must have a Clock. It is for one goroutine.
type Async struct {
	p         *Process
	sending   bool
	receiving bool
	m         *ipc.Message // what StartReceive was given
	buf       []byte
}

// NewAsync makes such a process. notify is called, with no lock held, each time
// that Sent or Received may have something to say; it must not call the kernel.
// Code: NoServerResources.
func (k *Kernel) NewAsync(name string, notify func()) (*Async, error) {
	p, err := k.newProcess(context.Background(), name, 0)
	if err != nil {
		return nil, err
	}
	p.notify = notify
	return &Async{p: p}, nil
}

// PID returns the process's identifier.
func (a *Async) PID() ipc.PID { return a.p.pid }

// SetDeadline bounds the operations that follow, by the kernel's Clock; 0 means
// no bound.
func (a *Async) SetDeadline(at time.Duration) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.p.deadline = at
}

// StartSend is ipc.Process.Send without the wait: m and the memory of s belong
// to the transaction until Sent tells that it has ended, unless an error is
// returned. A datagram is over at once.
func (a *Async) StartSend(m *ipc.Message, to ipc.PID, s ipc.Segment) error {
	datagram := m.Has(ipc.FlagDGM) // before m may be overwritten by a reply
	if code := a.p.startSend(m, to, s); code != ipc.OK {
		return a.p.fail("ipc.Send", to, code)
	}
	a.sending = !datagram
	return nil
}

// Sent tells, once, that the transaction has ended, and then who replied, or why
// nobody did, as ipc.Process.Send does.
func (a *Async) Sent() (from ipc.PID, done bool, err error) {
	p := a.p
	p.mu.Lock()
	if !a.sending || p.state == AwaitingReply {
		p.mu.Unlock()
		return 0, false, nil
	}
	a.sending = false
	t := &p.sending
	from, code, to := t.replier, t.code, t.to
	t.m, t.segment = nil, ipc.Segment{}
	p.mu.Unlock()
	if code != ipc.OK {
		err = p.fail("ipc.Send", to, code)
	}
	return from, true, err
}

// StartMove is ipc.Process.MoveFrom, or with to ipc.Process.MoveTo, without the
// wait, of at most ipc.MaxAppended octets between memory and the offset off of
// the segment that is granted by the transaction t of server, a process of the
// same team. If t's client is of another team the move is a Send of a's to the
// client's kernel: done is false, m must stay until Sent tells that it has ended,
// and the Code of m is how.
func (a *Async) StartMove(m *ipc.Message, server *Async, t ipc.Transaction, to bool, memory []byte, off int) (done bool, err error) {
	what, op := opMoveFrom, "ipc.MoveFrom"
	if to {
		what, op = opMoveTo, "ipc.MoveTo"
	}
	if t.Client.SameTeam(a.p.pid) && server.p.clientAwaits(t) {
		if code := server.p.moveLocal(what, t, memory, off); code != ipc.OK {
			return true, a.p.fail(op, t.Client, code)
		}
		return true, nil
	}
	if !server.p.AwaitingReply(t) {
		return true, a.p.fail(op, t.Client, ipc.NonexistentEntity)
	}
	var s ipc.Segment
	*m, s = moveRequest(what, t, memory, off)
	err = a.StartSend(m, ipc.ManagerGroup, s)
	return err != nil, err
}

// StartReceive is ipc.Process.Receive without the wait: m and buf are written
// until Received tells that the wait has ended. If a Request is there already,
// done is true.
func (a *Async) StartReceive(m *ipc.Message, buf []byte) (t ipc.Transaction, done bool, err error) {
	t, code, blocked := a.p.tryReceive(m, buf, 0)
	a.m, a.buf, a.receiving = m, buf, blocked
	if code != ipc.OK {
		err = a.p.fail("ipc.Receive", 0, code)
	}
	return t, !blocked, err
}

// Received tells, once, that the wait of StartReceive has ended, and then what
// came.
func (a *Async) Received() (t ipc.Transaction, done bool, err error) {
	p := a.p
	p.mu.Lock()
	if !a.receiving || p.state == ReceiveBlocked {
		p.mu.Unlock()
		return t, false, nil
	}
	a.receiving = false
	w := &p.receiving
	t, code := w.got, w.code
	w.m, w.buf = nil, nil
	p.mu.Unlock()
	switch code {
	case ipc.OK:
		return t, true, nil
	case lookAgain:
		return a.StartReceive(a.m, a.buf)
	}
	return t, true, p.fail("ipc.Receive", 0, code)
}

// Reply answers t; see ipc.Process.
func (a *Async) Reply(m *ipc.Message, t ipc.Transaction, data []byte) error {
	return a.p.Reply(m, t, data)
}

// Forward passes t on; see ipc.Process.
func (a *Async) Forward(m *ipc.Message, t ipc.Transaction, to ipc.PID) error {
	return a.p.Forward(m, t, to)
}

// AwaitingReply tells whether t is still to be answered; see ipc.Process.
func (a *Async) AwaitingReply(t ipc.Transaction) bool { return a.p.AwaitingReply(t) }

// JoinGroup makes the process a member of group; see ipc.Process.
func (a *Async) JoinGroup(group ipc.PID) error { return a.p.JoinGroup(group) }

// Interrupt ends what the process waits for, with Aborted, but not what it will
// wait for.
func (a *Async) Interrupt() { a.p.interrupt(ipc.Aborted) }

// Destroy ends the process; see ipc.Process.
func (a *Async) Destroy() { a.p.Destroy() }

// Records returns how many records of remote clients the transport holds, and
// how many transactions are under way.
func (k *Kernel) Records() (remotes, outstanding int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.endpoint.Remotes(), k.endpoint.Outstanding()
}

// Relay is how a kernel with a Clock is told what a host kernel knows of its
// host's other teams and of the domain.
type Relay struct{ k *Kernel }

// BeHostKernel makes k, which must have a Clock and a Link, the kernel of its
// host: it passes group requests on to the hosts that the function hosts returns,
// and to the host's teams, and answers for those that are dead.
func (k *Kernel) BeHostKernel(hosts func() []HostAddr) Relay {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.relay = &relay{k: k, teams: map[uint16]*Team{}, members: map[ipc.PID]map[uint16]bool{}, hosts: hosts}
	return Relay{k}
}

// Alive tells that a team lives, in an incarnation.
func (r Relay) Alive(team, incarnation uint16) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.k.relay.teams[team] = &Team{Number: team, Incarnation: incarnation}
}

// Dead tells that a team has died.
func (r Relay) Dead(team uint16) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	delete(r.k.relay.teams, team)
	for _, teams := range r.k.relay.members {
		delete(teams, team)
	}
}

// Members tells whether a team has members of a group.
func (r Relay) Members(group ipc.PID, team uint16, has bool) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	if r.k.relay.members[group] == nil {
		r.k.relay.members[group] = map[uint16]bool{}
	}
	if has {
		r.k.relay.members[group][team] = true
	} else {
		delete(r.k.relay.members[group], team)
	}
}
