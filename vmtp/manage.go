package vmtp

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// manage takes a Request to the management module that the endpoint itself
// answers (RFC 1045 appendix III). Other operations are ignored.
func (e *Endpoint) manage(now time.Duration, h *packet.Header) {
	if n, ok := packet.NotifyOf(h); ok {
		if n.ToServer {
			e.notifiedServer(now, &n)
		} else {
			e.notifiedClient(now, &n)
		}
		return
	}
	if p, ok := packet.ProbeOf(h); ok {
		a := packet.ProbeAnswer{Code: e.local.Probe(p.Entity)}
		if c := e.local.Client(p.Entity); c != nil {
			a.Transaction = c.transaction
		}
		answer := a.Header(h, e.manager)
		e.transmit(h.Client.LogicalHost(), &answer, 0, nil)
	}
}

// nextID returns a Transaction identifier for a Request of the management
// module's own.
func (e *Endpoint) nextID() uint32 {
	if e.lastID++; e.lastID == 0 {
		e.lastID = 1 // 0 stands for no probe
	}
	return e.lastID
}

// notify sends n to the management module of a team. Never about a notify.
func (e *Endpoint) notify(to ipc.LogicalHost, n *packet.Notify) {
	e.stats.Notifies++
	h := n.Header(e.manager, e.nextID())
	e.transmit(to, &h, 0, nil)
}

// notifyClient tells the client of r how its Request fares; h is the packet that
// this is about.
func (e *Endpoint) notifyClient(r *Remote, h *packet.Header, delivery uint32, code ipc.Code) {
	e.notify(r.Client.LogicalHost(), &packet.Notify{
		Client: r.Client, Transaction: r.Transaction, Delivery: delivery, Code: code,
		Control: h.Control, RetransmitCount: h.RetransmitCount, ForwardCount: h.ForwardCount,
	})
}

// notifyServer tells a server how its Response to c fares.
func (e *Endpoint) notifyServer(to ipc.LogicalHost, server ipc.PID, c *Client, delivery uint32, code ipc.Code) {
	e.notify(to, &packet.Notify{
		ToServer: true, Server: server, Client: c.entity,
		Transaction: c.transaction, Delivery: delivery, Code: code,
	})
}

// answerResponse tells the sender of the Response h what became of it.
func (e *Endpoint) answerResponse(h *packet.Header, code ipc.Code) {
	e.notify(h.Server.LogicalHost(), &packet.Notify{
		ToServer: true, Server: h.Server, Client: h.Client,
		Transaction: h.Transaction, Code: code,
	})
}

// notifiedClient takes a NotifyVmtpClient: the state of c's Request at the
// server (RFC 1045 §4.8).
func (e *Endpoint) notifiedClient(now time.Duration, n *packet.Notify) {
	c := e.local.Client(n.Client)
	if c == nil || c.transaction != n.Transaction || c.state == clientIdle {
		return
	}
	if c.state == clientAwaiting && !c.toGroup() && n.RetransmitCount == c.header.RetransmitCount {
		e.peer(c.to.Host()).sample(now - c.sent)
	}
	c.heard, c.unanswered = now, 0
	switch n.Code {
	case ipc.OK:
		c.acked |= n.Delivery
	case ipc.Retry, ipc.RetryAll:
		e.resend(now, c, n)
	case ipc.Busy:
		c.slower()
		e.timers.set(&c.timer, now+e.requestWait(c))
	default:
		if !c.toGroup() && c.state == clientAwaiting {
			e.fail(c, n.Code)
		}
	}
}

// resend sends the blocks of c's Request that the server lacks. Progress resets
// the back-off.
func (e *Endpoint) resend(now time.Duration, c *Client, n *packet.Notify) {
	if n.Delivery&^c.acked != 0 {
		c.backoff = 0
	}
	c.acked |= n.Delivery
	missing := c.full &^ n.Delivery
	if n.Code == ipc.RetryAll {
		missing = c.full
	}
	if missing == 0 || c.state == clientIdle {
		return
	}
	e.stats.Retransmissions++
	c.header.RetransmitCount = (c.header.RetransmitCount + 1) & 7
	c.header.Control &^= packet.APG
	e.sendRequest(now, c, missing)
}

// toGroup tells whether c's Request went to a group of servers. A Request to
// the management module of one team is not that, although the manager's
// identifier is a group's.
func (c *Client) toGroup() bool {
	return c.header.Server.IsGroup() && c.header.Server != ipc.ManagerGroup
}

// notifiedServer takes a NotifyVmtpServer: the state of a Response at the client
// (RFC 1045 §5.8), or that the client no longer wants one.
func (e *Endpoint) notifiedServer(now time.Duration, n *packet.Notify) {
	for r := e.remotes[n.Client]; r != nil; {
		next := r.sibling
		if r.Transaction == n.Transaction && (r.Member == n.Server || r.Server == n.Server) {
			e.notifiedRemote(now, r, n)
		}
		r = next
	}
}

// notifiedRemote takes a NotifyVmtpServer about r.
func (e *Endpoint) notifiedRemote(now time.Duration, r *Remote, n *packet.Notify) {
	r.heard = now
	switch {
	case r.state == remoteResponded && n.Code == ipc.Retry:
		e.resendResponse(now, r, n.Delivery)
	case r.state == remoteResponded && n.Code == ipc.RetryAll:
		e.resendResponse(now, r, 0)
	case r.state == remoteResponded && n.Code == ipc.Busy:
		e.timers.set(&r.timer, now+ackWait<<r.tries)
	case r.state == remoteResponded:
		e.discard(now, r, ipc.ResponseDiscarded)
	case n.Code != ipc.ResponseDiscarded && n.Code != ipc.NonexistentEntity:
	case r.state == remoteProcessing:
		e.withdraw(now, r)
	case r.state == remoteReceiving:
		e.discard(now, r, ipc.ResponseDiscarded)
	case r.state == remoteForwarded:
		relay := *n
		relay.Server = r.next
		e.notify(r.next.LogicalHost(), &relay)
		e.discard(now, r, ipc.ResponseDiscarded)
	}
}

// resendResponse sends the blocks of a Response that the client lacks: a client
// that asks is not given up. What was idempotent is not kept: the client will
// send its Request again.
func (e *Endpoint) resendResponse(now time.Duration, r *Remote, delivered uint32) {
	missing := packet.WantedMask(len(r.answer)) &^ delivered
	if r.answer == nil || missing == 0 {
		return
	}
	r.tries = 0
	e.stats.Retransmissions++
	e.transmit(r.Client.LogicalHost(), &r.response, missing, r.answer)
	e.timers.set(&r.timer, now+ackWait)
}

// probe is an outstanding ProbeEntity of the management module's own: about the
// host of a silent server, for client or for remote, which was forwarded there;
// or about a silent client, of remote.
type probe struct {
	client *Client
	remote *Remote
	next   bool // about where remote was forwarded to
}

// sendProbe asks the team to whether the process about exists, on behalf of p.
// The answer comes to probed; a later probe with the same id replaces this one.
func (e *Endpoint) sendProbe(to ipc.LogicalHost, about ipc.PID, id uint32, p probe) {
	e.stats.Probes++
	e.probes[id] = p
	request := packet.Probe{CREntity: about, Entity: about}
	h := request.Header(e.manager, id)
	e.transmit(to, &h, 0, nil)
}

// probeHost asks the kernel of the host that c waits for whether the server
// exists: its team does not answer, but may only be slow.
func (e *Endpoint) probeHost(c *Client) {
	about := c.header.Server
	if about == ipc.ManagerGroup {
		about = c.header.Message.PID(ipc.UserOffset).WithProcess(0)
		if p, ok := packet.ProbeOf(&c.header); ok {
			about = p.Entity
		}
	}
	if c.probe == 0 {
		c.probe = e.nextID()
	}
	e.sendProbe(hostKernel(c.to), about, c.probe, probe{client: c})
}

// probeClient asks the team of r's client whether the client exists.
func (e *Endpoint) probeClient(r *Remote) {
	if r.probe == 0 {
		r.probe = e.nextID()
	}
	e.sendProbe(r.Client.LogicalHost(), r.Client, r.probe, probe{remote: r})
}

// endProbe forgets the probe id, and clears it.
func (e *Endpoint) endProbe(id *uint32) {
	if *id != 0 {
		delete(e.probes, *id)
		*id = 0
	}
}

// probed takes the answer to a probe that the management module sent.
func (e *Endpoint) probed(now time.Duration, h *packet.Header) {
	p, ok := e.probes[h.Transaction]
	if !ok {
		return
	}
	a := packet.ProbeAnswerOf(h)
	gone := a.Code == ipc.NonexistentEntity || a.Code == ipc.EntityMigrated
	r := p.remote
	switch {
	case p.client != nil && gone:
		e.fail(p.client, a.Code)
	case p.client != nil:
		e.endProbe(&p.client.probe)
		p.client.heard = now
	case p.next && gone:
		e.giveUp(now, r, a.Code)
	case p.next:
		e.endProbe(&r.nextProbe)
		r.nextHeard = now
		e.timers.set(&r.timer, now+orphanAfter)
	case gone, a.Transaction != r.Transaction:
		e.orphaned(now, r)
	default:
		e.endProbe(&r.probe)
		r.probes, r.heard = 0, now
		if r.state == remoteForwarded {
			e.relayHeader(now, r)
		}
	}
}
