package team

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"vsys/ipc"
	"vsys/uio"
)

// pumpBuffer is what a pump holds at most, in octets: as much as a pipe.
const pumpBuffer = 64 << 10

// pump moves what goes through one pipe: from an instance into the program's
// standard input, or from its output to an instance.
type pump struct {
	*plumbing
	*opening
	pipe  *os.File // the server's end
	input bool

	stop  context.CancelFunc
	ended atomic.Bool // the program has ended
	pos   int64       // where the output goes, of an instance that has positions
}

// start starts the pump's goroutine, which ends at the end of what there is to
// move, on an error, with ctx, or as finish says; drain waits for it.
func (p *pump) start(ctx context.Context) {
	ctx, p.stop = context.WithCancel(ctx)
	loop, all := p.outputLoop, &p.drains
	if p.input {
		loop, all = p.inputLoop, &p.feeders
	}
	all.Go(func() {
		defer p.stop()
		undo := context.AfterFunc(ctx, func() { _ = p.pipe.SetDeadline(time.Unix(1, 0)) })
		defer undo()
		err := loop(ctx)
		if err != nil && !p.isEnd(err) {
			p.note(err)
		}
		p.pipe.Close()
		p.note(p.release())
	})
}

// isEnd tells whether err is a normal end: no more to read, nobody at the other
// end of the pipe, or nobody who waits for it any more.
func (p *pump) isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, ipc.UserTimeout) ||
		errors.Is(err, os.ErrClosed)
}

// finish says that the program has ended: it takes no more input, and its output
// is what is in the pipe, or comes soon.
func (p *pump) finish() {
	p.ended.Store(true)
	if p.input {
		p.stop()
		return
	}
	_ = p.pipe.SetReadDeadline(time.Now().Add(outputPatience))
}

// inputLoop feeds the program.
func (p *pump) inputLoop(ctx context.Context) error {
	buf := make([]byte, pumpBuffer)
	for {
		n, err := p.f.ReadContext(ctx, buf)
		if n > 0 {
			if _, err := p.pipe.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// outputLoop moves the program's output on as it comes. When nobody takes it any
// more the pipe is closed, of which Linux tells the program by SIGPIPE.
func (p *pump) outputLoop(ctx context.Context) error {
	buf := make([]byte, pumpBuffer)
	for {
		n, err := p.pipe.Read(buf)
		if n > 0 {
			if err := p.write(ctx, buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if p.ended.Load() {
			_ = p.pipe.SetReadDeadline(time.Now().Add(outputPatience))
		}
	}
}

// write writes b through to the instance: at its end, or where the pump is.
func (p *pump) write(ctx context.Context, b []byte) error {
	if p.f.Attributes()&(uio.Stream|uio.AppendOnly) != 0 {
		_, err := p.f.WriteContext(ctx, b)
		return err
	}
	n, err := p.f.WriteAt(b, p.pos)
	p.pos += int64(n)
	return err
}
