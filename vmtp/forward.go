package vmtp

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

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
