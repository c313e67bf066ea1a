// Package process is the process server: the kernel server that every host has
// as process 1 of its team 0, and that any process reaches by Send.
//
// # What it answers
//
// It is where a host knows the V domain: which hosts there are, and which server
// answers for which prefix (package naming; the requests OpQueryName,
// OpQueryPrefixes and OpQueryHosts). It is a member of [ipc.CSNHGroup], so a
// question that one host can't answer can be put to all. Servers of its own
// host, and no others, tell it their prefixes with OpAddPrefix.
//
// It serves the names /proc/HOST, where the kernel's state can be read as files:
//
//	/proc/beta/host        this host: number, processor, load, memory
//	/proc/beta/hosts       the hosts of the domain, as beta sees them
//	/proc/beta/processes   the processes of the host's kernel, and what they wait for
//	/proc/beta/groups      process groups with members on this host
//	/proc/beta/teams       the teams of the host
//	/proc/beta/stats       counters
//
// Each is aligned text as it is, and one JSON object a line with the suffix
// .json. What a file says is as of its opening.
//
// # Use
//
// Fill in a [Server] and let it [Server.Serve] a process. What it shows comes
// from two interfaces: [naming.Domain], the hosts and prefixes, and [Kernel],
// the state of the kernel. [ReadLoad] reads the host's load and memory, which
// the host's hello tells the others.
//
// # Limits
//
// Nothing in the tree can be written. Processes of other teams than the host
// kernel are known only as far as Kernel knows them.
//
// Sources: the V paper §2.7; docs/wire/naming.md, uio.md.
package process
