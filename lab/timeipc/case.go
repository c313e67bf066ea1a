package timeipc

import (
	"context"
	"net"
	"runtime"
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// sizes are the segments that are measured, in octets.
var sizes = []int{0, 1024, 16384}

// testCase is something to be measured.
type testCase struct {
	name    string
	size    int
	against []*testCase // yardsticks
	calls   int         // in a round
	fresh   bool        // each call is of teams that are new: their making is not measured
	call    func() (time.Duration, error)
	times   []time.Duration // of the round
	medians []time.Duration // of each round
	all     []time.Duration
}

// round measures the case once.
func (t *testCase) round() error {
	t.times = t.times[:0]
	for range t.calls {
		d, err := t.call()
		if err != nil {
			return err
		}
		t.times = append(t.times, d)
	}
	return nil
}

// allocations returns how many a call makes, on average.
func (t *testCase) allocations() (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range t.calls {
		if _, err := t.call(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(t.calls), nil
}

// timed adds the case of a call.
func (b *bench) timed(name string, size int, call func() error, against ...*testCase) *testCase {
	t := &testCase{name: name, size: size, calls: b.config.Calls, against: against}
	t.call = func() (time.Duration, error) {
		start := time.Now()
		err := call()
		return time.Since(start), err
	}
	b.cases = append(b.cases, t)
	return t
}

// send adds the case of a message to server.
func (b *bench) send(name string, size int, k *kernel.Kernel, server ipc.PID, against ...*testCase) (*testCase, error) {
	p, err := k.NewProcess(context.Background(), "timeipc")
	if err != nil {
		return nil, err
	}
	segment := make([]byte, size)
	m := new(ipc.Message)
	return b.timed(name, size, func() error {
		m.Reset()
		_, err := p.Send(m, server, ipc.Segment{Read: segment})
		return err
	}, against...), nil
}

// first adds the case of the first message of two teams that never spoke.
func (b *bench) first(ctx context.Context, name string, d *domain) {
	b.cases = append(b.cases, &testCase{name: name, calls: b.config.Pairs, fresh: true, call: func() (time.Duration, error) {
		server, err := d.freshServer()
		if err != nil {
			return 0, err
		}
		k, err := kernel.Join(ctx, d.socket, "timeipc")
		if err != nil {
			return 0, err
		}
		defer k.Close()
		p, err := k.NewProcess(ctx, "timeipc")
		if err != nil {
			return 0, err
		}
		return moreThanSecond(p, server)
	}})
}

// moreThanSecond sends twice and returns by how much the first took longer.
func moreThanSecond(p ipc.Process, server ipc.PID) (time.Duration, error) {
	var took [2]time.Duration
	for i := range took {
		var m ipc.Message
		start := time.Now()
		if _, err := p.Send(&m, server, ipc.Segment{}); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	return took[0] - took[1], nil
}

// channel adds the case of two goroutines with two unbuffered channels.
func (b *bench) channel(ctx context.Context) *testCase {
	to, back := make(chan int), make(chan int)
	stop := context.AfterFunc(ctx, func() { close(to) })
	b.closers = append(b.closers, func() { stop() })
	b.loops.Go(func() { // ends with ctx
		for v := range to {
			back <- v
		}
	})
	return b.timed("channel", 0, func() error {
		to <- 1
		<-back
		return nil
	})
}

// datagrams adds the case of a ping-pong over a connected socket.
func (b *bench) datagrams(name string, size int, conn net.Conn) *testCase {
	size = max(size, 96) // as large as a message with its headers
	out, in := make([]byte, size), make([]byte, 1<<16)
	return b.timed(name, size, func() error {
		if _, err := conn.Write(out); err != nil {
			return err
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		_, err := conn.Read(in)
		return err
	})
}
