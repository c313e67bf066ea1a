// Package ipc is the vocabulary of V: what a process, a message, a segment, a
// group and a reply code are, and the one interface, [Process], through which
// everything above the kernel speaks.
//
// # The model
//
// A process is a thread of control with a message end-point; in Go it is one
// goroutine that holds a [Process]. Processes that share an address space form
// a [Team], normally one program. A process sends a [Message] of 32 octets,
// with up to 4 MiB of memory beside it (a [Segment]), to a process or to a
// group of processes, named by a [PID], and waits until it is answered:
//
//	client                              server
//	------                              ------
//	Send(m, server, segment) ---------> Receive(m, buf)
//	   | blocked; the segment may be       |
//	   | read and written by the server    | MoveFrom, MoveTo
//	   v                                   v
//	m holds the reply  <--------------- Reply(m, transaction, data)
//
// Send, Receive and Reply look and behave the same whether the other process
// is in the same team, on the same host or across the network.
//
// # Limits
//
// A message is 32 octets. A Request and a Response each carry at most
// [MaxAppended] octets of segment in their packet group; the rest of a larger
// segment is moved with MoveFrom and MoveTo while the sender waits.
//
// # Errors
//
// A transport failure (the process does not exist, its host is silent, the
// deadline passed, the sender was cancelled) is an error returned by the
// operation: an [*OpError] around a [Code]. What the server thinks of a request
// is the [Code] in the reply message; Send does not look at it.
//
// Sources: the V paper §2.1–§2.6; RFC 1045 §2 and appendix I; docs/papers.md.
package ipc
