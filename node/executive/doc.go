// Package executive joins a program to a host and runs the shell in it: it is
// what package shell needs of V, made of naming, uio and program.
//
// # The model
//
// A [Session] is this program as a team of a host, with a client of the naming
// protocol and one of the program protocol. [Session.Run] runs an executive in
// it: a script, or lines from a terminal. V's own commands (package command) are
// the executive's builtins.
//
//	s, err := executive.Join(ctx, node.DefaultSocket())
//	defer s.Close()
//	status := s.Run(ctx, executive.Config{Text: "ls /", Stdout: os.Stdout})
//
// It lies below node because it joins a kernel, which a shell may not, and is a
// package of its own because neither a host nor the lab's hosts need a shell in
// them.
//
// # Files of this host
//
// What the executive's own host serves of its Unix files is opened by the server
// first, which says whether that is allowed, and then once more by this program
// itself, so that programs inherit the real file.
//
// # Where programs run
//
// A program that is placed on another host than the one that serves the current
// directory has an empty directory there, not one of the same name: what names it
// is given with their full names it finds, and a relative name hits nothing by
// mistake.
//
// # Limits
//
// The names of hosts for completion may be a second old.
package executive
