package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// The interpreter answers a few questions from the Unix system it runs on. Here
// the syntax tree is rewritten so that it asks us instead.

// Variables that stand for $0 and $!, which the interpreter would answer itself.
const (
	varScript  = "_vsys_script"
	varLastJob = "_vsys_job"
)

// rewriteParam makes $0 the script's name and $! the last job of ours, where
// there is one; else $! stays the interpreter's. It tells whether p is done with.
func rewriteParam(p *syntax.ParamExp) bool {
	if p.Param == nil || p.Excl || p.Length {
		return false
	}
	switch p.Param.Value {
	case "0":
		p.Param.Value, p.Short = varScript, false
	case "!":
		if p.Exp != nil {
			return false
		}
		bang := *p
		name := *p.Param
		name.Value = varLastJob
		p.Param, p.Short = &name, false
		p.Exp = &syntax.Expansion{Op: syntax.DefaultUnset, Word: &syntax.Word{Parts: []syntax.WordPart{&bang}}}
		return true
	}
	return false
}

// rewriteTilde makes ~user the V name /home/user: the interpreter would look
// into the password file of its host.
func rewriteTilde(w *syntax.Word) {
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok || len(lit.Value) < 2 || lit.Value[0] != '~' || lit.Value[1] == '/' {
		return
	}
	name, _, slash := strings.Cut(lit.Value[1:], "/")
	if syntax.ValidName(strings.ReplaceAll(name, "-", "_")) && (slash || len(w.Parts) == 1) {
		lit.Value = "/home/" + lit.Value[1:]
	}
}

// rewriteTest makes [[ a -ef b ]] ask our own samefile: the interpreter compares
// only files of its own.
func (p *planner) rewriteTest(x syntax.TestExpr) syntax.TestExpr {
	switch x := x.(type) {
	case *syntax.ParenTest:
		x.X = p.rewriteTest(x.X)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			x.X = p.rewriteTest(x.X)
		}
	case *syntax.BinaryTest:
		a, okA := x.X.(*syntax.Word)
		b, okB := x.Y.(*syntax.Word)
		if x.Op == syntax.TsDevIno && okA && okB {
			return &syntax.UnaryTest{OpPos: x.OpPos, Op: syntax.TsNempStr, X: p.substitute(x.OpPos, "samefile", quoted(a), quoted(b))}
		}
		x.X, x.Y = p.rewriteTest(x.X), p.rewriteTest(x.Y)
	}
	return x
}

// substitute returns the word $(own command name, args).
func (p *planner) substitute(pos syntax.Pos, name string, args ...*syntax.Word) *syntax.Word {
	words := append([]*syntax.Word{wordAt(pos, p.marker.own(name))}, args...)
	return &syntax.Word{Parts: []syntax.WordPart{substitution(pos, words...)}}
}

// substitution returns $(words).
func substitution(pos syntax.Pos, words ...*syntax.Word) *syntax.CmdSubst {
	return &syntax.CmdSubst{Left: pos, Right: pos,
		Stmts: []*syntax.Stmt{{Position: pos, Cmd: &syntax.CallExpr{Args: words}}}}
}

// quoted returns w in double quotes unless it has quotes of its own: inside of
// [[ ]] words are not split.
func quoted(w *syntax.Word) *syntax.Word {
	for _, part := range w.Parts {
		switch part.(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			return w
		}
	}
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.DblQuoted{Left: w.Pos(), Right: w.End(), Parts: w.Parts}}}
}

// takeOver makes declare -f NAME… our own command, which prints functions as
// they were written, without markers.
func (p *planner) takeOver(st *syntax.Stmt) {
	decl, ok := st.Cmd.(*syntax.DeclClause)
	if !ok || len(decl.Args) == 0 || decl.Variant.Value != "declare" && decl.Variant.Value != "typeset" {
		return
	}
	words := []*syntax.Word{wordAt(decl.Pos(), p.marker.own("declare"))}
	for i, a := range decl.Args {
		switch {
		case i == 0 && a.Name == nil && a.Value.Lit() == "-f":
		case i == 0:
			return
		case a.Value != nil && a.Name == nil:
			words = append(words, a.Value)
		case a.Naked && a.Name != nil:
			words = append(words, wordAt(a.Pos(), a.Name.Value))
		default:
			return
		}
	}
	st.Cmd = &syntax.CallExpr{Args: words}
}
