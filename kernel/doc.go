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
// # Sealing
//
// In a sealed domain a team opens and seals its frames itself, with keys that its
// host kernel deals it (keys.go, open.go, outbox.go). The host kernel makes the
// handshakes with other hosts, believes hellos, and tells and hears what is new of
// the domain (trust.go, control.go, domain.go). It seals nothing for its teams. A
// [Host] without a [Member] is in a clear domain.
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
// Processes of the own team wait in it without a bound but their number. Of one
// session a team hears 8,192 other teams. Requests for a group go to each host by
// itself.
//
// Sources: the V paper §2; RFC 1045; docs/wire/seal.md; docs/decisions/baton.md,
// one-port.md, sealing.md.
package kernel
