package program

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"vsys/ipc"
	"vsys/naming"
)

// Client starts programs on the hosts of the domain. It may be used by any
// goroutine. Errors are [*ipc.OpError]; [Status] turns them into exit statuses.
//
// Programs belong to the naming client: when that is closed, or the process that
// has it ends, the team servers terminate them, unless they were to be kept.
type Client struct {
	names   *naming.Client
	streams streams

	mu      sync.Mutex
	running map[string]int    // guarded by mu: programs begun and not waited for, by host
	turn    uint64            // guarded by mu: how often a host was chosen
	turns   map[string]uint64 // guarded by mu: when each was, by turn
}

// NewClient returns a client that finds team servers with names, which it does
// not close.
func NewClient(names *naming.Client) *Client {
	return &Client{names: names, running: make(map[string]int), turns: make(map[string]uint64), streams: streams{names: names}}
}

// Close ends the service of the readers and writers that programs were given: to
// the programs it looks as if nobody were there. It waits for reads and writes of
// them that are under way. Closing twice is no error.
func (c *Client) Close() { c.streams.close() }

// request sends op, OpLoad or OpFind, to the team server of host.
func (c *Client) request(ctx context.Context, call naming.Call, host string, s *Spec) (naming.Answer, error) {
	fail := func(err error) (naming.Answer, error) {
		return naming.Answer{}, &ipc.OpError{Op: call.Verb, Name: s.Path, Host: host, Err: err}
	}
	data, err := s.Append(nil)
	if err != nil {
		return fail(err)
	}
	owner, err := c.names.Owner()
	if err != nil {
		return fail(ipc.CodeOf(err))
	}
	call.Name, call.Data = Prefix(host), data
	call.PutPID(0, owner)
	call.Put32(8, uint32(len(data)))
	a, err := c.names.Do(ctx, call)
	var op *ipc.OpError
	switch {
	case err == nil:
		return a, nil
	case a.Server != 0:
		return fail(readRefusal(&a.Message))
	case errors.Is(err, ipc.NotFound):
		return fail(ipc.HostUnknown)
	case errors.Is(err, naming.ErrOutcomeUnknown) && isLoss(ipc.CodeOf(err)):
		return fail(&Lost{ipc.RetransTimeout})
	case errors.As(err, &op):
		return fail(op.Err)
	}
	return fail(err)
}

// load starts the program on host. Codes: those of Cmd.Start.
func (c *Client) load(ctx context.Context, host string, s *Spec) (ipc.PID, loaded, error) {
	a, err := c.request(ctx, naming.Call{Verb: "program.Start", Op: OpLoad}, host, s)
	return a.Server, readLoaded(&a.Message), err
}

// Find returns the path, in the Unix file system of host, of the program that s
// would start there; only its Path, Search, Env and Dir matter. It blocks. Codes:
// NotFound, NotExecutable (with a [*Refusal]); HostUnknown; Unreachable.
func (c *Client) Find(ctx context.Context, host string, s *Spec) (string, error) {
	buf := make([]byte, naming.MaxName)
	only := &Spec{Path: s.Path, Search: s.Search, Env: s.Env, Dir: s.Dir}
	a, err := c.request(ctx, naming.Call{Verb: "program.Find", Op: OpFind, Write: buf, Repeatable: true}, host, only)
	if err != nil {
		return "", err
	}
	return string(buf[:min(a.Message.SegmentSize(), len(buf))]), nil
}

// Pick chooses a host as Cmd.Start does for [Any], and says why; whether it has
// the program is not asked. It blocks. Codes: HostUnknown; those of Send.
func (c *Client) Pick(ctx context.Context) (host, why string, err error) {
	ch, err := c.choose(ctx, Any, "")
	if err != nil {
		return "", "", &ipc.OpError{Op: "program.Pick", Err: err}
	}
	return ch.hosts[0], ch.why, nil
}

// HostInfo is what a team server says of its host.
type HostInfo struct {
	naming.Host
	Programs int // that it runs
	Users    int // sessions of people who are logged in
}

// HostInfoOf reads what a team server replies to OpQueryHost. BadArgs.
func HostInfoOf(d *naming.Descriptor) (HostInfo, error) {
	h, err := naming.HostOf(d)
	if err != nil {
		return HostInfo{}, err
	}
	programs, err := strconv.ParseUint(d.Value("programs"), 10, 31)
	if err != nil {
		return HostInfo{}, ipc.BadArgs
	}
	users, err := strconv.ParseUint(d.Value("users"), 10, 31)
	if err != nil {
		return HostInfo{}, ipc.BadArgs
	}
	return HostInfo{h, int(programs), int(users)}, nil
}

// Descriptor returns h as it travels.
func (h *HostInfo) Descriptor() naming.Descriptor {
	d := h.Host.Descriptor()
	d.Values["programs"] = strconv.Itoa(h.Programs)
	d.Values["users"] = strconv.Itoa(h.Users)
	return d
}

// QueryHost asks the team server of host how the host stands now. It blocks.
// Codes: HostUnknown, Unreachable; those of Send.
func (c *Client) QueryHost(ctx context.Context, host string) (HostInfo, error) {
	var m ipc.Message
	m.SetOp(OpQueryHost)
	d, err := c.query(ctx, host, &m)
	if err != nil {
		return HostInfo{}, &ipc.OpError{Op: "program.QueryHost", Host: host, Err: err}
	}
	return HostInfoOf(&d)
}

// Query describes the program id of a host's team server: its values are those
// that docs/wire/program.md lists. It blocks. Codes: NotFound; as QueryHost.
func (c *Client) Query(ctx context.Context, host string, id uint32) (naming.Descriptor, error) {
	var m ipc.Message
	m.SetOp(OpQueryTeam)
	m.PutUint32(4, id)
	d, err := c.query(ctx, host, &m)
	if err != nil {
		err = &ipc.OpError{Op: "program.Query", Name: programName(host, id), Host: host, Err: err}
	}
	return d, err
}

// query sends m to the team server of host, which answers with a descriptor.
func (c *Client) query(ctx context.Context, host string, m *ipc.Message) (d naming.Descriptor, err error) {
	server, err := c.server(ctx, host)
	if err != nil {
		return d, err
	}
	buf := make([]byte, ipc.MaxAppended)
	if _, err := c.names.Send(ctx, m, server, ipc.Segment{Write: buf}); err != nil {
		return d, ipc.CodeOf(err)
	}
	if m.Code() != ipc.OK {
		return d, m.Code()
	}
	d, _, err = naming.DecodeDescriptor(buf[:min(m.SegmentSize(), len(buf))])
	return d, err
}

// server returns the team server of host.
func (c *Client) server(ctx context.Context, host string) (ipc.PID, error) {
	to, err := c.names.Resolve(ctx, Prefix(host))
	if errors.Is(err, ipc.NotFound) {
		err = ipc.HostUnknown
	}
	return to.Server, err
}

// programName returns the name of a program in V's tree.
func programName(host string, id uint32) string {
	return Prefix(host) + "/" + strconv.FormatUint(uint64(id), 10)
}

// count notes that a program began or ended on host.
func (c *Client) count(host string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[host] += n; c.running[host] <= 0 {
		delete(c.running, host)
	}
}
