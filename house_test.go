package vsys_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Limits of size for files and functions that are not tests, in lines.
const (
	maxFileLines     = 500
	maxFunctionLines = 80
)

// longByNature lists what may be longer, as "file" or "file:function", with the
// reason. Flat dispatch switches and tables belong here, nothing else.
var longByNature = map[string]string{
	"cmd/vsys/doc.go": "generated from the verbs",
}

// TestFormat holds all Go files to gofmt.
func TestFormat(t *testing.T) { report(t, unformatted(wholeProject(t))) }

func unformatted(tr tree) []string {
	var bad []string
	for _, f := range tr.sorted((*file).isGo) {
		switch want, err := format.Source([]byte(f.text)); {
		case err != nil:
			bad = append(bad, fmt.Sprintf("%s: %v", f.path, err))
		case string(want) != f.text:
			bad = append(bad, f.path+": not as gofmt has it")
		}
	}
	return bad
}

// TestPackageDocs holds each package to one comment, in its doc.go.
func TestPackageDocs(t *testing.T) { report(t, undocumented(wholeProject(t))) }

func undocumented(tr tree) []string {
	var bad []string
	for _, f := range tr.sorted((*file).isSource) {
		doc := tr[path.Join(f.dir(), "doc.go")]
		switch {
		case doc == nil:
			bad = append(bad, f.path+": its package has no doc.go")
		case doc == f && !isPackageDoc(f.syntax):
			bad = append(bad, fmt.Sprintf("%s: no comment that begins \"Package %s\" (or, of a command, with its name)",
				f.path, f.syntax.Name.Name))
		case doc != f && f.syntax.Doc != nil:
			bad = append(bad, f.path+": a second package comment; the one in doc.go is enough")
		}
	}
	return bad
}

func isPackageDoc(f *ast.File) bool {
	text := f.Doc.Text()
	return strings.HasPrefix(text, "Package "+f.Name.Name+" ") || f.Name.Name == "main" && text != ""
}

// TestSize keeps files and functions short enough to be read at one sitting.
func TestSize(t *testing.T) {
	report(t, oversized(wholeProject(t)))
	for name := range longByNature {
		if p, _, _ := strings.Cut(name, ":"); !wholeProject(t).has(p) {
			t.Errorf("longByNature names %s, which is gone", name)
		}
	}
}

func oversized(tr tree) []string {
	var bad []string
	tooLong := func(name string, lines, limit int) {
		if lines > limit && longByNature[name] == "" {
			bad = append(bad, fmt.Sprintf("%s: %d lines, the limit is %d", name, lines, limit))
		}
	}
	for _, f := range tr.sorted((*file).isSource) {
		tooLong(f.path, strings.Count(f.text, "\n"), maxFileLines)
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				tooLong(f.path+":"+fn.Name.Name, f.line(fn.End())-f.line(fn.Pos())+1, maxFunctionLines)
			}
		}
	}
	return bad
}

// TestNoSleeping keeps tests from waiting by the clock. Inside synctest.Test the
// clock is not real, so sleeping there is a way to let it run.
func TestNoSleeping(t *testing.T) { report(t, sleepers(wholeProject(t))) }

func sleepers(tr tree) []string {
	var bad []string
	for _, f := range tr.sorted((*file).isTest) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isSelector(call.Fun, "synctest", "Test") {
				return false
			}
			if isSelector(n, "time", "Sleep") {
				bad = append(bad, fmt.Sprintf("%s:%d: time.Sleep: wait for what the test waits for",
					f.path, f.line(n.Pos())))
			}
			return true
		})
	}
	return bad
}

// isSelector tells whether n is pkg.name.
func isSelector(n ast.Node, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// machinePath matches what can only be a path of somebody's machine. /home is a
// name of V too, so there only what programmers keep below it tells.
var machinePath = regexp.MustCompile(
	`(^|[^\w./…-])/([w]ork|[r]oot|[U]sers|home/\w+/(go|src|\.cache|\.config))/[\w.]`)

// TestNoMachinePaths keeps paths of the machine that a file was written on out
// of the project: those, and the one of this checkout.
func TestNoMachinePaths(t *testing.T) { report(t, machinePaths(wholeProject(t))) }

func machinePaths(tr tree) []string {
	checkout, err := os.Getwd()
	if err != nil || strings.Count(checkout, "/") < 2 {
		checkout = "\x00" // no line has it
	}
	var bad []string
	for _, f := range tr.sorted((*file).isText) {
		for i, line := range strings.Split(f.text, "\n") {
			if machinePath.MatchString(line) || strings.Contains(line, checkout+"/") {
				bad = append(bad, fmt.Sprintf("%s:%d: names a path of a machine: %s", f.path, i+1, strings.TrimSpace(line)))
			}
		}
	}
	return bad
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docsMention  = regexp.MustCompile(`\bdocs/[\w/.-]+\.md\b`)
	fenced       = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]*`")
)

// TestLinks holds links between documents, and the documents that Go comments
// name, to what is there.
func TestLinks(t *testing.T) { report(t, deadLinks(wholeProject(t))) }

func deadLinks(tr tree) []string {
	var bad []string
	want := func(f *file, target string) {
		if !tr.has(target) {
			bad = append(bad, fmt.Sprintf("%s: there is no %s", f.path, target))
		}
	}
	for _, f := range tr.sorted((*file).isText) {
		switch {
		case path.Ext(f.path) == ".md":
			for _, m := range markdownLink.FindAllStringSubmatch(fenced.ReplaceAllString(f.text, ""), -1) {
				target, _, _ := strings.Cut(m[1], "#")
				if target != "" && !strings.Contains(target, ":") {
					want(f, path.Join(f.dir(), target))
				}
			}
		case f.isGo():
			for _, c := range f.syntax.Comments {
				for _, target := range docsMention.FindAllString(c.Text(), -1) {
					want(f, target)
				}
			}
		}
	}
	return bad
}
