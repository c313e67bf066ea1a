package naming

import (
	"context"
	"sync"
	"sync/atomic"

	"vsys/ipc"
)

// Client is the client's half of the naming protocol: it sends operations by
// name to the servers that answer for the names, and remembers which those are.
// It may be used by any goroutine.
//
// Every method that takes a context may block, until the context ends: by its
// deadline with UserTimeout, by cancellation with Aborted. A host that is silent
// ends the wait after five seconds with Unreachable. Errors are [*ipc.OpError],
// around a Code or a [*ComponentError].
type Client struct {
	team   ipc.Team
	pool   pool
	cache  cache
	binds  bindings
	counts struct{ hits, misses, repairs, multicasts atomic.Uint64 }

	ownerMu sync.Mutex
	owner   ipc.Process // guarded by ownerMu; nil until it is needed
}

// Stats are the counters of a Client, since it was made.
type Stats struct {
	Hits       uint64 `json:"hits"`       // names whose prefix was in the cache
	Misses     uint64 `json:"misses"`     // names whose prefix was not
	Repairs    uint64 `json:"repairs"`    // entries found to be stale, on use
	Multicasts uint64 `json:"multicasts"` // questions to all kernel servers
}

// NewClient returns a client with an empty cache, whose processes belong to
// team. Close ends it.
func NewClient(team ipc.Team) *Client {
	c := &Client{team: team}
	c.pool.init(team)
	return c
}

// Close ends the client: what is under way returns Aborted, and the instances
// that it owns are left for their servers to collect. Closing twice is no error.
func (c *Client) Close() {
	c.pool.close()
	c.ownerMu.Lock()
	defer c.ownerMu.Unlock()
	if c.owner != nil {
		c.owner.Destroy()
	}
}

// Team returns the team that the client works for.
func (c *Client) Team() ipc.Team { return c.team }

// Stats returns the counters.
func (c *Client) Stats() Stats {
	return Stats{
		Hits: c.counts.hits.Load(), Misses: c.counts.misses.Load(),
		Repairs: c.counts.repairs.Load(), Multicasts: c.counts.multicasts.Load(),
	}
}

// Owner returns a process that lives as long as the client: instances belong to
// it, so that servers can tell when nobody needs them any more.
func (c *Client) Owner() (ipc.PID, error) {
	c.ownerMu.Lock()
	defer c.ownerMu.Unlock()
	if c.owner == nil {
		p, err := c.team.NewProcess(c.pool.life, "owner")
		if err != nil {
			return 0, err
		}
		c.owner = p
	}
	return c.owner.PID(), nil
}

// Send does ipc.Process.Send with a process of the client's own. The memory of s
// belongs to the transaction until Send returns, as there.
func (c *Client) Send(ctx context.Context, m *ipc.Message, to ipc.PID, s ipc.Segment) (ipc.PID, error) {
	l, err := c.pool.lease(ctx)
	if err != nil {
		return 0, err
	}
	replier, err := l.p.Send(m, to, s)
	return replier, c.pool.done(ctx, l, err)
}

// valid does ipc.Process.ValidPID likewise.
func (c *Client) valid(ctx context.Context, pid ipc.PID) error {
	l, err := c.pool.lease(ctx)
	if err != nil {
		return err
	}
	return c.pool.done(ctx, l, l.p.ValidPID(pid))
}
