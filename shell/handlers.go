package shell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"vsys/ipc"
)

// call is the call handler, which sees every simple command before the
// interpreter acts on it, builtins and functions included. It turns the builtins
// that the interpreter answers from its own host into our own commands, and plans
// the text that eval and trap are given.
func (s *Shell) call(ctx context.Context, args []string) ([]string, error) {
	if err := jobOf(ctx).interrupted(); err != nil || s.closing.Load() {
		return nil, errInterrupted
	}
	if f, ok := ctx.Value(functionKey{}).(*functionCall); ok && f.take() {
		return args, nil
	}
	switch name := args[0]; name {
	case "eval":
		return s.planArgs(args, []string{strings.Join(args[1:], " ")}), nil
	case "trap":
		return s.planTrap(args), nil
	case "test", "[":
		if len(args) >= 4 && args[2] == "-ef" {
			return append([]string{s.plan.marker.own("samefile")}, args[1:4]...), nil
		}
	default:
		if isOwn(s, name) {
			return append([]string{s.plan.marker.own(name)}, args[1:]...), nil
		}
	}
	return args, nil
}

// planTrap plans the text of trap [--] TEXT CONDITION… and remembers it.
func (s *Shell) planTrap(args []string) []string {
	operands := args[1:]
	if len(operands) > 0 && operands[0] == "--" {
		operands = operands[1:]
	}
	if len(operands) < 2 || operands[0] != "-" && strings.HasPrefix(operands[0], "-") {
		return args
	}
	if operands[0] != "-" {
		args = s.planArgs([]string{"trap"}, operands)
		operands[0] = args[1]
	}
	s.traps.note(operands[0], operands[1:])
	return args
}

// planArgs returns args with its operands, the first of them planned. Text that
// is no script is left to the builtin, which reports it; a misplaced placement
// word is reported by us.
func (s *Shell) planArgs(args, operands []string) []string {
	text, err := s.plan.text(operands[0], "")
	var bad *SyntaxError
	switch {
	case errors.As(err, &bad) && strings.Contains(bad.Why, "placement"):
		return []string{s.plan.marker.own("complain"), args[0] + ": " + bad.Error()}
	case err != nil:
		return args
	}
	return append([]string{args[0], text}, operands[1:]...)
}

// exec is the exec handler: whatever is neither a function nor a builtin, and
// every command with a marker.
func (s *Shell) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	if name, ok := s.plan.marker.ownName(args[0]); ok {
		return s.runOwn(ctx, hc, name, args[1:])
	}
	t, args, marked := s.plan.marker.cut(args)
	st := &stage{s: s, hc: hc, job: jobOf(ctx), traits: t, args: args}
	if t&placed != 0 {
		if err := st.cutPlace(); err != nil {
			return err
		}
	}
	switch name := st.args[0]; {
	case marked && s.isFunction(ctx, hc, name):
		if st.host != "" {
			complain(hc.Stderr, name+": a function runs where the executive is, not @"+st.host,
				"a script instead of the function, or place the commands in it")
			return exit(statusNotStarted)
		}
		defer st.claimHere()()
		return s.callFunction(ctx, hc, st.args)
	case st.host != "":
	case isOwn(s, name):
		defer st.claimHere()()
		return s.runOwn(ctx, hc, name, st.args[1:])
	case interp.IsBuiltin(name):
		defer st.claimHere()()
		return hc.Builtin(ctx, st.args)
	case s.builtins[name] != nil:
		defer st.claimHere()()
		return s.command(ctx, hc, st.args)
	}
	st.env = exported(hc.Env)
	return st.program(ctx)
}

// cutPlace takes the placement word, which may be a variable's value, off the
// stage's arguments.
func (st *stage) cutPlace() error {
	word := st.args[0]
	st.args = st.args[1:]
	if !placementWord.MatchString(word) {
		complain(st.hc.Stderr, word+": no such host", "hosts lists them; quote the whole word to pass it as an argument")
		return exit(statusNotStarted)
	}
	st.host = word[1:]
	if len(st.args) == 0 { // the command's own words expanded to nothing
		st.args = []string{""}
	}
	return nil
}

// command runs one of V's own commands.
func (s *Shell) command(ctx context.Context, hc interp.HandlerContext, args []string) error {
	stdin, done, err := s.commandInput(ctx, hc)
	if err != nil {
		complain(hc.Stderr, args[0]+": "+reason(err), "")
		return exit(statusNotStarted)
	}
	defer done()
	status := s.builtins[args[0]](ctx, &Call{Args: args, Dir: hc.Dir, Env: exported(hc.Env),
		Stdin: stdin, Stdout: hc.Stdout, Stderr: hc.Stderr}) & 0xFF
	if status != 0 && jobOf(ctx).interrupted() != nil {
		status = statusSignal + int(syscall.SIGINT)
	}
	return exit(status)
}

// commandInput returns what a command of V's reads, and what ends that. The
// terminal is read while the job is in the foreground and until ctx is done.
func (s *Shell) commandInput(ctx context.Context, hc interp.HandlerContext) (in io.Reader, done func(), err error) {
	f, _ := hc.Stdin.(*os.File)
	switch {
	case hc.Stdin == nil:
		return bytes.NewReader(nil), func() {}, nil
	case f == nil || f != s.keys:
		return hc.Stdin, func() {}, nil
	}
	input, err := NewInput(End{File: f, gate: &jobOf(ctx).gate})
	if err != nil {
		return nil, nil, err
	}
	unwatch := context.AfterFunc(ctx, func() { input.Close() })
	return input, func() { unwatch(); input.Close() }, nil
}

type captureKey struct{}

// openOwn opens the names that only the executive can spell: the capture of a
// function's text, and text to source.
func (s *Shell) openOwn(ctx context.Context, name string) (io.ReadWriteCloser, bool) {
	what, ok := strings.CutPrefix(name, s.plan.marker.path(""))
	if !ok {
		return nil, false
	}
	buf, _ := ctx.Value(captureKey{}).(*bytes.Buffer)
	return memory{buf}, what != "" && buf != nil
}

// memory is a file that is a buffer.
type memory struct{ *bytes.Buffer }

func (memory) Close() error { return nil }

// functionText returns the definition of the function name as the interpreter
// has it, "" if there is none.
func (s *Shell) functionText(ctx context.Context, hc interp.HandlerContext, name string) string {
	quoted, err := syntax.Quote(name, syntax.LangBash)
	if err != nil || !s.plan.mayBeFunction(name) {
		return ""
	}
	var buf bytes.Buffer
	hc.Builtin(context.WithValue(ctx, captureKey{}, &buf),
		[]string{"eval", "declare -f " + quoted + " >" + s.plan.marker.path("capture") + " || :"})
	return s.plan.marker.strip(buf.String())
}

func (s *Shell) isFunction(ctx context.Context, hc interp.HandlerContext, name string) bool {
	return s.functionText(ctx, hc, name) != ""
}

type functionKey struct{}

// functionCall marks the one call that is meant for a function even though it
// has the name of one of our commands.
type functionCall struct{ taken bool }

func (f *functionCall) take() bool {
	first := !f.taken
	if first {
		f.taken = true
	}
	return first
}

// callFunction calls a function of the interpreter's.
func (s *Shell) callFunction(ctx context.Context, hc interp.HandlerContext, args []string) error {
	words := make([]string, len(args))
	for i, a := range args {
		q, err := syntax.Quote(a, syntax.LangBash)
		if err != nil {
			complain(hc.Stderr, args[0]+": an argument that can't be quoted", "")
			return exit(1)
		}
		words[i] = q
	}
	ctx = context.WithValue(ctx, functionKey{}, new(functionCall))
	return hc.Builtin(ctx, []string{"eval", strings.Join(words, " ")})
}

type statKey struct{}

// known is what cd found out, for the interpreter not to ask again.
type known struct {
	name string
	info fs.FileInfo
}

// stat is the stat handler: test, [[ and cd. That a host is lost is printed,
// because all that the interpreter makes of an error is "no".
func (s *Shell) stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	if k, ok := ctx.Value(statKey{}).(known); ok && k.name == name {
		return k.info, nil
	}
	info, err := s.sys.Stat(ctx, name, follow)
	if err != nil {
		return nil, s.swallowed(ctx, "stat", name, err)
	}
	return unixInfo{info}, nil
}

// swallowed prints an error that the interpreter is about to swallow, if it is
// more than "no such name", and returns it as the interpreter wants it.
func (s *Shell) swallowed(ctx context.Context, op, name string, err error) error {
	if isLoss(err) {
		complain(interp.HandlerCtx(ctx).Stderr, op+" "+name+": "+reason(err), hint(err))
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}

// unixInfo is a FileInfo whose Sys is always what [ -O ] wants.
type unixInfo struct{ fs.FileInfo }

func (u unixInfo) Sys() any {
	if st, ok := u.FileInfo.Sys().(*syscall.Stat_t); ok {
		return st
	}
	t := syscall.Timespec{Sec: u.ModTime().Unix()}
	return &syscall.Stat_t{Uid: ^uint32(0), Gid: ^uint32(0), Atim: t, Mtim: t}
}

// readDir is the handler for globs.
func (s *Shell) readDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	entries, err := s.sys.ReadDir(ctx, name)
	if err != nil {
		return nil, s.swallowed(ctx, "read", name, err)
	}
	return entries, nil
}

// access is the handler for [ -r ], -w, -x and cd. It goes by the permission
// bits; the server has the last word when the object is opened.
func (s *Shell) access(ctx context.Context, name string, mode interp.AccessMode) error {
	info, err := s.stat(ctx, name, true)
	if err != nil {
		return err
	}
	if bits(info)&uint32(mode) != uint32(mode) {
		return &os.PathError{Op: "access", Path: name, Err: ipc.NoPermission}
	}
	return nil
}

// bits returns what the user may do, as three bits: from the owner where that is
// known, from the most that anybody may where it is not.
func bits(info fs.FileInfo) uint32 {
	perm := uint32(info.Mode().Perm())
	st := info.Sys().(*syscall.Stat_t)
	switch uid := uint32(os.Getuid()); {
	case st.Uid == ^uint32(0):
		return perm>>6 | perm>>3&7 | perm&7
	case uid == 0 && info.Mode().IsRegular():
		return 6 | (perm>>6|perm>>3|perm)&1
	case uid == 0:
		return 7
	case uid == st.Uid:
		return perm >> 6
	case inGroup(st.Gid):
		return perm >> 3 & 7
	}
	return perm & 7
}

func inGroup(gid uint32) bool {
	groups, _ := os.Getgroups()
	for _, g := range append(groups, os.Getgid()) {
		if uint32(g) == gid {
			return true
		}
	}
	return false
}
