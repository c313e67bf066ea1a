package sim

import (
	"bytes"
	"fmt"
	"time"

	"vsys/ipc"
)

// kind is what a call asks its server to do.
type kind uint8

const (
	answerNow kind = iota
	answerLate
	move     // read and write the client's segments, then answer
	hold     // never answer
	datagram // nobody waits
)

// call is one transaction, as its client wants it and as it went.
type call struct {
	num        uint64
	kind       kind
	to         ipc.PID
	route      []ipc.PID // forwarded to these, in turn
	read       int       // octets granted for reading …
	write      int       // … and for writing
	reply      int       // octets of the answer's segment
	idempotent bool
	delay      time.Duration
	deadline   time.Duration // after its start; 0: none
	interrupt  time.Duration // the same

	team     *Team // of its client
	started  time.Duration
	open     bool // its client waits
	answered bool // a Reply to it was accepted
	silent   bool // a member of the group that it went to says nothing
}

func (c *call) String() string {
	return fmt.Sprintf("call %d (%s to %v via %v, %d octets, %d back, idempotent %v, after %v, deadline %v, interrupt %v, begun %v, answered %v)",
		c.num, [...]string{"now", "late", "move", "hold", "datagram"}[c.kind], c.to, c.route, c.read, c.reply,
		c.idempotent, c.delay, c.deadline, c.interrupt, c.started, c.answered)
}

// Where a call is in the user data of its Request, and its number and server in
// the Response.
const (
	atKind   = 4 // kind, and flags
	atHops   = 6 // how often it is still to be forwarded
	atNum    = 8
	atServer = 16
)

// What gives a call's number and segments away where they can be read.
const (
	numberMark  = 0x7E57AB1E5EA1 // before the 16 bits of a call's number
	segmentMark = "may be read by all!!"
	markAt      = 200 // in each 256 octets of a segment
)

// number returns the number of the call that m is about.
func number(m *ipc.Message) uint64 {
	if n := m.Uint64(atNum); n>>16 == numberMark {
		return n & 0xFFFF
	}
	return 1 << 16
}

func putNumber(m *ipc.Message, num uint64) { m.PutUint64(atNum, numberMark<<16|num) }

// pattern fills b with what is at the offset off of the segment of a number.
func pattern(b []byte, num uint64, off int) []byte {
	x := (num + 1) * 0x9E3779B97F4A7C15
	for i := range b {
		o := off + i
		b[i] = byte(x>>(8*(o&7))) + byte(o) + byte(o>>8) + byte(o>>16)
		if m := o&0xFF - markAt; m >= 0 && m < len(segmentMark) {
			b[i] = segmentMark[m]
		}
	}
	return b
}

// isPattern tells whether b is that.
func isPattern(b []byte, num uint64, off int) bool {
	return bytes.Equal(b, pattern(make([]byte, len(b)), num, off))
}

// execution is one service of a Request, by one server, in one place of its
// route.
type execution struct {
	num    uint64
	server ipc.PID
	hops   int
}

// load is a world full of clients and servers, and the record of what they do.
type load struct {
	w     *World
	mild  bool // nothing but the network's faults
	heal  time.Duration
	group ipc.PID
	seen  int // datagrams on the network that give something away

	servers  []*server // all that ever were
	all      []*client // the same
	calls    []*call
	open     int // calls of clients that live
	left     int // calls still to be made
	holding  int // Requests held by servers
	executed map[execution]int
	failures []string
	outcomes map[ipc.Code]int
}

func (l *load) failf(format string, args ...any) {
	s := fmt.Sprintf("%v: ", l.w.Now()) + fmt.Sprintf(format, args...)
	l.w.Note("FAILURE %s", s)
	if len(l.failures) < 20 {
		l.failures = append(l.failures, s)
	}
}

// chance is true with probability p.
func (l *load) chance(p float64) bool { return l.w.Rand.Float64() < p }

// between returns a random time in [a, b].
func (l *load) between(a, b time.Duration) time.Duration { return a + l.w.upTo(b-a) }

var sizes = []int{0, 0, 0, 1, 511, 512, 513, 1024, 1025, 4096, 16384}

func (l *load) size() int { return sizes[l.w.Rand.IntN(len(sizes))] }

// target returns a server: mostly one that lives.
func (l *load) target() *server {
	for range 8 {
		s := l.servers[l.w.Rand.IntN(len(l.servers))]
		if s.alive() || l.chance(0.03) {
			return s
		}
	}
	return l.servers[len(l.servers)-1]
}

// newCall makes up a call.
func (l *load) newCall() *call {
	c := &call{
		num: uint64(len(l.calls)), to: l.target().proc.PID(), read: l.size(), write: l.size(),
		idempotent: l.chance(0.3), delay: l.between(0, 20*time.Millisecond),
	}
	l.calls = append(l.calls, c)
	switch {
	case l.chance(0.08):
		c.kind = datagram
	case l.chance(0.15):
		c.kind, c.delay = answerLate, l.between(0, 6*time.Second)
	case l.chance(0.15):
		c.kind, c.read, c.write = move, ipc.MaxAppended+l.size(), ipc.MaxAppended+l.size()
	case l.chance(0.05):
		c.kind, c.deadline = hold, l.between(0, 6*time.Second)
	}
	c.reply = min(c.write, ipc.MaxAppended)
	switch {
	case l.chance(0.10) && c.kind < move:
		c.to = l.group
		c.write, c.reply = max(c.write, 512), 512
	case l.chance(0.25) && c.kind != datagram:
		for range 1 + l.w.Rand.IntN(4) {
			c.route = append(c.route, l.target().proc.PID())
		}
	}
	if l.chance(0.08) {
		c.deadline = l.between(time.Millisecond, 4*time.Second)
	}
	if l.chance(0.05) {
		c.interrupt = l.between(0, 3*time.Second)
	}
	return c
}

// request returns the Request of c.
func (c *call) request() (m ipc.Message) {
	m.SetOp(ipc.MakeOp(0x7F00, 1))
	if c.kind == datagram {
		m.Set(ipc.FlagDGM)
	}
	m[atKind], m[atHops] = byte(c.kind), byte(len(c.route))
	putNumber(&m, c.num)
	return m
}

// lostServer tells whether one of the servers that c is for has died.
func (l *load) lostServer(c *call) bool {
	for _, s := range l.servers {
		pid := s.proc.PID()
		concerned := pid == c.to
		for _, r := range c.route {
			concerned = concerned || pid == r
		}
		if concerned && !s.alive() {
			return true
		}
	}
	return false
}

// hasMembers tells whether the group has members outside a team and none in it:
// a member in the client's team that is slow is not waited for.
func (l *load) hasMembers(t *Team) (others bool) {
	for _, s := range l.servers {
		if s.alive() && s.member {
			if s.team == t {
				return false
			}
			others = true
		}
	}
	return others
}

// recovery returns how long all may take to go well when nothing is wrong any more:
// a host says hello, and a team uses a key of before for a while.
func (l *load) recovery() time.Duration {
	if l.w.Domain() == nil {
		return time.Second
	}
	return time.Second
}

// ended judges how c ended.
func (l *load) ended(c *call, code ipc.Code) {
	l.outcomes[code]++
	healthy := !l.mild && l.w.Now() > l.heal+l.recovery()
	ok := false
	switch code {
	case ipc.OK:
		ok = true
	case ipc.UserTimeout:
		ok = c.deadline > 0 && l.w.Now() >= c.started+c.deadline
	case ipc.Aborted:
		ok = c.interrupt > 0
	case ipc.NonexistentEntity:
		ok = l.lostServer(c)
	case ipc.RetransTimeout:
		ok = !l.mild && !healthy || c.to == l.group && (l.w.Network.Loss > 0.1 || c.silent || !l.hasMembers(c.team))
	case ipc.ResponseDiscarded: // a server or forwarder took a paused client for dead
		ok = !l.mild && (!c.answered || len(c.route) > 0) && c.started < l.heal
	}
	if !ok {
		l.failf("%v ended with %v", c, code)
	}
}
