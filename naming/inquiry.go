package naming

import (
	"context"
	"strings"
	"sync"
	"time"

	"vsys/ipc"
)

const (
	// patience bounds the wait for the answers of all live hosts, as a silent host
	// does any wait.
	patience = 5 * time.Second
	// groupPatience is how long they are waited for before those that have not
	// answered the group are asked alone.
	groupPatience = 250 * time.Millisecond
)

// inquiry is a question to all kernel servers: which context covers a name?
type inquiry struct {
	name  string
	live  int   // hosts that will answer
	stale entry // an answer that does not count

	mu    sync.Mutex // guards below
	best  answer
	heard map[uint16]bool // hosts that have answered
}

// note notes what a host has answered.
func (q *inquiry) note(host uint16, m *ipc.Message) {
	a, err := readAnswer(m, q.name)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.heard[host] = true
	if err == nil && !(a.known && a.same(q.stale)) && a.betterThan(q.best) {
		q.best = a
	}
}

// over tells whether a live server is known or all hosts have answered.
func (q *inquiry) over() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.best.known && !q.best.lost || len(q.heard) >= q.live
}

// hasHeard tells whether a host has answered.
func (q *inquiry) hasHeard(host uint16) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.heard[host]
}

// request returns the question.
func (q *inquiry) request() (m ipc.Message, s ipc.Segment) {
	PutRequest(&m, OpQueryName, DefaultContext, 0, len(q.name))
	return m, ipc.Segment{Read: []byte(q.name)}
}

// gather asks the group and collects answers until it is over, or p gives up.
func (q *inquiry) gather(p ipc.Process) error {
	m, s := q.request()
	m.Set(ipc.FlagMRD)
	replier, err := p.Send(&m, ipc.CSNHGroup, s)
	for err == nil {
		if q.note(replier.Host(), &m); q.over() {
			return nil
		}
		replier, err = p.GetReply(&m, nil)
	}
	return err
}

// askAll asks the kernel servers of all hosts, own being the answer of this
// host's: first their group, and then each alone that has not answered, for an
// answer to a group may be lost. As each answers in any case, it is over when all
// live hosts have. The answer stale does not count. Unreachable: some are silent.
func (c *Client) askAll(ctx context.Context, name string, own answer, stale entry) (answer, error) {
	c.counts.multicasts.Add(1)
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	self := map[uint16]bool{c.team.HostServer().Host(): true}
	q := &inquiry{name: name, live: own.live, stale: stale, best: own, heard: self}
	if err := c.askGroup(bounded, q); err != nil || q.over() {
		return q.best, err
	}
	silent, err := c.askEach(bounded, q)
	deadline, ok := ctx.Deadline()
	switch {
	case err != nil || len(silent) == 0 || q.over():
		return q.best, err
	case ok && !time.Now().Before(deadline):
		return q.best, ipc.UserTimeout
	case ctx.Err() != nil:
		return q.best, ended(ctx)
	}
	return q.best, &lostHost{strings.Join(silent, ", ")}
}

// askGroup puts q to the group. That not all answer is no error.
func (c *Client) askGroup(ctx context.Context, q *inquiry) error {
	ctx, cancel := context.WithTimeout(ctx, groupPatience)
	defer cancel()
	l, err := c.pool.lease(ctx)
	if err == nil {
		err = c.pool.done(ctx, l, q.gather(l.p))
	}
	switch ipc.CodeOf(err) {
	case ipc.UserTimeout, ipc.RetransTimeout:
		return nil
	}
	return err
}

// askEach puts q to the live hosts that have not answered, all at once, and
// returns the names of those that still have not. One without a kernel server,
// as it is beginning or ending, has nothing to say.
func (c *Client) askEach(ctx context.Context, q *inquiry) (silent []string, err error) {
	hosts, err := c.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	for i := range hosts {
		h := &hosts[i]
		if !h.Live() || q.hasHeard(h.Number) {
			continue
		}
		all.Go(func() { // ends with its transaction; waited for below
			m, s := q.request()
			_, err := c.Send(ctx, &m, h.Server, s)
			switch ipc.CodeOf(err) {
			case ipc.NonexistentEntity:
				m.SetCode(ipc.NotFound)
				fallthrough
			case ipc.OK:
				q.note(h.Number, &m)
			}
		})
	}
	all.Wait()
	for i := range hosts {
		if h := &hosts[i]; h.Live() && !q.hasHeard(h.Number) {
			silent = append(silent, h.Name)
		}
	}
	return silent, nil
}
