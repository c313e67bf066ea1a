package shell

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// interactive makes the test binary an executive on its terminal.
const interactive = "SHELL_TEST_INTERACTIVE"

func TestMain(m *testing.M) {
	if root := os.Getenv(interactive); root != "" {
		os.Exit(beInteractive(root))
	}
	os.Exit(m.Run())
}

func beInteractive(root string) int {
	f := &fakeSystem{root: root, bin: filepath.Join(root, "bin")}
	s, err := New(Config{System: f, Dir: "/unix/alpha/tmp", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env: []string{"PATH=" + os.Getenv("PATH")}, History: filepath.Join(root, "history"),
		Builtins: map[string]Command{"vcat": vcat},
		Prompt:   func(host, dir string) string { return host + ":" + dir + "$ " }})
	if err != nil {
		return 1
	}
	defer s.Close()
	if script := os.Getenv(interactive + "_SCRIPT"); script != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return s.Run(ctx, "script", strings.NewReader(script))
	}
	return s.Interact(context.Background())
}

// vcat is a command of V's that reads to the end of its input.
func vcat(_ context.Context, c *Call) int {
	fmt.Fprintln(c.Stdout, "reading")
	if _, err := io.Copy(c.Stdout, c.Stdin); err != nil {
		return 1
	}
	return 0
}

// console is a person at an executive's terminal.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	pty  *os.File
	out  chan string // what is printed, closed at the end
	seen string      // what was printed since the last expectation
}

// patience is how long a console waits for what it expects. An interrupt must
// show within a second, so the tests that send one measure by themselves.
const patience = 4 * time.Second

func newConsole(t *testing.T, term string, env ...string) *console {
	t.Helper()
	f := newFake(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), interactive+"="+f.root, "TERM="+term)
	cmd.Env = append(cmd.Env, env...)
	p, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, cmd: cmd, pty: p, out: make(chan string, 1024)}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); p.Close() })
	go c.readLoop() // ends when nobody has the terminal open
	return c
}

func (c *console) readLoop() {
	defer close(c.out)
	for buf := make([]byte, 4096); ; {
		n, err := c.pty.Read(buf)
		if err != nil {
			return
		}
		c.out <- string(buf[:n])
	}
}

// expect reads until text was printed.
func (c *console) expect(text string) {
	c.t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(c.seen, text) {
		select {
		case more, ok := <-c.out:
			if c.seen += more; !ok {
				c.t.Fatalf("waiting for %q: the end; there is %q", text, c.seen)
			}
		case <-timeout:
			c.t.Fatalf("waiting for %q; there is %q", text, c.seen)
		}
	}
	_, c.seen, _ = strings.Cut(c.seen, text)
}

// send types keys.
func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.pty, keys); err != nil {
		c.t.Fatal(err)
	}
}

// line types a line and expects text, then the prompt.
func (c *console) line(line, text string) {
	c.t.Helper()
	c.send(line + "\n")
	c.expect(text)
	c.expect("$ ")
}

// leaves waits until the executive has ended with status.
func (c *console) leaves(status int) {
	c.t.Helper()
	impatient := time.AfterFunc(patience, func() { c.cmd.Process.Kill() })
	defer impatient.Stop()
	c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("left with %d, want %d", got, status)
	}
}

// soon fails if f takes a second.
func (c *console) soon(f func()) {
	c.t.Helper()
	began := time.Now()
	if f(); time.Since(began) > time.Second {
		c.t.Errorf("took %v", time.Since(began))
	}
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	ctrlZ = "\x1a"
)

// ready makes a command print a word that was not typed, when it runs.
const ready = "sh -c 'echo rea''dy; exec sleep 100'"

// TestTerminal has a person work on an executive with job control.
func TestTerminal(t *testing.T) {
	c := newConsole(t, "dumb")
	c.expect("alpha:/unix/alpha/tmp$ ")
	c.line("echo $((40+2))", "42")
	c.line("cd /unix/beta/tmp", "alpha:/unix/beta/tmp")
	c.line("cd -", "alpha:/unix/alpha/tmp")
	c.line("here @any", "[gamma: least loaded, 0.02]\r\ngamma")
	c.send("if true\nthen echo a''b\nfi\n")
	c.expect("ab\r\n")
	c.expect("$ ")
	c.line("fi", "1:1: ")
	c.line("alias g='here @gamma'", "")
	c.line("g", "gamma\r\n")

	// Ctrl-C ends what runs here, elsewhere, in a pipeline, and a loop of builtins.
	for _, command := range []string{ready, ready + " @beta", ready + " @beta | cat", ready + " | cat @gamma",
		"echo rea''dy; while :; do :; done", "{ echo rea''dy; read x; }"} {
		c.send(command + "\n")
		c.expect("ready")
		t.Log("Ctrl-C: ", command)
		c.soon(func() { c.send(ctrlC); c.expect("$ ") })
	}

	// Ctrl-Z stops a job; bg, fg, kill and jobs find it.
	for i, command := range []string{ready, ready + " @beta", ready + " @beta | cat"} {
		c.send(command + "\n")
		c.expect("ready")
		c.soon(func() { c.send(ctrlZ); c.expect("Stopped"); c.expect("$ ") })
		c.line("jobs", "[1]+  Stopped")
		c.line("bg", "[1] ")
		c.line("jobs", "[1]+  Running")
		c.send("fg\n")
		c.expect("sleep 100")
		c.soon(func() { c.send(ctrlC); c.expect("$ ") })
		c.line(fmt.Sprintf("jobs; echo none%d", i+1), fmt.Sprintf("none%d", i+1))
	}
	c.line("sleep 100 & echo $!", "\r\n%1\r\n")
	c.line("kill %1; wait %1; echo $(($?+0))", "143")

	// A program that is stopped and brought back has the terminal.
	c.send("sh -c 'echo rea''dy; read x; echo got $x'\n")
	c.expect("ready")
	c.send(ctrlZ)
	c.expect("Stopped")
	c.expect("$ ")
	c.send("fg\n")
	c.expect("got")
	c.send("words\n")
	c.expect("got words")
	c.expect("$ ")

	// What a program elsewhere did not read is the next command's.
	c.line("true @beta", "")
	c.line("echo ne''xt", "next")

	c.send("sleep 100 @beta &\n")
	c.expect("$ ")
	c.send(ctrlD)
	c.expect("there are 1 jobs, which end with the executive")
	c.expect("$ ")
	c.send("exit 3\n")
	c.leaves(3)
}

// TestLineEditor has a person use the full editor, on a terminal that answers no
// questions.
func TestLineEditor(t *testing.T) {
	c := newConsole(t, "xterm")
	prompt := func() { c.t.Helper(); c.expect("\r\x1b[K"); c.expect("$ ") }
	prompt()
	c.send("echo $((40+2))\r")
	c.expect("42\r\n")
	prompt()
	c.send("echo lost" + ctrlC)
	c.expect("^C")
	prompt()
	c.send("here @gam\t\r")
	c.expect("gamma\r\n")
	prompt()
	c.send(ready + "\r")
	c.expect("ready\r\n")
	c.soon(func() { c.send(ctrlC); prompt() })
	c.send("echo one''line\r")
	c.expect("oneline")
	prompt()
	c.send("\x1b[A\r") // up
	c.expect("oneline")
	prompt()
	c.send("\x12$((40\r") // Ctrl-R
	c.expect("42\r\n")
	prompt()
	c.send("cat <<X\r$((6*7))in\rX\r")
	c.expect("42in\r\n")
	prompt()
	c.send(ctrlZ + "echo st''ill\r")
	c.expect("still")
	prompt()
	c.send("echo -n 'ab'cd\r")
	c.expect("abcd")
	c.expect("  \r\x1b[K") // the prompt is on the next line, since these blanks wrap
	c.expect("$ ")
	c.send(ctrlD)
	c.leaves(0)
}

// TestFastTyping loses no key, whether they come one by one or all at once.
func TestFastTyping(t *testing.T) {
	c := newConsole(t, "xterm")
	c.expect("$ ")
	c.send("echo a$((2+3))b\recho a$((2+4))b\rread x\recho echo $x.\rx=\r")
	c.expect("a5b\r\n")
	c.expect("a6b\r\n")
	c.expect("$ ")
	var want strings.Builder // nothing is printed before the end, since keys typed ahead are echoed into what a command prints
	for i := range 20 {
		for _, key := range fmt.Appendf(nil, "x=$x,é''ü$((%d+1))\r", 100+i) {
			c.send(string([]byte{key}))
			<-time.After(time.Millisecond) // as a fast hand
		}
		fmt.Fprintf(&want, ",éü%d", 101+i)
	}
	c.send("echo $x.\r")
	c.expect(want.String() + ".\r\n")
	if strings.Contains(c.seen, "\x1b[6n") {
		t.Error("the terminal was asked where its cursor is")
	}
}

// TestScriptAtTerminal: a script reads the terminal, here and for a program
// elsewhere, and Ctrl-C ends it wherever it is.
func TestScriptAtTerminal(t *testing.T) {
	for script, wait := range map[string]string{
		"echo rea''dy; read x; echo got $x; head -n 1; head -n 1 @beta; echo on; read y": "on\r\n",
		"echo rea''dy; read x; echo on; sleep 100; echo no":                              "on\r\n",
		"echo rea''dy; read x; echo on; sleep 100 @beta; echo no":                        "on\r\n",
	} {
		c := newConsole(t, "dumb", interactive+"_SCRIPT="+script)
		c.expect("ready\r\n")
		c.send("one\n")
		if strings.Contains(script, "head") {
			c.expect("got one\r\n")
			c.send("two\n")
			c.expect("two\r\ntwo\r\n")
			c.send("three\n")
			c.expect("three\r\nthree\r\n")
		}
		c.expect(wait)
		c.soon(func() { c.send(ctrlC); c.leaves(130) })
	}
}

// typist is an editor that types lines.
type typist []string

func (e *typist) ReadLine(context.Context, string) (string, error) {
	if len(*e) == 0 {
		return "", io.EOF
	}
	line := (*e)[0]
	*e = (*e)[1:]
	if line == ctrlC {
		return "", ErrInterrupt
	}
	return line, nil
}

// TestInteract runs lines without a terminal.
func TestInteract(t *testing.T) {
	f := newFake(t)
	var out buffer
	s, err := New(Config{System: f, Dir: "/", Stdout: &out, Stderr: &out, Env: []string{"PATH=" + os.Getenv("PATH")},
		History: filepath.Join(f.root, "history"),
		Editor:  &typist{"x=1", "alias e='echo an alias'", "e $x", ctrlC, "echo $x; f() { echo f; }", "f | cat", "history 2", "for", "exit 4", "echo no"}})
	if err != nil {
		t.Fatal(err)
	}
	status := s.Interact(context.Background())
	s.Close()
	want := "an alias 1\n1\nf\n    6  history 2\n"
	got := strings.Replace(out.String(), "    5  f | cat\n", "", 1)
	if status != 4 || !strings.HasPrefix(got, want) || !strings.Contains(got, "1:1: ") || strings.Contains(got, "no\n") {
		t.Errorf("status %d, %q", status, out.String())
	}
	if lines := openHistory(filepath.Join(f.root, "history")); lines.Len() != 8 {
		t.Errorf("%d lines in the file", lines.Len())
	}
}

// TestHistory keeps what was typed, several lines a command.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	h := openHistory(path)
	for _, line := range []string{"a", "b\nc", "b\nc", "", "d"} {
		h.Write(line)
	}
	h = openHistory(path)
	if got := h.Dump().([]string); len(got) != 3 || got[1] != "b\nc" {
		t.Errorf("got %q", got)
	}
	if _, err := h.GetLine(3); err == nil {
		t.Error("there is no fourth line")
	}
	os.WriteFile(path, []byte("no quotes\n\"good\"\n"), 0o600)
	if got := openHistory(path).Len(); got != 1 {
		t.Errorf("%d good lines", got)
	}
	if n, err := openHistory(filepath.Join(path, "x")).Write("a"); n != 1 || err == nil {
		t.Errorf("a file that can't be: %d, %v", n, err)
	}
}

// TestComplete completes hosts, commands and names, and does not wait for a slow
// server.
func TestComplete(t *testing.T) {
	f := newFake(t)
	s, err := New(Config{System: f, Builtins: map[string]Command{"hosts": nil}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file1", "file2", "dir/x"} {
		file := filepath.Join(f.root, "beta", name)
		os.MkdirAll(filepath.Dir(file), 0o755)
		os.WriteFile(file, nil, 0o644)
	}
	c := newCompleter(context.Background(), s, func() string { return "/unix/beta" })
	for line, want := range map[string]string{
		"make @":            "@alpha @any @beta @gamma",
		"make @a":           "@alpha @any",
		"hos":               "hosts",
		"x | wher":          "where",
		"cat fi":            "file1 file2",
		"cat ./d":           "./dir/",
		"cat /unix/beta/d":  "/unix/beta/dir/",
		"cat x >dir/":       "dir/x",
		"cat /unix/gone/":   "",
		"cat /nonesuch/any": "",
		"cat $(hos":         "hosts",
	} {
		if got := strings.Join(c.complete(line), " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	began := time.Now()
	if got := c.complete("cat /slow/f"); len(got) != 0 || time.Since(began) > 10*completeTime {
		t.Errorf("a slow server: %q after %v", got, time.Since(began))
	}
	close(f.slow)
	c.queries.Wait()
	if got := c.complete("cat /slow/f"); len(got) != 1 {
		t.Errorf("the second time: %q", got)
	}
	c.close()
}
