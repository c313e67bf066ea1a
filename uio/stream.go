package uio

import (
	"context"
	"io"

	"vsys/ipc"
	"vsys/naming"
)

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

// infoNow is info with the block that a stream is to be read at, as far as that
// can be said without waiting for a read under way, after which it is one more.
func (in *instance) infoNow() Info {
	i := in.info()
	i.Next = in.next.Load()
	return i
}

// readStream answers a read of a stream: of the next block and no other. What
// was read of the object and could not be delivered, because the client had gone
// meanwhile, is kept for who asks for the block again.
func (w *worker) readStream(t ipc.Transaction, in *instance) {
	x, room := readTransfer(&w.m), w.m.Capacity()
	w.m.Reset()
	err := w.enterStream()
	if err == nil {
		defer w.leaveStream()
		err = in.lock(in.life)
	}
	if err != nil {
		w.m.SetCode(naming.CodeOf(err))
		w.reply(t, nil)
		return
	}
	defer in.unlock()
	data, err := w.nextBlock(in, x, room)
	w.m.SetCode(naming.CodeOf(err))
	w.m.PutUint32(4, uint32(len(data)))
	w.m.PutUint64(8, in.next.Load())
	if w.reply(t, data) && len(data) > 0 {
		in.pending = in.pending[len(data):]
		in.next.Add(1)
	}
}

// nextBlock returns the block that x asks for, at most room octets. The caller
// has the right to read.
func (w *worker) nextBlock(in *instance, x transfer, room int) ([]byte, error) {
	object, ok := in.object.(StreamReader)
	switch {
	case !in.info().Attributes.Has(Readable):
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
	if len(in.pending) == 0 {
		n, err := object.ReadStream(in.life, w.out[:x.count])
		if n == 0 && err == nil {
			err = io.EOF
		}
		if n == 0 {
			return nil, err
		}
		in.pending = append(in.pending[:0], w.out[:n]...)
	}
	return in.pending[:min(len(in.pending), int(x.count))], nil
}
