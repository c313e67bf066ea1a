// Package kernel is the V kernel: processes and the messages between them. It
// is a library that every team links; there is no daemon between two processes.
//
// # The parts
//
// A [Kernel] is one team's: its processes, its groups and its transport (package
// vmtp). A Send within the team is handed over from one process record to the
// other, under the mutexes of the two processes, and never touches the network
// code. A Send to another team goes out at once over the team's own link, and
// the process that waits for the answer reads the link itself (baton.go).
//
// The first team of a host is the host kernel, a [Host]: it gives out logical
// hosts and sockets to teams that join through its Unix socket, passes group
// requests on to local members, notices deaths and answers for the dead. It is
// not on the path of an ordinary message.
//
// # Use
//
//	k := kernel.New(kernel.Config{Host: "alpha"}) // a team without a network
//	k, err := kernel.Join(ctx, socket, "name")    // a team of the host behind socket
//	p, err := k.NewProcess(ctx, "client")
//
// # Locks
//
// Kernel.mu guards the transport, the groups and the reader's role; it is never
// held across a system call of the link or a wake-up. Each process has a mutex
// of its own. Order: Kernel.mu before a Process.mu; never two Process.mu at
// once.
//
// # Limits
//
// A team has at most 65,535 processes. A process's queue holds at most
// [MaxQueue] Requests from other teams; further ones are answered BUSY.
// Processes of the own team wait in it without a bound but their number.
//
// Sources: the V paper §2; RFC 1045; docs/decisions/baton.md, one-port.md.
package kernel
