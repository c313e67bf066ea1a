package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Config says what an executive is made of. The zero value of each field is good,
// except System.
type Config struct {
	System   System
	Builtins map[string]Command // V's own commands, by name

	Dir  string   // the current directory to begin with, an absolute V name; "/" if empty
	Env  []string // NAME=value, exported; HOME and PATH are set to something if missing
	Args []string // $1, $2, …

	Stdin  *os.File  // nil: nothing to read
	Stdout io.Writer // nil: discard. An *os.File is inherited by programs
	Stderr io.Writer // as Stdout

	// Verbose tells of each program that was placed @any where it runs and why, on
	// Stderr. An interactive executive always does.
	Verbose bool

	// Prompt returns the prompt for a host and a directory; nil gives "host:dir$ ".
	Prompt func(host, dir string) string
	// History is the file that lines are remembered in, "" for this session only.
	History string
	// Editor reads lines; nil chooses the full editor on a terminal, a plain reader
	// else.
	Editor Editor
}

// Shell is an executive. Run and Interact are for one goroutine; each may be
// called several times, and what a script sets stays set.
type Shell struct {
	sys      System
	here     string
	builtins map[string]Command
	own      map[string]ownCommand
	plan     *planner
	edges    *edges
	names    names
	ran      ran
	table    jobTable
	traps    traps
	history  *history
	config   Config

	stdin   *os.File
	stderr  io.Writer
	verbose bool
	typed   bool      // a person types: there are prompts, and word of jobs
	keys    *os.File  // what the interpreter reads in place of stdin, if that is a terminal
	term    *terminal // nil unless interactive on a terminal
	runner  *interp.Runner
	env     *environ
	script  string // $0
	last    int    // $? of the last statement
	exited  bool   // exit was called
	stale   bool   // runner does not know the executive's variables and $? by itself
	warned  bool   // about jobs that are stopped, by the last exit
	roster  *roster
	closing atomic.Bool // Close was called
	pending sync.WaitGroup
}

// New makes an executive. It fails only if Config makes no sense.
func New(c Config) (*Shell, error) {
	if c.System == nil {
		return nil, errors.New("shell.New: no System")
	}
	if c.Dir == "" {
		c.Dir = "/"
	}
	s := &Shell{sys: c.System, here: c.System.Here(), builtins: c.Builtins, plan: newPlanner(),
		edges: &edges{sys: c.System, m: map[inode]*edge{}}, roster: newRoster(), config: c, stdin: c.Stdin, verbose: c.Verbose, script: "vsys"}
	s.own = ownCommands(c.Builtins)
	s.env = newEnviron(s, c.Env)
	s.history = openHistory(c.History)
	s.stderr = s.output(c.Stderr)
	var err error
	s.runner, err = interp.New(
		interp.Env(s.env), interp.CallHandler(s.call), interp.OpenHandler(s.open),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
		interp.ReadDirHandler2(s.readDir), interp.StatHandler(s.stat), interp.AccessHandler(s.access),
		interp.StdIO(c.Stdin, s.output(c.Stdout), s.stderr), setDir(absName("/", c.Dir)))
	if err != nil {
		return nil, fmt.Errorf("shell.New: %w", err)
	}
	s.runner.Params = c.Args
	return s, nil
}

// output returns the interpreter's writer for one of ours.
func (s *Shell) output(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return &sink{w: keepOpen{w}, marker: s.plan.marker}
}

// setDir sets the directory to begin with. interp.Dir would look for it in the
// Unix file system of this host.
func setDir(dir string) interp.RunnerOption {
	return func(r *interp.Runner) error {
		r.Dir = dir
		return nil
	}
}

// Close ends what still runs and waits for it. Nothing of the executive's runs
// afterwards, here or elsewhere.
func (s *Shell) Close() {
	s.closing.Store(true)
	s.hangUp()
	s.pending.Wait()
	s.roster.close()
	if s.keys != nil {
		s.setInput(s.runner, s.stdin)
		s.keys.Close()
		s.keys = nil
	}
}

// begin makes a new or a closed executive one that runs.
func (s *Shell) begin() {
	s.closing.Store(false)
	s.roster.open()
	if s.keys != nil {
		return
	}
	if s.keys = openKeys(s.stdin); s.keys != nil {
		s.setInput(s.runner, s.keys)
	}
}

// setInput makes f the interpreter's standard input.
func (s *Shell) setInput(r *interp.Runner, f *os.File) {
	interp.StdIO(f, s.output(s.config.Stdout), s.stderr)(r)
}

// closeGrace is how long jobs may take to end when the executive does.
const closeGrace = time.Second

// hangUp sends all jobs SIGHUP, and kills those that take no notice.
func (s *Shell) hangUp() {
	for _, j := range s.alive() {
		j.deliver(syscall.SIGHUP)
		j.send(syscall.SIGHUP, nil)
	}
	s.roster.await(closeGrace)
	for _, j := range s.alive() {
		j.send(syscall.SIGKILL, nil)
		j.cancel()
	}
	s.roster.await(closeGrace)
}

// alive returns the jobs that are not done or have members.
func (s *Shell) alive() []*job {
	jobs := s.roster.all()
	for _, j := range s.table.all() {
		if !j.isDone() && !slices.Contains(jobs, j) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// Run runs the script that r yields, called name in messages and in $0, and
// returns its exit status: 2 if it is no script, else that of the last command.
// Cancelling ctx interrupts it, with status 130. Jobs that it leaves in the
// background run on until Close.
func (s *Shell) Run(ctx context.Context, name string, r io.Reader) int {
	s.script, s.exited = name, false
	s.begin()
	sc, err := s.plan.parse(r, name, false)
	if err != nil {
		complain(s.stderr, err.Error(), "")
		return statusUsage
	}
	return s.runFile(ctx, sc)
}

// runFile runs the statements one by one, the last as a file, so that the EXIT
// trap sees its status. The script is one job, except for what it starts in the
// background.
func (s *Shell) runFile(ctx context.Context, sc *script) int {
	s.last = 0
	j := s.newJob(ctx, sc.Name, s.runner, false)
	j.gate.set(true)
	for i, st := range sc.Stmts {
		end := sc.Stmts[i:]
		if st.Background {
			s.background(ctx, st, sc.texts[i])
			end = nil
		}
		switch last := i == len(sc.Stmts)-1; {
		case last:
			s.execute(j, &syntax.File{Name: sc.Name, Stmts: end})
		case !st.Background:
			s.execute(j, st)
		}
		if s.exited || j.interrupted() != nil {
			break
		}
	}
	j.finish(s.last, s.exited)
	return j.status
}

// execute runs node as a part of job j in this goroutine.
func (s *Shell) execute(j *job, node syntax.Node) {
	s.last = s.statusOf(j, j.runner.Run(j.ctx, node))
	s.exited = j.runner.Exited()
}

// statusOf returns the exit status that the interpreter's error stands for.
func (s *Shell) statusOf(j *job, err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case j.interrupted() != nil || j.ctx.Err() != nil:
		return statusSignal + int(syscall.SIGINT)
	}
	complain(s.stderr, err.Error(), "")
	return 1
}

// background starts st as a job in the background, on a copy of the
// interpreter's state.
func (s *Shell) background(ctx context.Context, st *syntax.Stmt, text string) *job {
	copied := *st
	copied.Background = false
	if s.term == nil { // without job control the terminal is not a job's to read
		null := &syntax.Redirect{OpPos: st.Pos(), Op: syntax.RdrIn, Word: wordAt(st.Pos(), "/dev/null")}
		copied.Redirs = append([]*syntax.Redirect{null}, st.Redirs...)
	}
	j := s.newJob(ctx, text, s.runner.Subshell(), s.term != nil)
	s.table.add(j)
	// It ends with the statement, or when Close cancels it.
	s.pending.Go(func() {
		err := j.runner.Run(j.ctx, &copied)
		j.finish(s.statusOf(j, err), false)
	})
	return j
}

// environ is the environment that the interpreter begins with, and a few
// variables that are worked out when they are asked for.
type environ struct {
	s    *Shell
	vars expand.Environ
}

func newEnviron(s *Shell, env []string) *environ {
	list := append([]string{"HOME=/", "PATH=/usr/local/bin:/usr/bin:/bin",
		fmt.Sprint("UID=", os.Getuid()), fmt.Sprint("EUID=", os.Geteuid()), fmt.Sprint("GID=", os.Getgid())}, env...)
	return &environ{s, expand.ListEnviron(list...)}
}

// varWhere is the variable that holds the host of the last program.
const varWhere = "WHERE"

// workedOut are the variables that are worked out.
var workedOut = []string{varScript, varLastJob, varWhere}

// Get returns a variable.
func (e *environ) Get(name string) expand.Variable {
	text := ""
	switch name {
	case varScript:
		text = e.s.script
	case varLastJob:
		text = e.s.table.lastStarted()
	case varWhere:
		text = e.s.ran.lastHost()
	}
	if text != "" {
		return expand.Variable{Set: true, Kind: expand.String, Str: text}
	}
	return e.vars.Get(name)
}

// Each yields all variables, those that are worked out included, because
// subshells copy what it yields.
func (e *environ) Each(yield func(name string, vr expand.Variable) bool) {
	for _, name := range workedOut {
		if vr := e.Get(name); vr.Set && !yield(name, vr) {
			return
		}
	}
	e.vars.Each(yield)
}
