package naming

import (
	"context"

	"vsys/ipc"
)

// AddPrefix tells the kernel server of p's host that names at and beneath
// prefix are in a context of p. It blocks, and is for p's own goroutine. The
// prefix ends with p, or with DeletePrefix. Saying it twice is no error.
//
// Codes: IllegalName; NoPermission; NoServerResources; those of Send.
func AddPrefix(p ipc.Process, prefix string, context uint32) error {
	a := announcement{OpAddPrefix, "naming.AddPrefix", prefix, p.PID(), context}
	return a.send(p.Team(), p.Send)
}

// DeletePrefix ends what AddPrefix said. It blocks, and is for p's own
// goroutine. NotFound: nobody had said so; codes of Send.
func DeletePrefix(p ipc.Process, prefix string) error {
	a := announcement{OpDeletePrefix, "naming.DeletePrefix", prefix, p.PID(), 0}
	return a.send(p.Team(), p.Send)
}

// AddPrefix is the function AddPrefix for a server of the client's team that is
// busy receiving.
func (c *Client) AddPrefix(ctx context.Context, prefix string, at Context) error {
	a := announcement{OpAddPrefix, "naming.AddPrefix", prefix, at.Server, at.ID}
	return a.send(c.team, c.sender(ctx))
}

// DeletePrefix is the function DeletePrefix for a server of the client's team
// that is busy receiving.
func (c *Client) DeletePrefix(ctx context.Context, prefix string, server ipc.PID) error {
	a := announcement{OpDeletePrefix, "naming.DeletePrefix", prefix, server, 0}
	return a.send(c.team, c.sender(ctx))
}

// A sendFunc is ipc.Process.Send.
type sendFunc func(*ipc.Message, ipc.PID, ipc.Segment) (ipc.PID, error)

func (c *Client) sender(ctx context.Context) sendFunc {
	return func(m *ipc.Message, to ipc.PID, s ipc.Segment) (ipc.PID, error) { return c.Send(ctx, m, to, s) }
}

// announcement is what a server says of a prefix to its host's kernel server.
type announcement struct {
	op      ipc.Op
	verb    string
	prefix  string
	server  ipc.PID
	context uint32
}

func (a announcement) send(team ipc.Team, send sendFunc) error {
	fail := func(err error) error {
		return &ipc.OpError{Op: a.verb, Name: a.prefix, Host: team.Host(), Err: err}
	}
	clean, err := Clean(a.prefix)
	if err != nil {
		return fail(err)
	}
	var m ipc.Message
	PutRequest(&m, a.op, a.context, 0, len(clean))
	m.PutPID(atArgs, a.server)
	if _, err := send(&m, team.HostServer(), ipc.Segment{Read: []byte(clean)}); err != nil {
		return fail(ipc.CodeOf(err))
	}
	if m.Code() != ipc.OK {
		return fail(m.Code())
	}
	return nil
}
