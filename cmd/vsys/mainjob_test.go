package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// The main job: what V is for, done on real input by the program itself. The
// data is the Go toolchain's own source tree.

// mainJob is a vsys that was built for the test, and the tree to work on.
type mainJob struct {
	t    *testing.T
	vsys string
	data string // Unix path
	flag []string
}

func newMainJob(t *testing.T, flags ...string) *mainJob {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	j := &mainJob{t: t, vsys: filepath.Join(t.TempDir(), "vsys"), flag: flags}
	j.data = filepath.Join(strings.TrimSpace(string(goroot)), "src", "net")
	if out, err := exec.Command("go", "build", "-o", j.vsys, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return j
}

// lab runs a script in a lab and returns what it printed.
func (j *mainJob) lab(script string) (stdout, stderr string, status int) {
	j.t.Helper()
	cmd := exec.Command(j.vsys, append(append([]string{"lab"}, j.flag...), "-c", script)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if cmd.ProcessState == nil {
		j.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// done runs a script that must end well, with nothing to complain about.
func (j *mainJob) done(script string) string {
	j.t.Helper()
	out, errs, status := j.lab(script)
	if status != 0 || errs != "" {
		j.t.Fatalf("status %d, printed\n%s\nand complained\n%s", status, out, errs)
	}
	return out
}

// unix runs a shell script on this machine, without V.
func (j *mainJob) unix(script string) string {
	j.t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		j.t.Fatalf("%s: %v", script, err)
	}
	return string(out)
}

// digests prints a digest of all files below the current directory.
const digests = `find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum`

// TestMainJob is steps 1 to 5: hosts, a tree over three hosts, a pipeline over
// three hosts, Unix programs where the directory is, and @any.
func TestMainJob(t *testing.T) {
	newMainJob(t).steps()
}

// TestMainJobBadNetwork is the same with 5 % loss, duplication and reordering on
// every link, in packets of Ethernet's size.
func TestMainJobBadNetwork(t *testing.T) {
	newMainJob(t, "--loss", "5", "--duplicate", "5", "--reorder", "5", "--mtu", "1472").steps()
}

func (j *mainJob) steps() {
	t := j.t
	out := j.done(strings.ReplaceAll(`
		hosts --json
		echo ==; ls /
		echo ==; cp -r /unix/alpha/DATA /unix/beta/lab/net && cp -r /unix/beta/lab/net /unix/gamma/lab/net
		cd /unix/beta/lab/net; sh -c '`+digests+`'
		cd /unix/gamma/lab/net; sh -c '`+digests+`'
		stat --json /unix/beta/lab/net/dial.go /unix/gamma/lab/net/dial.go
		echo ==; cat /unix/beta/lab/net/*.go @beta | tr -cs A-Za-z '\n' @alpha | env LC_ALL=C sort @gamma | uniq -c | env LC_ALL=C sort -rn @beta | head > /unix/gamma/lab/top
		cat /unix/gamma/lab/top
		echo ==; cd /unix/beta/lab/net; sh -c 'echo ran on $VSYS_HOST in $(basename $(pwd))'; where
		echo ==; sh -c 'echo $VSYS_HOST' @any; where
		echo ==
		sh -c 'exit 7' @gamma; echo $?
		sh -c 'kill -TERM $$' @beta; echo $?`, "/DATA", j.data))
	parts := strings.Split(out, "==\n")
	if len(parts) != 7 {
		t.Fatalf("%d parts in\n%s", len(parts), out)
	}
	j.checkHosts(parts[0])
	for _, name := range []string{"exec", "pipe", "proc", "team", "unix"} {
		if !strings.Contains("\n"+parts[1], "\n"+name+"\n") {
			t.Errorf("ls / does not show %s:\n%s", name, parts[1])
		}
	}
	j.checkCopies(parts[2])
	pipeline := fmt.Sprintf(`cat %s/*.go | tr -cs A-Za-z '\n' | sort | uniq -c | sort -rn | head`, j.data)
	if want := j.unix(pipeline); parts[3] != want {
		t.Errorf("the pipeline over three hosts gave\n%s\nwant\n%s", parts[3], want)
	}
	if !strings.HasPrefix(parts[4], "ran on beta in net\n") || !regexp.MustCompile(`directory +/unix/beta/lab/net +beta`).MatchString(parts[4]) {
		t.Errorf("in a directory of beta: %s", parts[4])
	}
	host, where, _ := strings.Cut(parts[5], "\n")
	if !regexp.MustCompile(`^(alpha|beta|gamma)$`).MatchString(host) || !regexp.MustCompile(`last +sh +`+host+` .*least loaded: `+host).MatchString(where) {
		t.Errorf("@any: %s", parts[5])
	}
	if parts[6] != "7\n143\n" {
		t.Errorf("exit statuses %q, want 7 and 143", parts[6])
	}
}

// checkHosts checks what hosts --json printed.
func (j *mainJob) checkHosts(out string) {
	var names []string
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var h struct {
			Name, State, Processor string
			Load                   float64
			MemoryTotal            uint64 `json:"memory_total_bytes"`
		}
		if err := d.Decode(&h); err == io.EOF {
			break
		} else if err != nil {
			j.t.Fatalf("hosts --json: %v in\n%s", err, out)
		}
		names = append(names, h.Name+" "+h.State)
		if h.Processor == "" || h.MemoryTotal == 0 {
			j.t.Errorf("host %+v has no processor type or memory", h)
		}
	}
	if got := strings.Join(names, ", "); got != "alpha self, beta live, gamma live" {
		j.t.Errorf("hosts: %s", got)
	}
}

// checkCopies checks two digests and two descriptors: equal files, different
// inodes.
func (j *mainJob) checkCopies(out string) {
	want := j.unix("cd " + j.data + "; " + digests)
	lines := strings.SplitAfter(out, "\n")
	if len(lines) != 5 || lines[0] != want || lines[1] != want {
		j.t.Fatalf("digests and descriptors\n%s\nwant twice %s", out, want)
	}
	var inodes []uint64
	for _, line := range lines[2:4] {
		var d struct {
			ID uint64
		}
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			j.t.Fatalf("stat --json: %v in %s", err, line)
		}
		inodes = append(inodes, d.ID)
	}
	if inodes[0] == 0 || inodes[0] == inodes[1] {
		j.t.Errorf("inodes %d, want two different ones", inodes)
	}
}

// TestMainJobHostDies is step 6: beta is killed with all its programs while it is
// read. The reader learns it within five seconds, the rest works on, and beta,
// booted again, works with nothing else restarted.
func TestMainJobHostDies(t *testing.T) {
	j := newMainJob(t)
	out, errs, status := j.lab(`
		ls /unix/beta/lab
		cat /unix/beta/dev/../proc/version > /unix/alpha/lab/v
		sleep 1000 @beta &
		head -c 300000000 /dev/zero > /unix/beta/lab/big @beta
		(cat /unix/beta/lab/big /unix/beta/lab/big /unix/beta/lab/big > /dev/null; echo reader $?) &
		lab kill beta
		wait %2
		echo ==; echo works | cat; ls /unix/gamma/lab; hosts --json
		echo ==; cat /unix/beta/lab/big | wc -c
		echo ==; lab boot beta; echo back > /unix/beta/lab/f; cat /unix/beta/lab/f; echo $?
		sh -c 'echo on $VSYS_HOST' @beta`)
	parts := strings.Split(out, "==\n")
	if len(parts) != 4 || status != 0 {
		t.Fatalf("status %d, printed\n%s\nand complained\n%s", status, out, errs)
	}
	if !strings.Contains(parts[0], "reader 1\n") || !strings.Contains(errs, "on beta: unreachable") {
		t.Errorf("the reader of a dead host: %s\n%s", parts[0], errs)
	}
	if !strings.HasPrefix(parts[1], "works\n") || !regexp.MustCompile(`"name":"beta","state":"lost"`).MatchString(parts[1]) {
		t.Errorf("after beta's death: %s", parts[1])
	}
	if parts[3] != "back\n0\non beta\n" {
		t.Errorf("beta booted again: %s\n%s", parts[3], errs)
	}
}

// TestMainJobReaderLearnsInTime measures what step 6 promises: five seconds from
// the death of a host to the reader's error.
func TestMainJobReaderLearnsInTime(t *testing.T) {
	j := newMainJob(t)
	c := newConsole(t, j.vsys, "lab")
	c.want("alpha:")
	c.line("lab kill beta; echo killed $?")
	c.want("killed 0")
	start := time.Now()
	c.line("cat /unix/beta/etc/passwd")
	c.want("unreachable")
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("unreachable only after %v", d)
	}
	c.line("exit 0")
	c.end()
}

// TestMainJobInterrupt is step 5: Ctrl-C ends a program on another host within a
// second, and the prompt says where one is.
func TestMainJobInterrupt(t *testing.T) {
	j := newMainJob(t)
	c := newConsole(t, j.vsys, "lab")
	c.want("alpha:")
	c.line("cd /unix/beta/lab")
	c.want("alpha:/unix/beta/lab$ ")
	mark := fmt.Sprint(700000 + os.Getpid())
	c.line("sleep " + mark + " @beta")
	c.until("the program runs", func() bool { return running("sleep " + mark) })
	start := time.Now()
	c.write("\x03")
	c.until("the program is gone", func() bool { return !running("sleep " + mark) })
	if d := time.Since(start); d > time.Second {
		t.Errorf("gone only after %v", d)
	}
	c.want("alpha:/unix/beta/lab$ ") // before, the terminal is the program's
	c.line("echo status $?")
	c.want("status 130")
	c.line("exit 0")
	c.end()
}

// TestMainJobLeavesNothing is the end of step 6: kill -9 of the lab leaves no
// process two seconds later, and no file when the next lab has run.
func TestMainJobLeavesNothing(t *testing.T) {
	j := newMainJob(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("XDG_RUNTIME_DIR", "")
	c := newConsole(t, j.vsys, "lab")
	c.want("alpha:")
	mark := fmt.Sprint(800000 + os.Getpid())
	c.line("sh -c 'sleep " + mark + " & sleep " + mark + "' @gamma")
	c.until("the programs run", func() bool { return running("sleep " + mark) })
	start := time.Now()
	c.cmd.Process.Kill()
	c.until("all is gone", func() bool { return !running(mark) && !running(j.vsys) })
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("gone only after %v", d)
	}
	j.done("true")
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// running tells whether a process has text in its command line.
func running(text string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && strings.Contains(strings.ReplaceAll(string(b), "\x00", " "), text) && !strings.Contains(f, fmt.Sprint("/", os.Getpid(), "/")) {
			return true
		}
	}
	return false
}

// console is a person at a terminal of the program.
type console struct {
	t    *testing.T
	cmd  *exec.Cmd
	pty  *os.File
	out  chan []byte
	seen []byte
}

func newConsole(t *testing.T, name string, args ...string) *console {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TERM=dumb", "HOME="+t.TempDir())
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, cmd: cmd, pty: f, out: make(chan []byte, 64)}
	go func() { // ends when the program's terminal is closed
		defer close(c.out)
		for {
			b := make([]byte, 4096)
			n, err := f.Read(b)
			if err != nil {
				return
			}
			c.out <- b[:n]
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		f.Close()
	})
	return c
}

func (c *console) write(s string) {
	c.t.Helper()
	if _, err := c.pty.WriteString(s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) line(s string) { c.t.Helper(); c.write(s + "\r") }

// want waits until text is printed, and forgets what came before it.
func (c *console) want(text string) {
	c.t.Helper()
	c.until("it prints "+text, func() bool {
		i := bytes.Index(c.seen, []byte(text))
		if i >= 0 {
			c.seen = c.seen[i+len(text):]
		}
		return i >= 0
	})
}

// text returns what was printed and not forgotten, as lines.
func (c *console) text() string { return strings.ReplaceAll(string(c.seen), "\r", "") }

// until waits for what is printed, or a moment, until ok.
func (c *console) until(what string, ok func() bool) {
	c.t.Helper()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case b, more := <-c.out:
			c.seen = append(c.seen, b...)
			if !more {
				c.out = nil
			}
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			c.t.Fatalf("waited in vain until %s; printed last:\n%s", what, c.seen)
		}
	}
}

// end waits until the program has ended well.
func (c *console) end() {
	c.t.Helper()
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the executive ended with %v", err)
	}
}
