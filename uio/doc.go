// Package uio is V's uniform I/O protocol, UIO: whatever can be read or written
// (a file, a directory, a pipe, a terminal, a connection, a list of processes) is
// opened as an instance at its server, and read and written by block number.
//
// # The model
//
// An instance is one opening of an object, named by its server and a number
// ([InstanceID]). The object is a sequence of blocks; its [Attributes] say what
// it can do, rather than pretend that all objects are alike. All state of a
// reader is in the client: the seek pointer, buffers, read-ahead and
// write-behind. So reading does not change the server, a read is idempotent, and
// nothing is kept to be sent again.
//
// A stream, such as a pipe or a terminal, has no positions: block n is what its
// n-th read yields, and a server delays its reply until there is something. A
// read that is given up takes nothing with it.
//
// An instance belongs to a process, and its server releases it when that process
// is gone. An instance can be passed on: to a program as its standard input.
//
// # Use
//
// A client opens by name and has what the standard library's interfaces want of
// a file:
//
//	f, err := uio.Open(ctx, client, "/unix/beta/etc/hosts", uio.Read, 0)
//	defer f.Close()
//	_, err = io.Copy(w, f)
//
//	fsys := uio.FS(client, "/unix/beta/etc") // an fs.FS
//
// A server fills in a [Server], of which everything is optional, and hands it
// one process. What it opens are [Object] values with whichever of the optional
// interfaces they support. A server whose names form a tree of [Node] values
// gets its naming functions from a [Tree].
//
// # Limits
//
// A read or a write carries at most [ipc.MaxAppended] octets; positions are below
// 2^63. A server has a bounded number of instances and of workers.
//
// Sources: the V paper §3.1; [UIO87]; docs/wire/uio.md.
package uio
