package kernel

import (
	"net/netip"
	"sync"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
	"vsys/vmtp"
	"vsys/vmtp/packet"
)

// outbox collects, while Kernel.mu is held, what is to be done after it is
// released: datagrams to send and processes to wake.
type outbox struct {
	datagrams []datagram
	wakes     []*Process
	self      *Process // reads the link and needs no wake-up
	later     []func() // seldom: what needs to call the kernel
	run       [maxRun][]byte
}

var outboxes = sync.Pool{New: func() any { return new(outbox) }}

// newOutbox returns an empty outbox; flush takes it back.
func newOutbox() *outbox { return outboxes.Get().(*outbox) }

// datagram is a frame to send. If its host's address was not known when it was
// made, to is not valid and is found out first.
type datagram struct {
	to   netip.AddrPort
	host uint16
	slot uint16
	buf  *buffer
}

// buffer is memory for one datagram, in two sizes.
type buffer struct{ b []byte }

const smallBuffer = 2048

var (
	smallBuffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, smallBuffer)} }}
	largeBuffers = sync.Pool{New: func() any {
		return &buffer{make([]byte, 0, packet.MaxSize+frame.WrapOverhead+frame.Overhead)}
	}}
)

func newBuffer(size int) *buffer {
	if size <= smallBuffer {
		return smallBuffers.Get().(*buffer)
	}
	return largeBuffers.Get().(*buffer)
}

func (b *buffer) free() {
	b.b = b.b[:0]
	if cap(b.b) == smallBuffer {
		smallBuffers.Put(b)
	} else {
		largeBuffers.Put(b)
	}
}

// flush does what o collected. No lock is held.
func (k *Kernel) flush(o *outbox) {
	k.empty(o)
	outboxes.Put(o)
}

// empty does what o collected, which can then be used again.
func (k *Kernel) empty(o *outbox) {
	for rest := o.datagrams; len(rest) > 0; {
		n := 1
		for n < len(rest) && n < maxRun && rest[n].to == rest[0].to && rest[n].slot == rest[0].slot {
			n++
		}
		k.transmit(o, rest[:n])
		rest = rest[n:]
	}
	for i, p := range o.wakes {
		if p != o.self {
			p.wake()
		}
		o.wakes[i] = nil
	}
	for _, f := range o.later {
		f()
	}
	o.datagrams, o.wakes, o.later = o.datagrams[:0], o.wakes[:0], nil
}

// maxRun is the most datagrams that are given to the link at once.
const maxRun = 32

// transmit sends datagrams to one team, and frees their buffers.
func (k *Kernel) transmit(o *outbox, run []datagram) {
	to := run[0].to
	if !to.IsValid() {
		to, _ = k.route(run[0].host)
	}
	var err error
	switch {
	case !to.IsValid():
		err = ipc.Unreachable
	case len(run) == 1:
		err = k.config.Link.Send(to, run[0].buf.b)
	default:
		for i := range run {
			o.run[i] = run[i].buf.b
		}
		err = k.config.Link.SendGroup(to, o.run[:len(run)])
	}
	if err != nil {
		k.log.Debug("send", "peer", to, "err", err)
	}
	for i := range run {
		run[i].buf.free()
		run[i] = datagram{}
	}
}

// drainLocked does what the transport wants done: packets are encoded into o,
// Requests queued, Responses given to whom they are for.
func (k *Kernel) drainLocked(o *outbox) {
	for {
		actions := k.endpoint.Actions()
		if len(actions) == 0 {
			break
		}
		// Packets first: they refer to buffers of the transport, which what
		// follows may release.
		for i := range actions {
			if a := &actions[i]; a.Kind == vmtp.Transmit {
				k.transmitLocked(o, a)
			}
		}
		for i := range actions {
			k.actLocked(o, &actions[i])
		}
	}
	if d := k.endpoint.Deadline(); d != never {
		k.timer.atMost(d)
	}
}

// transmitLocked encodes the packet group of a.
func (k *Kernel) transmitLocked(o *outbox, a *vmtp.Action) {
	h := &a.Header
	if h.Server.IsGroup() && h.Server != ipc.ManagerGroup && !h.Response && k.relay != nil {
		k.relay.fanOutLocked(o, a)
		return
	}
	if k.config.Link != nil {
		k.encodeLocked(o, a, k.routeLocked(a.To.Host()), a.To.Team())
	}
}

// encodeLocked divides a packet group into packets and puts each into a frame
// for the given slot.
func (k *Kernel) encodeLocked(o *outbox, a *vmtp.Action, to netip.AddrPort, slot uint16) {
	h := a.Header
	mask := h.Delivery
	mtu := link.EthernetMTU6
	if to.IsValid() {
		mtu = k.config.Link.MTU(to)
	}
	payload := mtu - frame.Overhead - packet.MinSize
	for {
		h.Delivery = packet.NextPacket(mask, len(a.Data), payload)
		mask &^= h.Delivery
		b := newBuffer(frame.Overhead + packet.MinSize + packet.DataSize(h.Delivery, len(a.Data)) + 8)
		b.b = frame.Header{Type: frame.Null, Slot: slot}.Append(b.b)
		b.b = h.AppendBlocks(b.b, a.Data)
		b.b = frame.AppendNullTag(b.b)
		o.datagrams = append(o.datagrams, datagram{to, a.To.Host(), slot, b})
		if mask == 0 || h.Delivery == 0 {
			return
		}
	}
}

// routeLocked returns where a host is, an invalid address if that is not known.
func (k *Kernel) routeLocked(host uint16) netip.AddrPort {
	if host == k.base.Host() {
		return k.config.Link.Addr()
	}
	return k.routes[host]
}

// route returns where a host is and asks the host kernel if that is not known.
// Codes: NonexistentEntity (there is no network), Unreachable.
func (k *Kernel) route(host uint16) (netip.AddrPort, ipc.Code) {
	if k.config.Link == nil {
		return netip.AddrPort{}, ipc.NonexistentEntity
	}
	k.mu.Lock()
	to := k.routeLocked(host)
	k.mu.Unlock()
	if to.IsValid() {
		return to, ipc.OK
	}
	if k.config.Domain == nil {
		return to, ipc.Unreachable
	}
	to, ok := k.config.Domain.Locate(host)
	if !ok {
		return to, ipc.Unreachable
	}
	k.mu.Lock()
	k.routes[host] = to
	k.mu.Unlock()
	return to, ipc.OK
}

// actLocked does one action that is not a packet.
func (k *Kernel) actLocked(o *outbox, a *vmtp.Action) {
	switch a.Kind {
	case vmtp.Deliver:
		k.deliverLocked(o, a.Remote)
	case vmtp.Withdraw:
		if p := k.processes.lookup(a.Remote.Member); p != nil {
			p.mu.Lock()
			p.queue.drop(a.Remote)
			p.mu.Unlock()
		}
	case vmtp.Respond:
		p := a.Client.Owner.(*Process)
		p.mu.Lock()
		k.respondLocked(p, a.Response)
		p.mu.Unlock()
		o.wakes = append(o.wakes, p)
	case vmtp.Fail:
		p := a.Client.Owner.(*Process)
		p.mu.Lock()
		p.failed(a.Code)
		p.mu.Unlock()
		if a.Code == ipc.RetransTimeout {
			delete(k.routes, a.Client.Host()) // it may come back elsewhere
		}
		o.wakes = append(o.wakes, p)
	}
}

// failed ends p's transaction with other teams. p.mu is held.
func (p *Process) failed(code ipc.Code) {
	t := &p.sending
	switch {
	case t.to.IsGroup() && t.to != ipc.ManagerGroup:
		p.nobodyElsewhere()
	case p.state == AwaitingReply && !t.local:
		t.code, t.replier, p.state = code, 0, Ready
	}
}

// respondLocked gives p a Response that arrived. p.mu is held.
func (k *Kernel) respondLocked(p *Process, r *vmtp.Response) {
	t := &p.sending
	if t.to.IsGroup() && t.to != ipc.ManagerGroup {
		p.groupReplied(groupReply{r.Server, r.Message, r.Data})
		return
	}
	if p.state != AwaitingReply || t.local {
		return
	}
	// The transport has put the segment where it belongs.
	*t.m = r.Message
	t.m.Clear(ipc.FlagDGM)
	t.m.SetSegmentSize(len(r.Data))
	t.replier = r.Server
	if r.Truncated {
		t.code = ipc.BadReplySegment
	}
	p.state = Ready
}

// deliverLocked gives a Request from another team to the process it is for.
func (k *Kernel) deliverLocked(o *outbox, r *vmtp.Remote) {
	now := k.now()
	if r.Member == k.base {
		k.manageLocked(now, r)
		return
	}
	p := k.processes.lookup(r.Member)
	if p == nil {
		k.endpoint.Refuse(now, r, ipc.NonexistentEntity)
		return
	}
	if op := r.Message.Op(); r.Server.IsGroup() && (op == packet.QueryGroup || op == packet.DeleteEntity) {
		k.answerMemberLocked(o, p, r, op)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == Dead:
		k.endpoint.Refuse(now, r, ipc.NonexistentEntity)
	case p.wants(r.Client):
		w := &p.receiving
		*w.m = r.Message
		w.got = ipc.Transaction{Client: r.Client, Server: r.Server, ID: r.Transaction}
		w.got.Appended = copy(w.buf, r.Data)
		w.local = false
		p.state = Ready
		k.endpoint.Received(now, r)
		o.wakes = append(o.wakes, p)
	case p.queue.unheld >= MaxQueue:
		k.endpoint.Refuse(now, r, ipc.Busy)
	default:
		p.queue.put(request{id: r.Transaction, remote: r})
	}
}

// answerMemberLocked answers a question about p's membership.
func (k *Kernel) answerMemberLocked(o *outbox, p *Process, r *vmtp.Remote, op ipc.Op) {
	var m ipc.Message
	m.SetCode(ipc.OK)
	k.endpoint.Reply(k.now(), r, &m, nil)
	if op == packet.DeleteEntity {
		group := r.Server
		o.later = append(o.later, func() { p.LeaveGroup(group) })
	}
}

// Input takes a datagram that came from an address. The kernel reads its link by
// itself; Input is for whoever has given it a Clock.
func (k *Kernel) Input(from netip.AddrPort, b []byte) {
	o := newOutbox()
	k.mu.Lock()
	k.inputLocked(o, from, b)
	k.mu.Unlock()
	k.flush(o)
}

// inputLocked takes a datagram; it tells whether that was a packet of a
// transaction.
func (k *Kernel) inputLocked(o *outbox, from netip.AddrPort, b []byte) bool {
	f, body, err := frame.Decode(b)
	if err != nil {
		k.stats.BadPackets++
		return false
	}
	switch f.Type {
	case frame.Null:
		k.packetLocked(o, from, b, body)
	case frame.Wrapped:
		// Only our own host hands datagrams on.
		if inner, datagram, err := frame.DecodeWrapped(body); err == nil && from.Addr() == k.config.Link.Addr().Addr() {
			if f, body, err := frame.Decode(datagram); err == nil && f.Type == frame.Null {
				k.packetLocked(o, inner, datagram, body)
			}
		}
	case frame.Hello:
		if !frame.CheckTag(b) {
			k.stats.BadPackets++
			return false
		}
		if k.relay != nil {
			k.relay.helloLocked(o, from, body)
		}
		return false
	}
	return true
}

// packetLocked takes a VMTP packet; b is the frame around it.
func (k *Kernel) packetLocked(o *outbox, from netip.AddrPort, b, body []byte) {
	h, data, err := packet.Decode(body)
	if err != nil {
		k.stats.BadPackets++
		return
	}
	sender, receiver := ends(&h)
	if !receiver.IsGroup() && !k.speaksFor(receiver) && !k.probesAbout(receiver, &h) {
		k.stats.Misrouted++
		return
	}
	if h.Version != packet.Version || h.Domain != packet.Domain {
		k.endpoint.Packet(k.now(), &h, nil) // counts it
		return
	}
	if host := sender.Host(); host != k.base.Host() && h.ForwardCount == 0 && k.routes[host] != from {
		k.routes[host] = from
	}
	if k.relay != nil && receiver.IsGroup() {
		k.relay.handOnLocked(o, from, b, &h)
	}
	k.endpoint.Packet(k.now(), &h, data)
	k.drainLocked(o)
}

// ends returns who sent a packet and whom it is for: a process, or a group.
func ends(h *packet.Header) (sender, receiver ipc.PID) {
	switch {
	case h.Response:
		return h.Server, h.Client
	case h.Server == ipc.ManagerGroup && h.Message.Has(ipc.FlagCRE):
		return h.Client, h.Message.PID(ipc.UserOffset)
	}
	return h.Client, h.Server
}

// speaksFor tells whether this team answers for pid: its own processes, dead or
// alive, and in a host kernel those of the host's dead teams. What came here for
// a team that lives was misled on its way; an answer would end what goes well.
func (k *Kernel) speaksFor(pid ipc.PID) bool {
	if pid.LogicalHost() == k.base.LogicalHost() {
		return true
	}
	return k.relay != nil && pid.Host() == k.base.Host() && !k.relay.alive(pid)
}

// probesAbout tells whether h asks the host kernel about pid, of a team that lives.
func (k *Kernel) probesAbout(pid ipc.PID, h *packet.Header) bool {
	if k.relay == nil || pid.Host() != k.base.Host() || h.Response {
		return false
	}
	_, ok := packet.ProbeOf(h)
	return ok
}

// maxDatagram is the largest datagram that is received: a whole packet group in
// one packet, in a frame that was handed on.
const maxDatagram = packet.MaxSize + frame.Overhead + frame.WrapOverhead
