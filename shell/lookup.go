package shell

import (
	"context"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// The search order of a command word is: alias, keyword, function, builtin, V's
// own commands, programs of the host that serves the current directory.

// meaning is what a command word stands for.
type meaning struct {
	kind string // as type -t prints it
	text string // as type prints it, after "NAME is "
	path string // as command -v prints it
}

// lookup finds out what name stands for; ok is false if for nothing.
func (c *ownCall) lookup(ctx context.Context, name string) (m meaning, ok bool) {
	if text, ok := c.s.plan.aliases.get(name); ok {
		return meaning{"alias", "aliased to `" + text + "'", "alias " + name + "='" + text + "'"}, true
	}
	switch {
	case syntax.IsKeyword(name):
		return meaning{"keyword", "a shell keyword", name}, true
	case c.s.isFunction(ctx, c.hc, name):
		return meaning{"function", "a function", name}, true
	case isOwn(c.s, name) || interp.IsBuiltin(name):
		return meaning{"builtin", "a shell builtin", name}, true
	case c.s.builtins[name] != nil:
		return meaning{"builtin", "a command of V", name}, true
	}
	host, path, err := c.find(ctx, name)
	if err != nil {
		return meaning{}, false
	}
	return meaning{"file", path + " on " + host, path}, true
}

// find asks the host that serves the current directory for a program.
func (c *ownCall) find(ctx context.Context, name string) (host, path string, err error) {
	st := &stage{s: c.s, hc: c.hc, args: []string{name}}
	if err := st.place(ctx); err != nil {
		return "", "", err
	}
	path, err = c.s.sys.Find(ctx, st.lookup())
	return st.host, path, err
}

func typeCommand(ctx context.Context, c *ownCall) error {
	kindOnly, pathOnly := false, false
	names := c.args
	for len(names) > 0 && strings.HasPrefix(names[0], "-") {
		switch names[0] {
		case "-t":
			kindOnly = true
		case "-p", "-P":
			pathOnly = true
		default:
			return c.fail(statusUsage, "%s: no such option", names[0])
		}
		names = names[1:]
	}
	missing := 0
	for _, name := range names {
		m, ok := c.lookup(ctx, name)
		switch {
		case !ok:
			missing = 1
			if !kindOnly && !pathOnly {
				c.fail(1, "%s: not found", name)
			}
		case kindOnly:
			c.printf("%s\n", m.kind)
		case pathOnly && m.kind == "file":
			c.printf("%s\n", m.path)
		case !pathOnly:
			c.printf("%s is %s\n", name, m.text)
		}
	}
	return exit(missing)
}

// command runs a command that is no function, or with -v tells what it is.
func command(ctx context.Context, c *ownCall) error {
	args := c.args
	if len(args) == 0 {
		return nil
	}
	switch args[0] {
	case "-v", "-V":
		return c.describe(ctx, args[0], args[1:])
	case "-p", "--":
		args = args[1:]
	default:
		if strings.HasPrefix(args[0], "-") {
			return c.fail(statusUsage, "%s: no such option", args[0])
		}
	}
	if len(args) == 0 {
		return nil
	}
	if handled, err := c.builtin(ctx, args); handled {
		return err
	}
	if c.s.builtins[args[0]] != nil {
		return c.s.command(ctx, c.hc, args)
	}
	st := &stage{s: c.s, hc: c.hc, job: jobOf(ctx), args: args, env: exported(c.hc.Env)}
	return st.program(ctx)
}

func (c *ownCall) describe(ctx context.Context, flag string, names []string) error {
	status := 0
	for _, name := range names {
		m, ok := c.lookup(ctx, name)
		switch {
		case !ok:
			status = 1
		case flag == "-v":
			c.printf("%s\n", m.path)
		default:
			c.printf("%s is %s\n", name, m.text)
		}
	}
	return exit(status)
}

// builtin runs a builtin that a function may hide.
func builtin(ctx context.Context, c *ownCall) error {
	if len(c.args) == 0 {
		return nil
	}
	if handled, err := c.builtin(ctx, c.args); handled {
		return err
	}
	return c.fail(1, "%s: not a shell builtin", c.args[0])
}

func (c *ownCall) builtin(ctx context.Context, args []string) (handled bool, err error) {
	switch name := args[0]; {
	case isOwn(c.s, name):
		return true, c.s.own[name](ctx, &ownCall{c.s, c.hc, name, args[1:]})
	case interp.IsBuiltin(name):
		planned := args
		if name == "eval" && len(args) > 1 {
			planned = c.s.planArgs(args, []string{strings.Join(args[1:], " ")})
		}
		if own, ok := c.s.plan.marker.ownName(planned[0]); ok {
			return true, c.s.own[own](ctx, &ownCall{c.s, c.hc, own, planned[1:]})
		}
		return true, c.hc.Builtin(ctx, planned)
	}
	return false, nil
}

// alias defines and prints aliases.
func alias(_ context.Context, c *ownCall) error {
	status := 0
	words := c.args
	if len(words) == 0 {
		words = c.s.plan.aliases.names()
	}
	for _, word := range words {
		name, text, defines := strings.Cut(word, "=")
		if defines {
			if err := c.s.plan.aliases.set(name, text); err != nil {
				status = 1
				complain(c.hc.Stderr, "alias: "+name+": an alias is a list of words", "a function can be any command")
			}
			continue
		}
		text, ok := c.s.plan.aliases.get(name)
		if !ok {
			status = 1
			c.fail(1, "%s: not found", name)
			continue
		}
		c.printf("alias %s='%s'\n", name, strings.ReplaceAll(text, "'", `'\''`))
	}
	return exit(status)
}

func unalias(_ context.Context, c *ownCall) error {
	names, status := c.args, 0
	if slices.Contains(names, "-a") {
		names = c.s.plan.aliases.names()
	}
	for _, name := range names {
		if !c.s.plan.aliases.remove(name) {
			status = 1
			c.fail(1, "%s: not found", name)
		}
	}
	return exit(status)
}
