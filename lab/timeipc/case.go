package timeipc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// sizes are the segments that are measured, in octets.
var sizes = []int{0, 1024, 16384}

// call is one round trip; it is timed.
type call func() error

// testCase is something to be measured.
type testCase struct {
	name      string
	size      int
	yardstick string // name of the case that it is compared with; "": none
	call      call
	times     []time.Duration // of the round
	medians   []time.Duration // of each round
	all       []time.Duration
	ratios    []float64
}

// send returns the case of a message to server.
func send(name, yardstick string, size int, k *kernel.Kernel, server ipc.PID) (*testCase, error) {
	p, err := k.NewProcess(context.Background(), "timeipc")
	if err != nil {
		return nil, err
	}
	segment := make([]byte, size)
	m := new(ipc.Message)
	return &testCase{name: name, yardstick: yardstick, size: size, call: func() error {
		m.Reset()
		_, err := p.Send(m, server, ipc.Segment{Read: segment})
		return err
	}}, nil
}

// channel returns the case of two goroutines with two unbuffered channels.
func (b *bench) channel(ctx context.Context) *testCase {
	to, back := make(chan int), make(chan int)
	stop := context.AfterFunc(ctx, func() { close(to) })
	b.closers = append(b.closers, func() { stop() })
	b.loops.Go(func() { // ends with ctx
		for v := range to {
			back <- v
		}
	})
	return &testCase{name: "channel", call: func() error {
		to <- 1
		<-back
		return nil
	}}
}

// datagrams returns the case of a ping-pong over a connected socket.
func datagrams(name string, size int, conn net.Conn) *testCase {
	size = max(size, 96) // as large as a message with its headers
	out, in := make([]byte, size), make([]byte, 1<<16)
	return &testCase{name: name, size: size, call: func() error {
		if _, err := conn.Write(out); err != nil {
			return err
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		_, err := conn.Read(in)
		return err
	}}
}

// serveEcho answers every message at once.
func serveEcho(p ipc.Process) error {
	buf := make([]byte, ipc.MaxAppended)
	var m ipc.Message
	for {
		t, err := p.Receive(&m, buf)
		if err != nil {
			return err
		}
		m.SetCode(ipc.OK)
		p.Reply(&m, t, nil) // a client that has gone needs no answer
	}
}

// Serve is what the processes of a measurement do; what is one of "team SOCKET",
// "host ADDRESS", "unix NAME" and "udp ADDRESS". It prints where it serves and
// returns when ctx is done.
func Serve(ctx context.Context, what, where string) error {
	switch what {
	case "team":
		k, err := kernel.Join(ctx, where, "timeipc server")
		if err != nil {
			return err
		}
		return serveTeam(ctx, k)
	case "host":
		peer, err := netip.ParseAddrPort(where)
		if err != nil {
			return err
		}
		h, err := kernel.NewHost(ctx, kernel.HostConfig{
			Name: "timeipc-far", Addr: netip.AddrPortFrom(peer.Addr().Next(), 0), Peers: []netip.AddrPort{peer},
		})
		if err != nil {
			return err
		}
		defer h.Close()
		k, err := h.NewTeam("timeipc server")
		if err != nil {
			return err
		}
		return serveTeam(ctx, k)
	case "unix":
		return serveDatagrams(ctx, "unixgram", where)
	case "udp":
		return serveDatagrams(ctx, "udp", where)
	}
	return fmt.Errorf("timeipc: no server called %q", what)
}

// serveTeam serves in a team whose only process is the server.
func serveTeam(ctx context.Context, k *kernel.Kernel) error {
	defer k.Close()
	p, err := k.NewProcess(ctx, "timeipc server")
	if err != nil {
		return err
	}
	fmt.Println(p.PID())
	if err := serveEcho(p); ctx.Err() == nil {
		return err
	}
	return nil
}

// serveDatagrams echoes datagrams.
func serveDatagrams(ctx context.Context, network, where string) error {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, network, where)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	fmt.Println(c.LocalAddr())
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if _, err := c.WriteTo(buf[:min(n, 96)], from); err != nil {
			return err
		}
	}
}
