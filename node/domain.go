package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
)

// domain is the V domain as the host kernel knows it: a naming.Domain.
type domain struct {
	h *kernel.Host

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed and replaced when a prefix is added
}

func newDomain(h *kernel.Host) *domain { return &domain{h: h, changed: make(chan struct{})} }

// Hosts returns all hosts that are known.
func (d *domain) Hosts() []naming.Host {
	known := d.h.Hosts()
	now := time.Now()
	clear := d.h.Security().Clear
	hosts := make([]naming.Host, len(known))
	for i, h := range known {
		if h.State == hello.Self && h.Addr.Addr().IsLoopback() && len(h.Addresses) > 0 {
			h.Addr = h.Addresses[0]
		}
		hosts[i] = naming.Host{
			Number: h.Number, Name: h.Name, Server: h.Kernel, Address: h.Addr.String(),
			Epoch: h.Epoch, Version: h.Version, Processor: h.Processor, Processors: h.Processors,
			Load: float64(h.Load) / 100, MemoryTotal: h.MemoryTotal, MemoryFree: h.MemoryFree,
			State: state(h.State), LastHeard: now.Add(-d.h.Since(h)), Clear: clear,
		}
	}
	return hosts
}

func state(s hello.State) naming.HostState {
	switch s {
	case hello.Self:
		return naming.HostSelf
	case hello.Live:
		return naming.HostLive
	}
	return naming.HostLost
}

// Prefixes returns all prefixes that are known, in the order of the host table:
// of equal ones that comes first which counts.
func (d *domain) Prefixes() []naming.Prefix {
	known := d.h.Prefixes()
	prefixes := make([]naming.Prefix, len(known))
	for i, m := range known {
		prefixes[i] = naming.Prefix{
			Name: m.Prefix.Name, Server: m.Prefix.Server, Context: m.Prefix.Context,
			Host: m.Host.Number, HostName: m.Host.Name, Lost: m.Host.State == hello.Lost,
		}
	}
	return prefixes
}

// AddPrefix notes a prefix of a server on this host. That of a team which has
// died meanwhile makes room.
func (d *domain) AddPrefix(p naming.Prefix) error {
	prefix := hello.Prefix{Name: p.Name, Server: p.Server, Context: p.Context}
	err := d.h.AddPrefix(prefix)
	if errors.Is(err, ipc.DuplicateName) {
		if old, dead := d.deadOwner(p.Name); dead {
			_ = d.h.RemovePrefix(p.Name, old) // who is to blame shows in the next line
			err = d.h.AddPrefix(prefix)
		}
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

// deadOwner returns which server of this host has the prefix, and whether its
// team has ended.
func (d *domain) deadOwner(name string) (ipc.PID, bool) {
	for _, m := range d.h.Prefixes() {
		if m.Prefix.Name == name && m.Host.State == hello.Self {
			s := m.Prefix.Server
			return s, !slices.ContainsFunc(d.h.Teams(), func(t kernel.Team) bool {
				return t.Number == s.Team() && t.Incarnation == s.Incarnation()
			})
		}
	}
	return 0, false
}

// DeletePrefix forgets a prefix of a server on this host.
func (d *domain) DeletePrefix(name string, server ipc.PID) error {
	return d.h.RemovePrefix(name, server)
}

// await blocks until server has announced a prefix, or has ended, or ctx ends,
// which is the error.
func (d *domain) await(ctx context.Context, server ipc.PID, ended <-chan struct{}) error {
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		for _, m := range d.h.Prefixes() {
			if m.Prefix.Server == server {
				return nil
			}
		}
		select {
		case <-changed:
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
