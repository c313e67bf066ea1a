package shell

import (
	"errors"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// planned returns the plan of a line as text. The marker's random tag is shown
// as MARK, its traits by letters: p placed, i and o joined, 0 1 2 own redirects.
func planned(t *testing.T, p *planner, line string) string {
	t.Helper()
	sc, err := p.parse(strings.NewReader(line), "", true)
	if err != nil {
		var bad *SyntaxError
		if !errors.As(err, &bad) {
			t.Fatalf("%q: %v is no SyntaxError", line, err)
		}
		return err.Error()
	}
	var b strings.Builder
	syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, sc.File)
	text := strings.TrimSpace(b.String())
	for t := traits(63); t > 0; t-- {
		text = strings.ReplaceAll(text, p.marker.word(t), "MARK."+letters(t))
	}
	return strings.ReplaceAll(text, string(p.marker), "MARK")
}

func letters(t traits) (s string) {
	for i, c := range "pio012" {
		if t&(1<<i) != 0 {
			s += string(c)
		}
	}
	return s
}

// TestPlan is the golden table of the planner: a line, and what is made of it.
func TestPlan(t *testing.T) {
	for _, tc := range []struct{ line, plan string }{
		{"ls", "ls"},
		{"ls -l @beta", "MARK.p @beta ls -l"},
		{"@beta ls -l", "MARK.p @beta ls -l"},
		{"A=1 ls @any", "A=1 MARK.p @any ls"},
		{"ls @$h", `MARK.p @"$h" ls`},
		{`ls @"$h"`, `MARK.p @"$h" ls`},
		{"ls @${h}", `MARK.p @"${h}" ls`},
		{"ls @be-ta2", "MARK.p @be-ta2 ls"},
		// Arguments, not placement.
		{"ls @x/y", "ls @x/y"},
		{"ls @x.rsp", "ls @x.rsp"},
		{"ls @2", "ls @2"},
		{"ls @", "ls @"},
		{"ls user@h", "ls user@h"},
		{"ls '@h'", "ls '@h'"},
		{`ls "@h"`, `ls "@h"`},
		{`ls \@h`, `ls \@h`},
		{`ls "$@"`, `ls "$@"`},
		{"ls @$h/x", "ls @$h/x"},
		{"ls @${h:-x}", "ls @${h:-x}"},
		{"ls $h", "ls $h"},
		{"ls @a b", "ls @a b"},
		{"ls @a*", "ls @a*"},
		{"export @a", "export @a"},
		// Errors.
		{"@beta", "1:1: a placement word needs a command to place"},
		{"A=1 @beta", "1:5: a placement word needs a command to place"},
		{"@a ls @b", "1:7: two placement words; a command runs in one place"},
		{"x | @$h", "1:5: a placement word needs a command to place"},
		{"if true; then", "1:10: `then` must be followed by a statement list"},
		// Pipelines.
		{"a | b", "MARK.o a | MARK.i b"},
		{"a | b | c", "MARK.o a | MARK.io b | MARK.i c"},
		{"a @x | b @y", "MARK.po @x a | MARK.pi @y b"},
		{"echo x | b", "echo x | b"},
		{"echo x @h | b", "MARK.po @h echo x | MARK.i b"},
		{"a >f | b", "a >f | b"},
		{"a | b <f", "a | b <f"},
		{"a 2>f | b >>g", "MARK.o2 a 2>f | MARK.i1 b >>g"},
		{"a 2>&1 | b", "MARK.o2 a 2>&1 | MARK.i b"},
		{"a |& b", "MARK.o a |& MARK.i b"},
		{"a | b $(c)", "a | b $(c)"},
		{"a $(c) | b", "MARK.o a $(c) | MARK.i b"},
		{"{ a; } | b", "{ a; } | b"},
		{"a | while read x; do y; done", "a | while read x; do y; done"},
		{"! a | b", "! MARK.o a | MARK.i b"},
		{"a @h <f >g", "MARK.p01 @h a <f >g"},
		{"a @h &>g", "MARK.p12 @h a &>g"},
		{"f() { a @h; }", "f() { MARK.p @h a; }"},
		{"x=$(a @h)", "x=$(MARK.p @h a)"},
		// Leaks of the interpreter.
		{"ls ~bob/x ~bob ~/x ~", "ls /home/bob/x /home/bob ~/x ~"},
		{"ls '~bob' ~'bob'", "ls '~bob' ~'bob'"},
		{"echo $0 ${0##*/}", "echo ${_vsys_script} ${_vsys_script##*/}"},
		{"wait $!", "wait ${_vsys_job-$!}"},
		{"[[ a -ef $b ]]", `[[ -n $(MARK:samefile "a" "$b") ]]`},
		{"[[ ! ( a -ef b ) ]]", `[[ ! (-n $(MARK:samefile "a" "b")) ]]`},
		{"declare -f f g", "MARK:declare f g"},
		{"declare x=1", "declare x=1"},
		// Aliases.
		{"ll x", "ls -l x"},
		{"far x", "MARK.p @beta ls x"},
		{"again x", "again x"},
		{"pre ll", "nice ls -l"},
		{"echo ll", "echo ll"},
		{"\\ll x", "\\ll x"},
	} {
		p := newPlanner()
		for name, text := range map[string]string{"ll": "ls -l", "far": "@beta ls", "again": "again", "pre": "nice "} {
			if err := p.aliases.set(name, text); err != nil {
				t.Fatal(err)
			}
		}
		if got := planned(t, p, tc.line); got != tc.plan {
			t.Errorf("%q:\n got %s\nwant %s", tc.line, got, tc.plan)
		}
	}
}

// TestPlanTwice: text that was planned and printed may be planned again, as eval
// of what declare -f printed does.
func TestPlanTwice(t *testing.T) {
	p := newPlanner()
	once, err := p.text("f() { a @h | b; echo $0 $!; }", "")
	if err != nil {
		t.Fatal(err)
	}
	twice, err := p.text(once, "")
	if err != nil {
		t.Fatal(err)
	}
	if p.marker.strip(twice) != p.marker.strip(once) && !strings.Contains(twice, "${_vsys_job-${_vsys_job-$!}}") {
		t.Errorf("once:  %s\ntwice: %s", once, twice)
	}
}

// TestMarker: whoever prints text of the interpreter's shows no markers.
func TestMarker(t *testing.T) {
	m := newMarker()
	args := []string{m.word(placed | ownOut), "@beta", "ls"}
	got, rest, found := m.cut(args)
	if got != placed|ownOut || len(rest) != 2 || !found {
		t.Errorf("cut: %v, %v, %v", got, rest, found)
	}
	if _, _, found := newMarker().cut(args); found {
		t.Error("another executive's marker was taken for ours")
	}
	text := "+ " + strings.Join(args, " ") + "\n+ " + m.own("cd") + " x\n"
	if got := m.strip(text); got != "+ @beta ls\n+ cd x\n" {
		t.Errorf("strip: %q", got)
	}
}

// TestIncomplete tells a command that goes on from one that is wrong.
func TestIncomplete(t *testing.T) {
	s := &Shell{plan: newPlanner()}
	for text, want := range map[string]bool{
		"echo a": false, "if true; then": true, "echo 'a": true, "cat <<E\nx": true, "a |": true,
		"echo \\": true, "fi": false, "@beta": false, "f() {": true, "": false,
	} {
		if got := s.incomplete(text); got != want {
			t.Errorf("%q: incomplete is %v, want %v", text, got, want)
		}
	}
}

// FuzzPlan: no text makes the planner panic, and what it made of a text is a text
// that it takes.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{"a @b | c >d 2>&1", "f() { [[ a -ef $b ]]; }; declare -f f", "x=$(a @$h) <(b) ~c $! ${0##x}",
		"cat <<E | b @c\nx\nE\n", "@a b @c", "if a; then b & fi"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p := newPlanner()
		planned, err := p.text(src, "")
		if err != nil || strings.Contains(src, "\x00") {
			return
		}
		if _, err := p.text(planned, ""); err != nil {
			t.Errorf("%q\nbecame %q\n%v", src, p.marker.strip(planned), err)
		}
	})
}
