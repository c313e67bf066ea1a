package naming

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"vsys/ipc"
)

// freshness is how long a server that has answered is taken to be there still
// when an operation must not be done twice; after that it is asked first.
const freshness = time.Second

// Call is an operation by name.
type Call struct {
	Verb string // for errors, as "uio.Open"
	Op   ipc.Op
	Name string // absolute; aliases are replaced
	// Second is the other name of OpRename and OpLink, which fill octets 0 to 7
	// of Args.
	Second string
	Args   [ArgsSize]byte // octets 12 to 23 of the message
	Data   []byte         // follows the name in the readable segment
	Write  []byte         // where the segment of the reply goes
	// Repeatable says that doing the operation twice does no harm. One that is
	// not is never sent again when it may have been done; its error then has
	// ErrOutcomeUnknown in its chain.
	Repeatable bool
}

// Put32 puts a number at octet i of Args.
func (call *Call) Put32(i int, v uint32) { binary.BigEndian.PutUint32(call.Args[i:], v) }

// Put16 puts a number at octet i of Args.
func (call *Call) Put16(i int, v uint16) { binary.BigEndian.PutUint16(call.Args[i:], v) }

// PutPID puts a process identifier at octet i of Args.
func (call *Call) PutPID(i int, p ipc.PID) { binary.BigEndian.PutUint64(call.Args[i:], uint64(p)) }

// Answer is the reply to a Call.
type Answer struct {
	Message ipc.Message
	Server  ipc.PID // who replied, which is who has the object
}

// Do sends an operation to the server that answers for its name, and repairs
// the cache once where that turns out to be stale. The reply's code is OK unless
// an error is returned, an [*ipc.OpError] with call.Verb and call.Name. It
// blocks.
//
// Codes: what the server replies; NotFound (no such name, said by its server or
// by all live hosts); Unreachable (a lost host, named in the error, serves it);
// CrossServer (Second is on another server); IllegalName; Aborted; UserTimeout.
// ErrVirtual is in the chain if the name only holds prefixes.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	name, err := c.binds.expand(call.Name)
	if err != nil {
		return Answer{}, c.opError(&call, 0, err)
	}
	d := doing{c: c, call: &call, name: name}
	e, cached, err := c.locate(ctx, name)
	if err == nil && cached && !call.Repeatable && time.Since(e.used) > freshness {
		e, err = d.verify(ctx, e)
	}
	if err != nil {
		return Answer{}, c.opError(&call, e.server, err)
	}
	a, err := d.send(ctx, e)
	if err == nil {
		return a, nil
	}
	fresh, err := d.repair(ctx, e, cached, err)
	if err == nil {
		c.counts.repairs.Add(1)
		if a, err = d.send(ctx, fresh); err == nil {
			return a, nil
		}
		err = d.giveUp(fresh, err)
	}
	return a, c.opError(&call, cmp.Or(a.Server, fresh.server), err)
}

// doing is a Call under way.
type doing struct {
	c    *Client
	call *Call
	name string // clean, aliases replaced
}

// silence is the error of a request that got no reply.
type silence struct{ code ipc.Code }

func (s *silence) Error() string { return s.code.Error() }
func (s *silence) Unwrap() error { return s.code }

// send sends the request to where e says. Its errors are *silence where no reply
// came.
func (d *doing) send(ctx context.Context, e entry) (Answer, error) {
	var a Answer
	m := &a.Message
	PutRequest(m, d.call.Op, e.context, len(e.prefix), len(d.name))
	copy(m[atArgs:], d.call.Args[:])
	segment := append([]byte(d.name), d.call.Data...)
	if d.call.Second != "" {
		second, f, err := d.second(ctx, e)
		if err != nil {
			return a, err
		}
		m.PutUint32(atArgs, f.context)
		m.PutUint16(atArgs+4, uint16(len(f.prefix)))
		m.PutUint16(atArgs+6, uint16(len(second)))
		segment = append(append([]byte(d.name), second...), d.call.Data...)
	}
	server, err := d.c.Send(ctx, m, e.server, ipc.Segment{Read: segment, Write: d.call.Write})
	if err != nil {
		return a, &silence{ipc.CodeOf(err)}
	}
	a.Server = server
	if m.Code() != ipc.OK {
		return a, failure(m, d.name)
	}
	d.c.cache.put(e)
	return a, nil
}

// second finds the context of the second name, which must be of e's server.
func (d *doing) second(ctx context.Context, e entry) (string, entry, error) {
	name, err := d.c.binds.expand(d.call.Second)
	if err != nil {
		return "", entry{}, err
	}
	f, _, err := d.c.locate(ctx, name)
	if err == nil && f.server != e.server {
		f, err = d.c.ask(ctx, name, entry{})
	}
	if errors.Is(err, ErrVirtual) || err == nil && f.server != e.server {
		err = ipc.CrossServer
	}
	return name, f, err
}

// verify makes sure that the server of a cached entry is there, before it is
// asked something that must not be done twice.
func (d *doing) verify(ctx context.Context, e entry) (entry, error) {
	err := d.c.valid(ctx, e.server)
	if err == nil {
		return e, nil
	}
	return d.replace(ctx, e, ipc.CodeOf(err))
}

// replace drops the stale entry e, whose server failed with why, and finds
// another.
func (d *doing) replace(ctx context.Context, e entry, why ipc.Code) (entry, error) {
	if why != ipc.NonexistentEntity && why != ipc.RetransTimeout {
		return e, why
	}
	d.c.cache.drop(e)
	var stale entry
	if why == ipc.NonexistentEntity {
		stale = e // a silent host may yet be there
	}
	fresh, err := d.c.ask(ctx, d.name, stale)
	switch {
	case err == nil && fresh.same(e):
		d.c.cache.drop(e)
		return e, d.c.unreachable(e.server.Host())
	case errors.Is(err, ipc.NotFound) || errors.Is(err, ErrVirtual):
		return e, d.c.unreachable(e.server.Host())
	}
	return fresh, err
}

// repair looks at why the request to e failed. It returns another entry to try,
// or else what to tell the user. cached: e came from the cache.
func (d *doing) repair(ctx context.Context, e entry, cached bool, why error) (entry, error) {
	var s *silence
	switch {
	case errors.As(why, &s) && d.call.Repeatable:
		return d.replace(ctx, e, s.code)
	case errors.As(why, &s):
		d.c.cache.drop(e)
		return e, d.giveUp(e, why)
	case errors.Is(why, ipc.InvalidContext):
		d.c.cache.drop(e)
		if fresh, err := d.c.ask(ctx, d.name, entry{}); err == nil && !fresh.same(e) {
			return fresh, nil
		}
	case errors.Is(why, ipc.NotFound) || errors.Is(why, ipc.NotAContext):
		return d.repairAbsence(ctx, e, cached, why)
	}
	return e, why
}

// giveUp returns what to tell the user about a request to e that failed with
// why and is not sent again.
func (d *doing) giveUp(e entry, why error) error {
	var s *silence
	if !errors.As(why, &s) {
		return why
	}
	doubtful := !d.call.Repeatable
	switch why = s.code; s.code {
	case ipc.NonexistentEntity, ipc.RetransTimeout:
		why = d.c.unreachable(e.server.Host())
	case ipc.UserTimeout, ipc.Aborted, ipc.BadReplySegment:
	default:
		doubtful = false // the kernel did not send it
	}
	if doubtful {
		return &unknownOutcome{why}
	}
	return why
}

// repairAbsence is for a name that the server of e does not have: there may be a
// longer prefix by now that covers it, or it may be part of prefixes.
func (d *doing) repairAbsence(ctx context.Context, e entry, cached bool, why error) (entry, error) {
	a, err := d.c.askOwn(ctx, d.name)
	longer := err == nil && a.known && len(a.prefix) > len(e.prefix)
	switch {
	case longer && a.lost:
		return e, d.c.unreachable(a.server.Host())
	case longer && cached:
		d.c.cache.put(a.entry)
		return a.entry, nil
	case err == nil && a.beneath || d.c.binds.beneath(d.name):
		return e, ErrVirtual
	}
	return e, why
}

// unknownOutcome wraps the failure of an operation that may have been done.
type unknownOutcome struct{ err error }

func (u *unknownOutcome) Error() string   { return fmt.Sprintf("%v; %v", u.err, ErrOutcomeUnknown) }
func (u *unknownOutcome) Unwrap() []error { return []error{u.err, ErrOutcomeUnknown} }

// opError says what failed, where and why.
func (c *Client) opError(call *Call, server ipc.PID, err error) error {
	e := &ipc.OpError{Op: call.Verb, Name: call.Name, PID: server, Err: err}
	var lost *lostHost
	var op *ipc.OpError
	switch {
	case errors.As(err, &lost):
		e.Host = lost.name
	case errors.Is(err, ErrVirtual):
		e.Err = &virtualName{virtualCode(call.Op)}
	case server != 0:
		e.Host = c.team.HostName(server.Host())
	}
	if errors.As(err, &op) && err == error(op) {
		e.Err = op.Err
	}
	return e
}

// virtualName is the error for what can't be done to a name that only holds
// prefixes.
type virtualName struct{ code ipc.Code }

func (v *virtualName) Error() string   { return fmt.Sprintf("%v: %v", v.code, ErrVirtual) }
func (v *virtualName) Unwrap() []error { return []error{v.code, ErrVirtual} }

// virtualCode is what a server of such a context would reply.
func virtualCode(op ipc.Op) ipc.Code {
	switch op {
	case OpCreateContext, OpLink, OpSymlink:
		return ipc.DuplicateName
	case OpRemove, OpRename, OpWriteDescriptor:
		return ipc.NoPermission
	case OpGetContextID:
		return ipc.RequestUnsupported
	}
	return ipc.IsAContext
}
