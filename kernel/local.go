package kernel

import (
	"vsys/ipc"
	"vsys/vmtp"
)

// local is what the transport asks of the kernel. Kernel.mu is held.
type local struct{ k *Kernel }

// Client returns the record of a process of the team.
func (l local) Client(pid ipc.PID) *vmtp.Client {
	if p := l.k.processes.lookup(pid); p != nil {
		return &p.client
	}
	return nil
}

// Accepts tells whether a Request for server can be delivered.
func (l local) Accepts(server ipc.PID, conditional bool) ipc.Code {
	p := l.k.processes.lookup(server)
	if p == nil {
		return ipc.NonexistentEntity
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == Dead:
		return ipc.NonexistentEntity
	case conditional && p.state != ReceiveBlocked:
		return ipc.NotAwaitingMsg
	case p.queue.unheld >= MaxQueue:
		return ipc.Busy
	}
	return ipc.OK
}

// Members appends the members of group in this team.
func (l local) Members(group ipc.PID, out []ipc.PID) []ipc.PID {
	for _, p := range l.k.groups[group] {
		out = append(out, p.pid)
	}
	return out
}

// Probe tells whether the process pid exists, as far as this team can speak for
// it: the host kernel speaks for its host's teams, which the group relay knows.
func (l local) Probe(pid ipc.PID) ipc.Code {
	if pid == l.k.base || l.k.processes.lookup(pid) != nil {
		return ipc.OK
	}
	if l.k.relay != nil && l.k.relay.alive(pid) {
		return ipc.OK
	}
	return ipc.NonexistentEntity
}
