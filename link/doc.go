// Package link says how datagrams travel between kernels: the interface
// [Link], which the kernel's reader drives, and the memory it reads into,
// [Batch]. A Link carries octets. It knows nothing of VMTP (package vmtp makes
// packets) and nothing of keys; the frames around the packets are package
// link/frame.
//
// # Implementations
//
//	link/udp     UDP sockets, read by whoever waits, and the pool of sockets
//	             that makes one UDP port serve all teams of a host
//	link/mem     a network in memory, for tests and testing/synctest
//	link/faulty  another Link that loses, doubles and reorders what it sends
//
// Package link/linktest is what all of them must pass.
//
// # How a Link is read
//
// There is no reader goroutine. One goroutine at a time has the reader's role
// (docs/decisions) and calls TryReceive, Sleep and Park:
//
//	for !done() {
//		n := l.TryReceive(batch)  // costs one system call, never waits
//		...                       // hand out batch.Packets[:n]
//		if n == 0 {
//			l.Sleep(limit)    // or spin, or l.Park(limit)
//		}
//	}
//
// Sleep keeps the thread and wakes fastest; Park frees it and disturbs nobody.
// Kick ends either from outside. All three may end early for no reason, so the
// caller looks again.
//
// # Limits
//
// A Link is a network: it may lose, double and reorder, and it drops what it
// has no room for. All memory is bounded and made in advance.
//
// Sources: docs/wire/frame.md; docs/decisions (one port a host, the baton).
package link
