package uio

import (
	"cmp"
	"io"
	"io/fs"

	"vsys/ipc"
	"vsys/naming"
)

// worker does one request at a time.
type worker struct {
	*crew
	t   ipc.Transaction // under way
	m   ipc.Message     // its request, then its reply
	in  []byte          // what came with the request
	out []byte          // what goes with the reply
}

// handle answers the transaction, whose request is in w.m and w.in.
func (w *worker) handle() {
	segment := w.in[:w.t.Appended]
	op := w.m.Op()
	if op == OpCreateInstance {
		w.create(segment)
		return
	}
	if op.Interface() == ipc.InterfaceUIO {
		if serve := w.operation(op); serve != nil {
			w.answer(serve, segment)
			return
		}
	}
	if w.s.Handler.Serve(w.ctx, w.p, &w.m, w.t, segment) {
		return
	}
	if w.s.Other != nil && w.s.Other(w.ctx, w.p, &w.m, w.t, segment) {
		return
	}
	w.refuse()
}

// refuse answers a request that nobody knows. To a group nobody says so.
func (w *worker) refuse() {
	w.m.Reset()
	w.m.SetCode(ipc.IllegalRequest)
	if w.t.Server.IsGroup() {
		w.m.SetCode(ipc.ResponseDiscarded)
	}
	w.reply(nil)
}

// reply sends w.m and data. It tells whether there was somebody to answer.
func (w *worker) reply(data []byte) bool {
	err := w.p.Reply(&w.m, w.t, data)
	if err != nil {
		w.s.log().Debug("reply", "peer", w.t.Client, "code", ipc.CodeOf(err))
	}
	return err == nil
}

// An operation answers the request in w.m for an instance: it returns the
// segment of the reply, and writes its user data and flags to reply.
type operation func(in *instance, reply *ipc.Message, segment []byte) ([]byte, error)

// operation returns who answers op, nil if it is none of UIO's.
func (w *worker) operation(op ipc.Op) operation {
	switch op {
	case OpQueryInstance:
		return w.query
	case OpReadInstance:
		return w.read
	case OpWriteInstance:
		return w.write
	case OpReleaseInstance:
		return w.release
	case OpSetInstanceOwner:
		return w.setOwner
	case OpSetInstanceSize:
		return w.setSize
	case OpSyncInstance:
		return w.sync
	case OpReadDescriptor:
		return w.readDescriptor
	case OpWriteDescriptor:
		return w.writeDescriptor
	}
	return nil
}

// answer does an operation on an instance and replies.
func (w *worker) answer(serve operation, segment []byte) {
	in, err := w.s.table.get(w.m.Uint32(4))
	if err == nil && w.m.Op() == OpReadInstance && in.has(Stream) {
		w.readStream(in)
		return
	}
	var reply ipc.Message
	var data []byte
	if err == nil {
		data, err = serve(in, &reply, segment)
	}
	reply.SetCode(naming.CodeOf(err))
	room := w.m.Capacity()
	w.m = reply
	if err != nil {
		data = nil
	} else if len(data) > room {
		w.m.SetCode(ipc.BadByteCount)
		data = nil
	}
	w.reply(data)
}

// create opens an object. Its arguments are the mode (u16), the permission bits
// (u16) and the owner (u64; 0: who asks).
func (w *worker) create(segment []byte) {
	var made *instance
	err := naming.Respond(w.p, &w.m, w.t, segment, func(r *naming.Request, reply *ipc.Message) (_ []byte, err error) {
		if made, err = w.open(r); err == nil {
			made.info.put(reply, made.id)
		}
		return nil, err
	})
	if err != nil && made != nil { // the client has given up, and does not know of it
		_ = w.s.table.release(made.id, false)
	}
}

// open makes the instance that r asks for.
func (w *worker) open(r *naming.Request) (*instance, error) {
	o := &OpenRequest{
		Request: r, Mode: Mode(r.Arg16(0)), Perm: fs.FileMode(r.Arg16(2)).Perm(), Owner: r.ArgPID(4),
	}
	o.Owner = cmp.Or(o.Owner, w.t.Client)
	if err := o.Mode.Check(); err != nil {
		return nil, err
	}
	if w.s.Open == nil {
		return nil, ipc.RequestUnsupported
	}
	if err := w.s.table.room(w.s.maxInstances()); err != nil {
		return nil, err
	}
	object, err := w.s.Open(w.ctx, o)
	if err != nil {
		return nil, err
	}
	in, err := w.s.table.add(object, o.Owner, w.s.maxInstances())
	if err != nil {
		_ = object.Release(false) // the error that counts is that there is no room
	}
	return in, err
}

func (w *worker) query(in *instance, reply *ipc.Message, _ []byte) ([]byte, error) {
	reply.Set(ipc.FlagDGM)
	in.now().put(reply, in.id)
	return nil, nil
}

// read is for objects that are no streams.
func (w *worker) read(in *instance, reply *ipc.Message, _ []byte) ([]byte, error) {
	x := readTransfer(&w.m)
	if !in.has(Readable) {
		return nil, ipc.NotReadable
	}
	pos, err := x.position(in.info.BlockSize)
	if err != nil {
		return nil, err
	}
	if int(x.count) > w.m.Capacity() {
		return nil, ipc.BadByteCount
	}
	object, ok := in.object.(io.ReaderAt)
	if !ok {
		return nil, ipc.RequestUnsupported
	}
	reply.Set(ipc.FlagDGM)
	n, err := object.ReadAt(w.out[:x.count], pos)
	if n > 0 || x.count == 0 && err == io.EOF {
		err = nil
	} else if err == nil && x.count > 0 {
		err = ipc.EndOfFile
	}
	reply.PutUint32(4, uint32(n))
	return w.out[:n], err
}

// write writes at a position, or, to streams and objects that only grow, at the
// end.
func (w *worker) write(in *instance, reply *ipc.Message, segment []byte) ([]byte, error) {
	x := readTransfer(&w.m)
	if !in.has(Writeable) {
		return nil, ipc.NotWriteable
	}
	if int(x.count) != w.m.SegmentSize() || int(x.count) != len(segment) {
		return nil, ipc.BadByteCount
	}
	n, err := w.writeTo(in, x, segment)
	if n > 0 {
		err = nil // the client sees that it is less, and asks again
	}
	reply.PutUint32(4, uint32(n))
	return nil, err
}

func (w *worker) writeTo(in *instance, x transfer, segment []byte) (int, error) {
	if in.info.Attributes&(Stream|AppendOnly) == 0 {
		pos, err := x.position(in.info.BlockSize)
		object, ok := in.object.(io.WriterAt)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			return 0, ipc.RequestUnsupported
		}
		return object.WriteAt(segment, pos)
	}
	object, ok := in.object.(StreamWriter)
	if !ok {
		return 0, ipc.RequestUnsupported
	}
	v, err := w.streams.enter(in, w.p, w.t)
	if err != nil {
		return 0, err
	}
	defer w.streams.leave(v)
	return object.WriteStream(v, segment)
}

func (w *worker) release(in *instance, _ *ipc.Message, _ []byte) ([]byte, error) {
	mode := w.m.Uint32(8)
	if mode > abandon {
		return nil, ipc.BadArgs
	}
	return nil, w.s.table.release(in.id, mode == keep)
}

func (w *worker) setOwner(in *instance, reply *ipc.Message, _ []byte) ([]byte, error) {
	owner := w.m.PID(8)
	if owner == 0 || owner.IsGroup() {
		return nil, ipc.BadArgs
	}
	reply.Set(ipc.FlagDGM)
	return nil, w.s.table.setOwner(in.id, owner)
}

func (w *worker) setSize(in *instance, _ *ipc.Message, _ []byte) ([]byte, error) {
	size := w.m.Uint64(8)
	object, ok := in.object.(Resizer)
	switch {
	case !in.has(Writeable):
		return nil, ipc.NotWriteable
	case !ok || in.has(Stream):
		return nil, ipc.RequestUnsupported
	case size >= 1<<63:
		return nil, ipc.BadArgs
	}
	return nil, object.SetSize(int64(size))
}

func (w *worker) sync(in *instance, _ *ipc.Message, _ []byte) ([]byte, error) {
	if object, ok := in.object.(Syncer); ok {
		return nil, object.Sync()
	}
	return nil, nil
}

func (w *worker) readDescriptor(in *instance, reply *ipc.Message, _ []byte) ([]byte, error) {
	object, ok := in.object.(Describer)
	if !ok {
		return nil, ipc.RequestUnsupported
	}
	d, err := object.Describe()
	if err != nil {
		return nil, err
	}
	reply.Set(ipc.FlagDGM)
	return d.Append(w.out[:0])
}

func (w *worker) writeDescriptor(in *instance, _ *ipc.Message, segment []byte) ([]byte, error) {
	object, ok := in.object.(Modifier)
	if !ok {
		return nil, ipc.RequestUnsupported
	}
	d, rest, err := naming.DecodeDescriptor(segment)
	if err != nil || len(rest) > 0 {
		return nil, ipc.BadArgs
	}
	return nil, object.Modify(d, naming.Fields(w.m.Uint32(8)))
}

// Modes of OpReleaseInstance.
const (
	keep    uint32 = 0 // what was written is kept
	abandon uint32 = 1 // it need not be
)
