package ipc

import (
	"context"
	"time"
)

// Segment is the memory that a sender grants to whoever receives its message,
// until the reply (paper §2.3). Read and Write may be the same memory or nil.
type Segment struct {
	// Read is what the receiver may read, at most MaxSegment octets. The first
	// MaxAppended travel with the Request, the rest is fetched by MoveFrom.
	Read []byte
	// Write is what the receiver may write, by Reply (from the start, at most
	// MaxAppended) or MoveTo.
	Write []byte
}

// Transaction names a Request that was received and not yet answered. It is a
// value, good for one Reply or Forward; afterwards, and when the client has
// given up, operations on it return NonexistentEntity.
type Transaction struct {
	Client   PID    // who sent it
	Server   PID    // whom it was sent to: the receiving process, or a group
	ID       uint32 // the client's Transaction identifier
	Appended int    // octets of the client's segment that Receive put in its buffer
}

// Process is a thread of control with a message end-point. Send, GetReply,
// Receive, ReceiveSpecific and ValidPID block; they are for the one goroutine
// that is the process. The other methods may be called by any goroutine of the
// team and do not wait for another process, with these exceptions: MoveFrom and
// MoveTo wait for the client's kernel, five seconds at most; QueryGroup and
// DeleteGroup for the members, about three; JoinGroup and LeaveGroup for the host
// kernel.
//
// A blocking operation ends early with UserTimeout when the deadline passes,
// and with Aborted when the context given at the process's creation is
// cancelled or the process is destroyed. Every error is an [*OpError] around a
// [Code].
type Process interface {
	// PID returns the process's identifier.
	PID() PID

	// Team returns the team the process belongs to.
	Team() Team

	// SetDeadline bounds the blocking operations that follow; the zero time
	// means no bound. For the process's own goroutine.
	SetDeadline(t time.Time)

	// Send sends m and grants s to the process or group to, and blocks until it
	// is answered. The reply overwrites m, its segment lands at the start of
	// s.Write, m.SegmentSize() octets of it. It returns who replied, which
	// differs from to for a group and after a Forward. A group's first reply
	// ends the wait; GetReply yields the others. With FlagDGM set in m, Send
	// returns as soon as the message is sent, with PID 0.
	//
	// The memory of s belongs to the transaction until Send returns; after a
	// group Send only the memory of later GetReply calls is written.
	//
	// Codes: NonexistentEntity; RetransTimeout (the host is silent for five
	// seconds; for a group: nobody answered); UserTimeout; Aborted;
	// BadReplySegment (the reply is larger than s.Write; what fits is there);
	// ResponseDiscarded (it was answered, and the answer is gone); BadArgs (a
	// segment over MaxSegment); Busy; NotAwaitingMsg (FlagCMD, and nobody waits).
	Send(m *Message, to PID, s Segment) (PID, error)

	// GetReply waits for the next reply to the last Send, which went to a
	// group. Its segment lands in buf. It returns who replied. With a deadline
	// that has passed it returns what is already here, else UserTimeout. Other
	// codes: Aborted; BadTransactionID (the last Send went to no group).
	GetReply(m *Message, buf []byte) (PID, error)

	// Receive waits for the next Request to the process or to a group that it
	// is in, first come, first served. The first octets of the
	// sender's readable segment are copied into buf: Transaction.Appended of
	// them, at most len(buf), SegmentSize and MaxAppended.
	Receive(m *Message, buf []byte) (Transaction, error)

	// ReceiveSpecific is Receive for a Request from one process only. It
	// returns NonexistentEntity if that process does not exist or, in the same
	// team, ceases to.
	ReceiveSpecific(m *Message, buf []byte, from PID) (Transaction, error)

	// Reply answers t with m and data, which goes to the start of the client's
	// writable segment; data may be reused when Reply returns. FlagDGM in m
	// says that the operation was idempotent: the kernel then keeps nothing,
	// and does the operation again should the reply be lost. Other flags of m
	// are cleared. With the code ResponseDiscarded in m a member of a group sends
	// nothing: it has nothing to say.
	//
	// Codes: NonexistentEntity (t is answered, forwarded or given up);
	// BadArgs (more data than MaxAppended or the client's Capacity).
	Reply(m *Message, t Transaction, data []byte) error

	// Forward passes t, with the message m, on to another process, which
	// replies straight to the client. The client's segments go along.
	// Codes as Reply; NoPermission after 15 forwards or for a group.
	Forward(m *Message, t Transaction, to PID) error

	// MoveFrom copies len(dst) octets at offset off of the client's readable
	// segment into dst. Codes: NonexistentEntity, NoPermission (outside what
	// was granted), RetransTimeout.
	MoveFrom(t Transaction, dst []byte, off int) error

	// MoveTo copies src to offset off of the client's writable segment. Codes
	// as MoveFrom.
	MoveTo(t Transaction, off int, src []byte) error

	// AwaitingReply tells whether t is still to be answered: false once it was
	// answered or forwarded, and when its client gave up or is gone.
	AwaitingReply(t Transaction) bool

	// CreateGroup makes a new unrestricted group with this process in it.
	CreateGroup() (PID, error)

	// JoinGroup makes the process a member of group. Joining twice is no error.
	JoinGroup(group PID) error

	// LeaveGroup ends the membership. Codes: NonexistentEntity.
	LeaveGroup(group PID) error

	// DeleteGroup removes all members of group, on all hosts, as far as they
	// can be reached.
	DeleteGroup(group PID) error

	// QueryGroup returns the members of group on all hosts that answer.
	QueryGroup(group PID) ([]PID, error)

	// ValidPID returns nil if the process pid exists, NonexistentEntity if not,
	// RetransTimeout if its host is silent. It blocks.
	ValidPID(pid PID) error

	// Destroy ends the process: its senders get NonexistentEntity, its groups
	// lose it. Operations on it return Aborted. Destroying twice is no error.
	Destroy()
}

// Team is a set of processes that share an address space. It may be used by
// any goroutine.
type Team interface {
	// NewProcess makes a process, called name in listings. Cancelling ctx ends
	// what the process waits for, now and later.
	NewProcess(ctx context.Context, name string) (Process, error)

	// Host returns the name of the host that the team runs on.
	Host() string

	// HostServer returns the kernel server of that host, which knows the
	// domain's hosts, prefixes and groups.
	HostServer() PID

	// HostName returns the name of the host with that number, "" if unknown.
	HostName(number uint16) string
}

// Direct tells whether a Request that p received came from its client straight, and
// not by a process that has forwarded it, and could have made it up: what it allows
// a client, a server must ask this before. A Process that can't tell says no.
func Direct(p Process, t Transaction) bool {
	d, ok := p.(interface{ Direct(Transaction) bool })
	return ok && d.Direct(t)
}
