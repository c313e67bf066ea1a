package kernel

import (
	"net/netip"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/vmtp"
	"vsys/vmtp/packet"
)

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
		host := a.To.Host()
		k.encodeLocked(o, a, datagram{to: k.routeLocked(host), host: host, slot: a.To.Team()})
	}
}

// encodeLocked divides a packet group into packets and puts each into a frame
// that goes where d says.
func (k *Kernel) encodeLocked(o *outbox, a *vmtp.Action, d datagram) {
	h := a.Header
	d.again = !h.Response && h.RetransmitCount != 0
	mask := h.Delivery
	payload := k.mtuLocked(&h, d) - frame.Overhead - packet.MinSize
	for {
		h.Delivery = packet.NextPacket(mask, len(a.Data), payload)
		mask &^= h.Delivery
		b := newBuffer(frame.Overhead + packet.MinSize + packet.DataSize(h.Delivery, len(a.Data)) + 8)
		b.b = k.header(d.slot).Append(b.b)
		b.b = h.AppendBlocks(b.b, a.Data)
		d.buf = b
		o.datagrams = append(o.datagrams, d)
		if mask == 0 || h.Delivery == 0 {
			return
		}
	}
}

// leastMTU fits into the 1,280 octets that every path of IPv6 carries.
const leastMTU = 1280 - 48

// mtuLocked returns how large a datagram may be that goes where d says. What is for a
// group goes on to others as it is.
func (k *Kernel) mtuLocked(h *packet.Header, d datagram) int {
	switch {
	case !d.to.IsValid(), k.narrow[d.host], h.Server.IsGroup() && h.Server != ipc.ManagerGroup:
		return leastMTU
	}
	return k.config.Link.MTU(d.to)
}

// header returns the beginning of a frame with a packet.
func (k *Kernel) header(slot uint16) frame.Header {
	if k.keys == nil {
		return frame.Header{Type: frame.Null, Slot: slot}
	}
	return frame.Header{Type: frame.Sealed, Slot: slot}
}

// ownAddr returns where the teams of this host are.
func (k *Kernel) ownAddr() netip.AddrPort {
	a := k.config.Link.Addr()
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

// routeLocked returns where a host is, an invalid address if that is not known.
func (k *Kernel) routeLocked(host uint16) netip.AddrPort {
	if host == k.base.Host() {
		return k.ownAddr()
	}
	return k.routes[host]
}

// route returns where a host is, and asks the host kernel if that is not known: in a
// sealed domain together with the key for a team there, which is needed next.
// Codes: NonexistentEntity (there is no network), Unreachable.
func (k *Kernel) route(host, team uint16) (netip.AddrPort, ipc.Code) {
	if k.config.Link == nil {
		return netip.AddrPort{}, ipc.NonexistentEntity
	}
	k.mu.Lock()
	to := k.routeLocked(host)
	k.mu.Unlock()
	if to.IsValid() {
		return to, ipc.OK
	}
	if k.keys != nil {
		_, to = k.keys.sealer(host, team)
	}
	if !to.IsValid() && k.config.Domain != nil {
		to, _ = k.config.Domain.Locate(host)
	}
	if !to.IsValid() {
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
	var a arrival
	if !k.open(&a, from, b) {
		return
	}
	o := newOutbox()
	k.mu.Lock()
	k.inputLocked(o, &a)
	k.mu.Unlock()
	k.flush(o)
}

// inputLocked takes a frame; it tells whether that was a packet of a transaction.
func (k *Kernel) inputLocked(o *outbox, a *arrival) bool {
	switch a.head.Type {
	case frame.Null, frame.Sealed:
		k.packetLocked(o, a)
		return true
	}
	if k.relay != nil && k.relay.host != nil {
		k.relay.host.takeLocked(o, a)
	}
	return false
}

// packetLocked takes a VMTP packet.
func (k *Kernel) packetLocked(o *outbox, a *arrival) {
	h, data, err := packet.Decode(a.body)
	if err != nil {
		k.badPackets.Add(1)
		return
	}
	sender, receiver := ends(&h)
	if !a.origin.mayBe(sender, &h) {
		k.forged.Add(1)
		return
	}
	if !receiver.IsGroup() && !k.speaksFor(receiver) && !k.probesAbout(receiver, &h) {
		k.stats.Misrouted++
		return
	}
	if h.Version != packet.Version || h.Domain != packet.Domain {
		k.endpoint.Packet(k.now(), &h, nil) // counts it
		return
	}
	// A sealed packet may have been sent again from elsewhere: where a host is, its
	// hellos say.
	if host := sender.Host(); k.keys == nil && host != k.base.Host() && h.ForwardCount == 0 && k.routes[host] != a.from {
		k.routes[host] = a.from
	}
	if k.relay != nil && receiver.IsGroup() {
		k.relay.handOnLocked(o, a, &h)
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
