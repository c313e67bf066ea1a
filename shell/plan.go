package shell

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// planner turns text into a syntax tree that the interpreter runs as V means it.
// All text passes through it: lines, scripts, and what eval, trap and source are
// given. It may be used by any goroutine.
type planner struct {
	marker  marker
	aliases *aliases

	mu        sync.Mutex
	functions map[string]bool // names that were ever declared; guarded by mu
}

func newPlanner() *planner {
	return &planner{marker: newMarker(), aliases: newAliases(), functions: map[string]bool{}}
}

// SyntaxError says where a text is no script.
type SyntaxError struct {
	File         string // "" for a line that was typed
	Line, Column uint   // from 1
	Why          string
	Incomplete   bool // more text could mend it
}

// Error prints "file:line:column: why".
func (e *SyntaxError) Error() string {
	at := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Why)
	if e.File != "" {
		at = e.File + ":" + at
	}
	return at
}

func errorAt(file string, pos syntax.Pos, format string, args ...any) *SyntaxError {
	return &SyntaxError{File: file, Line: pos.Line(), Column: pos.Col(), Why: fmt.Sprintf(format, args...)}
}

// script is a text that was planned.
type script struct {
	*syntax.File
	texts []string // the statements as they were written, on one line each
}

// parse reads a script called name and plans it. The error is a *SyntaxError
// unless reading failed. Aliases are expanded where a person typed.
func (p *planner) parse(r io.Reader, name string, expandAliases bool) (*script, error) {
	file, err := read(r, name)
	if err != nil {
		return nil, err
	}
	sc := &script{file, make([]string, len(file.Stmts))}
	for i, st := range file.Stmts {
		sc.texts[i] = textOf(st)
	}
	if expandAliases {
		p.aliases.expand(file)
	}
	return sc, p.rewrite(file)
}

// read parses a script without planning it.
func read(r io.Reader, name string) (*syntax.File, error) {
	file, err := syntax.NewParser().Parse(r, name)
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		e := errorAt(name, parse.Pos, "%s", parse.Text)
		e.Incomplete = parse.Incomplete
		return nil, e
	case errors.As(err, &lang):
		return nil, errorAt(name, lang.Pos, "%s is not in this language", lang.Feature)
	}
	return file, err
}

// textOf returns st on one line, without its &.
func textOf(st *syntax.Stmt) string {
	plain := *st
	plain.Background = false
	var b strings.Builder
	syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, &plain)
	return b.String()
}

// text plans src, for the interpreter to parse. Text that means to V what it
// means to the interpreter stays as it is.
func (p *planner) text(src, name string) (string, error) {
	file, err := read(strings.NewReader(src), name)
	if err != nil {
		return "", err
	}
	var before, after strings.Builder
	if err := syntax.NewPrinter().Print(&before, file); err != nil {
		return "", err
	}
	if err := p.rewrite(file); err != nil {
		return "", err
	}
	if err := syntax.NewPrinter().Print(&after, file); err != nil {
		return "", err
	}
	if before.String() == after.String() {
		return src, nil
	}
	if _, err := read(strings.NewReader(after.String()), name); err != nil { // the printer's fault
		return "", errorAt(name, file.Pos(), "placement and pipes can't be planned in a text like this")
	}
	return after.String(), nil
}

// rewrite plans file in place.
func (p *planner) rewrite(file *syntax.File) error {
	joins := joins(file)
	var err error
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			p.declare(n)
		case *syntax.Stmt:
			if call, ok := n.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 && err == nil {
				err = p.mark(file.Name, n, call, joins[n])
			}
			p.takeOver(n)
		case *syntax.Word:
			rewriteTilde(n)
		case *syntax.ParamExp:
			return !rewriteParam(n)
		case *syntax.TestClause:
			n.X = p.rewriteTest(n.X)
		}
		return err == nil
	})
	return err
}

// declare remembers that a function was declared, so that whether a name is a
// function is asked only of names that may be.
func (p *planner) declare(f *syntax.FuncDecl) {
	if f.Name != nil {
		p.mu.Lock()
		p.functions[f.Name.Value] = true
		p.mu.Unlock()
	}
}

// mayBeFunction tells whether a function called name was ever declared.
func (p *planner) mayBeFunction(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.functions[name]
}

// mark puts the marker in front of a command that is placed or joined; the
// placement word, if there is one, follows it.
func (p *planner) mark(file string, st *syntax.Stmt, call *syntax.CallExpr, t traits) error {
	place, rest, err := cutPlacement(file, call.Args)
	if err != nil {
		return err
	}
	if place == nil && t == 0 {
		return nil
	}
	words := []*syntax.Word{nil}
	if place != nil {
		t |= placed
		words = append(words, place)
	}
	words[0] = wordAt(rest[0].Pos(), p.marker.word(t|ownRedirects(st)))
	call.Args = append(words, rest...)
	return nil
}

// joins finds the pipes whose two ends may be joined elsewhere: both stages are
// simple commands and leave that end alone.
func joins(file *syntax.File) map[*syntax.Stmt]traits {
	m := map[*syntax.Stmt]traits{}
	syntax.Walk(file, func(n syntax.Node) bool {
		b, ok := n.(*syntax.BinaryCmd)
		if !ok || b.Op != syntax.Pipe && b.Op != syntax.PipeAll {
			return true
		}
		w, r := lastStage(b.X), firstStage(b.Y)
		if isStage(w) && isStage(r) && !redirects(w, "1") && !redirects(r, "0") && !substitutes(r) {
			m[w] |= joinedOut
			m[r] |= joinedIn
		}
		return true
	})
	return m
}

func isPipeline(st *syntax.Stmt) (*syntax.BinaryCmd, bool) {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	return b, ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) && len(st.Redirs) == 0 && !st.Background
}

func lastStage(st *syntax.Stmt) *syntax.Stmt {
	for b, ok := isPipeline(st); ok; b, ok = isPipeline(st) {
		st = b.Y
	}
	return st
}

func firstStage(st *syntax.Stmt) *syntax.Stmt {
	for b, ok := isPipeline(st); ok; b, ok = isPipeline(st) {
		st = b.X
	}
	return st
}

// isStage tells whether st is a simple command that may be a program. A builtin
// that is not placed never is.
func isStage(st *syntax.Stmt) bool {
	call, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 || st.Background {
		return false
	}
	last := call.Args[len(call.Args)-1]
	return !interp.IsBuiltin(call.Args[0].Lit()) || placement(last) != nil
}

// redirects tells whether st redirects descriptor fd.
func redirects(st *syntax.Stmt, fd string) bool {
	for _, r := range st.Redirs {
		switch {
		case redirectedFd(r) == fd:
			return true
		case (r.Op == syntax.RdrAll || r.Op == syntax.AppAll) && fd != "0":
			return true
		}
	}
	return false
}

func redirectedFd(r *syntax.Redirect) string {
	if r.N != nil {
		return r.N.Value
	}
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return "0"
	}
	return "1"
}

func ownRedirects(st *syntax.Stmt) (t traits) {
	for i, own := range []traits{ownIn, ownOut, ownErr} {
		if redirects(st, string('0'+rune(i))) {
			t |= own
		}
	}
	return t
}

// substitutes tells whether the words of st run commands, which then share its
// standard input.
func substitutes(st *syntax.Stmt) (found bool) {
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			found = true
		}
		return !found
	})
	return found
}
