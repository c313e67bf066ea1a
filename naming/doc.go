// Package naming is V's naming protocol: how a character-string name reaches
// the server that keeps the object, with no name server in between.
//
// # The model
//
// Each server answers for the names of its own objects. A [Request] that names
// its object, a CSname request, may ask for anything (open, describe, remove);
// the name travels with it, and whichever server interprets the last component
// does the operation and replies. So the normal cost of a name is nothing.
//
// A context is a set of names in a server, identified by the pair of server and
// context id. A [Prefix] such as "/unix/beta" says which context the names
// beneath it are in. The hosts tell one another which prefixes they serve, and
// each host's kernel server knows those of the whole domain.
//
// A [Client] keeps the prefixes it used in a cache that nobody keeps right:
// an entry is used first, and repaired when the server turns out to be gone or
// says that the context is not its own (the papers' problem-oriented shared
// memory). Absence is said with authority only: [ipc.NotFound] comes from the
// server that covers the name, or from all live hosts; where a host that served
// it is lost the error is [ipc.Unreachable], with that host's name.
//
// What a name stands for is told by a [Descriptor], one kind of record for
// files, programs, hosts and all else. Contexts are read as files of them
// (package uio).
//
// # Use
//
//	c := naming.NewClient(team)
//	defer c.Close()
//	d, err := c.Stat(ctx, "/unix/beta/etc/hosts")
//
// A server parses with [ParseRequest], or lets a [Handler] do so and fills in
// its functions; it announces itself with [AddPrefix]. A kernel server answers
// for prefixes and hosts with [ServeDomain].
//
// # Limits
//
// A name has at most [MaxName] octets and no NUL. It is a string of octets;
// components are separated by slashes. Names are absolute in a client, and
// relative to a context on the wire. ".." is taken lexically, by the client.
//
// Sources: the V paper §3.2; [Naming84]; [Naming89]; docs/wire/naming.md.
package naming
