package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"vsys/ipc"
)

// ownCall is a call of one of the executive's own commands.
type ownCall struct {
	s    *Shell
	hc   interp.HandlerContext
	name string
	args []string // without the name
}

// ownCommand is a command that belongs to the language. What it returns goes to
// the interpreter: nil, an exit status, or a builtin's outcome.
type ownCommand func(ctx context.Context, c *ownCall) error

// ownCommands returns the executive's own commands, and V's commands that bear the
// name of a builtin of the interpreter, like bind and help.
func ownCommands(builtins map[string]Command) map[string]ownCommand {
	own := map[string]ownCommand{
		"cd": cd, "pwd": pwd, "type": typeCommand, "command": command, "builtin": builtin, "where": where,
		"source": source, ".": source, "alias": alias, "unalias": unalias, "history": historyCommand,
		"jobs": jobs, "fg": fg, "bg": bg, "wait": wait, "kill": kill,
		// What only the planner and the call handler call.
		"declare": declare, "samefile": samefile, "complain": complainCommand,
	}
	for name := range builtins {
		if interp.IsBuiltin(name) && own[name] == nil {
			own[name] = func(ctx context.Context, c *ownCall) error {
				return c.s.command(ctx, c.hc, append([]string{name}, c.args...))
			}
		}
	}
	return own
}

// unspoken are the own commands that no user calls by these names.
var unspoken = []string{"declare", "samefile", "complain"}

func isOwn(s *Shell, name string) bool {
	return s.own[name] != nil && !slices.Contains(unspoken, name)
}

// runOwn runs our own command name, or the function that hides it.
func (s *Shell) runOwn(ctx context.Context, hc interp.HandlerContext, name string, args []string) error {
	if isOwn(s, name) && s.isFunction(ctx, hc, name) {
		return s.callFunction(ctx, hc, append([]string{name}, args...))
	}
	return s.own[name](ctx, &ownCall{s, hc, name, args})
}

// fail prints why the command failed and returns status.
func (c *ownCall) fail(status int, format string, args ...any) error {
	complain(c.hc.Stderr, c.name+": "+fmt.Sprintf(format, args...), "")
	return exit(status)
}

// failed prints what V said about name.
func (c *ownCall) failed(name string, err error) error {
	complain(c.hc.Stderr, c.name+": "+name+": "+reason(err), hint(err))
	return exit(1)
}

func (c *ownCall) printf(format string, args ...any) { fmt.Fprintf(c.hc.Stdout, format, args...) }

// cd changes the current directory to an absolute or relative V name, to $HOME,
// or with - to the one before.
func cd(ctx context.Context, c *ownCall) error {
	args := c.args
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-P" || args[0] == "--") {
		args = args[1:]
	}
	var dir string
	switch {
	case len(args) > 1:
		return c.fail(statusUsage, "one directory at a time")
	case len(args) == 0:
		dir = c.hc.Env.Get("HOME").String()
	case args[0] == "-":
		dir = c.hc.Env.Get("OLDPWD").String()
	default:
		dir = args[0]
	}
	if dir == "" {
		return c.fail(1, "no directory to go to")
	}
	name := absName(c.hc.Dir, dir)
	info, err := c.s.sys.Stat(ctx, name, true)
	if err == nil && !info.IsDir() {
		err = ipc.NotAContext
	}
	if err != nil {
		return c.failed(name, err)
	}
	if len(args) > 0 && args[0] == "-" {
		c.printf("%s\n", name)
	}
	ctx = context.WithValue(ctx, statKey{}, known{name, unixInfo{info}})
	return c.hc.Builtin(ctx, []string{"cd", name})
}

// pwd prints the current directory. A V name has no other, physical one.
func pwd(_ context.Context, c *ownCall) error {
	for _, a := range c.args {
		if a != "-L" && a != "-P" {
			return c.fail(statusUsage, "%s: no such option", a)
		}
	}
	c.printf("%s\n", c.hc.Dir)
	return nil
}

// where tells where the current directory is served and where things ran. About
// names V's command of the same name tells.
func where(ctx context.Context, c *ownCall) error {
	if len(c.args) > 0 && c.s.builtins["where"] != nil {
		return c.s.command(ctx, c.hc, append([]string{"where"}, c.args...))
	}
	p, err := c.s.sys.Place(ctx, c.hc.Dir)
	if err != nil {
		return c.failed(c.hc.Dir, err)
	}
	if p.Host == "" {
		p.Host = c.s.here
	}
	c.printf("executive  %s\ndirectory  %s  %s\n", c.s.here, c.hc.Dir, p.Host)
	c.s.ran.print(c.hc.Stdout)
	return nil
}

// source runs a file's commands in the current executive. The interpreter gets
// the planned text under a name that it finds nowhere else.
func source(ctx context.Context, c *ownCall) error {
	if len(c.args) == 0 {
		return c.fail(statusUsage, "a file is needed")
	}
	name := absName(c.hc.Dir, c.args[0])
	text, err := c.s.readAll(ctx, name)
	if err != nil {
		return c.failed(name, err)
	}
	planned, err := c.s.plan.text(string(text), name)
	if err != nil {
		return c.fail(statusUsage, "%v", err)
	}
	ctx = context.WithValue(ctx, captureKey{}, bytes.NewBufferString(planned))
	return c.hc.Builtin(ctx, append([]string{"source", c.s.plan.marker.path("source")}, c.args[1:]...))
}

// maxSource is the largest file that source takes, in octets.
const maxSource = 16 << 20

func (s *Shell) readAll(ctx context.Context, name string) ([]byte, error) {
	f, err := s.sys.Open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err == nil && len(text) > maxSource {
		err = ipc.BadByteCount
	}
	return text, err
}

// declare prints functions as they were written.
func declare(ctx context.Context, c *ownCall) error {
	missing := false
	for _, name := range c.args {
		text := c.s.functionText(ctx, c.hc, name)
		missing = missing || text == ""
		c.printf("%s", text)
	}
	if missing {
		return exit(1)
	}
	return nil
}

// samefile tells whether two names are of one object: [ a -ef b ] by its status;
// [[ a -ef b ]], which has two arguments here, by printing something.
func samefile(ctx context.Context, c *ownCall) error {
	a, b := c.args[0], c.args[len(c.args)-1]
	infoA, errA := c.s.stat(ctx, absName(c.hc.Dir, a), true)
	infoB, errB := c.s.stat(ctx, absName(c.hc.Dir, b), true)
	switch {
	case errA != nil || errB != nil || !isSame(infoA, infoB) && absName(c.hc.Dir, a) != absName(c.hc.Dir, b):
		return exit(1)
	case len(c.args) == 2:
		c.printf("same")
	}
	return nil
}

// isSame tells whether two descriptions are of one object of a Unix file system.
// Two hosts may number alike, but their files don't change at one nanosecond.
func isSame(a, b fs.FileInfo) bool {
	x, y := a.Sys().(*syscall.Stat_t), b.Sys().(*syscall.Stat_t)
	return x.Ino != 0 && x.Ino == y.Ino && x.Dev == y.Dev && x.Ctim == y.Ctim
}

func complainCommand(_ context.Context, c *ownCall) error {
	complain(c.hc.Stderr, strings.Join(c.args, " "), "")
	return exit(statusUsage)
}

// exported returns the environment of a program. PWD is the host's affair.
func exported(env expand.Environ) []string {
	values := map[string]string{}
	var order []string
	env.Each(func(name string, v expand.Variable) bool {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		delete(values, name)
		if v.IsSet() && v.Exported && v.Kind == expand.String && syntax.ValidName(name) {
			values[name] = v.String()
		}
		return true
	})
	list := make([]string, 0, len(values))
	for _, name := range order {
		v, ok := values[name]
		if ok && !slices.Contains([]string{"PWD", "OLDPWD", "UID", "EUID", "GID"}, name) {
			list = append(list, name+"="+v)
		}
		delete(values, name)
	}
	return list
}
