// Package team is the team server, which every host has: it starts the programs
// of its host, for whoever asks on whatever host, and ends them.
//
// # What it does
//
// A program is a Unix program, a child of the team server's in a session and
// process group of its own, without a terminal. Its standard input, output and
// error are pipes; goroutines of the server, the pumps, move what goes through
// them from and to UIO instances. Programs that were started from other hosts are
// guests and run at lower priority.
//
// A program ends with its first process. What is left of its process group is
// then killed, its output written, and whoever waits is told; with Keep the rest
// of the group lives on. When its owner ceases to exist, or the owner's host is
// silent, the program is terminated: SIGTERM, and SIGKILL half a second later.
// So it is when its name is removed. When the server ends its programs do too.
//
// It serves the names /team/HOST, which are the numbers of the running programs.
// Each is described by a descriptor and reads as text:
//
//	/team/beta/17          what it is, who owns it, what it uses
//
// It is a member of [ipc.TeamServerGroup], and tells of its host: load, memory,
// processor, whether somebody is logged in.
//
// # Use
//
// Fill in a [Server] and let it [Server.Serve] a process.
//
// # Limits
//
// A bounded number of programs runs at a time, and the ends of a bounded number
// are remembered for those who ask late. A process that leaves its session is
// not found again, nor are the children of a program when the server's own OS
// process is killed: Linux kills the program itself then. Linux 5.4 is needed,
// for process descriptors (pidfd).
//
// Sources: the V paper §3.3, §3.5; [Theimer85]; docs/wire/program.md.
package team
