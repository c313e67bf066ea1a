package naming

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"vsys/ipc"
)

// Elsewhere is returned, as an error, by whoever interprets a name and finds
// that the rest of it is in a context of another server. The request is then
// forwarded there, and that server replies to the client.
type Elsewhere struct {
	Server  ipc.PID
	Context uint32
}

// Error says where.
func (e *Elsewhere) Error() string {
	return fmt.Sprintf("context %d of %v", e.Context, e.Server)
}

// Handler is the server's half of the naming protocol: optional functions, one
// an operation. They may block, and may be called by several goroutines at
// once; ctx ends when the server stops. They are given a checked request, and
// interpret r.Rest() in r.Context, with [Walk] or otherwise, moving r.Index on,
// so that a failure says which component it was. An error is replied as
// [CodeOf] says, an [*Elsewhere] is forwarded. A function that is nil answers
// RequestUnsupported.
type Handler struct {
	// ContextID returns the context id that the name stands for. NotFound,
	// NotAContext.
	ContextID func(ctx context.Context, r *Request) (uint32, error)
	// Stat describes the object. follow: not a symbolic link itself.
	Stat func(ctx context.Context, r *Request, follow bool) (Descriptor, error)
	// Modify changes the fields of d that are given, all or none of them.
	Modify func(ctx context.Context, r *Request, d Descriptor, fields Fields, follow bool) error
	// Remove removes the object. ContextNotEmpty.
	Remove func(ctx context.Context, r *Request) error
	// Rename gives the object the name r.Second, replacing what has it.
	Rename func(ctx context.Context, r *Request) error
	// CreateContext makes an empty context. DuplicateName.
	CreateContext func(ctx context.Context, r *Request, perm fs.FileMode) error
	// Link gives the object one more name, r.Second. DuplicateName.
	Link func(ctx context.Context, r *Request) error
	// Symlink makes the name a symbolic link to the text.
	Symlink func(ctx context.Context, r *Request, text string) error
}

// Serve answers the CSname request m of transaction t, which p received with
// segment, if it is one of this protocol that a Handler knows: else it returns
// false and does nothing. m is overwritten.
func (h *Handler) Serve(ctx context.Context, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	serve := h.operation(m.Op())
	if serve == nil {
		return false
	}
	// Who has given up can't be told.
	_ = Respond(p, m, t, segment, func(r *Request, reply *ipc.Message) ([]byte, error) {
		return serve(ctx, r, reply)
	})
	return true
}

// An operation answers a request: it returns the segment of the reply, and may
// write its user data.
type operation func(ctx context.Context, r *Request, reply *ipc.Message) ([]byte, error)

// operation returns who answers op, nil if it is none of the Handler's.
func (h *Handler) operation(op ipc.Op) operation {
	switch op {
	case OpGetContextID:
		return h.contextID
	case OpReadDescriptor:
		return h.readDescriptor
	case OpWriteDescriptor:
		return h.writeDescriptor
	case OpRemove:
		return simple(h.Remove)
	case OpRename:
		return simple(h.Rename)
	case OpLink:
		return simple(h.Link)
	case OpCreateContext:
		return h.createContext
	case OpSymlink:
		return h.symlink
	}
	return nil
}

// Respond parses the CSname request m of t and answers it with what do returns:
// the segment of the reply, whose user data do may have written to reply, or an
// error. An *Elsewhere forwards the request. It is for servers that have CSname
// requests of their own; m is overwritten. It returns what was replied if the
// client has got it, and else why not.
func Respond(p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte, do func(r *Request, reply *ipc.Message) ([]byte, error)) error {
	r, err := ParseRequest(m, segment)
	r.Client = t.Client
	var reply ipc.Message
	var data []byte
	if err == nil {
		data, err = do(r, &reply)
	}
	var elsewhere *Elsewhere
	if errors.As(err, &elsewhere) {
		if err = r.forward(p, m, t, elsewhere); err == nil {
			return nil
		}
	}
	if err == nil && len(data) > m.Capacity() {
		err = ipc.BadReplySegment
	}
	if err != nil {
		r.PutFailure(&reply, CodeOf(err))
		data = nil
	}
	*m = reply
	if gone := p.Reply(m, t, data); gone != nil {
		return gone
	}
	return err
}

// forward passes r on to where the rest of its name is.
func (r *Request) forward(p ipc.Process, m *ipc.Message, t ipc.Transaction, to *Elsewhere) error {
	if r.Second != nil {
		return ipc.CrossServer
	}
	m.PutUint32(atContext, to.Context)
	m.PutUint16(atIndex, uint16(r.Index))
	return p.Forward(m, t, to.Server)
}

// simple makes an operation of a function that returns nothing else.
func simple(f func(context.Context, *Request) error) operation {
	return func(ctx context.Context, r *Request, _ *ipc.Message) ([]byte, error) {
		if f == nil {
			return nil, ipc.RequestUnsupported
		}
		return nil, f(ctx, r)
	}
}

func (h *Handler) contextID(ctx context.Context, r *Request, reply *ipc.Message) ([]byte, error) {
	if h.ContextID == nil {
		return nil, ipc.RequestUnsupported
	}
	id, err := h.ContextID(ctx, r)
	reply.Set(ipc.FlagDGM)
	reply.PutUint32(atContext, id)
	reply.PutUint16(atIndex, uint16(len(r.Name)))
	return nil, err
}

func (h *Handler) readDescriptor(ctx context.Context, r *Request, reply *ipc.Message) ([]byte, error) {
	if h.Stat == nil {
		return nil, ipc.RequestUnsupported
	}
	d, err := h.Stat(ctx, r, r.Arg32(0)&NoFollow == 0)
	if err != nil {
		return nil, err
	}
	reply.Set(ipc.FlagDGM)
	return d.Append(nil)
}

func (h *Handler) writeDescriptor(ctx context.Context, r *Request, _ *ipc.Message) ([]byte, error) {
	if h.Modify == nil {
		return nil, ipc.RequestUnsupported
	}
	d, rest, err := DecodeDescriptor(r.Data)
	if err != nil || len(rest) > 0 {
		return nil, ipc.BadArgs
	}
	return nil, h.Modify(ctx, r, d, Fields(r.Arg32(0)), r.Arg32(4)&NoFollow == 0)
}

func (h *Handler) createContext(ctx context.Context, r *Request, _ *ipc.Message) ([]byte, error) {
	if h.CreateContext == nil {
		return nil, ipc.RequestUnsupported
	}
	return nil, h.CreateContext(ctx, r, fs.FileMode(r.Arg32(0)).Perm())
}

func (h *Handler) symlink(ctx context.Context, r *Request, _ *ipc.Message) ([]byte, error) {
	if h.Symlink == nil {
		return nil, ipc.RequestUnsupported
	}
	if len(r.Data) == 0 || len(r.Data) > MaxName {
		return nil, ipc.BadArgs
	}
	return nil, h.Symlink(ctx, r, string(r.Data))
}
