package node

import (
	"context"
	"net"

	"vsys/naming"
)

// Number returns the host's number.
func (n *Node) Number() uint16 { return n.host.HostServer().Host() }

// Domain says which domain the host is in.
func (n *Node) Domain() string {
	s := n.host.Security()
	if s.Clear {
		return "CLEAR: nothing is sealed"
	}
	return s.Domain.String()
}

// Address returns where other hosts reach this one: the first address, if it listens
// on all.
func (n *Node) Address() string {
	if all := n.addresses(); len(all) > 0 {
		return all[0].String()
	}
	return n.Addr().String()
}

// State returns the state directory.
func (n *Node) State() string { return n.config.state() }

// Socket returns where programs join the host, "" for nowhere.
func (n *Node) Socket() string { return n.config.socket() }

// Listener returns the socket for programs, nil if there is none. It is the host's,
// to be copied only.
func (n *Node) Listener() *net.UnixListener { return n.host.Listener() }

// Hosts returns the hosts of the domain that are known, this one among them.
func (n *Node) Hosts() []naming.Host { return n.domain.Hosts() }

// Alive returns nil when the host has answered a request, as it does unless it is
// stuck: its process server describes its name. It blocks until then, or until ctx
// ends, which is the error.
func (n *Node) Alive(ctx context.Context) error {
	names := naming.NewClient(n.host.Kernel)
	defer names.Close()
	_, err := names.Stat(ctx, "/proc/"+n.Name())
	return err
}
