package namingtest

import (
	"slices"
	"sync"
	"testing"

	"vsys/ipc"
	"vsys/naming"
)

// Domain is a V domain in memory, a naming.Domain: what a test says it is.
type Domain struct {
	mu       sync.Mutex
	hosts    []naming.Host   // guarded by mu
	prefixes []naming.Prefix // guarded by mu
}

// NewDomain returns a domain with the given hosts.
func NewDomain(hosts ...naming.Host) *Domain { return &Domain{hosts: hosts} }

// Serve answers for the domain as the kernel server p, and as a member of
// ipc.CSNHGroup, until the test ends.
func (d *Domain) Serve(t testing.TB, p ipc.Process) {
	t.Helper()
	if err := p.JoinGroup(ipc.CSNHGroup); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when p is destroyed; the cleanup waits for it
		defer close(done)
		var m ipc.Message
		buf := make([]byte, ipc.MaxAppended)
		for {
			tr, err := p.Receive(&m, buf)
			if err != nil {
				return
			}
			if !naming.ServeDomain(d, p, &m, tr, buf[:tr.Appended]) {
				m.Reset()
				m.SetCode(ipc.IllegalRequest)
				_ = p.Reply(&m, tr, nil) // the client may be gone
			}
		}
	}()
	t.Cleanup(func() { p.Destroy(); <-done })
}

// Hosts returns the hosts.
func (d *Domain) Hosts() []naming.Host {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.hosts)
}

// Prefixes returns the prefixes.
func (d *Domain) Prefixes() []naming.Prefix {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.prefixes)
}

// AddPrefix notes a prefix.
func (d *Domain) AddPrefix(p naming.Prefix) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, q := range d.prefixes {
		if q.Name == p.Name && q.Server == p.Server {
			d.prefixes[i] = p
			return nil
		}
	}
	d.prefixes = append(d.prefixes, p)
	return nil
}

// DeletePrefix forgets a prefix. NotFound.
func (d *Domain) DeletePrefix(name string, server ipc.PID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.prefixes)
	d.prefixes = slices.DeleteFunc(d.prefixes, func(p naming.Prefix) bool {
		return p.Name == name && p.Server == server
	})
	if len(d.prefixes) == n {
		return ipc.NotFound
	}
	return nil
}

// SetHosts replaces the hosts, and says of each prefix whether its host is lost.
func (d *Domain) SetHosts(hosts ...naming.Host) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts = hosts
	for i := range d.prefixes {
		for j := range hosts {
			if hosts[j].Number == d.prefixes[i].Host {
				d.prefixes[i].Lost = !hosts[j].Live()
			}
		}
	}
}
