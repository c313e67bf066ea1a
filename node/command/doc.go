// Package command has V's own commands: hosts, ls, cp and the others. Each is
// implemented once, and is both a verb of the vsys program and a command of the
// executive.
//
// # The model
//
// A [Command] is a row of a table, [All]: a name, words about it, and a function
// that declares its flags and returns what runs it. An [Env] is what it runs in:
// the V domain as this team sees it, a current context that relative names begin
// in, and standard input and output.
//
//	e := &command.Env{Names: names, Dir: "/unix/alpha/tmp", Stdout: os.Stdout, …}
//	status := command.Find("ls").Main(ctx, e, []string{"-l"})
//
// # Rules that all keep
//
// Names are V names. What a command is asked for goes to Stdout, words about it
// to Stderr. An error is two lines: what failed, where and why; then "try: " and
// what to do, if there is something. With --json a listing is one object a line.
//
// The exit status is 0; 1 if something failed (a command that takes several names
// goes on with the others); 2 for a wrong use; 123 if a host was lost and it is
// not known whether the thing was done; 124 if it timed out; 130 if it was
// interrupted. run has the status of its program.
//
// # Limits
//
// A tree is copied eight files at a time. Memory does not grow with the size of a
// file, but does with the number of names in one context, and with what tail
// keeps of a stream.
package command
