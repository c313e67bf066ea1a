// Package pipe is the pipe server: it makes pipes, whose two ends may be given to
// programs on any hosts.
//
// # What it answers
//
// A pipe is a name in the context /pipe/HOST and a bounded buffer of Size octets.
// Its ends are UIO streams (package uio): an instance that is open to write puts
// octets in, one that is open to read takes them out, in order, each once. Each
// end may be open several times.
//
//   - A read waits until there is something. It has EndOfFile when the last
//     writer has released its end, or is gone, and the buffer is empty.
//   - A write waits until there is room for all of it, so that what is written in
//     one transaction, 16 KiB at most, is never mixed with another's. It has
//     [ipc.Aborted] when the last reader has released its end, or is gone: nobody
//     will read that. A Unix program's side makes it EPIPE, and SIGPIPE.
//   - Before the first reader has come a write is only kept, and before the first
//     writer a read waits.
//
// A pipe lasts as long as an end of it is open; then it is gone with what was not
// read. An end whose owner is gone is released by the server.
//
// The context can be read, and a pipe described: Size is how many octets are in
// it, and the values "readers" and "writers" are the processes that its open ends
// belong to.
//
// # Use
//
// There is no operation of its own. A pipe is made by opening a name that is not
// there, which a client makes up from the identifier of a process of its own and
// a counter:
//
//	name := "/pipe/beta/" + owner.String() + "-1"
//	w, err := uio.Open(ctx, client, name, uio.Write|uio.Create|uio.Exclusive, 0)
//	r, err := uio.Open(ctx, client, name, uio.Read, 0)
//	err = client.Remove(ctx, name) // optional: no further ends
//
// The ends are passed on as any instance is: their ID goes to the program, which
// opens it with uio.OpenInstance, and SetOwner makes the program's process the
// owner, so that the end is released when that is gone. A pipe is best made on
// the host of its reader: each octet then crosses the network once.
//
// Blocks are as in all streams: block n is what the n-th read yields. A read whose
// client has given up takes nothing, and a write that was given up while it waited
// is not done. Where the client is found to be gone only when it is answered, what
// was read goes back to be read first, by whichever end reads next.
//
// # Limits
//
// There may be MaxPipes pipes, with two ends each on the average. Each end that
// waits occupies a worker of the server.
//
// Sources: the V paper §3.1 (I/O as instances); docs/wire/uio.md (streams).
package pipe
