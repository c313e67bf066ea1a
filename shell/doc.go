// Package shell is the executive: V's command language, its line editing and its
// job control (paper §4.1). The language is bash's, parsed and interpreted by
// mvdan.cc/sh; what V adds is where things are: every name is a V name, a
// placement word such as @beta says on which host a command runs, and pipelines
// between hosts carry their data without passing through the executive.
//
// # Nouns
//
// A [System] is what the executive needs of V: [Files], [Programs] and [Hosts].
// A [Command] is one of V's own commands, a Go function given to the shell. A
// placement word is the first or last word of a simple command, unquoted: @ and
// a host's name, or @any. A stage is one simple command of a pipeline. A job is
// one statement that runs, with all its programs, here and elsewhere.
//
// # How a line runs
//
//	editor -> planner (parse, aliases, rewrite) -> interp -> handlers -> job -> program
//
// The planner rewrites the syntax tree: a command that is placed, or that is
// joined to its neighbour by a pipe, gets a marker word in front, which names
// what was decided. The interpreter is unmodified and knows nothing of hosts: it
// hands marked commands to the exec handler, which finds the host, claims the
// stage's ends of its pipes and starts the program. Each end of a pipe tells the
// other where it runs; two ends on other hosts are joined by a V pipe, all else
// goes through the interpreter's own pipe.
//
// # How to use it
//
//	sh, err := shell.New(shell.Config{System: sys, Builtins: commands, Dir: "/unix/alpha/tmp"})
//	status := sh.Run(ctx, "build.sh", file) // or sh.Interact(ctx)
//	sh.Close()
//
// # Limits
//
// What mvdan.cc/sh leaves out of bash is left out here: descriptors above 2,
// coprocesses, PIPESTATUS, traps of signals, read -t -n -d -u, wait -n. Aliases
// are lists of words. A process substitution, <(…), is a Unix FIFO of this host
// and can't be given to a program on another one. docs/executive.md is the
// users' page.
//
// Sources: the V paper §4.1; docs/papers.md.
package shell
