package shell

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// result is what a script did.
type result struct {
	out, err string
	status   int
}

// runIn runs a script with the fake f and dir as the current directory.
func runIn(t *testing.T, f *fakeSystem, dir, script string, change ...func(*Config)) result {
	t.Helper()
	var out, errs buffer
	c := Config{System: f, Dir: dir, Stdout: &out, Stderr: &errs, Env: []string{"HOME=/unix/alpha", "PATH=" + os.Getenv("PATH")}}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	status := s.Run(context.Background(), "test.sh", strings.NewReader(script))
	s.Close()
	return result{out.String(), errs.String(), status}
}

func run(t *testing.T, script string, change ...func(*Config)) result {
	t.Helper()
	return runIn(t, newFake(t), "/unix/alpha/tmp", script, change...)
}

// TestLanguage holds the language to bash's answers, which are written down here.
func TestLanguage(t *testing.T) {
	for _, tc := range []struct {
		script, out string
		status      int
	}{
		{"", "", 0},
		{"echo a b", "a b\n", 0},
		{"false", "", 1},
		{"true; false; echo $?", "1\n", 0},
		{"x=1; echo $((x+2)) ${x:-3} ${y:-3}", "3 1 3\n", 0},
		{"for i in a b; do echo $i; done", "a\nb\n", 0},
		{"printf '%s\\n' c a b | sort | head -n 2", "a\nb\n", 0},
		{"f() { echo f $1; return 3; }; f x; echo $?", "f x\n3\n", 0},
		{"set -e; false; echo no", "", 1},
		{"trap 'echo bye $?' EXIT; exit 4", "bye 4\n", 4},
		{"trap 'echo bye $?' EXIT; false", "bye 1\n", 1},
		{"trap 'echo err' ERR; false; true", "err\n", 0},
		{"set -o pipefail; false | true", "", 1},
		{"! false && echo yes", "yes\n", 0},
		{"cat <<E | tr a-z A-Z\nhello $((1+1))\nE", "HELLO 2\n", 0},
		{"cat <<<word", "word\n", 0},
		{"echo $(echo in; exit 3); x=$(exit 3); echo $?", "in\n3\n", 0},
		{"sh -c 'exit 7'", "", 7},
		{"sh -c 'kill -9 $$'", "", 137},
		{"eval 'echo e; exit 5'", "e\n", 5},
		{"echo $0 $1 $#", "test.sh one 2\n", 0},
		{"f() { echo ${0##*.}; }; f", "sh\n", 0},
		{"(exit 3) & wait $!; echo $?", "3\n", 0},
		{"{ sleep 0 & wait $!; }; echo $?", "0\n", 0},
		{"echo x & wait; echo y", "x\ny\n", 0},
		{"printf 'a\\nb\\n' | while read x; do echo -$x; done", "-a\n-b\n", 0},
		{"[[ abc == a* ]] && echo m", "m\n", 0},
		{"case abc in a*) echo yes;; esac", "yes\n", 0},
		{"{ echo out; echo err >&2; } 2>/dev/null", "out\n", 0},
		{"yes 2>/dev/null | head -n 1", "y\n", 0},
		{"cat < /dev/null; echo $?", "0\n", 0},
		{"a=(x y z); echo ${a[1]} ${#a[@]}", "y 3\n", 0},
	} {
		got := run(t, tc.script, func(c *Config) { c.Args = []string{"one", "two"} })
		if got.out != tc.out || got.status != tc.status {
			t.Errorf("%q: got %q, status %d, want %q, status %d\n%s", tc.script, got.out, got.status, tc.out, tc.status, got.err)
		}
	}
}

// TestSyntaxError: nothing of a script runs that is none.
func TestSyntaxError(t *testing.T) {
	got := run(t, "echo a\nif true; then\n")
	if got.status != 2 || got.out != "" || !strings.HasPrefix(got.err, "test.sh:2:10: ") {
		t.Errorf("got %+v", got)
	}
	got = run(t, "echo a\n  @beta\n")
	if got.status != 2 || got.out != "" || got.err != "test.sh:2:3: a placement word needs a command to place\n" {
		t.Errorf("got %+v", got)
	}
}

// TestPlacement runs commands where they are placed.
func TestPlacement(t *testing.T) {
	for _, tc := range []struct{ script, out, err string }{
		{"here", "alpha\n", ""},
		{"here @beta", "beta\n", ""},
		{"@gamma here x", "gamma x\n", ""},
		{"h=beta; here @$h; here @\"$h\"; here @${h}", "beta\nbeta\nbeta\n", ""},
		{"here @any; echo $WHERE", "gamma\ngamma\n", ""},
		{"here '@beta'; here \\@beta; here @x/y; here user@beta; here @beta.rsp", "alpha @beta\nalpha @beta\nalpha @x/y\nalpha user@beta\nalpha @beta.rsp\n", ""},
		{"x=@beta; here $x; set -- '@beta'; here \"$@\"", "alpha @beta\nalpha @beta\n", ""},
		{"here @beta x", "alpha @beta x\n", ""},
		{"here @opts; echo $?", "125\n", "@opts: no such host\ntry: hosts lists them; quote '@opts' to pass it as an argument\n"},
		{"h='be ta'; here @$h; echo $?", "125\n", "@be ta: no such host\ntry: hosts lists them; quote the whole word to pass it as an argument\n"},
		{"h=; here @$h; echo $?", "125\n", "@: no such host\ntry: hosts lists them; quote the whole word to pass it as an argument\n"},
		{"echo hi @beta; echo $WHERE", "hi\nbeta\n", ""},
		{"f() { echo f; }; f @beta; echo $?", "125\n", "f: a function runs where the executive is, not @beta\ntry: a script instead of the function, or place the commands in it\n"},
		{"f() { here @beta; }; f", "beta\n", ""},
		{"eval 'here @beta'; trap 'here @gamma' EXIT", "beta\ngamma\n", ""},
		{"eval '@beta'; echo $?", "2\n", "eval: 1:1: a placement word needs a command to place\n"},
		{"x=$(here @beta); echo got $x", "got beta\n", ""},
		{"cd /unix/beta/tmp; here; here @alpha", "beta\nalpha\n", ""},
		{"V=3 sh -c 'echo $V $VHOST' @beta", "3 beta\n", ""},
		{"sh -c 'echo out; echo err >&2' @beta 2>&1 | sort", "err\nout\n", ""},
		{"if here @beta >/dev/null; then echo yes; fi", "yes\n", ""},
	} {
		got := run(t, tc.script)
		if got.out != tc.out || got.err != tc.err {
			t.Errorf("%q: got %q and %q, want %q and %q", tc.script, got.out, got.err, tc.out, tc.err)
		}
	}
}

// TestStatuses: 127, 126, 125, 124, 123 and 128+n, here and elsewhere, and two
// lines for each.
func TestStatuses(t *testing.T) {
	for _, tc := range []struct {
		script string
		status int
		err    string
	}{
		{"nonesuch", 127, "nonesuch: no such command on alpha\ntry: "},
		{"nonesuch @beta", 127, "nonesuch: no such command on beta\ntry: "},
		{"foreign @beta", 126, "foreign: beta: cannot be executed\ntry: "},
		{"refused @beta", 125, "refused: beta: the server is out of resources\n"},
		{"here @nobody", 125, "@nobody: no such host\ntry: "},
		{"late @beta", 124, "late: beta: timed out\ntry: "},
		{"silent @beta", 123, "silent: beta: host does not answer\ntry: "},
		{"vanish @beta", 123, "vanish on beta: beta: unreachable; the outcome is unknown\ntry: "},
		{"sh -c 'exit 9' @beta", 9, ""},
		{"sh -c 'kill -TERM $$' @beta", 143, ""},
		{"./data", 126, "./data: "},
	} {
		f := newFake(t)
		if err := os.WriteFile(filepath.Join(f.root, "alpha/tmp/data"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		got := runIn(t, f, "/unix/alpha/tmp", tc.script)
		if got.status != tc.status || !strings.HasPrefix(got.err, tc.err) || tc.err == "" && got.err != "" {
			t.Errorf("%q: status %d, %q, want %d, %q", tc.script, got.status, got.err, tc.status, tc.err)
		}
	}
}

// TestCommands: V's own commands come before programs, after functions.
func TestCommands(t *testing.T) {
	mine := func(c *Config) {
		c.Builtins = map[string]Command{"here": func(_ context.Context, c *Call) int {
			c.Stdout.Write([]byte("V " + strings.Join(c.Args, " ") + " in " + c.Dir + "\n"))
			return 6
		}}
	}
	for _, tc := range []struct{ script, out string }{
		{"here a; echo $?", "V here a in /unix/alpha/tmp\n6\n"},
		{"here a | cat", "V here a in /unix/alpha/tmp\n"},
		{"here @beta", "beta\n"},
		{"here() { echo mine; }; here; command here; unset -f here; here", "mine\nV here in /unix/alpha/tmp\nV here in /unix/alpha/tmp\n"},
		{"type -t here echo sh if; type here", "builtin\nbuiltin\nfile\nkeyword\nhere is a command of V\n"},
	} {
		if got := run(t, tc.script, mine); got.out != tc.out {
			t.Errorf("%q: got %q, want %q\n%s", tc.script, got.out, tc.out, got.err)
		}
	}
}
