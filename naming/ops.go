package naming

import (
	"context"
	"errors"
	"io/fs"

	"vsys/ipc"
)

// Context is a context of a server: where a name leads to.
type Context struct {
	Server ipc.PID
	ID     uint32
}

// Resolve returns the context that name stands for. Codes of Do, and
// NotAContext.
func (c *Client) Resolve(ctx context.Context, name string) (Context, error) {
	a, err := c.Do(ctx, Call{Verb: "naming.Resolve", Op: OpGetContextID, Name: name, Repeatable: true})
	return Context{a.Server, a.Message.Uint32(atContext)}, err
}

// Stat describes the object that name stands for, what a symbolic link leads to
// rather than the link. Codes of Do.
func (c *Client) Stat(ctx context.Context, name string) (Descriptor, error) {
	return c.stat(ctx, "naming.Stat", name, 0)
}

// Lstat is Stat for a symbolic link itself.
func (c *Client) Lstat(ctx context.Context, name string) (Descriptor, error) {
	return c.stat(ctx, "naming.Lstat", name, NoFollow)
}

func (c *Client) stat(ctx context.Context, verb, name string, flags uint32) (Descriptor, error) {
	buf := make([]byte, ipc.MaxAppended)
	call := Call{Verb: verb, Op: OpReadDescriptor, Name: name, Write: buf, Repeatable: true}
	call.Put32(0, flags)
	a, err := c.Do(ctx, call)
	if errors.Is(err, ErrVirtual) {
		clean, _ := Clean(name)
		return virtualDescriptor(Base(clean)), nil
	}
	if err != nil {
		return Descriptor{}, err
	}
	d, _, err := DecodeDescriptor(buf[:min(a.Message.SegmentSize(), len(buf))])
	if err != nil {
		return d, c.opError(&call, a.Server, err)
	}
	return d, nil
}

// WriteDescriptor changes those fields of the object's descriptor that fields
// says to what d has: all of them or none, as far as the server can tell
// beforehand. Codes of Do, NoPermission, ReadOnly, RequestUnsupported (the
// server can't change one of them), BadArgs.
func (c *Client) WriteDescriptor(ctx context.Context, name string, d Descriptor, fields Fields) error {
	data, err := d.Append(nil)
	if err != nil {
		return &ipc.OpError{Op: "naming.WriteDescriptor", Name: name, Err: err}
	}
	call := Call{Verb: "naming.WriteDescriptor", Op: OpWriteDescriptor, Name: name, Data: data, Repeatable: true}
	call.Put32(0, uint32(fields))
	_, err = c.Do(ctx, call)
	return err
}

// Chmod changes the permission bits of the object. Codes of WriteDescriptor.
func (c *Client) Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	return c.WriteDescriptor(ctx, name, Descriptor{Mode: mode}, FieldMode)
}

// Remove removes the object, or the context if it is empty. Codes of Do,
// ContextNotEmpty, NoPermission, ReadOnly.
func (c *Client) Remove(ctx context.Context, name string) error {
	_, err := c.Do(ctx, Call{Verb: "naming.Remove", Op: OpRemove, Name: name})
	return err
}

// Mkdir makes an empty context. Codes of Do, DuplicateName, NoPermission,
// ReadOnly.
func (c *Client) Mkdir(ctx context.Context, name string, perm fs.FileMode) error {
	call := Call{Verb: "naming.Mkdir", Op: OpCreateContext, Name: name}
	call.Put32(0, uint32(perm.Perm()))
	_, err := c.Do(ctx, call)
	return err
}

// Rename gives the object oldName the name newName, whose present object it
// replaces; both names are on one server. Codes of Do, CrossServer,
// NoPermission, ReadOnly.
func (c *Client) Rename(ctx context.Context, oldName, newName string) error {
	return c.two(ctx, "naming.Rename", OpRename, oldName, newName)
}

// Link gives the object oldName one more name. Codes of Rename, DuplicateName.
func (c *Client) Link(ctx context.Context, oldName, newName string) error {
	return c.two(ctx, "naming.Link", OpLink, oldName, newName)
}

func (c *Client) two(ctx context.Context, verb string, op ipc.Op, oldName, newName string) error {
	if newName == "" {
		return &ipc.OpError{Op: verb, Name: newName, Err: ipc.IllegalName}
	}
	_, err := c.Do(ctx, Call{Verb: verb, Op: op, Name: oldName, Second: newName})
	return err
}

// Symlink makes name a symbolic link to target, which its server interprets.
// Codes of Do, DuplicateName, RequestUnsupported.
func (c *Client) Symlink(ctx context.Context, target, name string) error {
	_, err := c.Do(ctx, Call{Verb: "naming.Symlink", Op: OpSymlink, Name: name, Data: []byte(target)})
	return err
}

// Hosts returns the hosts of the domain, by name, as this host's kernel server
// knows them: lost ones too. Nobody else is asked. Codes of Send.
func (c *Client) Hosts(ctx context.Context) ([]Host, error) {
	return list(ctx, c, "naming.Hosts", OpQueryHosts, "", HostOf)
}

// Prefixes returns the prefixes at and beneath a name, by name, as this host's
// kernel server knows them: those of lost hosts too. Nobody else is asked. Codes
// of Send.
func (c *Client) Prefixes(ctx context.Context, under string) ([]Prefix, error) {
	clean, err := Clean(under)
	if err != nil {
		return nil, &ipc.OpError{Op: "naming.Prefixes", Name: under, Err: err}
	}
	return list(ctx, c, "naming.Prefixes", OpQueryPrefixes, clean, PrefixOf)
}

// list asks the own kernel server for a list of descriptors, and again with
// more room if that was not enough.
func list[T any](ctx context.Context, c *Client, verb string, op ipc.Op, name string, of func(*Descriptor) (T, error)) ([]T, error) {
	server := c.team.HostServer()
	fail := func(err error) ([]T, error) {
		return nil, &ipc.OpError{Op: verb, Name: name, Host: c.team.Host(), PID: server, Err: ipc.CodeOf(err)}
	}
	for room := ipc.MaxAppended; ; {
		buf := make([]byte, room)
		var m ipc.Message
		PutRequest(&m, op, DefaultContext, 0, len(name))
		if _, err := c.Send(ctx, &m, server, ipc.Segment{Read: []byte(name), Write: buf}); err != nil {
			return fail(err)
		}
		if m.Code() != ipc.OK {
			return fail(m.Code())
		}
		size := int(m.Uint32(4))
		if size > ipc.MaxSegment {
			return fail(ipc.BadArgs)
		}
		if size > room {
			room = min(2*size, ipc.MaxSegment)
			continue
		}
		return decodeList(buf[:size], of, fail)
	}
}

// decodeList reads what list has got.
func decodeList[T any](b []byte, of func(*Descriptor) (T, error), fail func(error) ([]T, error)) ([]T, error) {
	descriptors, err := DecodeDescriptors(b)
	if err != nil {
		return fail(err)
	}
	result := make([]T, len(descriptors))
	for i := range descriptors {
		if result[i], err = of(&descriptors[i]); err != nil {
			return fail(err)
		}
	}
	return result, nil
}
