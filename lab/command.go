package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"text/tabwriter"

	"vsys/ipc"
	"vsys/node"
	"vsys/node/command"
	"vsys/shell"
)

const labHelp = `usage: lab hosts [--json]
       lab kill HOST…      take it off the network with all its programs, as a loss of power would
       lab boot HOST…      boot it again
       lab pause HOST…     make it silent (SIGSTOP)
       lab resume HOST…    and let it go on
`

// command is the executive's command lab.
func (l *lab) command(ctx context.Context, c *shell.Call) int {
	verbs := map[string]func(context.Context, *host) error{
		"kill": l.kill, "boot": l.bootHost, "pause": l.pause, "resume": l.resume,
	}
	args := c.Args[1:]
	switch {
	case len(args) == 0, args[0] == "--help":
		fmt.Fprint(c.Stdout, labHelp)
		return 0
	case args[0] == "hosts":
		return l.list(c, len(args) > 1 && args[1] == "--json")
	case verbs[args[0]] == nil:
		command.Complain(c.Stderr, "lab: "+args[0]+": it can't do that", "lab --help")
		return command.StatusUsage
	case len(args) == 1:
		command.Complain(c.Stderr, "lab "+args[0]+": no host is named", "lab "+args[0]+" "+l.hosts[len(l.hosts)-1].Name)
		return command.StatusUsage
	}
	status := 0
	for _, name := range args[1:] {
		if err := l.with(ctx, name, verbs[args[0]]); err != nil {
			status = max(status, command.Report(c.Stderr, "lab "+args[0]+" "+name, err))
		}
	}
	return status
}

// with does something to the host called name, alone.
func (l *lab) with(ctx context.Context, name string, do func(context.Context, *host) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		if h.Name == name {
			return do(ctx, h)
		}
	}
	return &node.Refusal{Err: ipc.HostUnknown, Try: "lab hosts"}
}

// notRunning is the error for what needs a host that runs.
func notRunning(h *host) error {
	return &node.Refusal{Err: fmt.Errorf("it does not run: %w", ipc.NonexistentEntity), Try: "lab boot " + h.Name}
}

func (l *lab) kill(_ context.Context, h *host) error {
	switch {
	case h == l.hosts[0]:
		return &node.Refusal{
			Err: fmt.Errorf("the executive belongs to it: %w", ipc.NoPermission), Try: "another host",
		}
	case !h.proc.running():
		return notRunning(h)
	}
	h.proc.kill()
	h.paused = false
	return nil
}

func (l *lab) bootHost(ctx context.Context, h *host) error {
	if h.proc.running() {
		return &node.Refusal{Err: fmt.Errorf("it runs already: %w", ipc.DuplicateName), Try: "lab kill " + h.Name}
	}
	proc, err := h.startProcess(ctx)
	if err != nil {
		return err
	}
	h.proc = proc
	return l.meet(ctx, []*host{h})
}

func (l *lab) pause(_ context.Context, h *host) error  { return h.setPaused(true, syscall.SIGSTOP) }
func (l *lab) resume(_ context.Context, h *host) error { return h.setPaused(false, syscall.SIGCONT) }

func (h *host) setPaused(paused bool, sig syscall.Signal) error {
	if !h.proc.running() {
		return notRunning(h)
	}
	h.paused = paused
	return h.proc.signal(sig)
}

// list shows the hosts as the lab sees them.
func (l *lab) list(c *shell.Call, asJSON bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSTATE\tOS PID\tADDRESS")
	objects := json.NewEncoder(c.Stdout)
	for _, h := range l.hosts {
		state, pid := "ended", 0
		if h.proc.running() {
			state, pid = "runs", h.proc.cmd.Process.Pid
		}
		if h.paused {
			state = "paused"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%v\n", h.Name, state, pid, h.Addr)
		if asJSON {
			_ = objects.Encode(map[string]any{"name": h.Name, "state": state, "os_pid": pid, "address": h.Addr.String()})
		}
	}
	w.Flush() // a strings.Builder does not fail
	if !asJSON {
		fmt.Fprint(c.Stdout, b.String())
	}
	return 0
}
