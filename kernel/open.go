package kernel

import (
	"errors"
	"net/netip"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/vmtp/packet"
)

// arrival is a frame that came, opened.
type arrival struct {
	from   netip.AddrPort
	origin origin
	head   frame.Header
	body   []byte
	group  uint32 // a Hello's or Handshake's group key, by its generation
}

// open opens the frame b and tells whether it is worth anything. No lock is held:
// this is what strangers can make a host do.
func (k *Kernel) open(a *arrival, from netip.AddrPort, b []byte) bool {
	var err error
	a.from, a.origin = from, origin{vouched: k.keys == nil}
	a.head, a.body, err = frame.Decode(b)
	if err == nil {
		switch a.head.Type {
		case frame.Null:
			if k.keys != nil {
				err = seal.ErrForged
			}
		case frame.Sealed, frame.Control:
			err = k.openSealed(a, b)
		case frame.Wrapped:
			err = k.openWrapped(a, b)
		default:
			err = k.openForHost(a, b)
		}
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, seal.ErrReplayed):
		k.replayed.Add(1)
	case errors.Is(err, seal.ErrForged):
		k.forged.Add(1)
	default:
		k.badPackets.Add(1)
	}
	return false
}

// openSealed opens a frame of a pair of teams.
func (k *Kernel) openSealed(a *arrival, b []byte) (err error) {
	switch {
	case k.keys == nil:
		return seal.ErrForged
	case k.relay != nil && a.head.Slot != 0:
		a.body, a.origin, err = k.relay.openForDead(&a.head, b)
	default:
		a.body, a.origin, err = k.keys.open(&a.head, b)
	}
	return err
}

// openWrapped opens what the own host kernel has handed on: a Null frame, and
// where it came from.
func (k *Kernel) openWrapped(a *arrival, b []byte) error {
	body := a.body
	if k.keys != nil {
		if err := k.openSealed(a, b); err != nil {
			return err
		}
		if !a.origin.self || a.origin.team.Number != 0 {
			return seal.ErrForged
		}
		body = a.body
	} else if ip := a.from.Addr(); !ip.IsLoopback() && ip != k.config.Link.Addr().Addr() {
		return frame.ErrAddress
	}
	from, inner, err := frame.DecodeWrapped(body)
	if err != nil {
		return err
	}
	a.from, a.origin.vouched = from, true
	a.head, a.body, err = frame.Decode(inner)
	if err == nil && a.head.Type != frame.Null {
		err = frame.ErrType
	}
	return err
}

// openForHost opens a frame that only host kernels take.
func (k *Kernel) openForHost(a *arrival, b []byte) error {
	switch {
	case k.relay == nil || k.relay.host == nil:
		return frame.ErrType
	case k.keys != nil || a.head.Type == frame.Join:
		return k.relay.host.open(a, b)
	case a.head.Type != frame.Hello || !frame.CheckTag(b):
		return frame.ErrType
	}
	return nil
}

// origin is who has sealed a frame.
type origin struct {
	host    uint16
	team    seal.Team
	self    bool // by the own host's session
	vouched bool // the own host kernel has handed on what it has opened; or the domain is clear
}

// mayBe tells whether the team that sealed a packet may send as sender: it is the
// sender's, or the kernel of the sender's host, which answers for the dead and
// hands on for the living. Who forwards a Request sends it as its client.
func (f origin) mayBe(sender ipc.PID, h *packet.Header) bool {
	switch {
	case f.vouched || !h.Response && h.ForwardCount > 0 && h.Server != ipc.ManagerGroup:
		return true
	case sender.Host() != f.host:
		return false
	}
	return f.team.Number == 0 || sender.Team() == f.team.Number && sender.Incarnation() == f.team.Incarnation
}
