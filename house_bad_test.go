package vsys_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChecksCanFail gives each check a sample of what it is for.
func TestChecksCanFail(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	long := func(lines int) string { return strings.Repeat("\t_ = 0\n", lines) }
	one := func(name, text string) map[string]string { return map[string]string{name: text} }
	for _, c := range []struct {
		name    string
		check   func(tree) []string
		samples []sample
	}{
		{"format", unformatted, []sample{
			{"good", one("p/p.go", "package p\n\nvar x = 1\n"), ""},
			{"spaces", one("p/p.go", "package p\nvar   x = 1\n"), "not as gofmt"},
			{"no Go", one("p/p.go", "package\n"), "expected"},
			{"testdata", one("p/testdata/p.go", "package   p\n"), ""},
		}},
		{"docs", undocumented, []sample{
			{"good", one("p/doc.go", "// Package p is good.\npackage p\n"), ""},
			{"command", one("cmd/v/doc.go", "// V does it.\npackage main\n"), ""},
			{"no doc.go", one("p/p.go", "// Package p is.\npackage p\n"), "no doc.go"},
			{"no comment", one("p/doc.go", "package p\n"), "no comment that begins"},
			{"other name", one("p/doc.go", "// Package q is.\npackage p\n"), "no comment that begins"},
			{"two comments", map[string]string{
				"p/doc.go": "// Package p is.\npackage p\n",
				"p/p.go":   "// Package p is.\npackage p\n"}, "second package comment"},
			{"tests only", one("p_test.go", "package p_test\n"), ""},
		}},
		{"size", oversized, []sample{
			{"good", one("p/p.go", "package p\n\nfunc f() {\n"+long(78)+"}\n"), ""},
			{"function", one("p/p.go", "package p\n\nfunc f() {\n"+long(79)+"}\n"), "p/p.go:f: 81 lines"},
			{"file", one("p/p.go", "package p\n"+strings.Repeat("\n", 500)), "p/p.go: 501 lines"},
			{"test", one("p/p_test.go", "package p\n"+strings.Repeat("\n", 900)), ""},
		}},
		{"sleep", sleepers, []sample{
			{"call", one("p_test.go", "package p\n\nfunc f() {\n\ttime.Sleep(1)\n}\n"), "p_test.go:4: time.Sleep"},
			{"value", one("p_test.go", "package p\n\nvar f = time.Sleep\n"), "time.Sleep"},
			{"no test", one("p.go", "package p\n\nfunc f() { time.Sleep(1) }\n"), ""},
			{"not the clock", one("p_test.go", "package p\n\nfunc f() {\n\tsynctest.Test(t, func(t *testing.T) { time.Sleep(1) })\n}\n"), ""},
			{"beside it", one("p_test.go", "package p\n\nfunc f() {\n\tsynctest.Wait()\n\ttime.Sleep(1)\n}\n"), "p_test.go:5"},
		}},
		{"paths", machinePaths, []sample{
			{"good", one("a.md", "/unix/beta/root/x, /home/ann/notes, ../work/x, https://example.org/work/x"), ""},
			{"root", one("a.md", "see /"+"root/x"), "a.md:1"},
			{"home", one("a.md", "(/"+"home/ann/src/x)"), "a.md:1"},
			{"work", one("a.sh", "\ncd '/"+"work/x'"), "a.sh:2"},
			{"checkout", one("a.txt", filepath.ToSlash(wd)+"/x"), "a.txt:1"},
		}},
		{"links", deadLinks, []sample{
			{"good", map[string]string{
				"docs/a.md": "[b](b.md#part), [root](../LICENSE), [web](https://example.org), [here](#x), `[no](link)`",
				"docs/b.md": "[dir](../docs)", "LICENSE": "x"}, ""},
			{"dead", one("docs/a.md", "[b](b.md)"), "docs/a.md: there is no docs/b.md"},
			{"too high", map[string]string{"docs/a.md": "[l](LICENSE)", "LICENSE": "x"}, "there is no docs/LICENSE"},
			{"comment", one("p/p.go", "package p\n\n// See docs/wire/x.md.\n"), "there is no docs/wire/x.md"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { trySamples(t, c.check, c.samples) })
	}
}
