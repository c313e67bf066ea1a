package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/kernel"
	"vsys/servers/exec"
	logserver "vsys/servers/log"
	"vsys/servers/pipe"
	"vsys/servers/process"
	"vsys/servers/team"
	"vsys/servers/unix"
)

// Node is a host that runs. Its methods may be called by any goroutine.
type Node struct {
	config Config
	lines  logserver.Ring // what is logged, for the log server
	lock   *Lock
	host   *kernel.Host
	domain *domain
	member *membership // nil in a clear domain
	lost   chan error  // 1: another host has the number or the key

	servers []*running         // in the order of boot
	cancel  context.CancelFunc // ends the loops
	loops   sync.WaitGroup
	close   sync.Once
}

// running is a server at work.
type running struct {
	team   *kernel.Kernel // nil for the process server, which is in team 0
	cancel context.CancelFunc
	ended  chan struct{} // closed when Serve has returned
	err    error         // what it returned; after ended
}

// server is what each server package has.
type server interface {
	Serve(ctx context.Context, p ipc.Process) error
}

// Start boots a host and returns when all its servers are announced. Cancelling
// ctx gives up the boot; once Start has returned it has no effect.
//
// Errors say what can't be had. NoPermission: keys that others can read, or of
// another user; DuplicateName: the name, port, socket or state directory is another host's;
// IllegalName: the name can't be.
func Start(ctx context.Context, c Config) (*Node, error) {
	n := &Node{config: c, lost: make(chan error, 1)}
	n.config.Logger = slog.New(logserver.Handler(&n.lines, c.logger().Handler()))
	var life context.Context
	life, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.boot(ctx); err != nil {
		n.Close()
		return nil, err
	}
	n.loops.Add(1)
	go n.loadLoop(life)
	n.config.logger().Info("host is up", "host", n.Name(), "addr", n.Addr(), "socket", c.socket())
	return n, nil
}

// boot is the boot list.
func (n *Node) boot(ctx context.Context) error {
	if err := n.startKernel(ctx); err != nil {
		return err
	}
	log := n.config.logger()
	own, err := os.Executable()
	if err != nil {
		return fmt.Errorf("host %s: %w", n.Name(), err)
	}
	for _, b := range []struct {
		name string
		server
	}{
		{"process server", &process.Server{Domain: n.domain, Kernel: kernelState{n.host}, Keeper: n.keeper(), Log: log}},
		{"log server", &logserver.Server{Lines: &n.lines, Log: log}},
		{"unix server", &unix.Server{Exports: n.config.exports(), Log: log}},
		{"pipe server", &pipe.Server{Log: log}},
		{"team server", &team.Server{MapPath: n.mapPath, Program: own, Socket: n.config.socket(), Log: log}},
		{"exec server", &exec.Server{Log: log}},
	} {
		if err := n.serve(ctx, b.name, b.server); err != nil {
			return fmt.Errorf("host %s: %s: %w", n.Name(), b.name, err)
		}
	}
	return nil
}

// startKernel takes the state directory and boots the host kernel.
func (n *Node) startKernel(ctx context.Context) error {
	c := &n.config
	socket := c.socket()
	if socket != "" && !strings.HasPrefix(socket, "@") {
		if err := MakeDir(filepath.Dir(socket)); err != nil {
			return fmt.Errorf("host %s: socket for programs: %w", c.name(), err)
		}
	}
	var err error
	if n.lock, err = LockDir(c.state()); err != nil {
		return &Refusal{
			Err: fmt.Errorf("host %s: state directory: %w", c.name(), err),
			Try: "vsys hosts shows the host that runs; --state, --socket and --addr make another one",
		}
	}
	if err := n.makeEmpty(); err != nil {
		return fmt.Errorf("host %s: state directory: %w", c.name(), err)
	}
	member, err := n.openKeys()
	if err != nil {
		return err
	}
	config := kernel.HostConfig{
		Name: c.name(), Addr: c.addr(), Peers: c.Peers, Socket: socket, Listener: c.Listener, State: c.state(), Member: member,
		Multicast: !c.addr().Addr().IsLoopback(), Interfaces: c.Interfaces, Lost: func(err error) { n.lost <- err },
		Version: c.version(), MTU: c.MTU, Faults: c.Faults, Logger: c.Logger,
	}
	n.host, err = kernel.NewHost(ctx, config)
	for range numberTries {
		var taken *kernel.Taken
		if !errors.As(err, &taken) || taken.Kind != hello.NumberTaken {
			break
		}
		c.logger().Warn("the host takes another number", "err", err)
		if err = kernel.NewNumber(c.state()); err == nil {
			n.host, err = kernel.NewHost(ctx, config)
		}
	}
	if err != nil {
		return errors.Join(err, n.member.giveUp())
	}
	n.domain = newDomain(n.host)
	n.tellLoad() // with the first hello about prefixes
	return nil
}

// numberTries bounds how often a host that boots takes another number, one of 65,000.
const numberTries = 3

// keeper returns what the process server does for the domain.
func (n *Node) keeper() process.Keeper {
	if n.member == nil {
		return clearKeeper{n.host}
	}
	return n.member
}

// Lost returns a channel on which an error comes if another host turns out to have
// this one's number or key, a *kernel.Taken. The host is to be closed then; where it
// was the number it may start again, and takes another.
func (n *Node) Lost() <-chan error { return n.lost }

// serve starts a server, in a team of its own unless it is the first, and waits
// until it is announced.
func (n *Node) serve(ctx context.Context, name string, s server) error {
	r := &running{ended: make(chan struct{})}
	var life context.Context
	life, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p, err := n.process(life, name, r)
	if err != nil {
		r.cancel()
		return err
	}
	n.servers = append(n.servers, r)
	go func() { // ends when life does, by stop, which waits for it
		defer close(r.ended)
		r.err = s.Serve(life, p)
		if life.Err() == nil {
			n.config.logger().Error("server has ended", "server", name, "err", r.err)
		}
	}()
	if err := n.domain.await(ctx, p.PID(), r.ended); err != nil {
		return err
	}
	select {
	case <-r.ended:
		return cmp.Or(r.err, error(ipc.Aborted))
	default:
		return nil
	}
}

// process makes the process of a server.
func (n *Node) process(ctx context.Context, name string, r *running) (ipc.Process, error) {
	if len(n.servers) == 0 {
		return n.host.NewServer(ctx, name, n.host.HostServer().Process())
	}
	team, err := n.host.NewTeam(name)
	if err != nil {
		return nil, err
	}
	p, err := team.NewProcess(ctx, name)
	if err != nil {
		team.Close()
		return nil, err
	}
	r.team = team
	return p, nil
}

// stop ends the server and waits for it.
func (r *running) stop() {
	r.cancel()
	<-r.ended
	if r.team != nil {
		r.team.Close()
	}
}

// Close ends the host: its programs first, then its servers, last its kernel,
// which says goodbye to the other hosts. Closing twice is no error.
func (n *Node) Close() {
	n.close.Do(func() {
		for _, r := range slices.Backward(n.servers) {
			r.stop()
		}
		n.cancel()
		n.loops.Wait()
		if n.host != nil {
			n.member.savePeers()
			n.host.Close()
		}
		if n.lock != nil {
			n.lock.Close()
		}
	})
}

// Name returns the name of the host.
func (n *Node) Name() string { return n.config.name() }

// Addr returns the address of the host's port.
func (n *Node) Addr() netip.AddrPort { return n.host.Addr() }

// loadEvery is how often the host looks how busy it is: an average of a minute.
const loadEvery = 5 * time.Second

// peersEvery is how often is kept where the other hosts are, if that has changed.
const peersEvery = time.Minute

// loadLoop tells the kernel the host's load, and keeps where the others are. It
// ends with ctx.
func (n *Node) loadLoop(ctx context.Context) {
	defer n.loops.Done()
	load, peers := time.NewTicker(loadEvery), time.NewTicker(peersEvery)
	defer load.Stop()
	defer peers.Stop()
	for {
		select {
		case <-load.C:
			n.tellLoad()
		case <-peers.C:
			n.member.savePeers()
		case <-ctx.Done():
			return
		}
	}
}

// tellLoad tells the kernel the host's load, as far as it can be read.
func (n *Node) tellLoad() {
	load, err := process.ReadLoad(os.DirFS("/proc"))
	if err != nil {
		n.config.logger().Debug("load", "err", err)
		return
	}
	n.host.SetLoad(load.Runnable, load.MemoryTotal, load.MemoryFree)
}
