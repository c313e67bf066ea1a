package vmtp

import (
	"cmp"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// remoteState is the state of a Remote (RFC 1045 chapter 5).
//
//	            all blocks               Reply
//	Receiving -------------> Processing -------> Responded ---> Discarded
//	    |                        |                  |  ack, time     | time
//	    | too many tries         | Forward          | newer Request  |
//	    v                        v                  v                v
//	 (forgotten)             Forwarded          Receiving        (forgotten)
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
	received   uint32 // blocks of the Request; once it is answered, of the Response at the client
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
// 1045 §5.7), and for a group the member.
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
// process do not survive its team (RFC 1045 §2.3, by time).
func (e *Endpoint) admit(now time.Duration, h *packet.Header, member ipc.PID) *Remote {
	code := ipc.OK
	if member != e.manager {
		code = e.local.Accepts(member, h.Message.Has(ipc.FlagCMD))
	}
	if code == ipc.OK && e.count >= MaxRemotes && e.remotes[h.Client] == nil {
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

// newRemote returns a cleared record, filed under client.
func (e *Endpoint) newRemote(client ipc.PID) *Remote {
	r := e.free
	if r != nil {
		e.free = r.sibling
		*r = Remote{timer: r.timer}
	} else {
		r = &Remote{}
		r.timer = timer{at: never, index: -1}
	}
	r.timer.remote, r.timer.at = r, never
	r.Client = client
	r.sibling = e.remotes[client]
	e.remotes[client] = r
	e.count++
	return r
}

// begin starts to receive the Request of h for member.
func (e *Endpoint) begin(now time.Duration, r *Remote, h *packet.Header, member ipc.PID) {
	e.becomeRemote(r, remoteReceiving)
	r.Message, r.Member = h.Message, member
	r.forwards, r.priority = h.ForwardCount, h.Priority
	r.heard, r.retrans = now, h.RetransmitCount
	r.tries, r.probes = 0, 0
	size := min(h.Message.SegmentSize(), ipc.MaxAppended)
	r.full, r.received = packet.WantedMask(size), 0
	e.dropData(r)
	if size > 0 {
		r.Data = e.buffer()[:size]
	}
}

// receive takes the blocks of one packet and delivers the Request if that makes
// it whole; with APG the client is told so. The header alone of a Request with a segment asks what is missing.
func (e *Endpoint) receive(now time.Duration, r *Remote, h *packet.Header, data []byte) {
	if h.Message != r.Message {
		return // not a packet of this group (RFC 1045 §2.4)
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

// Refuse tells that the kernel can't queue the Request of r after all: it is
// answered with code. Busy makes the client try again, so the Request must not
// have been served in part: one that was redirected is given up instead, with
// NoServerResources.
func (e *Endpoint) Refuse(now time.Duration, r *Remote, code ipc.Code) {
	if code == ipc.Busy && r.Member != r.Server && !r.Server.IsGroup() {
		code = ipc.NoServerResources
	}
	e.giveUp(now, r, code)
	if code == ipc.Busy {
		e.forget(r)
	}
}

// giveUp ends a Request that can't be served, or no longer, with code: the
// client is told, also when it asks again. The members of a group keep silent.
func (e *Endpoint) giveUp(now time.Duration, r *Remote, code ipc.Code) {
	if !r.Server.IsGroup() {
		h := packet.Header{RetransmitCount: r.retrans}
		e.notifyClient(r, &h, 0, code)
	}
	e.discard(now, r, code)
}

// Received tells that a server process has taken the Request of r, and its
// data. A datagram is over with that.
func (e *Endpoint) Received(now time.Duration, r *Remote) {
	if r.Message.Has(ipc.FlagDGM) && r.state == remoteProcessing {
		e.discard(now, r, ipc.ResponseDiscarded)
	}
}

// becomeRemote changes r's state.
func (e *Endpoint) becomeRemote(r *Remote, s remoteState) {
	if r.state == remoteProcessing {
		e.outstanding--
	}
	if s == remoteProcessing {
		e.outstanding++
	}
	r.state = s
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
	r.tries, r.received = 0, 0
	r.idempotent = m.Has(ipc.FlagDGM)
	r.response = packet.Header{
		Client: r.Client, Server: r.Member, Domain: packet.Domain, Response: true,
		Transaction: r.Transaction, ForwardCount: r.forwards, RetransmitCount: r.retrans,
		Priority: r.priority, Message: *m,
	}
	e.transmit(r.Client.LogicalHost(), &r.response, packet.WantedMask(len(data)), data)
	wait := keepRecord
	if len(data) > 0 && !r.idempotent {
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

// Forward passes the Request of r on to another team, with the message m. It
// reports false if the Request is no longer to be answered, may not be forwarded
// or was forwarded too often.
//
// Differs from RFC 1045 §2.9, where the forwarder retransmits until the new
// server acknowledges: here it relays whatever the client retransmits, so that
// repair stays end to end. While the client has to ask again and again, the
// forwarder watches the new server's host for it.
func (e *Endpoint) Forward(now time.Duration, r *Remote, m *ipc.Message, to ipc.PID) bool {
	if r.state != remoteProcessing || r.Server.IsGroup() || r.forwards >= MaxForwards {
		return false
	}
	e.becomeRemote(r, remoteForwarded)
	r.next, r.nextHeard = to, now
	r.response = packet.Header{
		Client: r.Client, Server: to, Domain: packet.Domain,
		Transaction: r.Transaction, ForwardCount: r.forwards + 1, RetransmitCount: r.retrans,
		Priority: r.priority, Message: *m,
	}
	e.transmit(to.LogicalHost(), &r.response, r.full, r.Data)
	e.timers.set(&r.timer, now+orphanAfter)
	return true
}

// relay passes a repeated packet of a forwarded Request on. That the client
// repeats it for longer than a second raises the question whether the next host
// lives.
func (e *Endpoint) relay(now time.Duration, r *Remote, h *packet.Header) {
	f := r.response
	f.RetransmitCount, f.Control = h.RetransmitCount, h.Control
	e.transmit(r.next.LogicalHost(), &f, h.Delivery&r.full, r.Data)
	switch {
	case r.nextProbe != 0:
	case now-r.nextHeard >= maxTC2:
		r.nextProbe, r.asked = e.nextID(), now
		e.probeNext(now, r)
	default:
		e.timers.set(&r.timer, now+orphanAfter)
	}
}

// relayHeader reminds the next server of a Request that the client, which was
// probed, still waits for: what the client repeated has not come here.
func (e *Endpoint) relayHeader(now time.Duration, r *Remote) {
	h := packet.Header{RetransmitCount: r.retrans, Control: packet.APG}
	e.relay(now, r, &h)
}

// probeNext asks the host that r was forwarded to whether the new server exists,
// until it answers or must be taken for lost: LostAfter the Forward, or later.
func (e *Endpoint) probeNext(now time.Duration, r *Remote) {
	if now-r.asked >= LostAfter-maxTC2 {
		e.stats.Lost++
		e.giveUp(now, r, ipc.RetransTimeout)
		return
	}
	e.sendProbe(hostKernel(r.next.LogicalHost()), r.next, r.nextProbe, probe{remote: r, next: true})
	e.timers.set(&r.timer, now+askAgain)
}

// Redirect moves the Request of r to another process of this team: a Forward
// that does not leave the team. It is delivered again.
func (e *Endpoint) Redirect(now time.Duration, r *Remote, m *ipc.Message, to ipc.PID) bool {
	if r.state != remoteProcessing || r.Server.IsGroup() {
		return false
	}
	r.Message, r.Member = *m, to
	e.deliver(now, r)
	return true
}

// remoteTimer is called when r's timer fires.
func (e *Endpoint) remoteTimer(now time.Duration, r *Remote) {
	switch r.state {
	case remoteReceiving: // TS1
		r.tries++
		if r.tries > ResponseRetries {
			e.becomeRemote(r, remoteGone)
			e.forget(r)
			return
		}
		h := packet.Header{RetransmitCount: r.retrans}
		e.notifyClient(r, &h, r.received, ipc.Retry)
		e.timers.set(&r.timer, now+blockGap<<r.tries)
	case remoteProcessing: // TS2
		e.orphan(now, r)
	case remoteResponded:
		e.unacknowledged(now, r)
	case remoteForwarded:
		if r.nextProbe != 0 {
			e.probeNext(now, r)
			return
		}
		e.orphan(now, r)
	case remoteDiscarded, remoteGone: // TS4
		e.forget(r)
	}
}

// orphan checks that the client of a Request in service, or forwarded, still
// waits: then it retransmits at least each second, so silence is suspicious.
// Nobody waits for a datagram.
func (e *Endpoint) orphan(now time.Duration, r *Remote) {
	if r.Message.Has(ipc.FlagDGM) {
		return
	}
	if now-r.heard < orphanAfter {
		e.timers.set(&r.timer, r.heard+orphanAfter)
		return
	}
	r.probes++
	if r.probes > 3 {
		e.orphaned(now, r)
		return
	}
	e.probeClient(r)
	e.timers.set(&r.timer, now+maxTC2)
}

// orphaned ends a Request that nobody waits for.
func (e *Endpoint) orphaned(now time.Duration, r *Remote) {
	e.stats.Orphans++
	if r.state == remoteProcessing {
		e.withdraw(now, r)
	} else {
		e.discard(now, r, ipc.ResponseDiscarded)
	}
}

// unacknowledged is TS5, or TS4 for a Response without a segment. Differs from
// RFC 1045 §2.5.2, which sends every Response again until it is acknowledged:
// one without a segment costs nothing to keep until the client asks.
func (e *Endpoint) unacknowledged(now time.Duration, r *Remote) {
	r.tries++
	if r.answer == nil || r.tries > ResponseRetries {
		e.discard(now, r, ipc.ResponseDiscarded)
		return
	}
	e.stats.Retransmissions++
	h := r.response
	h.Control |= packet.APG
	e.transmit(r.Client.LogicalHost(), &h, 0, r.answer)
	e.timers.set(&r.timer, now+ackWait<<r.tries)
}

// discard drops what is kept of the Request and the Response, and keeps the
// record as a filter, which answers a repeated Request with verdict.
func (e *Endpoint) discard(now time.Duration, r *Remote, verdict ipc.Code) {
	e.becomeRemote(r, remoteDiscarded)
	r.verdict = verdict
	e.dropData(r)
	e.endProbe(&r.probe)
	e.endProbe(&r.nextProbe)
	e.timers.set(&r.timer, now+keepRecord)
}

// Bury ends all Requests that are with the local process member, which has
// died: their clients are told.
func (e *Endpoint) Bury(now time.Duration, member ipc.PID) {
	var buried []*Remote
	for _, head := range e.remotes {
		for r := head; r != nil; r = r.sibling {
			if r.Member == member && r.state == remoteProcessing {
				buried = append(buried, r)
			}
		}
	}
	slices.SortFunc(buried, func(a, b *Remote) int { return cmp.Compare(a.Client, b.Client) })
	for _, r := range buried {
		e.Refuse(now, r, ipc.NonexistentEntity)
	}
}

// withdraw tells the kernel that nobody waits for the answer to r any more. The
// record stays as a filter: a late copy of the Request is not a new one.
func (e *Endpoint) withdraw(now time.Duration, r *Remote) {
	e.discard(now, r, ipc.ResponseDiscarded)
	e.becomeRemote(r, remoteGone)
	e.act(Action{Kind: Withdraw, Remote: r})
}

// supersede ends all that head and its siblings hold: the client has started a
// newer transaction, which acknowledges the Responses and aborts the rest. The
// records filter duplicates until the newer Request is admitted.
func (e *Endpoint) supersede(now time.Duration, head *Remote) {
	for r := head; r != nil; r = r.sibling {
		switch r.state {
		case remoteProcessing:
			e.withdraw(now, r)
		case remoteReceiving, remoteForwarded, remoteResponded:
			e.discard(now, r, ipc.BadTransactionID)
		}
	}
}

// forgetOlder forgets the records of earlier transactions of the client of h,
// whose Request is about to get one.
func (e *Endpoint) forgetOlder(h *packet.Header) {
	for r := e.remotes[h.Client]; r != nil; {
		next := r.sibling
		if r.Transaction != h.Transaction {
			e.forget(r)
		}
		r = next
	}
}

// forget takes r out of the endpoint. A record that a server process may still
// hold is left to the garbage collector, others are used again.
func (e *Endpoint) forget(r *Remote) {
	for at := e.remotes[r.Client]; at != nil; at = at.sibling {
		if at.sibling == r {
			at.sibling = r.sibling
		}
	}
	if e.remotes[r.Client] == r {
		if r.sibling != nil {
			e.remotes[r.Client] = r.sibling
		} else {
			delete(e.remotes, r.Client)
		}
	}
	e.count--
	r.sibling = nil
	e.dropData(r)
	e.endProbe(&r.probe)
	e.endProbe(&r.nextProbe)
	r.timer.stop()
	if r.state == remoteGone {
		e.timers.remove(&r.timer)
		return
	}
	e.becomeRemote(r, remoteFree)
	r.sibling, e.free = e.free, r
}

// dropData gives back the buffers of r.
func (e *Endpoint) dropData(r *Remote) {
	if r.Data != nil {
		e.release(r.Data)
		r.Data = nil
	}
	if r.answer != nil {
		e.release(r.answer)
		r.answer = nil
	}
}
