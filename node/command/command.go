package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"vsys/naming"
	"vsys/program"
)

// Env is what a command runs in.
type Env struct {
	Names    *naming.Client
	Programs *program.Client
	Dir      string   // the current context, an absolute V name
	Environ  []string // NAME=value, for programs

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Progress       *os.File // a terminal to show progress on, nil for none

	name string // of the command that runs, for messages
}

// Run runs a command with its arguments, flags taken off, and returns its exit
// status. It blocks, and ends soon after ctx does.
type Run func(ctx context.Context, e *Env, args []string) int

// Command is one command.
type Command struct {
	Name    string
	Args    string // as a synopsis has them: "[NAME…]"
	Short   string // in one line
	Long    string // "": Short is enough
	Example string
	// Inside says that it makes sense in the executive only.
	Inside bool
	// Rewrite, if set, turns old forms of arguments into flags that New declares.
	Rewrite func(args []string) []string
	// New declares the flags on f and returns what runs the command, once f has
	// parsed the arguments.
	New func(f *pflag.FlagSet) Run
}

// Main parses args, runs the command and returns its exit status. It uses a copy
// of e.
func (c *Command) Main(ctx context.Context, e *Env, args []string) int {
	f := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	run := c.New(f)
	if c.Rewrite != nil {
		args = c.Rewrite(args)
	}
	switch err := f.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(e.Stdout, c.help(f))
		return 0
	case err != nil:
		Complain(e.Stderr, c.Name+": "+parsing(err), c.Name+" --help")
		return StatusUsage
	}
	return c.Start(ctx, e, run, f.Args())
}

// Start runs what New returned, for those who parse the flags themselves.
func (c *Command) Start(ctx context.Context, e *Env, run Run, args []string) int {
	own := *e
	own.name = c.Name
	return own.status(ctx, run(ctx, &own, args))
}

// help returns what --help prints.
func (c *Command) help(f *pflag.FlagSet) string {
	text := c.Short + "\n\nusage: " + c.Usage(f) + "\n"
	if c.Long != "" {
		text += "\n" + c.Long + "\n"
	}
	if c.Example != "" {
		text += "\nexamples:\n" + c.Example + "\n"
	}
	if f.HasFlags() {
		text += "\nflags:\n" + f.FlagUsages()
	}
	return text
}

// Usage returns the command's synopsis.
func (c *Command) Usage(f *pflag.FlagSet) string {
	use := c.Name
	if f.HasFlags() {
		use += " [flags]"
	}
	if c.Args != "" {
		use += " " + c.Args
	}
	return use
}
