package kernel

import (
	"slices"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// groupReply is a reply to a Send to a group that nobody has taken yet.
type groupReply struct {
	from ipc.PID
	m    ipc.Message
	data []byte
}

// sendGroup sends m to the members of a group: those in the team get a copy each,
// the others are reached through the host kernel.
func (p *Process) sendGroup(m *ipc.Message, to ipc.PID, s ipc.Segment) ipc.Code {
	k := p.k
	data := s.Read[:min(len(s.Read), ipc.MaxAppended)]
	c := &groupCopy{group: to, m: *m, data: slices.Clone(data)}
	o := newOutbox()
	k.mu.Lock()
	p.mu.Lock()
	code := p.beginSending(m, to, s)
	p.sending.local, p.sending.holder = false, 0
	p.armTimeout()
	p.mu.Unlock()
	if code != ipc.OK {
		k.mu.Unlock()
		return code
	}
	if k.config.Link != nil {
		k.endpoint.Send(k.now(), &p.client, m, to, ipc.MakeLogicalHost(k.base.Host(), 0), c.data, nil)
	} else {
		k.endpoint.Next(&p.client)
	}
	members := slices.Clone(k.groups[to])
	id := p.client.Transaction()
	p.mu.Lock()
	p.sending.id = id
	for _, q := range members {
		p.sending.members = append(p.sending.members, q.pid)
	}
	if k.config.Link == nil {
		p.nobodyElsewhere()
	}
	p.mu.Unlock()
	k.drainLocked(o)
	k.mu.Unlock()
	k.flush(o)
	for _, q := range members {
		if op := c.m.Op(); op == packet.QueryGroup || op == packet.DeleteEntity {
			p.answerForMember(q, c, id)
		} else {
			k.hand(request{client: p, id: id, copy: c}, q)
		}
	}
	return ipc.OK
}

// nobodyElsewhere notes that no member in another team answers p's Send. It ends
// the wait unless a member in the own team still may. p.mu is held.
func (p *Process) nobodyElsewhere() {
	t := &p.sending
	t.silent = true
	if p.state == AwaitingReply && len(t.members) == 0 && !t.answered {
		t.code, t.replier, p.state = ipc.RetransTimeout, 0, Ready
	}
}

// memberAnswered notes that a member in the own team has answered p's Send, or
// never will. It tells whether that was expected. p.mu is held.
func (p *Process) memberAnswered(member ipc.PID) bool {
	t := &p.sending
	i := slices.Index(t.members, member)
	if i < 0 {
		return false
	}
	t.members = slices.Delete(t.members, i, i+1)
	if t.silent {
		p.nobodyElsewhere()
	}
	return true
}

// answerForMember answers, for the member q in the own team, what the kernel
// answers by itself.
func (p *Process) answerForMember(q *Process, c *groupCopy, id uint32) {
	m := c.m
	m.SetCode(q.k.memberRequest(q, c.group, m.Op()))
	q.replyToGroupSend(p, &m, ipc.Transaction{Client: p.pid, Server: c.group, ID: id}, nil)
}

// memberRequest does what the management module is asked about the member q of
// a group: QueryGroup needs no more than an answer, DeleteEntity ends the
// membership.
func (k *Kernel) memberRequest(q *Process, group ipc.PID, op ipc.Op) ipc.Code {
	if op == packet.DeleteEntity {
		return ipc.CodeOf(q.LeaveGroup(group))
	}
	return ipc.OK
}

// groupReplied takes a reply to p's Send to a group: the first ends the wait,
// further ones wait for GetReply. p.mu is held.
func (p *Process) groupReplied(r groupReply) {
	t := &p.sending
	t.answered = true
	if p.state != AwaitingReply {
		if len(t.replies) < MaxQueue {
			t.replies = append(t.replies, r)
		}
		return
	}
	p.replied(r.from, &r.m, r.data)
}

// GetReply waits for the next reply; see ipc.Process.
func (p *Process) GetReply(m *ipc.Message, buf []byte) (ipc.PID, error) {
	const op = "ipc.GetReply"
	k := p.k
	k.mu.Lock()
	p.mu.Lock()
	t := &p.sending
	code := ipc.OK
	switch {
	case p.state != Ready, p.cancelled:
		code = ipc.Aborted
	case !t.to.IsGroup():
		code = ipc.BadTransactionID
	}
	if code != ipc.OK {
		p.mu.Unlock()
		k.mu.Unlock()
		return 0, p.fail(op, t.to, code)
	}
	t.m, t.segment, t.code = m, ipc.Segment{Write: buf}, ipc.OK
	switch {
	case len(t.replies) > 0:
		r := t.replies[0]
		t.replies = t.replies[1:]
		p.replied(r.from, &r.m, r.data)
	case p.expired():
		t.code, t.replier = ipc.UserTimeout, 0
	default:
		p.state = AwaitingReply
		p.armTimeout()
	}
	p.mu.Unlock()
	k.mu.Unlock()
	replier, code := p.awaitReply()
	if code != ipc.OK {
		return replier, p.fail(op, t.to, code)
	}
	return replier, nil
}

// CreateGroup makes a new group; see ipc.Process.
func (p *Process) CreateGroup() (ipc.PID, error) {
	p.k.mu.Lock()
	group := ipc.DynamicGroup(p.k.config.Rand.Uint32())
	p.k.mu.Unlock()
	return group, p.JoinGroup(group)
}

// JoinGroup makes p a member of group; see ipc.Process.
func (p *Process) JoinGroup(group ipc.PID) error {
	const op = "ipc.JoinGroup"
	k := p.k
	if !group.IsGroup() || group == ipc.ManagerGroup {
		return p.fail(op, group, ipc.BadArgs)
	}
	k.mu.Lock()
	if k.processes.lookup(p.pid) != p {
		k.mu.Unlock()
		return p.fail(op, group, ipc.Aborted)
	}
	members := k.groups[group]
	joined := slices.Contains(members, p)
	if !joined {
		k.groups[group] = append(slices.Clip(members), p)
	}
	k.mu.Unlock()
	if joined {
		return nil
	}
	if err := k.announce(group); err != nil {
		k.mu.Lock()
		k.leaveLocked(p, group)
		k.mu.Unlock()
		return p.fail(op, group, ipc.CodeOf(err))
	}
	return nil
}

// LeaveGroup ends p's membership; see ipc.Process.
func (p *Process) LeaveGroup(group ipc.PID) error {
	k := p.k
	k.mu.Lock()
	left, empty := k.leaveLocked(p, group)
	k.mu.Unlock()
	if !left {
		return p.fail("ipc.LeaveGroup", group, ipc.NonexistentEntity)
	}
	if empty {
		return k.announce(group)
	}
	return nil
}

// leaveLocked takes p out of group; it tells whether p was in it and whether the
// team has no more members.
func (k *Kernel) leaveLocked(p *Process, group ipc.PID) (left, empty bool) {
	i := slices.Index(k.groups[group], p)
	if i < 0 {
		return false, false
	}
	k.groups[group] = slices.Delete(slices.Clone(k.groups[group]), i, i+1)
	if len(k.groups[group]) == 0 {
		delete(k.groups, group)
		return true, true
	}
	return true, false
}

// leaveAllLocked takes p out of all groups and returns those that the team no
// longer has members of.
func (k *Kernel) leaveAllLocked(p *Process) (emptied []ipc.PID) {
	for group := range k.groups {
		if _, empty := k.leaveLocked(p, group); empty {
			emptied = append(emptied, group)
		}
	}
	return emptied
}

// announce tells the host kernel whether this team has members of group: one
// at a time and as it is then, so that the last word is true.
func (k *Kernel) announce(group ipc.PID) error {
	if k.config.Domain == nil {
		return nil
	}
	k.announcing.Lock()
	defer k.announcing.Unlock()
	k.mu.Lock()
	has := len(k.groups[group]) > 0
	k.mu.Unlock()
	return k.config.Domain.Members(group, has)
}

// groupQuiet is how long a group is listened to after its last answer.
const groupQuiet = 200 * time.Millisecond

// QueryGroup returns the members of group; see ipc.Process.
func (p *Process) QueryGroup(group ipc.PID) ([]ipc.PID, error) {
	return p.askMembers("ipc.QueryGroup", group, packet.QueryGroup)
}

// DeleteGroup removes all members of group; see ipc.Process.
func (p *Process) DeleteGroup(group ipc.PID) error {
	_, err := p.askMembers("ipc.DeleteGroup", group, packet.DeleteEntity)
	return err
}

// askMembers sends op to the kernels of all members of group and returns who
// answered.
func (p *Process) askMembers(op string, group ipc.PID, request ipc.Op) ([]ipc.PID, error) {
	if !group.IsGroup() {
		return nil, p.fail(op, group, ipc.BadArgs)
	}
	asker, err := p.k.newProcess(p.ctx, "query group", 0)
	if err != nil {
		return nil, err
	}
	defer asker.Destroy()
	var m ipc.Message
	m.SetOp(request)
	from, err := asker.Send(&m, group, ipc.Segment{})
	if code := ipc.CodeOf(err); code == ipc.RetransTimeout {
		return nil, nil // nobody: the group is empty
	}
	var members []ipc.PID
	for err == nil {
		members = append(members, from)
		asker.SetDeadline(time.Now().Add(groupQuiet))
		from, err = asker.GetReply(&m, nil)
	}
	if code := ipc.CodeOf(err); code != ipc.UserTimeout {
		return members, p.fail(op, group, code)
	}
	return members, nil
}
