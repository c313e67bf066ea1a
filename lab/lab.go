package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"vsys/naming"
	"vsys/node/command"
	"vsys/node/executive"
	"vsys/program"
	"vsys/shell"
)

// lab is a lab that runs.
type lab struct {
	config Config
	dir    *directory
	mark   string

	names *naming.Client // of the executive

	mu    sync.Mutex // guards hosts, and is held while one boots or ends
	hosts []*host
}

// Run boots a lab, runs the executive on its first host, ends the lab, and
// returns the executive's exit status: that of the script, or of the last line.
// 125: the lab could not be booted. It blocks; cancelling ctx interrupts the
// executive and ends the lab.
func Run(ctx context.Context, c Config) int {
	if err := c.check(); err != nil {
		command.Report(c.Stderr, "lab", err)
		return command.StatusUsage
	}
	sweep()
	l, err := newLab(c)
	if err != nil {
		command.Report(c.Stderr, "lab", err)
		return program.StatusNotStarted
	}
	defer l.close()
	s, err := l.boot(ctx)
	if err != nil {
		command.Report(c.Stderr, "lab", err)
		return program.StatusNotStarted
	}
	defer s.Close()
	if c.interactive() && c.Stdin != nil && term.IsTerminal(int(c.Stdin.Fd())) {
		fmt.Fprint(c.Stderr, l.banner())
	}
	return l.run(ctx, s)
}

// banner is what users are greeted with.
func (l *lab) banner() string {
	some := "1 host"
	if n := len(l.hosts); n > 1 {
		some = fmt.Sprintf("%d hosts", n)
	}
	sealed := ""
	if l.config.Clear {
		sealed = " CLEAR: nothing is sealed."
	}
	return fmt.Sprintf("A V domain of %s: %s.%s exit ends it.\n", some, strings.Join(names[:len(l.hosts)], ", "), sealed)
}

// run runs the executive, and ends it when its host does.
func (l *lab) run(ctx context.Context, s *executive.Session) int {
	own := l.hosts[0]
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() { // ends with the host, or with the executive
		select {
		case <-own.proc.ended:
			end()
		case <-ctx.Done():
		}
	}()
	status := s.Run(ctx, l.executive(s))
	if own.proc.running() {
		return status
	}
	command.Complain(l.config.Stderr, "lab: host "+own.Name+" has ended, and the executive belonged to it", "vsys lab")
	return command.StatusLost
}

// executive says what runs on the first host.
func (l *lab) executive(s *executive.Session) executive.Config {
	c := l.config
	return executive.Config{
		Text: c.Text, File: c.File, Args: c.Args, History: c.History,
		Dir:   "/unix/" + s.Host() + "/lab",
		Env:   append(os.Environ(), markName+"="+l.mark, executive.SocketVariable+"="+l.hosts[0].Socket),
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		Builtins: map[string]shell.Command{"lab": l.command},
	}
}

// newLab makes the lab's directory and gives out names and addresses.
func newLab(c Config) (*lab, error) {
	dir, err := makeDirectory()
	if err != nil {
		return nil, err
	}
	addrs, err := addresses(c.hosts())
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	members, err := c.domain()
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	l := &lab{config: c, dir: dir, mark: strings.TrimPrefix(filepath.Base(dir.path), prefix)}
	for i, addr := range addrs {
		l.hosts = append(l.hosts, &host{parameters: parameters{
			Name: names[i], Addr: addr, Peers: addrs, Root: dir.path, Mark: l.mark,
			Socket: fmt.Sprintf("@vsys-lab-%d-%s", os.Getpid(), names[i]),
			MTU:    c.mtu(), Faults: c.faults(i), Member: members[i],
		}})
	}
	return l, nil
}

// addresses returns the addresses of n hosts: a loopback network that other labs
// don't have, and one port that is free there.
func addresses(n int) ([]netip.AddrPort, error) {
	pid := os.Getpid()
	at := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{127, byte(1 + pid>>8%254), byte(pid), byte(i + 1)})
	}
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at(0), 0)))
	if err != nil {
		return nil, err
	}
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if err := c.Close(); err != nil {
		return nil, err
	}
	all := make([]netip.AddrPort, n)
	for i := range all {
		all[i] = netip.AddrPortFrom(at(i), port)
	}
	return all, nil
}

// boot starts all hosts, at once, joins the first, and waits until it knows the
// others.
func (l *lab) boot(ctx context.Context) (*executive.Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := make([]error, len(l.hosts))
	var all sync.WaitGroup
	for i, h := range l.hosts {
		all.Go(func() { h.proc, errs[i] = h.startProcess(ctx) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s, err := executive.Join(ctx, l.hosts[0].Socket)
	if err != nil {
		return nil, err
	}
	l.names = s.Names
	if err := l.meet(ctx, l.hosts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// The hosts are asked whether they know one another this often, for this long.
const (
	meetEvery    = 5 * time.Millisecond
	meetPatience = 10 * time.Second
)

// meet waits until the first host knows the given ones and what they serve, which
// is as much as it serves itself.
func (l *lab) meet(ctx context.Context, hosts []*host) error {
	ctx, cancel := context.WithTimeout(ctx, meetPatience)
	defer cancel()
	tick := time.NewTicker(meetEvery)
	defer tick.Stop()
	for {
		prefixes, err := l.names.Prefixes(ctx, "/")
		if err != nil {
			return err
		}
		count := map[string]int{}
		for _, p := range prefixes {
			if !p.Lost {
				count[p.HostName]++
			}
		}
		strange := func(h *host) bool { return count[h.Name] < count[l.hosts[0].Name] }
		if !slices.ContainsFunc(hosts, strange) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the hosts don't find one another: %w", ctx.Err())
		}
	}
}

// close ends all hosts, at once, and removes what they leave.
func (l *lab) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all sync.WaitGroup
	for _, h := range l.hosts {
		if h.proc != nil {
			all.Go(h.proc.stop)
		}
	}
	all.Wait()
	killMarked(l.mark)
	if err := l.dir.remove(); err != nil {
		command.Report(l.config.Stderr, "lab", err)
	}
}
