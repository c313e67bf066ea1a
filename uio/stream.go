package uio

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// visit is a read or write of a stream under way: the worker may wait for
// somebody else for long. It is the context that the object gets, and ends when
// the instance is released or the client has given up.
type visit struct {
	context.Context
	end context.CancelFunc
	in  *instance
	p   ipc.Process
	t   ipc.Transaction
}

// Err tells, as that of any context, whether v has ended, after a look whether
// the client still waits.
func (v *visit) Err() error {
	if !v.p.AwaitingReply(v.t) {
		v.end()
	}
	return v.Context.Err()
}

// streams are the visits of a server.
type streams struct {
	limit  int
	filled chan struct{} // holds an element after a visit has begun

	mu  sync.Mutex // guards below, and the instances' visits
	all map[*visit]struct{}
}

func (s *streams) init(limit int) {
	s.limit, s.filled, s.all = limit, make(chan struct{}, 1), make(map[*visit]struct{})
}

// enter begins a visit for transaction t, which p has received. If there are
// others of the instance it ends those whose clients have given up, so that who
// polls a stream has one worker only. NoServerResources: there are too many.
func (s *streams) enter(in *instance, p ipc.Process, t ipc.Transaction) (*visit, error) {
	v := &visit{in: in, p: p, t: t}
	s.mu.Lock()
	if len(s.all) >= s.limit {
		s.mu.Unlock()
		return nil, ipc.NoServerResources
	}
	v.Context, v.end = context.WithCancel(in.life)
	s.all[v] = struct{}{}
	in.visits++
	crowded := in.visits > 1
	s.mu.Unlock()
	post(s.filled)
	if crowded {
		s.dismiss(in)
	}
	return v, nil
}

func (s *streams) leave(v *visit) {
	v.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, v)
	v.in.visits--
}

// dismiss ends the visits whose clients have given up: those of the instance in,
// or all if it is nil.
func (s *streams) dismiss(in *instance) {
	var list []*visit
	s.mu.Lock()
	for v := range s.all {
		if in == nil || v.in == in {
			list = append(list, v)
		}
	}
	s.mu.Unlock()
	for _, v := range list {
		_ = v.Err() // which ends it
	}
}

func (s *streams) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// watchLoop ends the visits whose clients have given up, now and then while
// there are any. It ends with ctx.
func (s *streams) watchLoop(ctx context.Context, interval time.Duration) {
	patrol(ctx, interval, s.filled, s.len, func() { s.dismiss(nil) })
}

// lock takes the right to read the stream, or returns how ctx has ended.
func (in *instance) lock(ctx context.Context) error {
	select {
	case in.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (in *instance) unlock() { <-in.reading }

// now returns what the instance is now. The block that a stream is to be read at
// is told without waiting for a read under way, after which it is one more.
func (in *instance) now() Info {
	i := in.info
	i.Size, i.Next = in.object.Info().Size, in.next.Load()
	return i
}

// readStream answers a read of a stream: of the next block and no other. What
// was read of the object and could not be delivered, because the client had gone
// meanwhile, is given back.
func (w *worker) readStream(in *instance) {
	x, room := readTransfer(&w.m), w.m.Capacity()
	w.m.Reset()
	v, err := w.streams.enter(in, w.p, w.t)
	if err == nil {
		defer w.streams.leave(v)
		err = in.lock(v)
	}
	if err != nil {
		w.m.SetCode(naming.CodeOf(err))
		w.reply(nil)
		return
	}
	defer in.unlock()
	data, err := w.nextBlock(v, x, room)
	next := in.next.Load()
	w.m.SetCode(naming.CodeOf(err))
	w.m.PutUint32(4, uint32(len(data)))
	w.m.PutUint64(8, next)
	switch delivered := w.reply(data); {
	case len(data) == 0:
	case delivered:
		in.next.Store(next + 1)
	default:
		in.unread(data)
	}
}

// nextBlock returns the block that x asks for, at most room octets. The caller
// has the right to read.
func (w *worker) nextBlock(v *visit, x transfer, room int) ([]byte, error) {
	in := v.in
	object, ok := in.object.(StreamReader)
	switch {
	case !in.has(Readable):
		return nil, ipc.NotReadable
	case !ok:
		return nil, ipc.RequestUnsupported
	case x.count > ipc.MaxAppended || int(x.count) > room:
		return nil, ipc.BadByteCount
	case x.block != in.next.Load():
		return nil, ipc.BadBlockNo
	case x.count == 0:
		return nil, nil
	}
	if len(in.pending) > 0 {
		n := copy(w.out[:x.count], in.pending)
		in.pending = in.pending[n:]
		return w.out[:n], nil
	}
	n, err := object.ReadStream(v, w.out[:x.count])
	if n > 0 {
		return w.out[:n], nil
	}
	if err == nil {
		err = io.EOF
	}
	return nil, err
}

// unread gives back what could not be delivered: to the object, or to who reads
// the instance next. The caller has the right to read.
func (in *instance) unread(data []byte) {
	if object, ok := in.object.(Unreader); ok {
		object.Unread(data)
		return
	}
	in.pending = slices.Concat(data, in.pending)
}
