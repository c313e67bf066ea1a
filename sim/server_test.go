package sim

import (
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// server serves calls: one at a time, or as they come.
type server struct {
	l         *load
	team      *Team
	proc      *kernel.Async
	serial    bool
	member    bool // of the group
	destroyed bool

	m   ipc.Message
	buf []byte
}

// job is a call at a server.
type job struct {
	s    *server
	m    ipc.Message
	t    ipc.Transaction
	call *call

	moved func(error) // called when a move has ended
}

// newServer starts a server in a team.
func (l *load) newServer(t *Team) {
	s := &server{l: l, team: t, serial: l.chance(0.3), member: l.chance(0.5), buf: make([]byte, ipc.MaxAppended)}
	var err error
	if s.proc, err = t.Spawn("server", s.step); err == nil && s.member {
		err = s.proc.JoinGroup(l.group)
	}
	if err != nil {
		l.failf("server: %v", err)
		return
	}
	l.servers = append(l.servers, s)
	t.After(0, s.receive)
}

func (s *server) alive() bool { return s.team.Alive() && !s.destroyed }

func (s *server) destroy() {
	s.destroyed = true
	s.proc.Destroy()
}

// after calls f later, if s still lives.
func (s *server) after(d time.Duration, f func()) {
	s.team.After(d, func() {
		if !s.destroyed {
			f()
		}
	})
}

// receive takes what is queued, then waits.
func (s *server) receive() {
	for !s.destroyed {
		t, done, err := s.proc.StartReceive(&s.m, s.buf)
		if err != nil {
			s.l.failf("%v: %v", s.proc.PID(), err)
		}
		if err != nil || !done {
			return
		}
		if s.begin(t); s.serial {
			return
		}
	}
}

// step looks whether a call has come.
func (s *server) step() {
	if s.destroyed {
		return
	}
	t, done, err := s.proc.Received()
	switch {
	case err != nil:
		s.l.failf("%v: %v", s.proc.PID(), err)
	case done:
		if s.begin(t); !s.serial {
			s.receive()
		}
	}
}

// begin executes the call that was received.
func (s *server) begin(t ipc.Transaction) {
	l := s.l
	j := &job{s: s, m: s.m, t: t}
	num := number(&j.m)
	if num >= uint64(len(l.calls)) {
		l.failf("%v received %v, which nobody sent", s.proc.PID(), &s.m)
		return
	}
	j.call = l.calls[num]
	c := j.call
	e := execution{num, s.proc.PID(), int(j.m[atHops])}
	l.w.Note("%v: executes call %d from %v", s.proc.PID(), num, t.Client)
	if l.executed[e]++; l.executed[e] > 1 && !c.idempotent {
		l.failf("call %d was executed %d times by %v, at hop %d", num, l.executed[e], s.proc.PID(), e.hops)
	}
	n := min(c.read, ipc.MaxAppended)
	if t.Appended != n || !isPattern(s.buf[:n], num, 0) || j.m.SegmentSize() != c.read || j.m.Capacity() != c.write {
		l.failf("call %d: wrong data in the Request: %d octets of %d, %v", num, t.Appended, c.read, &j.m)
	}
	switch {
	case j.m[atHops] > 0:
		s.after(c.delay, j.forward)
	case kind(j.m[atKind]) == datagram:
		s.after(c.delay, j.finish)
	case c.kind == hold:
		l.holding++
		j.hold()
	case c.kind == move:
		j.move()
	case t.Server.IsGroup() && l.chance(0.2):
		c.silent = true
		s.after(c.delay, j.discard)
	default:
		s.after(c.delay, j.reply)
	}
}

// finish lets a serial server go on.
func (j *job) finish() {
	if j.s.serial {
		j.s.receive()
	}
}

// forward passes the call on, to the next server of its route.
func (j *job) forward() {
	hops := int(j.m[atHops])
	j.m[atHops]--
	if err := j.s.proc.Forward(&j.m, j.t, j.call.route[len(j.call.route)-hops]); err != nil {
		j.giveUp(err)
		return
	}
	j.finish()
}

// giveUp answers that the call can't be served, for the reason err.
func (j *job) giveUp(err error) {
	j.notAwaited(err)
	if j.s.proc.AwaitingReply(j.t) {
		if j.s.l.mild && j.call.open && !j.s.l.lostServer(j.call) {
			j.s.l.failf("%v: %v, though the client waits", j.call, err)
		}
		var m ipc.Message
		m.SetCode(ipc.DeviceError)
		putNumber(&m, j.call.num)
		j.s.proc.Reply(&m, j.t, nil)
	}
	j.finish()
}

// reply answers the call.
func (j *job) reply() {
	c := j.call
	var m ipc.Message
	m.SetCode(ipc.OK)
	if c.idempotent {
		m.Set(ipc.FlagDGM)
	}
	putNumber(&m, c.num)
	m.PutPID(atServer, j.s.proc.PID())
	if err := j.s.proc.Reply(&m, j.t, pattern(make([]byte, c.reply), ^c.num, 0)); err != nil {
		j.notAwaited(err)
	} else {
		c.answered = true
	}
	j.finish()
}

// discard says nothing.
func (j *job) discard() {
	var m ipc.Message
	m.SetCode(ipc.ResponseDiscarded)
	if err := j.s.proc.Reply(&m, j.t, nil); err != nil {
		j.notAwaited(err)
	}
	j.finish()
}

// notAwaited judges an error of Reply, Forward or a move: the client may have
// given up, or the next server be gone.
func (j *job) notAwaited(err error) {
	code := ipc.CodeOf(err)
	if code != ipc.NonexistentEntity && code != ipc.RetransTimeout && code != ipc.Aborted {
		j.s.l.failf("call %d at %v: %v", j.call.num, j.s.proc.PID(), err)
	}
}

// hold waits until the client gives up.
func (j *job) hold() {
	if !j.s.proc.AwaitingReply(j.t) {
		j.s.l.holding--
		j.finish()
		return
	}
	// A server that dies no longer holds anything.
	j.s.l.w.After(100*time.Millisecond, func() {
		switch {
		case !j.s.alive():
			j.s.l.holding--
		default:
			j.hold()
		}
	})
}

// What a server moves: the end of what it may read, and all that it may write
// behind the answer.
const (
	moveFrom = ipc.MaxAppended
	moveTo   = ipc.MaxAppended
)

// move reads the rest of the client's segment, and writes what Reply will not.
func (j *job) move() {
	c := j.call
	var m ipc.Message
	var mover *kernel.Async
	var memory []byte
	reading := true
	done := func(err error) {
		switch {
		case err != nil:
			mover.Destroy()
			j.giveUp(err)
		case reading:
			if !isPattern(memory, c.num, moveFrom) {
				j.s.l.failf("call %d: wrong data by MoveFrom", c.num)
			}
			reading = false
			memory = pattern(make([]byte, c.write-moveTo), ^c.num, moveTo)
			j.startMove(mover, &m, true, memory, moveTo)
		default:
			mover.Destroy()
			j.reply()
		}
	}
	mover, err := j.s.team.Spawn("mover", func() {
		_, ended, err := mover.Sent()
		switch {
		case j.s.destroyed:
			mover.Destroy()
		case ended && err == nil:
			done(m.Code().Err())
		case ended:
			done(err)
		}
	})
	if err != nil {
		j.s.l.failf("mover: %v", err)
		return
	}
	j.moved = done
	memory = make([]byte, c.read-moveFrom)
	j.startMove(mover, &m, false, memory, moveFrom)
}

// startMove starts a move; j.moved is called when it has ended.
func (j *job) startMove(mover *kernel.Async, m *ipc.Message, to bool, memory []byte, off int) {
	if done, err := mover.StartMove(m, j.s.proc, j.t, to, memory, off); done {
		j.s.after(0, func() { j.moved(err) })
	}
}
