// Package program is V's program protocol: how a program is started on any host
// of the domain, waited for, signalled and found.
//
// # The model
//
// Each host has a team server (the papers' program manager), which starts the
// programs of its host and serves the names /team/HOST: the programs that run
// there. A request to start one goes to any host's team server alike; that is
// what makes remote execution transparent. With it goes a [Spec]: the program,
// its arguments and environment, its working directory as a V name, and its
// standard input, output and error as UIO instances. Data flow between the
// program and the servers of the instances, not through whoever started it: so
// two programs on two hosts, joined by a pipe, talk directly.
//
// A program ends with its first process; what is left of its process group is
// then killed. It is tied to its owner, a process of the caller: when that is
// gone, or its host is silent, the team server terminates the program, unless
// the Spec says Keep.
//
// # Use
//
// A [Cmd] is what os/exec's is, with a Host:
//
//	c := program.NewClient(names)
//	defer c.Close()
//	cmd := c.Command("make", "-j4")
//	cmd.Dir, cmd.Host = "/unix/beta/src", "any"
//	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
//	err := cmd.Run(ctx)
//	os.Exit(program.Status(err))
//
// A [*uio.File] as standard input or output is passed on to the program, which
// owns it from then on; [Lend] keeps it the caller's; [Named] is opened by the
// program's own host. Any other reader or writer is served by the caller.
//
// # Where it runs
//
// Cmd.Host names the host. "" is the host that serves the working directory, or
// the caller's own; [Any] the least loaded of those that can run the program.
// There is no silent fall-back: [State] says where it ran and why, with the
// loads of the candidates and the reasons of those that refused.
//
// # Exit status
//
// [Status] gives the exit status that stands for how a program ended: its own;
// 128+n for signal n; 127 not found; 126 no binary for that processor; 125 it
// could not be started; 124 timed out; 123 the host was lost, so the outcome is
// not known. The last is never mixed with failure.
//
// # Limits
//
// An encoded Spec has at most [MaxSpec] octets. Stopping (SIGSTOP) is not
// reported. Resource limits and the umask are those of the team server.
//
// Sources: the V paper §3.3, §4.1; [Theimer85]; docs/wire/program.md.
package program
