package kernel

import (
	"context"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/vmtp"
)

// State is what a process does, as the V papers name it.
type State uint8

const (
	// Ready: it runs, or could.
	Ready State = iota
	// AwaitingReply: in Send, or in GetReply.
	AwaitingReply
	// ReceiveBlocked: in Receive.
	ReceiveBlocked
	// ReceiveSpecific: in ReceiveSpecific.
	ReceiveSpecific
	// Dead: destroyed.
	Dead
)

// String returns the papers' name of the state.
func (s State) String() string {
	return [...]string{"ready", "awaiting-reply", "receive-blocked", "receive-specific", "dead"}[s]
}

// Process is the record of a process: the paper's process descriptor. The
// message of a sender stays in its own memory; queuing the sender is queuing the
// message.
type Process struct {
	k    *Kernel
	pid  ipc.PID
	name string
	ctx  context.Context
	stop func() bool // ends the watch on ctx

	client vmtp.Client   // guarded by Kernel.mu
	token  chan struct{} // 1: "look again"
	notify func()        // instead of token, in the simulator

	mu        sync.Mutex // guards what follows
	state     State
	cancelled bool          // ctx is done
	deadline  time.Duration // 0: none
	timeout   timeout       // the deadline in the team's heap
	sending   sending
	receiving receiving
	queue     queue
	asker     *Process // asks for it in ValidPID, and ends with it
}

// sending is what a process waits for in Send and GetReply.
type sending struct {
	id       uint32  // of the transaction
	to       ipc.PID // as addressed
	holder   ipc.PID // the local process that has the Request; 0 if it is elsewhere
	local    bool    // the transaction is within the team, its id from localID
	localID  uint32  // of the last transaction within the team
	m        *ipc.Message
	segment  ipc.Segment
	code     ipc.Code // how it ended
	replier  ipc.PID
	replies  []groupReply // of a group's members, not yet taken
	members  []ipc.PID    // of the group in the own team, that have not answered
	silent   bool         // of a group: nobody elsewhere answers
	answered bool         // of a group: somebody has
}

// receiving is what a process waits for in Receive.
type receiving struct {
	m     *ipc.Message
	buf   []byte
	from  ipc.PID // only from this process; 0: any
	code  ipc.Code
	got   ipc.Transaction
	local bool // the last Request came from the own team
}

var _ ipc.Process = (*Process)(nil)

// PID returns the process's identifier.
func (p *Process) PID() ipc.PID { return p.pid }

// Team returns the team of the process.
func (p *Process) Team() ipc.Team { return p.k }

// newProcess makes a process with the given number, or with any for 0.
func (k *Kernel) newProcess(ctx context.Context, name string, number uint16) (*Process, error) {
	p := &Process{k: k, name: name, ctx: ctx, token: make(chan struct{}, 1)}
	p.timeout.index = -1
	if ctx.Done() != nil {
		p.stop = context.AfterFunc(ctx, p.cancel)
	}
	k.mu.Lock()
	code := ipc.Aborted
	if !k.closed {
		code = k.processes.add(p, k.base, number)
	}
	if code == ipc.OK {
		k.endpoint.Init(&p.client, p.pid, p)
		// Identifiers within the team never meet those outside: a Request may
		// come back by a Forward.
		p.sending.localID = p.client.Transaction() + 1<<31
	}
	k.mu.Unlock()
	if code != ipc.OK {
		if p.stop != nil {
			p.stop()
		}
		return nil, &ipc.OpError{Op: "kernel.NewProcess", Name: name, Host: k.config.Host, Err: code}
	}
	return p, nil
}

// SetDeadline bounds the blocking operations that follow.
func (p *Process) SetDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = 0
	if !t.IsZero() {
		p.deadline = max(p.k.now()+min(time.Until(t), never/2), 1)
	}
}

// cancel is called when ctx is done.
func (p *Process) cancel() {
	p.mu.Lock()
	p.cancelled = true
	p.mu.Unlock()
	p.interrupt(ipc.Aborted)
}

// Destroy ends the process.
func (p *Process) Destroy() {
	k := p.k
	k.mu.Lock()
	p.mu.Lock()
	if p.state == Dead {
		p.mu.Unlock()
		k.mu.Unlock()
		return
	}
	o := newOutbox()
	waiting := p.state
	p.state = Dead
	p.sending.code, p.receiving.code = ipc.Aborted, ipc.Aborted
	p.queue = queue{}
	asker := p.asker
	p.mu.Unlock()
	k.endpoint.Close(k.now(), &p.client)
	k.timer.forget(p)
	k.processes.remove(p)
	emptied := k.leaveAllLocked(p)
	k.endpoint.Bury(k.now(), p.pid)
	k.drainLocked(o)
	k.mu.Unlock()
	k.flush(o)
	for c := range k.processes.all() {
		k.failSender(c, p.pid)
	}
	if waiting != Ready {
		p.wake()
	}
	if p.stop != nil {
		p.stop()
	}
	if asker != nil {
		asker.Destroy()
	}
	for _, group := range emptied {
		k.announce(group)
	}
}

// wake makes p look again at what it waits for, whether it waits for its token
// or reads the link. No lock is held, or the wake-up would be waited for.
func (p *Process) wake() {
	if p.notify != nil {
		p.notify()
		return
	}
	p.post()
	if p.k.reader.Load() == p {
		p.k.config.Link.Kick()
	}
}

// post gives p its token.
func (p *Process) post() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}

// fail returns an error of the operation op about name.
func (p *Process) fail(op string, about ipc.PID, code ipc.Code) error {
	host := ""
	if about != 0 && !about.IsGroup() {
		host = p.k.HostName(about.Host())
	}
	return &ipc.OpError{Op: op, PID: about, Host: host, Err: code}
}
