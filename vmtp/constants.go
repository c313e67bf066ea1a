package vmtp

import (
	"time"

	"vsys/ipc"
)

// Constants that RFC 1045 gives (§2.5.4, §2.9).
const (
	// RequestRetries is how many unanswered transmissions of a Request make the
	// client ask the server's host kernel.
	RequestRetries = 5
	// ResponseRetries is how often a Response with a segment is sent again, and
	// how often missing blocks are asked for without progress.
	ResponseRetries = 5
	// MaxForwards bounds ForwardCount, a field of 4 bits.
	MaxForwards = 15
)

// Constants that the RFC leaves open; docs/decisions/timers.md has the reasons.
const (
	// LostAfter is how long a host may be silent before it is lost: within five
	// seconds the sender has its error.
	LostAfter = 4500 * time.Millisecond
	// MaxRemotes bounds the records of remote clients in an endpoint.
	MaxRemotes = 16384
	// MaxBuffers bounds the packet groups that an endpoint holds, of Requests and of
	// Responses that are kept: 64 MiB. Beyond it new Requests are answered BUSY.
	MaxBuffers = 4096
	// MaxResponses bounds the members of a group whose Responses one
	// transaction takes.
	MaxResponses = 1024

	// firstTC2 is the round trip assumed for a host that was never heard.
	firstTC2 = 100 * time.Millisecond
	minTC2   = 10 * time.Millisecond
	maxTC2   = time.Second
	// silentAfter is the silence of a host after which it is asked every
	// askAgain, lest a few lost packets be taken for its loss.
	silentAfter = 2 * time.Second
	askAgain    = maxTC2 / 8
	// blockGap is TC3 and TS1: the wait for the rest of a packet group before
	// what is missing is asked for.
	blockGap = 5 * time.Millisecond
	// groupTC1 is the first wait for a group's first Response.
	groupTC1 = 50 * time.Millisecond
	// orphanAfter is TS2: silence of a client before it is probed, orphanProbes
	// times, every askAgain.
	orphanAfter  = 4 * time.Second
	orphanProbes = 24
	// keepRecord is TS4: how long a record filters duplicates after the end.
	// Twice what a client goes on retransmitting to a silent host, so a late
	// copy of a Request is never taken for a new one.
	keepRecord = 2 * LostAfter
	// ackWait is TS5: the wait for an acknowledgement of a Response with a
	// segment.
	ackWait = 500 * time.Millisecond
)

// never is the deadline of a timer that is not set.
const never = time.Duration(1<<63 - 1)

// interfaceManagement is RFC 1045's own interface, whose requests the endpoint
// itself answers.
const interfaceManagement = ipc.InterfaceVMTP
