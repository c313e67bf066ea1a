// Package wire makes machines that have only a wire between them, on one Linux
// machine: for proofs of what hosts do on a real network, good or bad.
//
// # The model
//
// A [Wire] is a bridge with a cable to each [Machine]. A machine is a network
// namespace with its own loopback, the interface eth0 with an address, a host
// name, a home and XDG directories; its programs run as an ordinary user who owns
// those. Nothing else is at the ends: no default route, no name service. With
// several subnets there is a bridge for each, and a router between.
//
// The bridges and the router are in namespaces of their own too. Nothing of the
// machine's own network is touched or seen: its interfaces, addresses and rules
// stay as they are, and no name of a wire appears among them.
//
// # Faults
//
// A wire loses packets, one way or both, all or only multicasts; it is cut in
// parts; a cable is pulled; it takes only small packets and does not say so; it
// snoops on memberships that nobody asks for. A machine has a firewall. All is
// done by nftables in the wire's namespaces, packet by packet: segmentation
// offload is off, since it would hide that a datagram of 16 packets is 16.
//
// # Watching and attacking
//
// A [Capture] writes what comes out of every cable to a pcap file, each frame
// once, and [ReadPackets] reads the UDP packets back. An [Injector] sends UDP from
// any source address: a machine that has one is an attacker's.
//
// # Nothing left behind
//
// A namespace has no name and lives as long as a process that holds it, so Linux
// removes it with all that is in it, also when the owner was killed. The machines'
// programs get SIGKILL when the owner dies; those that they leave, and the
// directory, are removed by the next wire, which knows them by a mark in their
// environment and by the directory's lock.
//
// # Use
//
//	if err := wire.Available(); err != nil { … }
//	w, err := wire.New(wire.Config{Machines: 3})
//	defer w.Close()
//	cmd := w.Machine(0).Command(ctx, "vsys", "boot")
//
// A person enters a machine with nsenter -t PID -n -u, where PID is one of its
// programs'.
//
// # Limits
//
// Root only, with the programs nft, nsenter and setpriv. IPv4, and the link-local
// addresses of IPv6. All machines share the files and processes of this one; what
// reads /sys sees the interfaces of this one. At most [MaxMachines].
package wire
