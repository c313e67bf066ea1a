package timeipc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/seal/cert"
)

// The hosts of a domain.
const (
	nearName = "timeipc"
	farName  = "timeipc-far"
)

// domain is a V domain of two hosts: this program is one, the other is a process of
// its own. So are the teams that serve.
type domain struct {
	team      *kernel.Kernel // the client's, on this host
	near, far ipc.PID        // servers: in another team of this host, and on the other host
	fresh     *server        // in a team of this host that is new each time
	socket    string         // of the other host
}

// setUp starts the servers and makes the cases.
func (b *bench) setUp(ctx context.Context) error {
	prefix := fmt.Sprintf("@vsys-timeipc-%d", os.Getpid())
	near, far, err := members()
	if err != nil {
		return err
	}
	sealed, err := b.domain(ctx, prefix+"-sealed", near, far)
	if err != nil {
		return err
	}
	clear, err := b.domain(ctx, prefix+"-clear", nil, nil)
	if err != nil {
		return err
	}
	if err := b.sameTeam(ctx, sealed.team); err != nil {
		return err
	}
	for _, size := range sizes {
		if err := b.between(ctx, fmt.Sprint(prefix, "-unix-", size), size, sealed, clear); err != nil {
			return err
		}
	}
	b.first(ctx, "clear first request", clear)
	b.first(ctx, "first request", sealed)
	return nil
}

// members returns the keys of a domain's two hosts.
func members() (near, far *kernel.Member, err error) {
	wall := time.Now()
	key, trust, first, err := cert.NewDomain(rand.Reader, wall, nearName)
	if err != nil {
		return nil, nil, err
	}
	own, err := cert.NewHostKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	c := cert.Issue(key, cert.New(trust.Domain, own.Public, farName, cert.RoleHost, wall))
	near = &kernel.Member{Identity: first, Trust: trust, Keeper: key}
	far = &kernel.Member{Identity: cert.Identity{Key: own, Certificate: c}, Trust: trust.ForNewcomer()}
	return near, far, nil
}

// domain boots a domain of two hosts; nil: a clear one.
func (b *bench) domain(ctx context.Context, socket string, near, far *kernel.Member) (*domain, error) {
	h, err := kernel.NewHost(ctx, kernel.HostConfig{
		Name: nearName, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Socket: socket, Member: near,
	})
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, h.Close)
	d := &domain{socket: socket + "-far"}
	if d.team, err = h.NewTeam("timeipc"); err != nil {
		return nil, err
	}
	peer := hostParameters{Peer: h.Addr(), Name: farName, Member: far}
	for _, s := range []struct {
		what, where string
		say         any
		pid         *ipc.PID
	}{{"team", socket, nil, &d.near}, {"host", d.socket, peer, &d.far}} {
		v, err := b.start(ctx, s.what, s.where, s.say)
		if err != nil {
			return nil, err
		}
		if *s.pid, err = ipc.ParsePID(v.at); err != nil {
			return nil, err
		}
	}
	d.fresh, err = b.start(ctx, "team", socket, nil)
	return d, err
}

// freshServer returns a server in a team that is new.
func (d *domain) freshServer() (ipc.PID, error) {
	if _, err := fmt.Fprintln(d.fresh.in); err != nil {
		return 0, err
	}
	if err := d.fresh.read(); err != nil {
		return 0, err
	}
	return ipc.ParsePID(d.fresh.at)
}

// sameTeam adds the cases of messages within a team.
func (b *bench) sameTeam(ctx context.Context, k *kernel.Kernel) error {
	p, err := k.NewProcess(ctx, "timeipc server")
	if err != nil {
		return err
	}
	b.loops.Go(func() { serveEcho(p) }) // ends when ctx is done
	channel := b.channel(ctx)
	for _, size := range sizes {
		if _, err := b.send("same team", size, k, p.PID(), channel); err != nil {
			return err
		}
	}
	return nil
}

// between adds the cases of messages of one size between teams, and their
// yardsticks; name is free for a Unix socket.
func (b *bench) between(ctx context.Context, name string, size int, sealed, clear *domain) error {
	unix, udp, err := b.yardsticks(ctx, name, size)
	if err != nil {
		return err
	}
	for _, where := range []struct {
		name          string
		yardstick     *testCase
		sealed, clear ipc.PID
	}{{"same host", unix, sealed.near, clear.near}, {"two hosts", udp, sealed.far, clear.far}} {
		c, err := b.send("clear "+where.name, size, clear.team, where.clear, where.yardstick)
		if err != nil {
			return err
		}
		if _, err := b.send(where.name, size, sealed.team, where.sealed, where.yardstick, c); err != nil {
			return err
		}
	}
	return nil
}

// yardsticks adds the cases of plain sockets.
func (b *bench) yardsticks(ctx context.Context, name string, size int) (unix, udp *testCase, err error) {
	if _, err = b.start(ctx, "unix", name, nil); err != nil {
		return nil, nil, err
	}
	own := &net.UnixAddr{Name: name + "-client", Net: "unixgram"}
	u, err := net.DialUnix("unixgram", own, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, nil, err
	}
	b.closers = append(b.closers, func() { u.Close() })
	s, err := b.start(ctx, "udp", "127.0.0.1:0", nil)
	if err != nil {
		return nil, nil, err
	}
	c, err := net.Dial("udp", s.at)
	if err != nil {
		return nil, nil, err
	}
	b.closers = append(b.closers, func() { c.Close() })
	return b.datagrams("unix", size, u), b.datagrams("udp", size, c), nil
}

// server is a process that serves.
type server struct {
	in  io.Writer
	out io.Reader
	at  string // where it serves, as it says
}

// start starts a process that serves. It is told say, unless that is nil.
func (b *bench) start(ctx context.Context, what, where string, say any) (*server, error) {
	args := append(slices.Clone(b.config.Serve), what, where)
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Stderr = os.Stderr
	var s server
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if s.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.closers = append(b.closers, func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if say != nil {
		err = json.NewEncoder(s.in).Encode(say)
	}
	if err == nil {
		err = s.read()
	}
	if err != nil {
		return nil, fmt.Errorf("the %s server did not start: %w", what, err)
	}
	return &s, nil
}

// read reads where the process serves now.
func (s *server) read() error {
	_, err := fmt.Fscanln(s.out, &s.at)
	return err
}
