package shell

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBackground: jobs of scripts, here and elsewhere.
func TestBackground(t *testing.T) {
	for _, tc := range []struct{ script, out string }{
		{"sleep 100 & kill %1; wait %1; echo $?", "143\n"},
		{"sleep 100 @beta & kill $!; wait $!; echo $?", "143\n"},
		{"sleep 100 @beta & kill -KILL %%; wait %1; echo $?", "137\n"},
		{"while :; do :; done & kill %1; wait %1; echo $?", "143\n"},
		{"sleep 100 @beta | sleep 100 & kill %sleep; wait %1; echo $?", "143\n"},
		{"sleep 100 & jobs; kill %1", "[1]+  Running              sleep 100\n"},
		{"sleep 100 @beta & jobs; kill %1", "[1]+  Running              sleep 100 @beta\n"},
		{"true & wait %1; jobs", ""},
		{"kill %4; echo $?", "1\n"},
		{"wait %4; echo $?", "127\n"},
		{"fg; echo $?", "1\n"},
		{"f() { { sleep 0.1; echo late; } & }; f; echo early; wait", "early\nlate\n"},
		{"f() { sleep 100 @beta & }; f; echo left", "left\n"},
		{"kill; echo $?", "2\n"},
		{"x=1; { x=2; echo $x; } & wait; echo $x", "2\n1\n"},
		{"sh -c 'kill -0 $PPID' && echo yes", "yes\n"},
	} {
		if got := run(t, tc.script); got.out != tc.out {
			t.Errorf("%q: got %q, want %q\n%s", tc.script, got.out, tc.out, got.err)
		}
	}
}

// TestInterrupt: whatever a script does, cancelling its context ends it within a
// second, with status 130, and nothing of it is left.
func TestInterrupt(t *testing.T) {
	for _, script := range []string{
		"echo go; sleep 100",
		"echo go; sleep 100 @beta; echo no",
		"echo go; while :; do :; done",
		"echo go; read x; echo no",
		"echo go; sleep 100 @beta | cat @gamma | cat; echo no",
		"echo go; sleep 100 & wait",
		"echo go; f() { sleep 100 @gamma; }; f; echo no",
		"echo go; trap '' INT 2>/dev/null; sh -c 'trap \"\" INT; sleep 100' @beta",
		"echo go; cat </unix/beta/tmp/fifo",
		"echo go; { sleep 100 & } ; wait",
	} {
		f := newFake(t)
		if err := syscall.Mkfifo(filepath.Join(f.root, "beta/tmp/fifo"), 0o600); err != nil {
			t.Fatal(err)
		}
		keep, err := os.OpenFile(filepath.Join(f.root, "beta/tmp/fifo"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		in, hold, _ := os.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		out := &trigger{word: "go", do: cancel}
		s, err := New(Config{System: f, Dir: "/unix/alpha/tmp", Stdin: in, Stdout: out, Stderr: io.Discard,
			Env: []string{"PATH=" + os.Getenv("PATH")}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		status := s.Run(ctx, "test.sh", strings.NewReader(script))
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q: interrupted after %v", script, took)
		}
		s.Close()
		if status != 130 || strings.Contains(out.b.String(), "no") {
			t.Errorf("%q: status %d, %q", script, status, out.b.String())
		}
		for _, file := range []*os.File{keep, in, hold} {
			file.Close()
		}
	}
}

// trigger is a writer that does something at a word.
type trigger struct {
	b    buffer
	word string
	do   func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.word) {
		w.do()
	}
	return w.b.Write(p)
}

// TestClose: the jobs of an executive end with it, also those that ignore SIGHUP.
func TestClose(t *testing.T) {
	f := newFake(t)
	fifo := filepath.Join(f.root, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, f, "/unix/alpha/tmp", "sleep 100 & sleep 100 @beta & sh -c 'trap \"\" HUP; echo ready >"+fifo+
		"; exec sleep 100' @gamma & cat "+fifo)
	if got.out != "ready\n" {
		t.Fatal(got)
	}
	if signals := f.noted(&f.signals); !strings.Contains(signals, "SIGKILL@gamma") {
		t.Errorf("signals sent: %s", signals)
	}
}

// TestJobTable finds jobs by all their names.
func TestJobTable(t *testing.T) {
	var table jobTable
	s := &Shell{roster: newRoster()}
	make := func(text string, state jobState) *job {
		j := s.newJob(context.Background(), text, nil, false)
		table.add(j)
		j.becomeLocked(state)
		return j
	}
	a, b, c := make("sleep 1", running), make("make all", stopped), make("vi x", running)
	for spec, want := range map[string]*job{
		"%1": a, "%2": b, "%3": c, "%+": b, "%%": b, "%": b, "": b, "%-": c, "%ma": b, "%sl": a, "%4": nil, "%x": nil,
	} {
		if got := table.find(spec); got != want {
			t.Errorf("%q found the wrong job", spec)
		}
	}
	c.finish(0, false)
	table.forget((*job).isDone)
	if d := make("d", running); d.id != 3 || table.lastStarted() != "%3" {
		t.Errorf("number %d, %s", d.id, table.lastStarted())
	}
	for _, j := range table.all() {
		j.cancel()
	}
}

// TestSignals reads the signal that kill is told.
func TestSignals(t *testing.T) {
	for _, tc := range []struct {
		args string
		sig  syscall.Signal
		rest string
		ok   bool
	}{
		{"%1", syscall.SIGTERM, "%1", true},
		{"-9 1 2", syscall.SIGKILL, "1 2", true},
		{"-KILL 1", syscall.SIGKILL, "1", true},
		{"-sigint 1", syscall.SIGINT, "1", true},
		{"-s HUP 1", syscall.SIGHUP, "1", true},
		{"-NOPE 1", 0, "1", false},
		{"-99 1", 99, "1", false},
	} {
		sig, rest, ok := signalArg(strings.Fields(tc.args))
		if sig != tc.sig || strings.Join(rest, " ") != tc.rest || ok != tc.ok {
			t.Errorf("%s: %v %v %v", tc.args, sig, rest, ok)
		}
	}
}

// TestInput: what reads the executive's input for a program lets go of it.
func TestInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := NewInput(End{File: r})
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() { // ends when the Input is closed
		_, err := io.Copy(io.Discard, in)
		read <- err
	}()
	in.Close()
	if err := <-read; err != os.ErrClosed {
		t.Errorf("reading ended with %v", err)
	}
	w.WriteString("next")
	w.Close()
	if left, err := io.ReadAll(r); string(left) != "next" || err != nil {
		t.Errorf("left for the next command: %q, %v", left, err)
	}
	null, err := NewInput(End{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := null.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("no file: %d, %v", n, err)
	}
	null.Close()
	null.Close()
}
