package executive

import (
	"context"
	"io"
	"maps"
	"os"
	"strings"

	"golang.org/x/term"

	"vsys/node/command"
	"vsys/shell"
)

// Config says what an executive runs. Of Text and File at most one is set;
// without either it reads lines from Stdin until its end.
type Config struct {
	Text string   // a script
	File string   // the Unix name of one
	Args []string // $1, $2, …

	Dir string   // a V name; "": the current directory
	Env []string // NAME=value

	Stdin          *os.File
	Stdout, Stderr *os.File
	History        string // the file that lines are remembered in, "" for none
	// Builtins are further commands, beside V's own.
	Builtins map[string]shell.Command
}

// hostVariable tells programs on which host they run; team servers set it too.
const hostVariable = "VSYS_HOST"

// Run runs an executive and returns its exit status. Programs that it leaves in
// the background end with it.
func (s *Session) Run(ctx context.Context, c Config) int {
	var script io.Reader = strings.NewReader(c.Text)
	name := "-c"
	if c.File != "" {
		f, err := os.Open(c.File)
		if err != nil {
			return command.Report(c.Stderr, "vsys", err)
		}
		defer f.Close()
		script, name = f, c.File
	}
	sc := s.shellConfig(ctx, &c)
	at, end := s.list(&c, sc.Dir)
	defer end()
	mark := s.mark(ctx)
	sc.Prompt = func(host, dir string) string {
		at(dir)
		return prompt(mark+host, dir)
	}
	sh, err := shell.New(sc)
	if err != nil {
		return command.Report(c.Stderr, "vsys", err)
	}
	if c.Text == "" && c.File == "" {
		return interact(ctx, sh, &c)
	}
	defer sh.Close()
	return sh.Run(ctx, name, script)
}

// mark is what stands before the prompt in a clear domain.
func (s *Session) mark(ctx context.Context) string {
	hosts, err := s.Names.Hosts(ctx)
	if err == nil && len(hosts) > 0 && hosts[0].Clear {
		return "CLEAR "
	}
	return ""
}

// prompt says on which host the executive is, and where.
func prompt(host, dir string) string { return host + ":" + dir + "$ " }

func (s *Session) shellConfig(ctx context.Context, c *Config) shell.Config {
	sc := shell.Config{
		System: newSystem(s, c.Stderr), Builtins: s.builtins(progressOn(c)), Dir: c.Dir,
		Env: append(c.Env, hostVariable+"="+s.Host()), Args: c.Args,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, History: c.History,
	}
	if sc.Dir == "" {
		if dir, err := os.Getwd(); err == nil {
			sc.Dir = s.Dir(ctx, dir)
		}
	}
	maps.Copy(sc.Builtins, c.Builtins)
	return sc
}

// builtins returns V's own commands as the shell wants them.
func (s *Session) builtins(progress *os.File) map[string]shell.Command {
	all := map[string]shell.Command{}
	for _, c := range command.All() {
		all[c.Name] = func(ctx context.Context, call *shell.Call) int {
			return c.Main(ctx, &command.Env{
				Names: s.Names, Programs: s.Programs, Dir: call.Dir, Environ: call.Env,
				Stdin: call.Stdin, Stdout: call.Stdout, Stderr: call.Stderr,
				Progress: progress,
			}, call.Args[1:])
		}
	}
	return all
}

// progressOn returns the terminal to show progress on, nil if nobody looks.
func progressOn(c *Config) *os.File {
	if c.Text != "" || c.File != "" {
		return nil
	}
	return terminal(c.Stderr)
}

// terminal returns f if it is a terminal.
func terminal(f *os.File) *os.File {
	if f != nil && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
