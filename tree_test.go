package vsys_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A file is one text file of the project, or of a sample.
type file struct {
	path string // slash-separated, from the root of the project
	text string // "" where the file is not text

	fset   *token.FileSet // nil unless Go
	syntax *ast.File      // with comments; nil unless Go
	broken error          // why syntax is incomplete
}

// A tree is what a check looks at: the files of the project by path, or a small
// sample of bad ones.
type tree map[string]*file

// add puts a file into the tree, parsed if it is Go.
func (tr tree) add(name, text string) {
	f := &file{path: name, text: text}
	if strings.HasSuffix(name, ".go") {
		f.fset = token.NewFileSet()
		f.syntax, f.broken = parser.ParseFile(f.fset, name, text, parser.ParseComments)
	}
	tr[name] = f
}

// sorted returns the files for which keep holds, by path.
func (tr tree) sorted(keep func(*file) bool) []*file {
	var files []*file
	for _, f := range tr {
		if keep(f) {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	return files
}

// has tells whether the tree holds a file or a directory of that name.
func (tr tree) has(name string) bool {
	if _, ok := tr[name]; ok || name == "." {
		return true
	}
	for p := range tr {
		if strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

// isGo tells whether f is Go source that is built (testdata is not).
func (f *file) isGo() bool {
	return f.syntax != nil && !strings.Contains("/"+f.path, "/testdata/")
}

func (f *file) isTest() bool   { return f.isGo() && strings.HasSuffix(f.path, "_test.go") }
func (f *file) isSource() bool { return f.isGo() && !f.isTest() }
func (f *file) isText() bool   { return f.text != "" }
func (f *file) dir() string    { return path.Dir(f.path) }
func (f *file) line(p token.Pos) int {
	return f.fset.Position(p).Line
}

// project reads the whole project once; the tests share it and do not change it.
var project = sync.OnceValues(func() (tree, error) {
	tr := tree{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(b, 0) >= 0 {
			b = nil
		}
		tr.add(filepath.ToSlash(name), string(b))
		return nil
	})
	return tr, err
})

// wholeProject is project for a test.
func wholeProject(t *testing.T) tree {
	t.Helper()
	tr, err := project()
	if err != nil {
		t.Fatal(err)
	}
	if !tr.has("go.mod") || !tr.has("ipc") {
		t.Fatal("the test does not see the project: no go.mod or no ipc here")
	}
	return tr
}

// A sample is a small tree with one fault in it (or none).
type sample struct {
	name  string
	files map[string]string
	want  string // part of the only complaint, "" if there is none
}

// trySamples shows that check finds what it is for, and nothing else.
func trySamples(t *testing.T, check func(tree) []string, samples []sample) {
	t.Helper()
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			tr := tree{}
			for name, text := range s.files {
				tr.add(name, text)
			}
			got := check(tr)
			switch {
			case s.want == "" && len(got) > 0:
				t.Errorf("complains about a good sample: %q", got)
			case s.want != "" && (len(got) != 1 || !strings.Contains(got[0], s.want)):
				t.Errorf("complaints %q, want one with %q", got, s.want)
			}
		})
	}
}

// report fails the test with each complaint.
func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}
