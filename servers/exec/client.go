package exec

import (
	"context"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

// Registration is an executive that is known to the exec server of its host. Its
// methods may be called by any goroutine.
type Registration struct {
	names  *naming.Client
	server ipc.PID
	p      ipc.Process // what interrupts go to
	done   sync.WaitGroup

	mu sync.Mutex
	e  Executive // guarded by mu
}

// Register makes an executive known. interrupt is called, in a goroutine of its
// own, one call after the other, when somebody interrupts it. e.PID and e.ID are
// set here. It blocks. Codes: HostUnknown (the host has no exec server);
// NoServerResources; those of Send.
func Register(ctx context.Context, names *naming.Client, e Executive, interrupt func()) (*Registration, error) {
	team := names.Team()
	fail := func(err error) (*Registration, error) {
		return nil, &ipc.OpError{Op: "exec.Register", Name: Prefix(team.Host()), Host: team.Host(), Err: err}
	}
	at, err := names.Resolve(ctx, Prefix(team.Host()))
	if ipc.CodeOf(err) == ipc.NotFound {
		err = ipc.HostUnknown
	}
	if err != nil {
		return fail(err)
	}
	p, err := team.NewProcess(context.Background(), "executive")
	if err != nil {
		return fail(ipc.CodeOf(err))
	}
	e.PID = p.PID()
	r := &Registration{names: names, server: at.Server, p: p, e: e}
	id, err := r.say(ctx, OpRegister)
	if err != nil {
		p.Destroy()
		return fail(err)
	}
	r.e.ID = id
	r.done.Go(func() { r.interruptLoop(interrupt) }) // ends with p; Close waits for it
	return r, nil
}

// ID returns the executive's number, its name in /exec/HOST.
func (r *Registration) ID() uint32 { return r.e.ID }

// Update says what the executive does now: its current context, and its command,
// "" for none. It blocks. Codes of Send; NotFound (the server has been replaced).
func (r *Registration) Update(ctx context.Context, directory, command string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.e.Directory, r.e.Command = directory, command
	if _, err := r.say(ctx, OpUpdate); err != nil {
		return &ipc.OpError{Op: "exec.Update", Name: Prefix(r.names.Team().Host()), Err: err}
	}
	return nil
}

// Close deregisters the executive and ends its process. It waits for an
// interrupt that is under way.
func (r *Registration) Close(ctx context.Context) error {
	r.mu.Lock()
	_, err := r.say(ctx, OpDeregister)
	r.mu.Unlock()
	r.p.Destroy()
	r.done.Wait()
	if err != nil {
		return &ipc.OpError{Op: "exec.Close", Name: Prefix(r.names.Team().Host()), Err: err}
	}
	return nil
}

// say sends a request about the executive, with what it says of itself.
func (r *Registration) say(ctx context.Context, op ipc.Op) (uint32, error) {
	d := r.e.Descriptor()
	data, err := d.Append(nil)
	if err != nil {
		return 0, err
	}
	var m ipc.Message
	m.SetOp(op)
	m.PutUint32(4, r.e.ID)
	if _, err := r.names.Send(ctx, &m, r.server, ipc.Segment{Read: data}); err != nil {
		return 0, ipc.CodeOf(err)
	}
	return m.Uint32(4), m.Code().Err()
}

// interruptLoop answers what the server forwards.
func (r *Registration) interruptLoop(interrupt func()) {
	var m ipc.Message
	for {
		t, err := r.p.Receive(&m, nil)
		if err != nil {
			return
		}
		known := m.Op() == OpInterrupt
		m.Reset()
		if !known {
			m.SetCode(ipc.IllegalRequest)
		}
		_ = r.p.Reply(&m, t, nil) // it is interrupted, whoever hears of it
		if known {
			interrupt()
		}
	}
}

// Interrupt interrupts the executive with that number on a host, and returns when
// it has heard of it. It blocks. Codes: NotFound, Unreachable; those of Send.
func Interrupt(ctx context.Context, names *naming.Client, host string, id uint32) error {
	at, err := names.Resolve(ctx, Prefix(host))
	var m ipc.Message
	if err == nil {
		m.SetOp(OpInterrupt)
		m.PutUint32(4, id)
		_, err = names.Send(ctx, &m, at.Server, ipc.Segment{})
	}
	if err == nil {
		err = m.Code().Err()
	}
	if err != nil {
		return &ipc.OpError{Op: "exec.Interrupt", Name: Prefix(host), Host: host, Err: ipc.CodeOf(err)}
	}
	return nil
}
