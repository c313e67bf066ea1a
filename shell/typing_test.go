package shell

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
)

// TestPipedInput: lines that come by a pipe run without prompts, and what a line
// reads is what follows it.
func TestPipedInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	io.WriteString(w, "echo hi\nread x\nwords\necho got $x; sleep 0 &\nwait\nif true\nthen echo b\nfi\ncat <<X\nhere\nX\nexit 3\n")
	w.Close()
	var out, errs buffer
	s, err := New(Config{System: newFake(t), Dir: "/unix/alpha/tmp", Stdin: r, Stdout: &out, Stderr: &errs,
		Env: []string{"PATH=" + os.Getenv("PATH")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	status := s.Interact(context.Background())
	if got := out.String(); status != 3 || got != "hi\ngot words\nb\nhere\n" || errs.String() != "" {
		t.Errorf("status %d, %q, errors %q", status, got, errs.String())
	}
}

// TestInterrupts: Ctrl-C ends a command of V's that reads the terminal, and a loop
// of short programs, and clears the line that is being typed.
func TestInterrupts(t *testing.T) {
	for _, term := range []string{"dumb", "xterm"} {
		c := newConsole(t, term)
		c.expect("$ ")
		c.send("vcat\r")
		c.expect("reading\r\n")
		c.soon(func() { c.send(ctrlC); c.expect("$ ") })
		c.send("echo s''tatus $?\r")
		c.expect("status 130\r\n")
		c.expect("$ ")

		c.send("while :; do /bin/true; echo ru''ns; done\r")
		c.expect("runs")
		c.soon(func() { c.send(ctrlC); c.expect("$ ") })
		c.send("echo s''tatus $?\r")
		c.expect("status 130\r\n")
		c.expect("$ ")

		c.send("echo 'a\r")
		c.expect("> ")
		c.send("b")
		c.send(ctrlC)
		c.expect("$ ")
		c.send("echo af''ter\r")
		c.expect("after\r\n")
		if strings.Contains(c.seen, "$ > ") {
			t.Errorf("%s: the command went on: %q", term, c.seen)
		}
	}
}

// TestQuoting completes names that need quotes, and shows hidden ones only when
// asked to.
func TestQuoting(t *testing.T) {
	f := newFake(t)
	s, err := New(Config{System: f})
	if err != nil {
		t.Fatal(err)
	}
	dir := f.root + "/beta/q"
	os.MkdirAll(dir, 0o755)
	for _, name := range []string{"my file", "my $x", ".hidden", "other"} {
		os.WriteFile(dir+"/"+name, nil, 0o644)
	}
	c := newCompleter(context.Background(), s, func() string { return "/unix/beta/q" })
	defer c.close()
	for line, want := range map[string]string{
		"cat my":     `\ \$x|\ file`,
		`cat my\ f`:  `ile `,
		`cat "my f`:  `ile" `,
		`cat "my `:   `\$x|file`,
		`cat 'my $`:  `x' `,
		"cat .":      `hidden `,
		"cat ":       `my\ \$x|my\ file|other`,
		"cat none":   "",
		"cat x/../o": `ther `,
	} {
		rest, _ := c.Do([]rune(line), len([]rune(line)))
		var got []string
		for _, r := range rest {
			got = append(got, string(r))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
