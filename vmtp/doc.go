// Package vmtp holds the transaction machines of the Versatile Message
// Transaction Protocol, RFC 1045: what a client and a server do about each
// packet and each timer, and nothing else. It has no socket, clock, goroutine
// or lock: time and events go in, actions come out, so the same code runs in a
// kernel and in the simulator.
//
// # Nouns
//
// A message transaction is a Request, answered by a Response (by several, from
// a group), each a packet group: up to 16 KiB of segment in blocks of 512
// octets, each packet with the whole header and a mask of the blocks it
// carries. The Response acknowledges the Request; the client's next Request
// acknowledges the Response. What is lost is asked for by mask.
//
// An [Endpoint] is the transport module of one team. A [Client] is the record
// of a local process with a transaction outstanding; a [Remote] is the record
// of a client elsewhere (the V kernel's "alien"): it holds the Request while it
// is served, the Response until it is acknowledged, and afterwards filters
// duplicates. Both are RFC 1045's client state record (§4.1).
//
// # Use
//
// The kernel calls [Endpoint.Send], [Endpoint.Packet], [Endpoint.Reply],
// [Endpoint.Forward], [Endpoint.Abort] and, at [Endpoint.Deadline],
// [Endpoint.Tick], each with the time, and afterwards does what
// [Endpoint.Actions] says. Time is a duration since an origin of the caller's
// that never runs backwards.
//
// # Slow and silent
//
// A server that has the Request answers each retransmission with a notify (OK),
// so the client waits as long as the server works. When a team does not answer
// at all, the client also asks its host kernel; only a host that is silent for
// [LostAfter] is declared lost.
//
// # Limits
//
// One packet group a message: runs and streamed transactions are not here.
// An endpoint keeps at most [MaxRemotes] records of clients and [MaxBuffers]
// packet groups, and answers BUSY beyond. Where the machines differ from RFC 1045
// it is said at the place, with "Differs".
//
// Sources: RFC 1045 chapters 2 to 5; docs/wire/packet.md for the octets.
package vmtp
