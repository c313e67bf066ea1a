package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/node"
	"vsys/program"
	"vsys/servers/unix"
)

// world is a host with two directories that can be written, on different servers
// of file systems as far as renaming goes, and an Env in the first.
type world struct {
	Env
	t        *testing.T
	dir      string // Unix path of /unix/alpha/lab
	out, err bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	socket := fmt.Sprintf("@vsys-command-test-%d-%s", os.Getpid(), t.Name())
	n, err := node.Start(t.Context(), node.Config{
		Name: "alpha", Addr: netip.MustParseAddrPort("127.0.0.1:0"), State: t.TempDir(), Socket: socket,
		Exports: []unix.Export{{Path: "/"}, {Name: "lab", Path: w.dir, Writable: true}, {Name: "other", Path: t.TempDir(), Writable: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	k, err := kernel.Join(t.Context(), socket, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	names := naming.NewClient(k)
	t.Cleanup(names.Close)
	programs := program.NewClient(names)
	t.Cleanup(programs.Close)
	w.Env = Env{Names: names, Programs: programs, Dir: "/unix/alpha/lab", Stdout: &w.out, Stderr: &w.err}
	return w
}

// do runs a command line and returns what it printed, and its status.
func (w *world) do(line ...string) (out, errs string, status int) {
	w.t.Helper()
	w.out.Reset()
	w.err.Reset()
	status = Find(line[0]).Main(w.t.Context(), &w.Env, line[1:])
	return w.out.String(), w.err.String(), status
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// TestAll holds the table to its rules.
func TestAll(t *testing.T) {
	last := ""
	for _, c := range All() {
		if c.Name <= last || c.Short == "" || Find(c.Name).Name != c.Name {
			t.Errorf("%s: out of order, or without words", c.Name)
		}
		last = c.Name
		if f := pflag.NewFlagSet(c.Name, pflag.ContinueOnError); c.New(f) == nil {
			t.Errorf("%s does nothing", c.Name)
		}
	}
	if Find("nosuch") != nil {
		t.Error("there is a command nosuch")
	}
}

func TestHelpAndUsage(t *testing.T) {
	w := newWorld(t)
	if out, _, status := w.do("cp", "--help"); status != 0 || !strings.Contains(out, "usage: cp [flags] NAME… NAME\n") || !strings.Contains(out, "examples:") {
		t.Errorf("%d, %q", status, out)
	}
	if out, _, _ := w.do("help"); !strings.Contains(out, "  where") {
		t.Errorf("%q", out)
	}
	if out, _, _ := w.do("help", "ls"); !strings.Contains(out, "--long") {
		t.Errorf("%q", out)
	}
	for _, line := range [][]string{
		{"ls", "--nosuch"}, {"head", "-n", "x"}, {"head", "-n", "-1"}, {"hosts", "x"}, {"cp", "x"}, {"cmp", "x"}, {"rm"},
		{"mkdir"}, {"run"}, {"run", "@alpha", "--"}, {"bind", "x"}, {"kill", "-s", "FROB", "x"}, {"help", "nosuch"},
	} {
		if _, errs, status := w.do(line...); status != StatusUsage || !strings.HasSuffix(errs, "\ntry: "+line[0]+" --help\n") {
			t.Errorf("%v: %d, %q", line, status, errs)
		}
	}
}

// TestCopyTree copies a tree of many files, of sizes around those of blocks and
// packet groups, with modes, times and links.
func TestCopyTree(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	for i := range 60 {
		name := fmt.Sprintf("tree/d%d/f%d", i%4, i)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(w.dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, []int{0, 1, 1023, 1024, 16383, 16384, 16385, 100_000, 300_000}[i%9])
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		want[name] = string(data)
		w.write(name, string(data))
	}
	past := time.Unix(1_000_000_000, 123456789)
	os.Symlink("d0/f0", filepath.Join(w.dir, "tree/link"))
	os.Symlink("nowhere", filepath.Join(w.dir, "tree/dangling"))
	os.Chmod(filepath.Join(w.dir, "tree/d1/f1"), 0o400)
	os.Chtimes(filepath.Join(w.dir, "tree/d1/f1"), past, past)
	os.Chmod(filepath.Join(w.dir, "tree/d2"), 0o750)
	os.Chtimes(filepath.Join(w.dir, "tree/d2"), past, past)
	for range 2 { // the second time into what is there
		if _, errs, status := w.do("cp", "-rp", "tree/.", "copy"); status != 0 {
			t.Fatalf("%d, %q", status, errs)
		}
	}
	for name, data := range want {
		copied := filepath.Join(w.dir, strings.Replace(name, "tree", "copy", 1))
		if b, err := os.ReadFile(copied); err != nil || string(b) != data {
			if b, err = os.ReadFile(filepath.Join(w.dir, "copy", name)); err != nil || string(b) != data {
				t.Errorf("%s: %d octets, want %d (%v)", name, len(b), len(data), err)
			}
		}
	}
	for name, mode := range map[string]fs.FileMode{"d1/f1": 0o400, "d2": 0o750 | fs.ModeDir} {
		if i, err := os.Stat(filepath.Join(w.dir, "copy", name)); err != nil || i.Mode() != mode || !i.ModTime().Equal(past) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	for name, to := range map[string]string{"link": "d0/f0", "dangling": "nowhere"} {
		if got, err := os.Readlink(filepath.Join(w.dir, "copy", name)); got != to {
			t.Errorf("%s -> %q, %v", name, got, err)
		}
	}
}

func TestCopyRefuses(t *testing.T) {
	w := newWorld(t)
	w.write("f", "text")
	os.Mkdir(filepath.Join(w.dir, "d"), 0o755)
	os.Link(filepath.Join(w.dir, "f"), filepath.Join(w.dir, "same"))
	syscall.Mkfifo(filepath.Join(w.dir, "d/fifo"), 0o600)
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"cp", "f", "f"}, "which is itself or in it"},
		{[]string{"cp", "f", "same"}, "it is the same file as /unix/alpha/lab/same"},
		{[]string{"cp", "d", "e"}, "/unix/alpha/lab/d: is a directory"},
		{[]string{"cp", "-r", "d", "d/e"}, "which is itself or in it"},
		{[]string{"cp", "-r", "d", "f"}, "not a directory"},
		{[]string{"cp", "f", "d", "f"}, "not a directory"},
		{[]string{"cp", "nosuch", "e"}, "/unix/alpha/lab/nosuch on alpha: no such name"},
		{[]string{"cp", "f", "/unix/alpha/etc/f"}, "read-only"},
		{[]string{"cp", "-r", "d", "e"}, "/unix/alpha/lab/d/fifo: operation not supported"},
		{[]string{"mv", "f", "d/nosuch/f"}, "/unix/alpha/lab/d/nosuch/f: no such name"},
		{[]string{"mv", "d", "d/e"}, "which is itself or in it"},
	} {
		if _, errs, status := w.do(c.line...); status != StatusFailed || !strings.Contains(errs, c.want) {
			t.Errorf("%v: %d, %q, want %q", c.line, status, errs, c.want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(w.dir, "f")); string(b) != "text" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestMove(t *testing.T) {
	w := newWorld(t)
	os.MkdirAll(filepath.Join(w.dir, "d/e"), 0o755)
	w.write("d/e/f", "text")
	for _, to := range []string{"/unix/alpha/other", "/unix/alpha/other/moved", "/unix/alpha/lab/back"} {
		from := map[string]string{
			"/unix/alpha/other": "d", "/unix/alpha/other/moved": "/unix/alpha/other/d", "/unix/alpha/lab/back": "/unix/alpha/other/moved",
		}[to]
		if _, errs, status := w.do("mv", from, to); status != 0 {
			t.Fatalf("to %s: %d, %q", to, status, errs)
		}
	}
	if out, errs, _ := w.do("ls", "/unix/alpha/other", "."); out != "/unix/alpha/other:\n\n/unix/alpha/lab:\nback\n" {
		t.Errorf("%q, %q", out, errs)
	}
	if out, _, _ := w.do("cat", "back/e/f"); out != "text" {
		t.Errorf("%q", out)
	}
}

// TestInterrupted: a command ends soon after its context does, with 130, whatever
// it waits for.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	if err := syscall.Mkfifo(filepath.Join(w.dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"cat"}, {"wc"}, {"tee", "x"}, {"cp", "-r", "/unix/alpha/usr", "."}, {"run", "sleep", "100000"}} {
		ctx, cancel := context.WithCancel(t.Context())
		r, pipe := io.Pipe()
		w.Stdin = readerFunc(func(p []byte) (int, error) {
			cancel() // while it is read
			return r.Read(p)
		})
		if line[0] == "cp" || line[0] == "run" {
			time.AfterFunc(20*time.Millisecond, cancel)
		}
		w.err.Reset()
		if status := Find(line[0]).Main(ctx, &w.Env, line[1:]); status != StatusInterrupted || w.err.Len() > 0 {
			t.Errorf("%v: %d, %q", line, status, w.err.String())
		}
		cancel()
		pipe.Close()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestLastLines compares with splitting the whole.
func TestLastLines(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		text := make([]byte, r.IntN(300)+r.IntN(2)*2*tailChunk)
		for i := range text {
			if text[i] = 'x'; r.IntN(50) == 0 {
				text[i] = '\n'
			}
		}
		n := r.IntN(8)
		lines := strings.SplitAfter(string(text), "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		want := strings.Join(lines[max(0, len(lines)-n):], "")
		at, err := lastLines(bytes.NewReader(text), int64(len(text)), int64(n))
		if err != nil || string(text[at:]) != want {
			t.Fatalf("the last %d lines of %d octets begin at %d, want %d (%v)", n, len(text), at, len(text)-len(want), err)
		}
		e := &Env{Stdout: &bytes.Buffer{}}
		if err := e.tailStream(bytes.NewReader(text), int64(n)); err != nil || e.Stdout.(*bytes.Buffer).String() != want {
			t.Fatalf("a stream: the last %d lines of %d octets (%v)", n, len(text), err)
		}
	}
}

// TestParts reads the ends of a file and of a stream, also beyond what is there.
func TestParts(t *testing.T) {
	w := newWorld(t)
	text := strings.Repeat("line of text\n", 20_000)
	w.write("f", text)
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"head", "-n", "2"}, text[:26]}, {[]string{"head", "-n", "0"}, ""}, {[]string{"head", "-n", "30000"}, text},
		{[]string{"head", "-c", "100000"}, text[:100000]}, {[]string{"head", "-c", "0"}, ""}, {[]string{"head", "-c", "9999999"}, text},
		{[]string{"tail", "-n", "2"}, text[:26]}, {[]string{"tail", "-n", "30000"}, text}, {[]string{"tail", "-n", "0"}, ""},
		{[]string{"head", "-2"}, text[:26]}, {[]string{"tail", "-1"}, text[:13]},
		{[]string{"tail", "-c", "5"}, "text\n"}, {[]string{"tail", "-c", "100000"}, text[len(text)-100000:]}, {[]string{"tail", "-c", "9999999"}, text},
	} {
		if out, errs, status := w.do(append(c.line, "f")...); out != c.want || status != 0 {
			t.Errorf("%v of a file: %d octets, want %d, %d, %q", c.line, len(out), len(c.want), status, errs)
		}
		w.Stdin = strings.NewReader(text)
		if out, errs, status := w.do(c.line...); out != c.want || status != 0 {
			t.Errorf("%v of a stream: %d octets, want %d, %d, %q", c.line, len(out), len(c.want), status, errs)
		}
	}
}

func TestDifference(t *testing.T) {
	names := []string{"a", "b"}
	big := strings.Repeat("x\n", tailChunk)
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""}, {"x", "x", ""}, {big, big, ""},
		{"x\nyz", "x\nya", "a b differ: byte 4, line 2"}, {"x", "xy", "a ends after byte 1"}, {big + "z", big, fmt.Sprintf("b ends after byte %d", len(big))},
		{big + "z", big + "y", fmt.Sprintf("a b differ: byte %d, line %d", len(big)+1, tailChunk+1)},
	} {
		if got, err := difference(names, strings.NewReader(c.a), strings.NewReader(c.b)); err != nil || got != c.want {
			t.Errorf("%.9q and %.9q: %q, %v, want %q", c.a, c.b, got, err, c.want)
		}
	}
	if _, err := difference(names, strings.NewReader("x"), failing{}); !errors.Is(err, ipc.Unreachable) {
		t.Errorf("a read that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, ipc.Unreachable }

func TestCount(t *testing.T) {
	for text, want := range map[string]counts{
		"": {}, "one": {0, 1, 3}, "one\n": {1, 1, 4}, " a  b\tc\v\n\nd": {2, 4, 11}, "ä ö\n": {1, 2, 6},
	} {
		if got, err := count(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	if _, err := count(failing{}); !errors.Is(err, ipc.Unreachable) {
		t.Errorf("%v", err)
	}
	for o, want := range map[wcFlags]string{{}: "       1       2       3", {lines: true}: "1", {words: true, octets: true}: "       2       3"} {
		if got := o.text(counts{1, 2, 3}); got != want {
			t.Errorf("%+v: %q", o, got)
		}
	}
}

func TestReport(t *testing.T) {
	op := &ipc.OpError{Op: "uio.Open", Name: "/x\x01", Host: "beta", Err: ipc.Unreachable}
	for _, c := range []struct {
		err    error
		want   string
		status int
	}{
		{op, "do: \"/x\\x01\" on beta: unreachable\ntry: hosts shows which are alive\n", 1},
		{&ipc.OpError{Err: op}, "do: \"/x\\x01\" on beta: unreachable\ntry: hosts shows which are alive\n", 1},
		{&ipc.OpError{Host: "beta", Err: ipc.Busy}, "do: beta: busy\n", 1},
		{fmt.Errorf("x: %w", ipc.UserTimeout), "do: x: timed out\ntry: again, or another host\n", StatusTimeout},
		{fmt.Errorf("%w; %w", ipc.Unreachable, naming.ErrOutcomeUnknown),
			"do: unreachable; it is not known whether it was done\ntry: hosts shows which are alive\n", StatusLost},
		{&node.Refusal{Err: ipc.BadArgs, Try: "this"}, "do: bad argument\ntry: this\n", 1},
	} {
		var b bytes.Buffer
		if status := Report(&b, "do", c.err); status != c.status || b.String() != c.want {
			t.Errorf("%d, %q, want %q", status, b.String(), c.want)
		}
	}
	e := &Env{Stderr: &bytes.Buffer{}}
	if status := e.fail(fmt.Errorf("write: %w", syscall.EPIPE)); status != 141 || e.Stderr.(*bytes.Buffer).Len() > 0 {
		t.Errorf("a broken pipe: %d, %q", status, e.Stderr)
	}
}

func TestOctetsAndSignals(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 kiB", 1 << 30: "1.0 GiB", 1<<64 - 1: "16.0 EiB"} {
		if got := octets(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	for s, want := range map[string]syscall.Signal{"TERM": 15, "SIGINT": 2, "9": 9, "hup": 1, "0": 0} {
		if got, err := signalOf(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "FROB", "-1", "65", "SIGSIGINT2"} {
		if got, err := signalOf(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// TestProgress looks at what is drawn, and that it is gone at the end.
func TestProgress(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := newProgress(w)
	io.WriteString(p.counting(io.Discard), strings.Repeat("x", 2048))
	p.file()
	buf := make([]byte, 4096)
	n, err := r.Read(buf) // it is drawn after a while
	if err != nil || !strings.HasPrefix(string(buf[:n]), "\r\x1b[K1 files, 2.0 kiB, ") {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if d := time.Since(p.begin); d < progressAfter {
		t.Errorf("drawn after %v", d)
	}
	p.close()
	w.Close()
	if rest, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(rest), "\r\x1b[K") {
		t.Errorf("%q, %v", rest, err)
	}
	newProgress(nil).close()
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	w.Stdin = strings.NewReader("text")
	for _, c := range []struct {
		line   []string
		out    string
		status int
	}{
		{[]string{"run", "cat"}, "text", 0},
		{[]string{"run", "@any", "--", "sh", "-c", "exit 9"}, "", 9},
		{[]string{"run", "@alpha", "sh", "-c", "kill -9 $$"}, "", 137},
		{[]string{"run", "pwd"}, w.dir + "\n", 0},
		{[]string{"run", "--dir", "/unix/alpha/etc", "pwd"}, "/etc\n", 0},
		{[]string{"run", "nosuch"}, "", 127},
		{[]string{"run", "@nosuch", "true"}, "", 125},
		{[]string{"run", "--timeout", "50ms", "sleep", "100000"}, "", StatusTimeout},
	} {
		if out, errs, status := w.do(c.line...); out != c.out || status != c.status {
			t.Errorf("%v: %q, %d, %q", c.line, out, status, errs)
		}
	}
	w.Dir = "/"
	if out, _, _ := w.do("run", "sh", "-c", "ls -A; basename $(pwd)"); out != "empty\n" {
		t.Errorf("%q", out)
	}
}

func TestKill(t *testing.T) {
	w := newWorld(t)
	cmd := w.Programs.Command("sleep", "100000")
	cmd.Dir = "/unix/alpha"
	if err := cmd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/team/alpha/%d", cmd.State.ID)
	if _, errs, status := w.do("kill", "-s", "INT", name); status != 0 {
		t.Fatalf("%d, %q", status, errs)
	}
	if err := cmd.Wait(t.Context()); program.Status(err) != 130 {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"/team/alpha/4000", "/team/alpha/x", "/team/alpha", "/unix/alpha/1", "/team/nosuch/1"} {
		if _, errs, status := w.do("kill", name); status != StatusFailed || errs == "" {
			t.Errorf("%s: %d, %q", name, status, errs)
		}
	}
}

// TestUnixHabits: names and flags as people type them.
func TestUnixHabits(t *testing.T) {
	w := newWorld(t)
	if err := os.Mkdir(filepath.Join(w.dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, errs string }{
		{"cat /etc/hostname", "cat: /etc/hostname: no such name\ntry: /unix/alpha/etc/hostname\n"},
		{"cat /nosuch/x", "cat: /nosuch/x: no such name\n"},
		{"kill -9 99999999", "kill: 99999999: no such process\n"},
		{"kill -KILL 99999999", "kill: 99999999: no such process\n"},
		{"kill -FROB 99999999", "kill: unknown shorthand"},
		{"rm /unix/alpha/lab", "rm: /unix/alpha/lab: is a directory\ntry: ls /unix/alpha/lab\n"},
		{"rmdir .", "rmdir: "},
		{"rmdir nosuch", "rmdir: "},
		{"rm d", "rm: /unix/alpha/lab/d: is a directory\ntry: rm -r /unix/alpha/lab/d\n"},
	} {
		_, errs, status := w.do(strings.Fields(c.line)...)
		if status == 0 || !strings.HasPrefix(errs, c.errs) || strings.HasSuffix(c.errs, "\n") && errs != c.errs {
			t.Errorf("%s: %d, %q", c.line, status, errs)
		}
	}
	w.write("big", strings.Repeat("x", 3<<19))
	w.write("small", "x")
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(w.dir, "big"), past, past); err != nil {
		t.Fatal(err)
	}
	if _, errs, status := w.do("rmdir", "d"); status != 0 {
		t.Errorf("%d, %q", status, errs)
	}
	if out, errs, status := w.do("ls", "-lht"); status != 0 || !strings.Contains(out, " 1.5M ") || !strings.HasSuffix(out, "big\n") {
		t.Errorf("%d, %q, %q", status, out, errs)
	}
	if _, errs, status := w.do("cp", "-a", ".", "/unix/alpha/other/copy"); status != 0 {
		t.Errorf("%d, %q", status, errs)
	}
	for octets, want := range map[uint64]string{0: "0", 1023: "1023", 1024: "1.0K", 10 << 10: "10K", 5 << 30: "5.0G"} {
		if got := strings.TrimSpace(size(octets, true)); got != want {
			t.Errorf("%d octets: %q, want %q", octets, got, want)
		}
	}
}
