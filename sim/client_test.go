package sim

import (
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// client makes calls, one after the other.
type client struct {
	l    *load
	team *Team
	proc *kernel.Async
	left int // calls to make

	call        *call
	m           ipc.Message
	read, write []byte
}

// newClient starts a client in a team. If the team dies its calls are gone.
func (l *load) newClient(t *Team, calls int) {
	c := &client{l: l, team: t, left: calls}
	var err error
	if c.proc, err = t.Spawn("client", c.step); err != nil {
		l.failf("client: %v", err)
		return
	}
	l.all = append(l.all, c)
	l.left += calls
	t.After(l.between(0, 100*time.Millisecond), c.next)
}

// next makes the next call.
func (c *client) next() {
	if c.left == 0 {
		c.proc.Destroy()
		return
	}
	l := c.l
	c.left--
	l.left--
	l.open++
	k := l.newCall()
	c.call, c.m, k.started, k.open = k, k.request(), l.w.Now(), true
	k.team = c.team
	c.read, c.write = pattern(make([]byte, k.read), k.num, 0), make([]byte, k.write)
	c.proc.SetDeadline(0)
	if k.deadline > 0 {
		c.proc.SetDeadline(k.started + k.deadline)
	}
	if k.interrupt > 0 {
		c.team.After(k.interrupt, func() { c.interrupt(k) })
	}
	l.w.Note("%v: %v", c.proc.PID(), k)
	err := c.proc.StartSend(&c.m, k.to, ipc.Segment{Read: c.read, Write: c.write})
	if err != nil || k.kind == datagram {
		c.end(ipc.CodeOf(err))
	}
}

func (c *client) interrupt(k *call) {
	if c.call == k {
		c.proc.Interrupt()
	}
}

// step looks whether the call has ended.
func (c *client) step() {
	if c.call == nil {
		return
	}
	from, done, err := c.proc.Sent()
	if !done {
		return
	}
	if err == nil {
		c.check(from)
	}
	c.end(ipc.CodeOf(err))
}

func (c *client) end(code ipc.Code) {
	k := c.call
	c.call, k.open = nil, false
	c.l.w.Note("%v: call %d: %v", c.proc.PID(), k.num, code)
	c.l.open--
	c.l.ended(k, code)
	c.team.After(c.l.between(0, 200*time.Millisecond), c.next)
}

// check looks at the answer.
func (c *client) check(from ipc.PID) {
	l, k := c.l, c.call
	switch {
	case c.m.Code() == ipc.DeviceError && !l.mild:
	case c.m.Code() != ipc.OK:
		l.failf("call %d: answer %v", k.num, c.m.Code())
	case number(&c.m) != k.num:
		l.failf("call %d: the answer to call %d", k.num, number(&c.m))
	case c.m.PID(atServer) != from:
		l.failf("call %d: answer of %v from %v", k.num, c.m.PID(atServer), from)
	case l.executed[execution{k.num, from, 0}] == 0:
		l.failf("call %d: answer of %v, which never had it", k.num, from)
	case c.m.SegmentSize() != k.reply:
		l.failf("call %d: %d octets of answer, want %d", k.num, c.m.SegmentSize(), k.reply)
	case !isPattern(c.write[:k.reply], ^k.num, 0):
		l.failf("call %d: wrong data", k.num)
	case k.kind == move && !isPattern(c.write[moveTo:k.write], ^k.num, moveTo):
		l.failf("call %d: wrong data behind the answer", k.num)
	}
}

// teamsOf returns the teams of a host that live.
func teamsOf(h *Host) (teams []*Team) {
	for i := range Teams {
		if t := h.Team(i); t != nil {
			teams = append(teams, t)
		}
	}
	return teams
}
