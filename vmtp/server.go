package vmtp

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// remoteState is the state of a Remote (RFC 1045 chapter 5).
//
//	state       event                         next
//	Receiving   all blocks are here           Processing
//	Processing  Reply                         Responded
//	            Forward                       Forwarded
//	            the client gave up            Gone
//	            the server process died       Discarded
//	Responded   acknowledged, or not in time  Discarded
//	            repeated, and idempotent      Receiving
//	Forwarded   the client gave up            Discarded
//	            the next server is gone       Discarded
//	Discarded   long ago                      (forgotten)
//	Gone        long ago                      (forgotten)
//
// A newer Request of the client makes Discarded or Gone of all others, and
// forgets those when it gets its own record. So as long as a copy of a Request
// may be on its way there is a record that knows it, or a newer one.
type remoteState uint8

const (
	// remoteFree: on the free list.
	remoteFree remoteState = iota
	// remoteReceiving: blocks of the Request are missing.
	remoteReceiving
	// remoteProcessing: the Request waits for, or is with, the server process.
	remoteProcessing
	// remoteForwarded: passed on; what the client retransmits is passed on too.
	remoteForwarded
	// remoteResponded: answered; the Response is kept for a repeated Request.
	remoteResponded
	// remoteDiscarded: answered and acknowledged, or given up: the record only
	// filters duplicates.
	remoteDiscarded
	// remoteGone: ended while the kernel had it, which is told by Withdraw; it
	// only filters duplicates, and is not used again.
	remoteGone
)

// Remote is the record of a client elsewhere, and of the Request that it has
// with one local process. The kernel may read the exported fields from Deliver
// until Reply, Forward or Withdraw.
type Remote struct {
	Client      ipc.PID
	Server      ipc.PID // as addressed: a local process, a group, the manager
	Member      ipc.PID // the local process that it is delivered to
	Transaction uint32
	Message     ipc.Message // the Request
	Data        []byte      // the part of its segment that came with it
	// Owner is the kernel's.
	Owner any

	state      remoteState
	forwards   uint8
	retrans    uint8 // RetransmitCount of the last packet of the Request
	priority   uint8
	full       uint32
	received   uint32
	tries      int
	probes     int           // unanswered probes of the client
	probe      uint32        // the outstanding one; 0: none
	heard      time.Duration // from the client
	response   packet.Header
	answer     []byte // the Response's segment, as long as it is kept
	idempotent bool
	next       ipc.PID       // where it was forwarded to
	nextHeard  time.Duration // the last word from the host of next
	nextProbe  uint32        // the outstanding probe of that host; 0: none
	asked      time.Duration // since when there is one
	verdict    ipc.Code      // what a Discarded record answers a repeated Request
	timer      timer
	sibling    *Remote // of the same client: the next group member; or free list
}

// request takes a packet of a Request.
func (e *Endpoint) request(now time.Duration, h *packet.Header, data []byte) {
	if head := e.remotes[h.Client]; head != nil && head.Transaction != h.Transaction {
		if older(h.Transaction, head.Transaction) {
			e.stats.Stale++
			return
		}
		e.supersede(now, head)
	}
	switch {
	case h.Server == ipc.ManagerGroup:
		e.requestTo(now, h, data, e.manager)
	case h.Server.IsGroup():
		var members [16]ipc.PID
		for _, m := range e.local.Members(h.Server, members[:0]) {
			e.requestTo(now, h, data, m)
		}
	default:
		e.requestTo(now, h, data, h.Server)
	}
}

// requestTo takes a packet of a Request for one local process.
func (e *Endpoint) requestTo(now time.Duration, h *packet.Header, data []byte, member ipc.PID) {
	r, newest := e.remotes[h.Client], -1
	for r != nil && !r.isFor(h, member) {
		if r.Transaction == h.Transaction {
			newest = max(newest, int(r.forwards))
		}
		r = r.sibling
	}
	if r == nil {
		// A transaction has one Request, but to several members of a group, or
		// forwarded once more to a team that it has passed.
		if !h.Server.IsGroup() && newest >= int(h.ForwardCount) {
			e.stats.Stale++
			return
		}
		if r = e.admit(now, h, member); r == nil {
			return
		}
	}
	r.heard, r.retrans, r.probes = now, h.RetransmitCount, 0
	switch r.state {
	case remoteReceiving:
		e.receive(now, r, h, data)
	case remoteProcessing:
		e.stats.Duplicates++
		if h.Control&packet.APG != 0 {
			e.notifyClient(r, h, r.full, ipc.OK)
		}
	case remoteForwarded:
		e.relay(now, r, h)
	case remoteResponded:
		e.respondAgain(now, r, h, data)
	case remoteDiscarded, remoteGone:
		e.stats.Duplicates++
		e.timers.set(&r.timer, now+keepRecord)
		if !h.Server.IsGroup() {
			e.notifyClient(r, h, 0, r.verdict)
		}
	}
}

// isFor tells whether r, of the same client, is the record of the Request of h
// for member: within a transaction the ForwardCount tells Requests apart (RFC
// 1045 §2.5.1), and for a group the member.
func (r *Remote) isFor(h *packet.Header, member ipc.PID) bool {
	if r.Transaction != h.Transaction {
		return false
	}
	if h.Server.IsGroup() {
		return r.Server == h.Server && r.Member == member
	}
	return r.Server == h.Server && r.forwards == h.ForwardCount
}

// admit makes the record for a new Request, or answers that it can't be and
// returns nil. A Request from a client without a record is new: records are
// kept for longer than a client goes on retransmitting, and identifiers of a
// process do not survive its team (RFC 1045 §2.5.1, by time).
func (e *Endpoint) admit(now time.Duration, h *packet.Header, member ipc.PID) *Remote {
	code := ipc.OK
	if member != e.manager {
		code = e.local.Accepts(member, h.Message.Has(ipc.FlagCMD))
	}
	if code == ipc.OK && (e.count >= MaxRemotes && e.remotes[h.Client] == nil || h.Message.SegmentSize() > 0 && e.lent >= MaxBuffers) {
		e.stats.Overflow++
		code = ipc.Busy
	}
	if code != ipc.OK {
		// For groups the default is silence (RFC 1045 §2.7), as for datagrams.
		if !h.Server.IsGroup() && !h.Message.Has(ipc.FlagDGM) {
			e.notifyClient(&Remote{Client: h.Client, Server: h.Server, Transaction: h.Transaction}, h, 0, code)
		}
		return nil
	}
	e.forgetOlder(h)
	r := e.newRemote(h.Client)
	r.Server, r.Transaction = h.Server, h.Transaction
	e.begin(now, r, h, member)
	return r
}

// begin starts to receive the Request of h for member.
func (e *Endpoint) begin(now time.Duration, r *Remote, h *packet.Header, member ipc.PID) {
	e.becomeRemote(r, remoteReceiving)
	r.Message, r.Member = h.Message, member
	r.forwards, r.priority = h.ForwardCount, h.Priority
	r.heard, r.retrans = now, h.RetransmitCount
	r.tries, r.probes = 0, 0
	r.full, r.received = packet.WantedMask(h.Message.SegmentSize()), 0
	e.dropData(r)
}

// receive takes the blocks of one packet and delivers the Request if that makes
// it whole; with APG the client is told so. The header alone of a Request with a
// segment asks what is missing.
func (e *Endpoint) receive(now time.Duration, r *Remote, h *packet.Header, data []byte) {
	if h.Message != r.Message {
		return // not a packet of this group (RFC 1045 §2.4)
	}
	if r.Data == nil && r.full != 0 {
		r.Data = e.buffer()[:min(h.Message.SegmentSize(), ipc.MaxAppended)]
		r.tries = 0
	}
	if h.Delivery&^r.received != 0 {
		r.tries = 0
	}
	packet.Scatter(r.Data, h.Delivery&r.full, data)
	r.received |= h.Delivery & r.full
	switch {
	case r.received == r.full:
		if h.Control&packet.APG != 0 {
			e.notifyClient(r, h, r.full, ipc.OK)
		}
		e.deliver(now, r)
	case h.Delivery == 0 && r.received == 0:
		e.notifyClient(r, h, 0, ipc.RetryAll)
		e.timers.set(&r.timer, now+blockGap)
	case h.Delivery == 0:
		e.notifyClient(r, h, r.received, ipc.Retry)
		e.timers.set(&r.timer, now+blockGap)
	default:
		e.timers.set(&r.timer, now+blockGap)
	}
}

func (e *Endpoint) deliver(now time.Duration, r *Remote) {
	e.stats.Deliveries++
	e.becomeRemote(r, remoteProcessing)
	r.tries = 0
	e.timers.set(&r.timer, now+orphanAfter)
	e.act(Action{Kind: Deliver, Remote: r})
}

// Received tells that a server process has taken the Request of r, and its
// data. A datagram is over with that.
func (e *Endpoint) Received(now time.Duration, r *Remote) {
	if r.Message.Has(ipc.FlagDGM) && r.state == remoteProcessing {
		e.discard(now, r, ipc.ResponseDiscarded)
	}
}

// Find returns the record of the Request that client, in that transaction, has
// with the local process member, nil if it is not to be answered (any more).
func (e *Endpoint) Find(client ipc.PID, transaction uint32, member ipc.PID) *Remote {
	r := e.remotes[client]
	for r != nil && (r.Transaction != transaction || r.Member != member || r.state != remoteProcessing) {
		r = r.sibling
	}
	return r
}

// Forwarded tells whether a process other than its client has passed the Request on.
func (r *Remote) Forwarded() bool { return r.forwards > 0 }

// Reply answers the Request of r with m and data, which is not kept after the
// call unless it must be. It reports false if the Request is no longer to be
// answered.
func (e *Endpoint) Reply(now time.Duration, r *Remote, m *ipc.Message, data []byte) bool {
	if r.state != remoteProcessing {
		return false
	}
	e.dropData(r)
	if m.Code() == ipc.ResponseDiscarded {
		e.discard(now, r, ipc.ResponseDiscarded)
		return true
	}
	e.becomeRemote(r, remoteResponded)
	r.tries = 0
	r.idempotent = m.Has(ipc.FlagDGM)
	r.response = packet.Header{
		Client: r.Client, Server: r.Member, Domain: packet.Domain, Response: true,
		Transaction: r.Transaction, ForwardCount: r.forwards, RetransmitCount: r.retrans,
		Priority: r.priority, Message: *m,
	}
	e.transmit(r.Client.LogicalHost(), &r.response, packet.WantedMask(len(data)), data)
	wait := keepRecord
	switch {
	case len(data) == 0 || r.idempotent:
	case e.lent >= MaxBuffers: // sent once: who misses it learns that it is gone
		e.discard(now, r, ipc.ResponseDiscarded)
		return true
	default:
		b := e.buffer()
		r.answer = b[:copy(b, data)]
		wait = ackWait
	}
	e.timers.set(&r.timer, now+wait)
	return true
}

// respondAgain takes a repeated Request that was answered: the Response is sent
// again, or, if it was idempotent and so not kept, the Request is served again:
// by the process that it was sent to, should that have redirected it. A client
// that asks is not given up.
func (e *Endpoint) respondAgain(now time.Duration, r *Remote, h *packet.Header, data []byte) {
	e.stats.Duplicates++
	if r.idempotent {
		member := r.Member
		if !r.Server.IsGroup() {
			member = r.Server
		}
		e.begin(now, r, h, member)
		e.receive(now, r, h, data)
		return
	}
	e.stats.Retransmissions++
	r.tries = 0
	r.response.RetransmitCount = r.retrans
	e.transmit(r.Client.LogicalHost(), &r.response, packet.WantedMask(len(r.answer)), r.answer)
	wait := keepRecord
	if r.answer != nil {
		wait = ackWait
	}
	e.timers.set(&r.timer, now+wait)
}
