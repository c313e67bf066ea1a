package kernel

import (
	"vsys/ipc"
	"vsys/vmtp"
)

// MaxQueue is the most Requests from other teams that wait for one process.
const MaxQueue = 1024

// request is a Request that waits for a process: from a process of this team, or
// from another team, where the transport has a record of it.
type request struct {
	client *Process     // of this team; else nil
	id     uint32       // its transaction
	copy   *groupCopy   // of a local Send to a group
	remote *vmtp.Remote // of another team; else nil
}

// groupCopy is a Request to a group, for the members in the sender's team: the
// sender may go on after the first reply, so they can't read its memory.
type groupCopy struct {
	group ipc.PID
	m     ipc.Message
	data  []byte
}

// queue is a first-in-first-out queue of Requests. It keeps its memory.
type queue struct {
	waiting []request
	first   int
	unheld  int // those whose sender does not wait here: of other teams, and copies
}

func (q *queue) put(r request) {
	if q.first > 0 && q.first == len(q.waiting) {
		q.waiting, q.first = q.waiting[:0], 0
	}
	if q.first > 64 && len(q.waiting) == cap(q.waiting) {
		n := copy(q.waiting, q.waiting[q.first:])
		clear(q.waiting[n:])
		q.waiting, q.first = q.waiting[:n], 0
	}
	if r.client == nil || r.copy != nil {
		q.unheld++
	}
	q.waiting = append(q.waiting, r)
}

// get removes and returns the first Request that match accepts.
func (q *queue) get(match func(*request) bool) (request, bool) {
	for i := q.first; i < len(q.waiting); i++ {
		r := q.waiting[i]
		if match != nil && !match(&r) {
			continue
		}
		if i == q.first {
			q.waiting[i] = request{}
			q.first++
		} else {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
		}
		if r.client == nil || r.copy != nil {
			q.unheld--
		}
		return r, true
	}
	return request{}, false
}

// drop removes the Request that the transport has in the record remote.
func (q *queue) drop(remote *vmtp.Remote) {
	q.get(func(r *request) bool { return r.remote == remote })
}
