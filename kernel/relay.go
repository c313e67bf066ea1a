package kernel

import (
	"net/netip"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/vmtp"
	"vsys/vmtp/packet"
)

// relay is what a host kernel does for the teams of its host: it passes group
// requests on, and knows which teams live. It is guarded by Kernel.mu.
type relay struct {
	k       *Kernel
	teams   map[uint16]*Team
	members map[ipc.PID]map[uint16]bool // the teams with members, by group
	hosts   func() []HostAddr           // the other hosts that live
	host    hostFrames                  // nil in a simulated world without hellos
}

// hostFrames takes the frames that only host kernels send each other.
type hostFrames interface {
	// open opens a frame, while no lock is held.
	open(a *arrival, b []byte) error
	// openDead opens a frame for a team of this host that is dead.
	openDead(h *frame.Header, b []byte) ([]byte, origin, error)
	// takeLocked takes an opened one, to be looked at when Kernel.mu is free.
	takeLocked(o *outbox, a *arrival)
}

// HostAddr is another host, by its number, and where it is.
type HostAddr struct {
	Number uint16
	Addr   netip.AddrPort
}

// alive tells whether the team of pid lives, in pid's incarnation.
func (r *relay) alive(pid ipc.PID) bool {
	t := r.teams[pid.Team()]
	return t != nil && t.Incarnation == pid.Incarnation()
}

// openForDead opens a frame that came to the socket of a dead team.
func (r *relay) openForDead(h *frame.Header, b []byte) ([]byte, origin, error) {
	if r.host == nil {
		return nil, origin{}, seal.ErrForged
	}
	return r.host.openDead(h, b)
}

// fanOutLocked sends a group Request of the host kernel's own to the teams and
// hosts that may have members.
func (r *relay) fanOutLocked(o *outbox, a *vmtp.Action) {
	k := r.k
	for team := range r.members[a.Header.Server] {
		if team != 0 {
			k.encodeLocked(o, a, datagram{to: k.ownAddr(), host: k.base.Host(), slot: team})
		}
	}
	for _, h := range r.hosts() {
		k.encodeLocked(o, a, datagram{to: h.Addr, host: h.Number})
	}
}

// handOnLocked passes on a packet for a group: to the teams of this host with
// members, except the sender's, and if it came from a team of this host, to the
// other hosts.
func (r *relay) handOnLocked(o *outbox, a *arrival, h *packet.Header) {
	k := r.k
	own := k.ownAddr()
	ours := h.Client.Host() == k.base.Host()
	for team := range r.members[h.Server] {
		if team == 0 || ours && team == h.Client.Team() {
			continue
		}
		buf := newBuffer(len(a.body) + frame.Overhead + frame.WrapOverhead)
		buf.b = frame.AppendWrapped(buf.b, team, a.from, a.body)
		o.datagrams = append(o.datagrams, datagram{to: own, host: k.base.Host(), slot: team, buf: buf})
	}
	if !ours || a.origin.vouched && a.from.Addr() != own.Addr() {
		return
	}
	for _, to := range r.hosts() {
		buf := newBuffer(len(a.body) + frame.Overhead)
		buf.b = append(k.header(0).Append(buf.b), a.body...)
		o.datagrams = append(o.datagrams, datagram{to: to.Addr, host: to.Number, buf: buf})
	}
}
