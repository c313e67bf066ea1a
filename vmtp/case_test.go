package vmtp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// The world of the tests: three hosts, a team on each, and processes in them.
const (
	alpha = ipc.LogicalHost(1<<16 | 1)
	beta  = ipc.LogicalHost(2<<16 | 1)
	gamma = ipc.LogicalHost(3<<16 | 1)

	client  = ipc.PID(5<<48 | 16<<32 | ipc.PID(alpha))
	client2 = ipc.PID(5<<48 | 17<<32 | ipc.PID(alpha))
	server  = ipc.PID(7<<48 | 16<<32 | ipc.PID(beta))
	server2 = ipc.PID(7<<48 | 17<<32 | ipc.PID(beta))
	third   = ipc.PID(9<<48 | 16<<32 | ipc.PID(gamma))

	requestOp  = ipc.Op(0x7F0001)
	firstID    = 1000 // of the peer's transactions
	testDomain = packet.Domain
)

var group = ipc.StaticGroup(7)

// testCase is an endpoint and what a test sees of it: it plays the kernel around
// it and the peers at the other end of the wire.
type testCase struct {
	t   *testing.T
	e   *Endpoint
	now time.Duration

	clients map[ipc.PID]*Client
	accepts map[ipc.PID]ipc.Code
	members []ipc.PID
	alive   map[ipc.PID]bool

	seen     []string           // since the last want
	remotes  map[string]*Remote // delivered, by "client/transaction>member"
	response *Response          // the last one
}

// newCase returns the endpoint of a team, with the processes that the world has
// there.
func newCase(t *testing.T, team ipc.LogicalHost) *testCase {
	tc := &testCase{
		t: t, now: time.Hour,
		clients: map[ipc.PID]*Client{}, accepts: map[ipc.PID]ipc.Code{},
		alive: map[ipc.PID]bool{}, remotes: map[string]*Remote{},
	}
	manager := client
	for _, p := range []ipc.PID{client, client2, server, server2, third} {
		if p.LogicalHost() == team {
			manager = p.WithProcess(0)
			tc.clients[p], tc.accepts[p], tc.alive[p] = &Client{}, ipc.OK, true
		}
	}
	tc.e = New(manager, tc, rand.New(rand.NewPCG(1, 2)))
	for p, c := range tc.clients {
		tc.e.Init(c, p, nil)
	}
	return tc
}

// Local, for the endpoint.

func (tc *testCase) Client(pid ipc.PID) *Client { return tc.clients[pid] }

func (tc *testCase) Accepts(pid ipc.PID, conditional bool) ipc.Code {
	if code, ok := tc.accepts[pid]; ok && !conditional {
		return code
	} else if ok {
		return ipc.NotAwaitingMsg
	}
	return ipc.NonexistentEntity
}

func (tc *testCase) Members(_ ipc.PID, out []ipc.PID) []ipc.PID { return append(out, tc.members...) }

func (tc *testCase) Probe(pid ipc.PID) ipc.Code {
	if tc.alive[pid] {
		return ipc.OK
	}
	return ipc.NonexistentEntity
}

// write gives the endpoint a packet, by way of its encoded form; segment is the
// whole of what the packet has the blocks of h.Delivery of.
func (tc *testCase) write(h packet.Header, segment []byte) {
	tc.t.Helper()
	got, data, err := packet.Decode(h.AppendBlocks(nil, segment))
	if err != nil {
		tc.t.Fatalf("the test writes a bad packet %v: %v", h, err)
	}
	tc.e.Packet(tc.now, &got, data)
	tc.drain()
}

// pass lets time pass, and timers fire.
func (tc *testCase) pass(d time.Duration) {
	end := tc.now + d
	for tc.e.Deadline() <= end {
		tc.now = max(tc.now, tc.e.Deadline())
		tc.e.Tick(tc.now)
		tc.drain()
	}
	tc.now = end
}

// drain does the actions, as a kernel would.
func (tc *testCase) drain() {
	for actions := tc.e.Actions(); len(actions) > 0; actions = tc.e.Actions() {
		for i := range actions {
			tc.seen = append(tc.seen, tc.describe(&actions[i]))
		}
	}
}

// describe prints an action in the words that want takes.
func (tc *testCase) describe(a *Action) string {
	switch a.Kind {
	case Deliver:
		r := a.Remote
		tc.remotes[tc.key(r.Client, r.Transaction, r.Member)] = r
		return "deliver " + tc.key(r.Client, r.Transaction, r.Member)
	case Withdraw:
		return "withdraw " + tc.key(a.Remote.Client, a.Remote.Transaction, a.Remote.Member)
	case Respond:
		tc.response = a.Response
		return fmt.Sprintf("answer of %s: %v, %d octets", name(a.Response.Server), a.Response.Message.Code(), len(a.Response.Data))
	case Fail:
		return "fail: " + a.Code.String()
	}
	return hostName(a.To) + " < " + tc.packet(&a.Header)
}

func (tc *testCase) packet(h *packet.Header) string {
	if n, ok := packet.NotifyOf(h); ok {
		if n.ToServer {
			return fmt.Sprintf("notify %s: %s has %#x of the answer: %v", name(n.Server), tc.transaction(n.Client, n.Transaction), n.Delivery, n.Code)
		}
		return fmt.Sprintf("notify %s: %#x are here: %v", tc.transaction(n.Client, n.Transaction), n.Delivery, n.Code)
	}
	if p, ok := packet.ProbeOf(h); ok {
		return "probe " + name(p.Entity)
	}
	if h.Response && h.Server.Process() == 0 {
		a := packet.ProbeAnswerOf(h)
		if a.Code != ipc.OK {
			return "probed: " + a.Code.String()
		}
		return fmt.Sprintf("probed: %v, at %s", a.Code, tc.transaction(client, a.Transaction))
	}
	s := fmt.Sprintf("request %s to %s", tc.transaction(h.Client, h.Transaction), name(h.Server))
	if h.Response {
		s = fmt.Sprintf("response %s of %s", tc.transaction(h.Client, h.Transaction), name(h.Server))
	}
	if h.Delivery != 0 {
		s += fmt.Sprintf(" blocks=%#x", h.Delivery)
	}
	if h.RetransmitCount != 0 {
		s += fmt.Sprintf(" retrans=%d", h.RetransmitCount)
	}
	if h.ForwardCount != 0 {
		s += fmt.Sprintf(" forward=%d", h.ForwardCount)
	}
	if h.Control&packet.APG != 0 {
		s += " APG"
	}
	return s
}

// transaction prints a client and its Transaction: counted from firstID, or for
// the endpoint's own clients from their first.
func (tc *testCase) transaction(pid ipc.PID, id uint32) string {
	if c := tc.clients[pid]; c != nil {
		id = firstID + 1 + id - c.transaction
	}
	return fmt.Sprintf("%s/%d", name(pid), int32(id-firstID))
}

func (tc *testCase) key(c ipc.PID, id uint32, member ipc.PID) string {
	return tc.transaction(c, id) + ">" + name(member)
}

func name(p ipc.PID) string {
	switch p {
	case client:
		return "client"
	case client2:
		return "client2"
	case server:
		return "server"
	case server2:
		return "server2"
	case third:
		return "third"
	case group:
		return "group"
	case ipc.ManagerGroup:
		return "managers"
	}
	return p.String()
}

func hostName(l ipc.LogicalHost) string {
	return fmt.Sprintf("%s.%d", [...]string{"?", "alpha", "beta", "gamma"}[l.Host()&3], l.Team())
}

// want fails unless just that was seen since the last want.
func (tc *testCase) want(reason string, want ...string) {
	tc.t.Helper()
	if !slices.Equal(tc.seen, want) {
		tc.t.Fatalf("%s:\ngot\n\t%s\nwant\n\t%s", reason, strings.Join(tc.seen, "\n\t"), strings.Join(want, "\n\t"))
	}
	tc.seen = nil
}

// wantIdle fails if anything was seen since the last want.
func (tc *testCase) wantIdle(reason string) {
	tc.t.Helper()
	tc.want(reason)
}

// send starts a transaction of client to server with a segment of n octets and
// room for m.
func (tc *testCase) send(n, m int) *Client {
	tc.t.Helper()
	c := tc.clients[client]
	msg := message(n, m)
	tc.e.Send(tc.now, c, &msg, server, beta, pattern(n), make([]byte, m))
	tc.drain()
	return c
}

// message is a Request's that grants n octets for reading and m for writing.
func message(n, m int) (msg ipc.Message) {
	msg.SetOp(requestOp)
	msg.SetSegmentSize(n)
	msg.SetCapacity(m)
	return msg
}

// pattern returns n octets, no two blocks of which are alike.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(7*i + 3 + i/ipc.BlockSize)
	}
	return p
}

// option changes a packet.
type option func(h *packet.Header)

func blocks(mask uint32) option   { return func(h *packet.Header) { h.Delivery = mask } }
func retrans(n uint8) option      { return func(h *packet.Header) { h.RetransmitCount = n } }
func forwarded(n uint8) option    { return func(h *packet.Header) { h.ForwardCount = n } }
func to(s ipc.PID) option         { return func(h *packet.Header) { h.Server = s } }
func from(c ipc.PID) option       { return func(h *packet.Header) { h.Client = c } }
func flagged(flags uint32) option { return func(h *packet.Header) { h.Message.Set(flags) } }
func apg(h *packet.Header)        { h.Control |= packet.APG }
func with(h packet.Header, opts []option) packet.Header {
	for _, o := range opts {
		o(&h)
	}
	return h
}

// request is a packet of the peer's transaction n, from client to server, with a
// segment of size octets, none of which is in it.
func request(n uint32, size int, opts ...option) packet.Header {
	return with(packet.Header{
		Client: client, Server: server, Domain: testDomain, Transaction: firstID + n, Message: message(size, ipc.MaxAppended),
	}, opts)
}

// answer is a packet of the Response of server to the transaction that c has
// outstanding, with a segment of size octets, none of which is in it.
func answer(c *Client, size int, opts ...option) packet.Header {
	var m ipc.Message
	m.SetCode(ipc.OK)
	m.SetSegmentSize(size)
	return with(packet.Header{
		Client: c.entity, Server: server, Domain: testDomain, Response: true,
		Transaction: c.transaction, RetransmitCount: c.header.RetransmitCount, Message: m,
	}, opts)
}

// notifyClient is what the server's module says of c's Request.
func notifyClient(c *Client, code ipc.Code, delivery uint32) packet.Header {
	n := packet.Notify{Client: c.entity, Transaction: c.transaction, Delivery: delivery, Code: code, RetransmitCount: c.header.RetransmitCount}
	return n.Header(server.WithProcess(0), 1)
}

// notifyServer is what the client's module says of server's Response in the
// peer's transaction n.
func notifyServer(n uint32, about ipc.PID, code ipc.Code, delivery uint32) packet.Header {
	y := packet.Notify{ToServer: true, Server: about, Client: client, Transaction: firstID + n, Delivery: delivery, Code: code}
	return y.Header(client.WithProcess(0), 1)
}

// probed is the answer to the probe that the endpoint has outstanding.
func (tc *testCase) probed(code ipc.Code, transaction uint32) packet.Header {
	tc.t.Helper()
	if len(tc.e.probes) != 1 {
		tc.t.Fatalf("%d probes are outstanding", len(tc.e.probes))
	}
	var h packet.Header
	for id := range tc.e.probes {
		q := (&packet.Probe{}).Header(tc.e.manager, id)
		a := packet.ProbeAnswer{Code: code, Transaction: transaction}
		h = a.Header(&q, server.WithProcess(0))
	}
	return h
}

// delivered returns the record of a Request that was delivered.
func (tc *testCase) delivered(key string) *Remote {
	tc.t.Helper()
	r := tc.remotes[key]
	if r == nil {
		tc.t.Fatalf("nothing was delivered as %s", key)
	}
	return r
}

// reply answers a Request that was delivered, with n octets.
func (tc *testCase) reply(key string, n int, flags uint32) {
	tc.t.Helper()
	var m ipc.Message
	m.SetCode(ipc.OK)
	m.Set(flags)
	m.SetSegmentSize(n)
	if !tc.e.Reply(tc.now, tc.delivered(key), &m, pattern(n)) {
		tc.t.Fatalf("%s is not to be answered", key)
	}
	tc.drain()
}
