package timeipc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"

	"vsys/ipc"
	"vsys/kernel"
)

// hostParameters are what a server that is a host reads first: one JSON value.
type hostParameters struct {
	Peer   netip.AddrPort // the other host
	Name   string
	Member *kernel.Member // nil: the domain is clear
}

// Serve is what the processes of a measurement do; what is one of "team SOCKET",
// "host SOCKET", "unix NAME" and "udp ADDRESS". It prints where it serves. A team
// serves until in ends, and for each line that comes by in it ends and another, new
// one takes its place; a host reads its parameters by in first. The others serve
// until ctx is done.
func Serve(ctx context.Context, what, where string, in io.Reader) error {
	switch what {
	case "team":
		return serveTeams(ctx, in, func() (*kernel.Kernel, error) {
			return kernel.Join(ctx, where, "timeipc server")
		})
	case "host":
		return serveHost(ctx, where, bufio.NewReader(in))
	case "unix":
		return serveDatagrams(ctx, "unixgram", where)
	case "udp":
		return serveDatagrams(ctx, "udp", where)
	}
	return fmt.Errorf("timeipc: no server called %q", what)
}

// serveHost boots a host, which teams can join by its socket, and serves in one.
func serveHost(ctx context.Context, socket string, in *bufio.Reader) error {
	var p hostParameters
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p)
	}
	if err != nil {
		return fmt.Errorf("timeipc: a host is started by a measurement: %w", err)
	}
	h, err := kernel.NewHost(ctx, kernel.HostConfig{
		Name: p.Name, Addr: netip.AddrPortFrom(p.Peer.Addr().Next(), 0), Peers: []netip.AddrPort{p.Peer},
		Socket: socket, Member: p.Member,
	})
	if err != nil {
		return err
	}
	defer h.Close()
	return serveTeams(ctx, in, func() (*kernel.Kernel, error) { return h.NewTeam("timeipc server") })
}

// serveTeams serves in one new team after the other.
func serveTeams(ctx context.Context, in io.Reader, newTeam func() (*kernel.Kernel, error)) error {
	lines := bufio.NewScanner(in)
	for {
		k, err := newTeam()
		if err != nil {
			return err
		}
		p, err := k.NewProcess(ctx, "timeipc server")
		if err != nil {
			k.Close()
			return err
		}
		served := make(chan struct{})
		go func() { // ends when k is closed
			defer close(served)
			serveEcho(p)
		}()
		fmt.Println(p.PID())
		more := lines.Scan()
		k.Close()
		<-served
		if !more {
			return lines.Err()
		}
	}
}

// serveEcho answers every message at once, until p has ended.
func serveEcho(p ipc.Process) {
	buf := make([]byte, ipc.MaxAppended)
	var m ipc.Message
	for {
		t, err := p.Receive(&m, buf)
		if err != nil {
			return
		}
		m.SetCode(ipc.OK)
		p.Reply(&m, t, nil) // a client that has gone needs no answer
	}
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
