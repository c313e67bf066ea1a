package shell

import (
	"strings"
	"testing"
)

// TestPipelines runs pipelines over one, two and three hosts and holds the bytes
// and the status to those of one host. direct says how many V pipes there are;
// then nothing of the data may pass through the executive between them.
func TestPipelines(t *testing.T) {
	for _, tc := range []struct {
		script, out string
		direct      int64
	}{
		{"here | cat", "alpha\n", 0},
		{"here | cat @beta", "alpha\n", 0},
		{"here @beta | cat", "beta\n", 0},
		{"here @beta | cat @gamma", "beta\n", 1},
		{"here @beta | cat @gamma | tr a-z A-Z @beta", "BETA\n", 2},
		{"here @beta | cat | cat @gamma", "beta\n", 0},
		{"here @beta | { cat; } | cat @gamma", "beta\n", 0},
		{"here @beta | cat @alpha | cat @gamma", "beta\n", 0},
		{"cd /unix/gamma; here @beta | cat @alpha | cat @gamma", "beta\n", 2},
		{"cd /unix/beta/tmp; here | cat | cat", "beta\n", 2},
		{"sh -c 'echo o; echo e >&2' @beta 2>&1 | sort @gamma", "e\no\n", 1},
		{"sh -c 'echo o; echo e >&2' @beta |& sort @gamma", "e\no\n", 1},
		{"sh -c 'echo o; echo e >&2' @beta 2>/dev/null | cat @gamma", "o\n", 1},
		{"here @beta | cat @gamma >/f; cat @alpha </f", "beta\n", 1},
		{"for i in 1 2 3; do echo $i; done | cat @beta", "1\n2\n3\n", 0},
		{"here @beta | while read x; do echo got $x; done", "got beta\n", 0},
		{"f() { cat @beta; }; here @gamma | f", "gamma\n", 0},
		{"f() { read x; echo f $x; }; here @gamma | f", "f gamma\n", 0},
		{"c=read; { echo a | $c x; echo $?; }", "0\n", 0},
		{"c=echo; $c hi | cat @beta", "hi\n", 0},
		{"x=$(here @beta | cat @gamma); echo $x", "beta\n", 1},
		{"here @beta | cat @gamma | (cat) | cat @beta", "beta\n", 1},
		{"yes @beta | head -n 2 @gamma", "y\ny\n", 1},
		{"yes @beta | head -n 1", "y\n", 0},
		{"nonesuch @beta 2>/dev/null | cat @gamma; echo $?", "0\n", 1},
		{"here @beta | nonesuch @gamma 2>/dev/null; echo $?", "127\n", 1},
		{"here @beta | here @nobody 2>/dev/null; echo $?", "125\n", 1},
		{"set -o pipefail; sh -c 'exit 5' @beta | cat @gamma; echo $?", "5\n", 1},
		{"echo x | cat @beta </dev/null; echo $?", "0\n", 0},
		{"here <(true) @beta 2>/dev/null | cat @gamma; echo $?", "0\n", 0},
		{"true | cat @beta | cat @gamma; echo $?", "0\n", 1},
	} {
		f := newFake(t)
		got := runIn(t, f, "/unix/alpha/tmp", tc.script)
		if got.out != tc.out {
			t.Errorf("%q: got %q, want %q\n%s", tc.script, got.out, tc.out, got.err)
		}
		if n := f.pipes.Load(); n != tc.direct {
			t.Errorf("%q: %d V pipes, want %d: %v", tc.script, n, tc.direct, f.noted(&f.started))
		}
		if n := f.pipeEnds.Load(); n != 0 {
			t.Errorf("%q: %d ends of V pipes are left open", tc.script, n)
		}
	}
}

// TestDirect: of four megabytes that go from host to host to host, the executive
// sees what the last one prints.
func TestDirect(t *testing.T) {
	f := newFake(t)
	got := runIn(t, f, "/unix/alpha/tmp", "head -c 4000000 /dev/zero @beta | cat @gamma | wc -c @beta")
	if strings.TrimSpace(got.out) != "4000000" {
		t.Fatalf("got %+v", got)
	}
	if n := f.relayed.Load(); n > 100 {
		t.Errorf("%d octets passed through the executive", n)
	}
	if want := "pipe@gamma"; !strings.Contains(f.noted(&f.started), want) {
		t.Errorf("a V pipe is made in its reader's host; got %v", f.noted(&f.started))
	}
}

// TestNames: a placed command gets the names of its own redirections, not bytes.
func TestNames(t *testing.T) {
	f := newFake(t)
	got := runIn(t, f, "/unix/alpha/tmp", `
		echo b >/in; echo a >>/in
		sort @beta </in >/out 2>/errors
		here @beta >>/out
		cat @alpha </out
		{ cat @beta; } </in`)
	if want := "a\nb\nbeta\nb\na\n"; got.out != want {
		t.Errorf("got %q, want %q\n%s", got.out, want, got.err)
	}
	var names []string
	for _, e := range f.named {
		names = append(names, e.Name)
	}
	if want := "/in /out /errors /out"; strings.Join(names, " ") != want {
		t.Errorf("names given: %v, want %s", names, want)
	}
}

// TestRandomPipelines: where the stages run changes neither bytes nor status.
func TestRandomPipelines(t *testing.T) {
	stages := []string{"cat", "tr a-z b-za", "sort", "f", "(cat)", "while read x; do echo $x; done", "head -n 3", "grep -v q"}
	places := []string{"", " @beta", " @gamma", " @alpha"}
	seed := uint32(1)
	next := func(n int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>16) % n
	}
	f := newFake(t)
	for range 60 {
		here, there := "seq 5", "seq 5"+places[next(4)]
		for range 1 + next(4) {
			stage := stages[next(len(stages))]
			place := places[next(4)]
			if !strings.ContainsAny(stage[:1], "catrsorhgd") || stage == "f" || strings.HasPrefix(stage, "while") {
				place = ""
			}
			here += " | " + stage
			there += " | " + stage + place
		}
		const f0 = "f() { sed s/2/two/; }; "
		a, b := runIn(t, f, "/unix/alpha/tmp", f0+here), runIn(t, f, "/unix/alpha/tmp", f0+there)
		if a.out != b.out || a.status != b.status {
			t.Errorf("%s: %q, %d\n%s: %q, %d\n%s", here, a.out, a.status, there, b.out, b.status, b.err)
		}
	}
}
