package vmtp

import (
	"cmp"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

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
		switch {
		case r.datagramWaits():
		case r.state == remoteProcessing:
			e.withdraw(now, r)
		case r.state != remoteDiscarded && r.state != remoteGone:
			e.discard(now, r, ipc.BadTransactionID)
		}
	}
}

// datagramWaits tells whether r is a datagram that no process has taken yet. Its
// client goes on at once, so a newer transaction does not abort it.
func (r *Remote) datagramWaits() bool {
	return r.state == remoteProcessing && r.Message.Has(ipc.FlagDGM)
}

// forgetOlder forgets the records of earlier transactions of the client of h,
// whose Request is about to get one.
func (e *Endpoint) forgetOlder(h *packet.Header) {
	for r := e.remotes[h.Client]; r != nil; {
		next := r.sibling
		if r.Transaction != h.Transaction && !r.datagramWaits() {
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
