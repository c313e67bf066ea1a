package kernel

import (
	"context"
	"net/netip"
	"slices"

	"vsys/link/nic"
	"vsys/link/udp"
)

// multicast is how a host says hello to all that are near, on every sane interface.
// The zero value says it to nobody.
type multicast struct {
	t      *hosts
	socket *udp.Multicast
	cancel context.CancelFunc
	on     []int             // indices of the interfaces; guarded by hosts.mu, as what follows
	told   []netip.AddrPort  // where others reach this host
	why    map[string]string // of the interfaces left out
}

// start joins the group of hellos. t.mu is held.
func (m *multicast) start(t *hosts) error {
	socket, err := t.h.pool.Multicast()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.h.ctx)
	m.t, m.socket, m.cancel, m.why = t, socket, cancel, map[string]string{}
	if list, err := nic.Read(); err == nil { // the first greeting is to go out at once
		m.take(list)
	}
	t.h.loops.Add(2)
	go m.watchLoop(ctx)
	go m.receiveLoop()
	return nil
}

// stop ends the loops. t.mu is not held.
func (m *multicast) stop() {
	if m.socket != nil {
		m.cancel()
		m.socket.Close()
	}
}

// sendLocked sends a frame by every interface.
func (m *multicast) sendLocked(b []byte) {
	for _, index := range m.on {
		if err := m.socket.Send(index, b); err != nil {
			m.t.h.log.Debug("hello", "interface", index, "err", err)
		}
	}
}

// receiveLoop takes what comes by multicast. It ends when the socket is closed.
func (m *multicast) receiveLoop() {
	defer m.t.h.loops.Done()
	b := make([]byte, smallBuffer)
	for {
		n, from, _, err := m.socket.Receive(b)
		if err != nil {
			return
		}
		m.t.h.Input(from, b[:n])
	}
}

// watchLoop follows the interfaces as they come and go. It ends with the host.
func (m *multicast) watchLoop(ctx context.Context) {
	t := m.t
	defer t.h.loops.Done()
	nic.Watch(ctx, func() {
		list, err := nic.Read()
		if err != nil {
			t.h.log.Warn("interfaces", "err", err)
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.closed {
			return
		}
		m.take(list)
		if err := m.socket.Refresh(); err != nil {
			t.h.log.Debug("interfaces", "err", err)
		}
		t.afterLocked(t.table.SetAddresses(t.h.since(), m.told, nil))
		t.afterLocked(t.table.Changed(t.h.since(), nil))
	})
}

// take uses the interfaces of list that carry the domain, and says which it leaves
// out and why. hosts.mu is held.
func (m *multicast) take(list []nic.Interface) {
	var on []int
	why := map[string]string{}
	for _, i := range list {
		if reason := m.leaveOut(&i); reason != "" {
			why[i.Name] = reason
			if m.why[i.Name] != reason {
				m.t.h.log.Info("interface left out", "interface", i.Name, "why", reason)
			}
			continue
		}
		on = append(on, i.Index)
		if !slices.Contains(m.on, i.Index) {
			m.t.h.log.Info("interface", "interface", i.Name, "addresses", i.Addrs, "mtu", i.MTU)
		}
	}
	m.on, m.why = on, why
	m.told = m.addresses(list)
	if err := m.socket.Set(on); err != nil {
		m.t.h.log.Warn("interfaces", "err", err)
	}
}

// leaveOut returns why an interface is not used, "" if it is.
func (m *multicast) leaveOut(i *nic.Interface) string {
	own := m.t.h.pool.Addr().Addr()
	names := m.t.h.config.Interfaces
	switch {
	case len(names) > 0 && !slices.Contains(names, i.Name):
		return "not named in the configuration"
	case len(names) == 0 && !i.Sane:
		return i.Why
	case !i.Has(own.Unmap().Is4()):
		return "no address of the host's family"
	case !own.IsUnspecified() && !slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == own.Unmap() }):
		return "not where the host listens"
	}
	return ""
}

// addresses returns where other hosts reach this one.
func (m *multicast) addresses(list []nic.Interface) (all []netip.AddrPort) {
	own := m.t.h.pool.Addr()
	for _, i := range list {
		if !slices.Contains(m.on, i.Index) {
			continue
		}
		for _, p := range i.Addrs {
			if p.Addr().Is4() == own.Addr().Unmap().Is4() && (own.Addr().IsUnspecified() || own.Addr().Unmap() == p.Addr()) {
				all = append(all, netip.AddrPortFrom(p.Addr(), own.Port()))
			}
		}
	}
	return all
}
