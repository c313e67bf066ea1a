package vmtp

import (
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// remoteTimer is called when r's timer fires.
func (e *Endpoint) remoteTimer(now time.Duration, r *Remote) {
	switch r.state {
	case remoteReceiving: // TS1
		e.incomplete(now, r)
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

// incomplete asks for the blocks of a Request that are missing. When that is in
// vain, the others are dropped, and the record only filters duplicates of older
// Requests, unless the client begins again.
func (e *Endpoint) incomplete(now time.Duration, r *Remote) {
	r.tries++
	switch {
	case r.Data == nil:
		e.forget(r)
	case r.tries > ResponseRetries:
		e.dropData(r)
		r.received = 0
		e.timers.set(&r.timer, now+keepRecord)
	default:
		h := packet.Header{RetransmitCount: r.retrans}
		e.notifyClient(r, &h, r.received, ipc.Retry)
		e.timers.set(&r.timer, now+blockGap<<r.tries)
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
	if r.probes > orphanProbes {
		e.orphaned(now, r)
		return
	}
	e.probeClient(r)
	e.timers.set(&r.timer, now+askAgain)
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
// RFC 1045 §2.5.4, which sends every Response again until it is acknowledged:
// one without a segment costs nothing to keep until the client asks. But the
// client of a forwarded Request asks another server, and may not get through.
func (e *Endpoint) unacknowledged(now time.Duration, r *Remote) {
	r.tries++
	if r.answer == nil && r.forwards == 0 || r.tries > ResponseRetries {
		e.discard(now, r, ipc.ResponseDiscarded)
		return
	}
	e.stats.Retransmissions++
	h := r.response
	h.Control |= packet.APG
	e.transmit(r.Client.LogicalHost(), &h, 0, r.answer)
	e.timers.set(&r.timer, now+ackWait<<r.tries)
}
