package vmtp

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// clientState is the state of a Client (RFC 1045 chapter 4).
//
//	        Send             first of several packets
//	Idle ----------> Awaiting -----------------------> Receiving
//	  ^                 |  ^                               |
//	  |  Response whole |  | idempotent Response lost      |
//	  +-----------------+  +-------------------------------+
//	  ^                                                    |
//	  +------------- Response whole, or given up ----------+
type clientState uint8

const (
	// clientIdle: no transaction, or the last one has ended.
	clientIdle clientState = iota
	// clientAwaiting: the Request was sent; nothing of a Response is here.
	clientAwaiting
	// clientReceiving: some blocks of the Response are here.
	clientReceiving
	// clientCollecting: a group answered at least once; more may come until the
	// next Send.
	clientCollecting
)

// Client is the transport's record of a local process: its outstanding
// transaction, or the last one. The kernel keeps one in each process, so that
// sending needs no memory. Only the endpoint touches the unexported fields.
type Client struct {
	// Owner is the kernel's: whose record this is.
	Owner any

	entity      ipc.PID
	transaction uint32
	state       clientState
	to          ipc.LogicalHost // where the Request goes
	header      packet.Header   // of the Request
	data        []byte          // the Request's segment, at most MaxAppended octets
	write       []byte          // where a single server's Response lands
	full        uint32          // the blocks of the Request
	acked       uint32          // the blocks that the server has
	unanswered  int             // transmissions since something was heard
	backoff     uint8           // doublings of the wait
	sent        time.Duration   // the last transmission
	heard       time.Duration   // the last word from the server or its host
	probe       uint32          // outstanding probe of the host kernel; 0: none
	response    Response        // of a single server
	responses   []*Response     // of a group's members
	timer       timer
}

// Response is an answer being received, or received.
type Response struct {
	Server  ipc.PID     // who answers
	Message ipc.Message // the answer
	Data    []byte      // its segment, as much of it as had room
	// Truncated tells that the segment was larger than the room for it.
	Truncated bool

	full, received uint32
	tries          int
	idempotent     bool
}

func (r *Response) done() bool { return r.Server != 0 && r.received == r.full }

// Init prepares the record of the process entity. Its first Transaction comes
// after all of processes that have gone: their numbers come back, and servers
// still have records of them. The endpoint's first is random (RFC 1045 §2.5.1).
func (e *Endpoint) Init(c *Client, entity ipc.PID, owner any) {
	*c = Client{Owner: owner, entity: entity, transaction: e.newest + e.rand.Uint32N(1<<12)}
	c.timer = timer{at: never, index: -1, client: c}
}

// Transaction returns the identifier of c's last transaction.
func (c *Client) Transaction() uint32 { return c.transaction }

// Host returns the number of the host that c's last Request went to.
func (c *Client) Host() uint16 { return c.to.Host() }

// Next starts a new transaction that does not use the network and returns its
// identifier: what came before is over.
func (e *Endpoint) Next(c *Client) uint32 {
	e.finish(c)
	c.transaction++
	return c.transaction
}

// Send starts a transaction: m goes to the process or group server, with data,
// at most MaxAppended octets, as the first part of its segment; m says how large
// the segment is. A single server's Response lands in write. data and write must
// stay until the transaction ends. via is the team to send it to: the server's,
// or for a group the own host kernel. A datagram (FlagDGM) is over at once.
func (e *Endpoint) Send(now time.Duration, c *Client, m *ipc.Message, server ipc.PID, via ipc.LogicalHost, data, write []byte) {
	e.Next(c)
	e.start(now, c, m, server, via, data, write, 0)
}

// Readdress sends what was a transaction within the team, and its server
// forwards, to another team: as Send, but with a ForwardCount of 1.
func (e *Endpoint) Readdress(now time.Duration, c *Client, m *ipc.Message, server ipc.PID, data, write []byte) {
	e.Next(c)
	e.start(now, c, m, server, server.LogicalHost(), data, write, 1)
}

func (e *Endpoint) start(now time.Duration, c *Client, m *ipc.Message, server ipc.PID, via ipc.LogicalHost, data, write []byte, forwards uint8) {
	e.stats.Requests++
	c.header = packet.Header{
		Client: c.entity, Server: server, Domain: packet.Domain,
		Transaction: c.transaction, ForwardCount: forwards, Message: *m,
	}
	c.to, c.data, c.write = via, data, write
	c.full, c.acked = packet.WantedMask(len(data)), 0
	c.unanswered, c.backoff, c.heard = 0, 0, now
	e.become(c, clientAwaiting)
	e.sendRequest(now, c, c.full)
	if m.Has(ipc.FlagDGM) {
		e.finish(c)
	}
}

// Abort ends c's transaction without an answer and tells the server that the
// client no longer wants it. Differs from RFC 1045, where a server learns this
// only from the client's next Request or by probing: the notify
// RESPONSE_DISCARDED is also understood while the Request is being served. Its
// identifier is used up, so a server that misses the notify learns it from a
// probe.
func (e *Endpoint) Abort(now time.Duration, c *Client) {
	if c.state.awaits() > 0 && !c.toGroup() {
		e.notifyServer(c.to, c.header.Server, c, 0, ipc.ResponseDiscarded)
	}
	e.Next(c)
}

// become changes c's state. A group that has answered is no longer awaited.
func (e *Endpoint) become(c *Client, s clientState) {
	e.outstanding += s.awaits() - c.state.awaits()
	c.state = s
}

// awaits is 1 for the states in which the client waits, else 0.
func (s clientState) awaits() int {
	if s == clientAwaiting || s == clientReceiving {
		return 1
	}
	return 0
}

// finish makes c idle.
func (e *Endpoint) finish(c *Client) {
	e.become(c, clientIdle)
	c.timer.stop()
	e.endProbe(&c.probe)
	c.data, c.write = nil, nil
	c.response = Response{}
	c.responses = nil
}

// fail ends c's transaction with an error. Its identifier is used up: a server
// that still works for it learns from a probe that it is over.
func (e *Endpoint) fail(c *Client, code ipc.Code) {
	e.Next(c)
	e.act(Action{Kind: Fail, Client: c, Code: code})
}

// Close forgets c: its process is gone.
func (e *Endpoint) Close(now time.Duration, c *Client) {
	e.Abort(now, c)
	if older(e.newest, c.transaction) {
		e.newest = c.transaction
	}
	e.timers.remove(&c.timer)
}

// sendRequest transmits the blocks in mask of c's Request and sets TC1.
func (e *Endpoint) sendRequest(now time.Duration, c *Client, mask uint32) {
	c.sent = now
	c.unanswered++
	e.transmit(c.to, &c.header, mask, c.data)
	e.timers.set(&c.timer, now+e.requestWait(c))
}

// maxBackoff is the most doublings of the wait, which ends at maxTC2 before.
const maxBackoff = 10

// slower doubles the wait before c's Request is sent again.
func (c *Client) slower() { c.backoff = min(c.backoff+1, maxBackoff) }

// requestWait is TC1: the wait before a Request is sent again. It doubles with
// each transmission (RFC 1045 has a fixed interval, which RFC 8085 forbids).
func (e *Endpoint) requestWait(c *Client) time.Duration {
	wait := groupTC1
	if !c.toGroup() {
		wait = e.peer(c.to.Host()).tc2()
	}
	return min(wait<<c.backoff, maxTC2)
}

// retransmit sends c's Request again, only its header with APG set if the
// server may have the rest (RFC 1045 §2.5.4: what is missing is then asked for).
func (e *Endpoint) retransmit(now time.Duration, c *Client, mask uint32) {
	e.stats.Retransmissions++
	c.header.RetransmitCount = (c.header.RetransmitCount + 1) & 7
	c.header.Control |= packet.APG
	e.sendRequest(now, c, mask)
}

// clientTimer is called when c's timer fires.
func (e *Endpoint) clientTimer(now time.Duration, c *Client) {
	switch c.state {
	case clientAwaiting:
		if !e.askMembers(now, c) {
			e.requestOverdue(now, c)
		}
	case clientReceiving:
		e.responseOverdue(now, c)
	case clientCollecting:
		e.askMembers(now, c)
	}
}

// askMembers is TC3 for a group: it asks for the blocks that are missing of its
// members' Responses, and tells whether any were.
func (e *Endpoint) askMembers(now time.Duration, c *Client) (asked bool) {
	for _, r := range c.responses {
		if r.done() || r.tries == ResponseRetries {
			continue
		}
		if r.tries++; !asked {
			e.timers.set(&c.timer, now+blockGap<<r.tries)
		}
		asked = true
		e.notifyServer(r.Server.LogicalHost(), r.Server, c, r.received, ipc.Retry)
	}
	return asked
}

// requestOverdue is TC1 or TC2 in state Awaiting: send again; past
// RequestRetries or silentAfter ask the host kernel as well; past LostAfter give
// up.
func (e *Endpoint) requestOverdue(now time.Duration, c *Client) {
	c.slower()
	if c.toGroup() {
		if c.unanswered > RequestRetries {
			e.fail(c, ipc.RetransTimeout)
			return
		}
		e.retransmit(now, c, c.full)
		return
	}
	if now-c.heard >= LostAfter {
		e.stats.Lost++
		e.fail(c, ipc.RetransTimeout)
		return
	}
	wait, silent := e.requestWait(c), now-c.heard >= silentAfter
	if silent {
		wait = min(wait, askAgain)
	}
	if silent || c.unanswered > RequestRetries {
		e.probeHost(c)
	}
	e.retransmit(now, c, 0)
	e.timers.set(&c.timer, min(now+wait, c.heard+LostAfter))
}

// responseOverdue is TC3: blocks of a single server's Response are missing. An
// idempotent one is not kept by the server, so the Request is sent again instead
// (RFC 1045 §2.5.4); what arrived stays.
func (e *Endpoint) responseOverdue(now time.Duration, c *Client) {
	r := &c.response
	r.tries++
	switch {
	case r.tries > ResponseRetries:
		e.become(c, clientAwaiting)
		c.backoff = 0
		e.requestOverdue(now, c)
		return
	case r.idempotent:
		e.retransmit(now, c, 0)
	default:
		e.notifyServer(r.Server.LogicalHost(), r.Server, c, r.received, ipc.Retry)
	}
	e.timers.set(&c.timer, now+blockGap<<r.tries)
}

// response takes a packet of a Response.
func (e *Endpoint) response(now time.Duration, h *packet.Header, data []byte) {
	if h.Client == e.manager {
		e.probed(now, h)
		return
	}
	c := e.local.Client(h.Client)
	switch {
	case c == nil:
		if h.Control&packet.APG != 0 {
			e.answerResponse(h, ipc.NonexistentEntity)
		}
	case h.Transaction != c.transaction:
		e.stats.Stale++
		if h.Control&packet.APG != 0 {
			e.answerResponse(h, ipc.ResponseDiscarded)
		}
	case c.state == clientIdle:
		e.stats.Duplicates++
		if h.Control&packet.APG != 0 {
			e.answerResponse(h, ipc.OK)
		}
	case c.toGroup():
		e.groupResponse(now, c, h, data)
	default:
		e.singleResponse(now, c, h, data)
	}
}

// measure takes a round-trip sample if h answers c's last transmission.
func (e *Endpoint) measure(now time.Duration, c *Client, h *packet.Header) {
	c.unanswered = 0
	if h.RetransmitCount == c.header.RetransmitCount {
		e.peer(c.to.Host()).sample(now - c.sent)
	}
}

func (e *Endpoint) singleResponse(now time.Duration, c *Client, h *packet.Header, data []byte) {
	if c.state == clientAwaiting {
		e.measure(now, c, h)
	}
	c.heard = now
	r := &c.response
	if r.Server != h.Server || r.Message != h.Message {
		if c.state == clientReceiving && r.Server != h.Server {
			return // two servers answer one Request: the first to come counts
		}
		*r = Response{}
		r.begin(h, c.write)
	}
	r.accept(h, data)
	if r.done() {
		if h.Control&packet.APG != 0 {
			e.answerResponse(h, ipc.OK)
		}
		e.become(c, clientIdle)
		c.timer.stop()
		e.endProbe(&c.probe)
		e.act(Action{Kind: Respond, Client: c, Response: r})
		return
	}
	e.become(c, clientReceiving)
	e.timers.set(&c.timer, now+blockGap)
}

func (e *Endpoint) groupResponse(now time.Duration, c *Client, h *packet.Header, data []byte) {
	var r *Response
	for _, x := range c.responses {
		if x.Server == h.Server {
			r = x
		}
	}
	switch {
	case r == nil && len(c.responses) == MaxResponses:
		return
	case r == nil:
		r = &Response{}
		n := min(h.Message.SegmentSize(), ipc.MaxAppended)
		r.begin(h, make([]byte, n))
		c.responses = append(c.responses, r)
	case r.done():
		e.stats.Duplicates++
		if h.Control&packet.APG != 0 {
			e.answerResponse(h, ipc.OK)
		}
		return
	}
	r.accept(h, data)
	c.unanswered = 0
	if !r.done() {
		e.timers.set(&c.timer, now+blockGap)
		return
	}
	if h.Control&packet.APG != 0 {
		e.answerResponse(h, ipc.OK)
	}
	if c.state == clientAwaiting {
		c.timer.stop()
	}
	e.become(c, clientCollecting)
	e.act(Action{Kind: Respond, Client: c, Response: r})
}

// begin starts to receive the Response of h into memory.
func (r *Response) begin(h *packet.Header, memory []byte) {
	size := min(h.Message.SegmentSize(), ipc.MaxAppended)
	r.Server, r.Message = h.Server, h.Message
	r.full = packet.WantedMask(size)
	r.idempotent = h.Message.Has(ipc.FlagDGM)
	r.Truncated = size > len(memory)
	r.Data = memory[:min(size, len(memory))]
}

// accept takes the blocks of one packet.
func (r *Response) accept(h *packet.Header, data []byte) {
	if news := h.Delivery &^ r.received; news != 0 {
		r.tries = 0
	}
	packet.Scatter(r.Data, h.Delivery&r.full, data)
	r.received |= h.Delivery & r.full
}
