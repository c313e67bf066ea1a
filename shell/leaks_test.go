package shell

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLeaks: where the interpreter would ask the Unix system it runs on, it is V
// that answers. One row for each leak that was found.
func TestLeaks(t *testing.T) {
	const loss = "gone: unreachable\ntry: hosts shows who is alive; cd and @HOST lead elsewhere\n"
	for _, tc := range []struct{ name, script, out, err string }{
		{"command -v", "command -v here", "BIN/here\n", ""},
		{"command -v of a builtin", "command -v cd echo", "cd\necho\n", ""},
		{"command -v of nothing", "command -v nonesuch; echo $?", "1\n", ""},
		{"type", "type here nonesuch", "here is BIN/here on alpha\n", "type: nonesuch: not found\n"},
		{"type elsewhere", "cd /unix/beta; type here", "here is BIN/here on beta\n", ""},
		{"source", "echo 'x=1; here @beta; echo $0; return 3' >lib; . lib; echo $? $x", "beta\ntest.sh\n3 1\n", ""},
		{"source with arguments", "echo 'echo $1' >lib; source lib a; echo $1", "a\n\n", ""},
		{"source of nothing", ". /nonesuch; echo $?", "1\n", ".: /nonesuch: no such name\n"},
		{"source of no script", "echo 'if' >lib; . lib; echo $?", "2\n", ".: /unix/alpha/tmp/lib:1:1: `if` must be followed by a statement list\n"},
		{"pwd -P", "cd /unix/beta/tmp; pwd -P; pwd", "/unix/beta/tmp\n/unix/beta/tmp\n", ""},
		{"~user", "echo ~root ~root/x", "/home/root /home/root/x\n", ""},
		{"~", "echo ~ ~/x", "/unix/alpha /unix/alpha/x\n", ""},
		{"-O without Unix's view", "echo x >/f; [ -O /f ] || echo no; [ -G /f ] || echo no", "no\nno\n", ""},
		{"-O with it", "echo x >f; [ -O f ] && echo yes", "yes\n", ""},
		{"-ef", "echo x >f; ln f g; echo y >h; [ f -ef g ] && echo 1; [ f -ef h ] || echo 2; [[ f -ef g ]] && echo 3; [[ f -ef h ]] || echo 4",
			"1\n2\n3\n4\n", ""},
		{"<() elsewhere", "cat <(echo x) @beta; echo $?", "125\n",
			"cat: a process substitution is on alpha, the program on beta\ntry: a pipe, or a file with a V name\n"},
		{"<() here", "cat <(echo x)", "x\n", ""},
		{"cd to a lost host", "cd /unix/gone/x; echo $?; pwd", "1\n/unix/alpha/tmp\n", "cd: /unix/gone/x: " + loss},
		{"test of a lost host", "[ -e /unix/gone/x ]; echo $?", "1\n", "stat /unix/gone/x: " + loss},
		{"glob on a lost host", "echo /unix/gone/*", "/unix/gone/*\n", "read /unix/gone: " + loss},
		{"open on a lost host", "cat < /unix/gone/x; echo $?", "1\n", "open /unix/gone/x: " + loss},
		{"a program in a lost directory", "(cd /unix/beta/tmp; here)", "beta\n", ""},
		{"open errors don't end the executive", "cat < /nonesuch; echo still", "still\n", "open /nonesuch: no such name\n"},
		{"/dev/null", "echo x >/dev/null; cat </dev/null; echo y 2>/dev/null", "y\n", ""},
		{"$(<f)", "echo x >/f; echo $(</f)", "x\n", ""},
		{"globs", "echo x >/d/b; echo x >/d/a; echo /d/* /d/?", "/d/a /d/b /d/a /d/b\n", ""},
		{"globs of files", "touch b a; echo *", "a b\n", ""},
		{"set -x shows no markers", "set -x; here @beta | cat", "beta\n", "+ @beta here\n+ cat\n"},
		{"declare -f shows no markers", "f() { here @beta; }; declare -f f; eval \"$(declare -f f)\"; f", "f()\n{ @beta here; }\nbeta\n", ""},
		{"$(declare -f)", "f() { here; }; x=$(declare -f f); echo ${#x}", "13\n", ""},
		{"functions hide our commands", "cd() { echo mine $1; builtin cd \"$1\"; }; cd /unix/beta; pwd", "mine /unix/beta\n/unix/beta\n", ""},
		{"functions in pipelines", "f() { tr a b; }; here a @beta | f", "betb b\n", ""},
		{"-t", "[ -t 1 ] || echo no; [ -t 0 ] || echo no", "no\nno\n", ""},
		{"PWD", "sh -c 'echo ${PWD##*/}'; env | grep -c ^PWD=", "tmp\n1\n", ""},
		{"HOME", "unset X; cd; pwd", "/unix/alpha\n", ""},
		{"a full disk", "echo x >/full; echo $?", "0\n", "write /full: no space left\n"},
		{"names that are only ours are nobody's", "complain x; echo $?", "127\n", "complain: no such command on alpha\ntry: type complain tells where it is looked for; @HOST runs it elsewhere\n"},
		{"umask is not ours", "umask; echo $?", "2\n", "umask: unsupported builtin\n"},
	} {
		f := newFake(t)
		got := runIn(t, f, "/unix/alpha/tmp", tc.script)
		out := strings.ReplaceAll(got.out, f.bin, "BIN")
		out = strings.ReplaceAll(out, "\t", "")
		if out != tc.out || (got.err != tc.err && !orders(got.err, tc.err)) {
			t.Errorf("%s: got %q and %q, want %q and %q", tc.name, out, got.err, tc.out, tc.err)
		}
	}
}

// orders tells whether two texts have the same lines: stages trace at once.
func orders(a, b string) bool {
	for _, line := range strings.Split(a, "\n") {
		if !strings.Contains(b, line) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestCd: names are V names, clean; errors leave the directory as it was.
func TestCd(t *testing.T) {
	for _, tc := range []struct{ script, out string }{
		{"cd ..; pwd; cd tmp; pwd; cd -; pwd", "/unix/alpha\n/unix/alpha/tmp\n/unix/alpha\n/unix/alpha\n"},
		{"cd /unix/beta/./tmp/../tmp/; pwd; echo $PWD $OLDPWD", "/unix/beta/tmp\n/unix/beta/tmp /unix/alpha/tmp\n"},
		{"cd /nonesuch; echo $? $PWD", "1 /unix/alpha/tmp\n"},
		{"echo x >f; cd f; echo $?", "1\n"},
		{"cd a b; echo $?", "2\n"},
		{"(cd /unix/beta); pwd", "/unix/alpha/tmp\n"},
		{"cd /unix/beta; sh -c pwd | sed 's,.*/,,'", "tmp\n"},
		{"sh -c 'echo ${PWD##*/}'", "tmp\n"},
		{"pushd /unix/beta >/dev/null; pwd; popd >/dev/null; pwd", "/unix/beta\n/unix/alpha/tmp\n"},
		{"cd /home; where | head -n 2", "executive  alpha\ndirectory  /home  alpha\n"},
	} {
		if got := run(t, tc.script); got.out != tc.out {
			t.Errorf("%q: got %q, want %q\n%s", tc.script, got.out, tc.out, got.err)
		}
	}
}

// TestWhere tells where the directory is and where the last program ran.
func TestWhere(t *testing.T) {
	got := run(t, "cd /unix/beta/tmp; here @any >/dev/null; where")
	want := "executive  alpha\ndirectory  /unix/beta/tmp  beta\nlast       here  gamma  pid 7  least loaded, 0.02\n"
	if got.out != want {
		t.Errorf("got %q", got.out)
	}
	got = run(t, "here @any", func(c *Config) { c.Verbose = true })
	if got.err != "[gamma: least loaded, 0.02]\n" {
		t.Errorf("verbose: %q", got.err)
	}
}

// TestDescriptors: redirections from V objects that are no files leave nothing
// open, read to the end or not.
func TestDescriptors(t *testing.T) {
	f := newFake(t)
	os.WriteFile(filepath.Join(f.root, "beta/tmp/big"), append([]byte("line\n"), make([]byte, 1<<20)...), 0o644)
	run := func(n int) {
		got := runIn(t, f, "/unix/alpha/tmp", fmt.Sprintf(
			"for ((i=0; i<%d; i++)); do read x </unix/beta/tmp/big; cat </unix/beta/tmp/big >/dev/null; done", n))
		if got.status != 0 {
			t.Fatal(got)
		}
	}
	run(1)
	before := openFiles(t)
	run(50)
	if after := openFiles(t); after > before+3 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
