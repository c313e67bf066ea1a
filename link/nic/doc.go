// Package nic says which network interfaces of this machine carry a V domain,
// and why the others don't.
//
// A machine has interfaces that lead to other machines, and many that don't:
// bridges of container runtimes, tunnels, ports of bridges. A host that says
// hello on the latter gives others addresses that nobody can reach. [Classify]
// tells them apart by what Linux says of them; [Read] does it for all that are
// here; [Watch] tells when the answer changes.
//
//	list, err := nic.Read()
//	for _, i := range list {
//		if i.Sane {
//			multicast.Join(i.Index)
//		}
//	}
//
// An interface that carries a domain is called sane. A veth is sane unless it
// is a port of a bridge on this machine: inside a container, or in a network
// namespace, eth0 is one. A bridge is sane if one of its ports leads out of
// the machine.
//
// # Limits
//
// What lies beyond a port is not seen: a bridge that joins this machine's
// virtual machines only is left out, though they could be hosts. The interface
// of an Open vSwitch is taken to lead out. Everything is about the network
// namespace of the calling thread. Linux only.
//
// Sources: rtnetlink(7), netdevice(7), ip-link(8).
package nic
