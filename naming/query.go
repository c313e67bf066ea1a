package naming

import (
	"context"
	"fmt"

	"vsys/ipc"
)

// answer is a kernel server's answer to OpQueryName.
type answer struct {
	entry
	known   bool // entry is set: a prefix covers the name
	lost    bool // its host is lost
	beneath bool // there are prefixes beneath the name
	live    int  // live hosts of the domain
}

// readAnswer reads the answer m about name. What the server says is checked, for
// it comes from outside.
func readAnswer(m *ipc.Message, name string) (answer, error) {
	flags := m.Uint16(20)
	a := answer{beneath: flags&queryBeneath != 0, live: int(m.Uint16(22))}
	switch m.Code() {
	case ipc.NotFound:
		return a, nil
	case ipc.OK:
	default:
		return a, m.Code()
	}
	n := int(m.Uint16(atIndex))
	if n == 0 || n > len(name) || !Covers(name[:n], name) {
		return a, ipc.BadArgs
	}
	a.known, a.lost = true, flags&queryLost != 0
	a.entry = entry{prefix: name[:n], server: m.PID(12), context: m.Uint32(atContext)}
	return a, nil
}

// locate finds out which context covers name: from the cache, else from the own
// kernel server, else from all. cached says that the entry may be stale.
func (c *Client) locate(ctx context.Context, name string) (e entry, cached bool, err error) {
	if e, ok := c.cache.longest(name); ok {
		c.counts.hits.Add(1)
		return e, true, nil
	}
	c.counts.misses.Add(1)
	e, err = c.ask(ctx, name, entry{})
	return e, false, err
}

// ask finds out without the cache which context covers name, and notes it
// there. It is not stale, of which the server has ended, though that may be all
// that this host's kernel server has heard of yet; the zero entry excludes none.
func (c *Client) ask(ctx context.Context, name string, stale entry) (entry, error) {
	a, err := c.askOwn(ctx, name)
	if err != nil {
		return entry{}, err
	}
	behind := a.known && !a.lost && a.same(stale)
	if behind {
		a.known, a.entry = false, entry{}
	}
	if !a.known && a.live > 1 && (behind || !a.beneath) {
		if a, err = c.askAll(ctx, name, a, stale); err != nil {
			return entry{}, err
		}
	}
	switch {
	case a.lost:
		return entry{}, c.unreachable(a.server.Host())
	case a.known:
		c.cache.put(a.entry)
		return a.entry, nil
	case a.beneath || name == "/" || c.binds.beneath(name):
		return entry{}, ErrVirtual
	}
	return entry{}, ipc.NotFound
}

// askOwn asks the kernel server of this host.
func (c *Client) askOwn(ctx context.Context, name string) (answer, error) {
	var m ipc.Message
	PutRequest(&m, OpQueryName, DefaultContext, 0, len(name))
	if _, err := c.Send(ctx, &m, c.team.HostServer(), ipc.Segment{Read: []byte(name)}); err != nil {
		return answer{}, err
	}
	return readAnswer(&m, name)
}

// betterThan compares two answers about one name.
func (a answer) betterThan(b answer) bool {
	if a.known != b.known {
		return a.known
	}
	if a.lost != b.lost {
		return b.lost
	}
	return a.beneath && !b.beneath
}

// lostHost is the error for a host that is lost: Unreachable, with its name.
type lostHost struct{ name string }

func (e *lostHost) Error() string { return ipc.Unreachable.Error() }
func (e *lostHost) Unwrap() error { return ipc.Unreachable }

// unreachable says that the host with that number is lost.
func (c *Client) unreachable(number uint16) error {
	name := c.team.HostName(number)
	if name == "" {
		name = fmt.Sprintf("host %d", number)
	}
	return &lostHost{name}
}
