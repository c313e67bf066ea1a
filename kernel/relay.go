package kernel

import (
	"net/netip"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/vmtp"
	"vsys/vmtp/packet"
)

// relay is what a host kernel does for the teams of its host: it passes group
// requests on, and knows which teams live. It is guarded by Kernel.mu.
type relay struct {
	k       *Kernel
	teams   map[uint16]*Team
	members map[ipc.PID]map[uint16]bool         // the teams with members, by group
	hosts   func() []netip.AddrPort             // the other hosts that live
	hello   func(from netip.AddrPort, b []byte) // takes a hello
}

// alive tells whether the team of pid lives, in pid's incarnation.
func (r *relay) alive(pid ipc.PID) bool {
	t := r.teams[pid.Team()]
	return t != nil && t.Incarnation == pid.Incarnation()
}

// fanOutLocked sends a group Request of the host kernel's own to the teams and
// hosts that may have members.
func (r *relay) fanOutLocked(o *outbox, a *vmtp.Action) {
	k := r.k
	own := k.config.Link.Addr()
	for team := range r.members[a.Header.Server] {
		if team != 0 {
			k.encodeLocked(o, a, own, team)
		}
	}
	for _, to := range r.hosts() {
		k.encodeLocked(o, a, to, 0)
	}
}

// handOnLocked passes on a frame with a packet for a group: to the teams of this
// host with members, except the sender's, and if it came from a team of this
// host, to the other hosts.
func (r *relay) handOnLocked(o *outbox, from netip.AddrPort, b []byte, h *packet.Header) {
	k := r.k
	own := k.config.Link.Addr()
	ours := h.Client.Host() == k.base.Host()
	for team := range r.members[h.Server] {
		if team == 0 || ours && team == h.Client.Team() {
			continue
		}
		buf := newBuffer(len(b) + frame.WrapOverhead)
		buf.b = frame.AppendWrapped(buf.b, team, from, b)
		o.datagrams = append(o.datagrams, datagram{to: own, slot: team, buf: buf})
	}
	if !ours || from.Addr() != own.Addr() {
		return
	}
	for _, to := range r.hosts() {
		buf := newBuffer(len(b))
		buf.b = append(buf.b, b...)
		o.datagrams = append(o.datagrams, datagram{to: to, buf: buf})
	}
}

// helloLocked takes a hello frame, to be looked at when Kernel.mu is free.
func (r *relay) helloLocked(o *outbox, from netip.AddrPort, body []byte) {
	if r.hello == nil {
		return
	}
	b := append([]byte(nil), body...)
	o.later = append(o.later, func() { r.hello(from, b) })
}
