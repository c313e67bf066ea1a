// Package exec is the exec server, which every host has: it knows the executives
// of its host, who uses them, where, and for what.
//
// # What it does
//
// An executive registers itself, says when its current context or command
// changes, and is removed when it says so or when its process is gone. Only
// executives of the server's own host are taken. The names /exec/HOST are their
// numbers; each is described by a descriptor, of which the values are user,
// terminal, directory, command and pid, and reads as text:
//
//	/exec/alpha/3          ann on pts/4 in /unix/beta/src: make -j4
//
// Anybody may interrupt an executive, as the key Ctrl-C does: the server forwards
// the request to the executive's process, which answers it.
//
// # Use
//
// The host fills in a [Server] and lets it [Server.Serve] a process. An executive
// calls [Register], and then [Registration.Update] and [Registration.Close].
//
// # Limits
//
// The server does not make executives; in the original it did, one for each
// window. There are at most [MaxExecutives].
//
// Sources: the V paper §4.1; docs/wire/program.md.
package exec
