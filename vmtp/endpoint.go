package vmtp

import (
	"math/rand/v2"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// Endpoint is the transport module of one team. It is a value with methods that
// take the time and say what to do; whoever calls it guards it.
type Endpoint struct {
	local   Local
	rand    *rand.Rand
	manager ipc.PID // the management module: process 0 of the team

	remotes     map[ipc.PID]*Remote // by client; further members of a group hang on
	count       int                 // of Remotes in the map, with those that hang on
	free        *Remote             // unused records, linked by sibling
	buffers     [][]byte            // unused buffers of MaxAppended octets
	lent        int                 // buffers in use
	peers       map[uint16]*peer    // by host number
	probes      map[uint32]probe    // outstanding, by Transaction
	newest      uint32              // last Transaction of the clients that have gone
	lastID      uint32              // Transaction of the management module's last Request
	timers      timers
	actions     []Action
	spare       []Action // what Actions returned last
	outstanding int      // clients that await, Requests in service
	stats       Stats
}

// Local is what an endpoint asks of the kernel around it. It must not call the
// endpoint.
type Local interface {
	// Client returns the record of a local process, nil if there is no such
	// process.
	Client(pid ipc.PID) *Client
	// Accepts tells whether a Request can be delivered to the local process
	// server: OK; NonexistentEntity; NotAwaitingMsg (conditional is FlagCMD and
	// the process is not in Receive); Busy (its queue is full).
	Accepts(server ipc.PID, conditional bool) ipc.Code
	// Members appends the local members of a group to out.
	Members(group ipc.PID, out []ipc.PID) []ipc.PID
	// Probe tells whether a process that this team speaks for exists: OK or
	// NonexistentEntity. The host kernel speaks for all teams of its host.
	Probe(pid ipc.PID) ipc.Code
}

// Kind says what an Action is.
type Kind uint8

// The kinds of Action, with the fields that each uses.
const (
	// Transmit: send the packet group of Header and Data to the team To. The
	// blocks to send are Header.Delivery; Data is the whole segment of the
	// group. Both are valid until the next call of the endpoint.
	Transmit Kind = iota
	// Deliver: the Request of Remote is complete; queue it for Remote.Member.
	Deliver
	// Withdraw: the client of Remote gave up or is gone; forget the Request.
	Withdraw
	// Respond: a Response to Client's transaction is complete. For a single
	// server it ends the transaction. Response is valid until the Client's next
	// Send.
	Respond
	// Fail: Client's transaction ended with Code.
	Fail
)

// Action is something the kernel is to do.
type Action struct {
	Kind     Kind
	To       ipc.LogicalHost
	Header   packet.Header
	Data     []byte
	Remote   *Remote
	Client   *Client
	Response *Response
	Code     ipc.Code
}

// Stats counts what an endpoint did since it was made.
type Stats struct {
	Requests        uint64 // transactions started
	Deliveries      uint64 // Requests delivered
	Retransmissions uint64 // packet groups sent again, headers alone included
	Duplicates      uint64 // Requests and Responses received again
	Notifies        uint64 // notifies sent
	Probes          uint64 // host kernels and clients asked whether they live
	Foreign         uint64 // packets of another version or domain, ignored
	Stale           uint64 // packets of old transactions, ignored
	Lost            uint64 // transactions that ended because a host was silent
	Orphans         uint64 // Requests dropped because their client had gone
	Overflow        uint64 // Requests answered BUSY for want of records
}

// New returns the endpoint of the team whose management module is the process
// manager. Randomness, for Transaction identifiers and jitter, comes from rand.
func New(manager ipc.PID, local Local, rand *rand.Rand) *Endpoint {
	return &Endpoint{
		local: local, rand: rand, manager: manager,
		remotes: map[ipc.PID]*Remote{},
		peers:   map[uint16]*peer{},
		probes:  map[uint32]probe{},
		newest:  rand.Uint32(),
		lastID:  rand.Uint32(),
	}
}

// Actions returns what is to be done since the last call, in order. The slice is
// valid until the next call of Actions; other methods may be called meanwhile.
func (e *Endpoint) Actions() []Action {
	a := e.actions
	e.actions, e.spare = e.spare[:0], a
	return a
}

// Stats returns the counters.
func (e *Endpoint) Stats() Stats { return e.stats }

// Remotes returns the number of records of remote clients.
func (e *Endpoint) Remotes() int { return e.count }

// Outstanding returns the number of transactions under way: of local clients,
// and Requests with local servers.
func (e *Endpoint) Outstanding() int { return e.outstanding }

// Deadline returns when Tick wants to be called next; a very large value if not
// at all. It may be earlier than needed.
func (e *Endpoint) Deadline() time.Duration { return e.timers.next() }

// Tick does what is due at now.
func (e *Endpoint) Tick(now time.Duration) {
	for t := e.timers.due(now); t != nil; t = e.timers.due(now) {
		if t.client != nil {
			e.clientTimer(now, t.client)
		} else {
			e.remoteTimer(now, t.remote)
		}
	}
}

// Packet takes a packet that arrived, decoded. data is the segment data in it
// and is not kept.
func (e *Endpoint) Packet(now time.Duration, h *packet.Header, data []byte) {
	switch {
	case h.Version != packet.Version || h.Domain != packet.Domain:
		e.stats.Foreign++
	case h.Response:
		e.response(now, h, data)
	case h.Message.Op().Interface() == interfaceManagement && h.Server == ipc.ManagerGroup:
		e.manage(now, h)
	default:
		e.request(now, h, data)
	}
}

// act appends an action.
func (e *Endpoint) act(a Action) { e.actions = append(e.actions, a) }

// transmit appends the sending of the blocks in mask.
func (e *Endpoint) transmit(to ipc.LogicalHost, h *packet.Header, mask uint32, data []byte) {
	e.actions = append(e.actions, Action{Kind: Transmit, To: to, Header: *h, Data: data})
	e.actions[len(e.actions)-1].Header.Delivery = mask
}

func (e *Endpoint) peer(host uint16) *peer {
	p := e.peers[host]
	if p == nil {
		p = &peer{}
		e.peers[host] = p
	}
	return p
}

// buffer returns an unused buffer of MaxAppended octets.
func (e *Endpoint) buffer() []byte {
	e.lent++
	if n := len(e.buffers); n > 0 {
		b := e.buffers[n-1]
		e.buffers = e.buffers[:n-1]
		return b
	}
	return make([]byte, ipc.MaxAppended)
}

// release gives back a buffer from buffer.
func (e *Endpoint) release(b []byte) {
	const spare = 64
	e.lent--
	if cap(b) >= ipc.MaxAppended && len(e.buffers) < spare {
		e.buffers = append(e.buffers, b[:ipc.MaxAppended])
	}
}

// older tells whether Transaction a comes before b, in serial arithmetic (RFC
// 1982).
func older(a, b uint32) bool { return int32(a-b) < 0 }

// hostKernel returns the logical host of the kernel on l's host.
func hostKernel(l ipc.LogicalHost) ipc.LogicalHost { return ipc.MakeLogicalHost(l.Host(), 0) }
