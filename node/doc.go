// Package node boots one host: the kernel first, then the servers, in one
// visible order.
//
// # The boot list
//
// [Start] reads as the list of what a host is made of:
//
//	host kernel      sockets, identifiers, hello           (package kernel)
//	process server   hosts, prefixes; /proc/HOST           (process 1 of team 0)
//	log server       the host's recent log; /log/HOST      (a team)
//	unix server      the host's Unix files; /unix/HOST     (a team)
//	pipe server      pipes; /pipe/HOST                     (a team)
//	team server      the host's programs; /team/HOST       (a team)
//	exec server      executives; /exec/HOST                (a team)
//
// A server is there for all hosts when Start returns: its prefix is announced.
// [Node.Close] goes through the list backwards. All teams of a Node are in one
// OS process.
//
// # Keys
//
// A Node without keys in its state directory (package keyring, below) makes a domain
// of its own, and is its keeper. [Join] gets a machine into another's, by a code;
// the next Start is a host of that.
//
// # Use
//
//	n, err := node.Start(ctx, node.Config{Name: "beta", Peers: peers})
//	defer n.Close()
//
// What a user does with a host is in the packages below this directory: command
// has V's own commands (ls, cp, hosts …), executive joins a program to a host and
// runs the shell in it, settings reads what a host is to be from flags and a file,
// and service keeps a host running: in the background, or under systemd.
//
// # Directories
//
// [SystemDirs] are where the machine's host keeps its files, which root boots, and
// [UserDirs] where a user's does. What a host locks is its state directory: one
// host has it at a time.
//
// # Limits
//
// There are no users between hosts: what the user who boots a Node may, all hosts
// of its domain may. With Config.Clear nothing is sealed.
//
// Sources: the V paper §2.7, §3; docs/decisions/one-port.md, sealing.md.
package node
