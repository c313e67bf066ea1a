package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bootPatience is what a user waits at most from the start of the first boot to the
// first look at another machine.
const bootPatience = 10 * time.Second

// buildDir is where the program under test is built, "" until it is.
var buildDir string

// build builds vsys once.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "vsys-build-"); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "vsys")
	if out, err := exec.Command("go", "build", "-o", path, "vsys/cmd/vsys").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// world is machines with vsys on a wire, and what runs on them.
type world struct {
	*Wire
	t     *testing.T
	codes []string // of all invitations so far
}

// newWorld makes machines with vsys. It is left out where there is little time.
func newWorld(t *testing.T, c Config) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("a proof with real machines, not in short tests")
	}
	w := &world{Wire: newWire(t, c), t: t}
	path, err := build()
	if err == nil {
		err = os.Link(path, w.Program("vsys"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// job is a command that runs on.
type job struct {
	cmd  *exec.Cmd
	mu   sync.Mutex   // guards below
	text bytes.Buffer // what it printed, of both kinds
}

// Write is for the command.
func (j *job) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *job) printed() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// start starts vsys on machine i. It is killed at the end of the test.
func (w *world) start(i int, args ...string) *job {
	w.t.Helper()
	j := &job{cmd: w.Machine(i).Command(context.Background(), "vsys", args...)}
	j.cmd.Stdout, j.cmd.Stderr = j, j
	j.cmd.WaitDelay = time.Second
	if err := j.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = j.cmd.Process.Kill() // it may have ended
		_ = j.cmd.Wait()         // it was killed
	})
	return j
}

// try runs vsys on machine i, for at most limit, and returns what it printed.
func (w *world) try(limit time.Duration, i int, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	cmd := w.Machine(i).Command(ctx, "vsys", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, time.Second
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("vsys %s on %s: %w: %s", strings.Join(args, " "), w.Machine(i).Name, err, errs.String())
	}
	return out.String(), err
}

// do is try that must end well.
func (w *world) do(i int, args ...string) string {
	w.t.Helper()
	out, err := w.try(bootPatience, i, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// invitation is the line with which another machine joins.
var invitation = regexp.MustCompile(`vsys join (\S+)`)

// wait asks again and again until ok, or until end.
func wait(end time.Time, ok func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(end) {
			return false
		}
		<-tick.C
	}
	return true
}

// boot makes machine i the first host of a domain and returns the code that it
// prints.
func (w *world) boot(i int, end time.Time) (string, error) { return w.code(i, end, "boot") }

// invite returns another code of machine i.
func (w *world) invite(i int, end time.Time) (string, error) { return w.code(i, end, "invite") }

// code returns the code that a verb prints.
func (w *world) code(i int, end time.Time, verb string) (string, error) {
	out, err := w.try(time.Until(end), i, verb)
	if err != nil {
		return "", err
	}
	found := invitation.FindStringSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("vsys %s on %s prints no invitation, but %q", verb, w.Machine(i).Name, out)
	}
	w.codes = append(w.codes, found[1])
	return found[1], nil
}

// join makes machine i a host of the domain that a code is of. A join that only gets
// the keys leaves the machine to boot.
func (w *world) join(i int, code string, end time.Time) error {
	_, err := w.try(time.Until(end), i, "join", code)
	if err == nil && !w.isHost(i) {
		_, err = w.try(time.Until(end), i, "boot")
	}
	return err
}

// isHost tells whether machine i is a host: whether programs can join it.
func (w *world) isHost(i int) bool {
	_, err := w.try(time.Second, i, "hosts")
	return err == nil
}

// domain makes machines one domain, the first of them the first host; it must work.
func (w *world) domain(machines ...int) {
	w.t.Helper()
	if err := w.makeDomain(machines, time.Now().Add(2*bootPatience), "", w.found); err != nil {
		w.t.Fatal(err)
	}
}

// makeDomain is domain that reports what fails. addresses are added to codes. When
// a machine has joined and met the first, met is called.
func (w *world) makeDomain(machines []int, end time.Time, addresses string, met func(i int)) error {
	first := machines[0]
	code, err := w.boot(first, end)
	errs := make([]error, len(machines))
	var all sync.WaitGroup
	for n, i := range machines[1:] {
		if n > 0 && err == nil {
			code, err = w.invite(first, end)
		}
		if err != nil {
			break
		}
		code := strings.Split(code, "@")[0] + addresses
		all.Go(func() { // ends in time
			if errs[n] = w.join(i, code, end); errs[n] == nil {
				errs[n] = w.see(i, first, end)
			}
			if errs[n] == nil {
				met(i)
			}
		})
	}
	all.Wait()
	return errors.Join(append(errs, err)...)
}

// found is for makeDomain.
func (w *world) found(int) {}

// see waits until machine i sees the files of machine of.
func (w *world) see(i, of int, end time.Time) error {
	var last error
	if wait(end, func() bool {
		_, last = w.try(min(2*time.Second, max(time.Until(end), time.Millisecond)), i, "ls", "/unix/"+w.Machine(of).Name+"/")
		return last == nil
	}) {
		return nil
	}
	return last
}

// hosts returns the live hosts that machine i knows, by name and address.
func (w *world) hosts(i int) []string {
	w.t.Helper()
	var all []string
	for line := range strings.Lines(w.do(i, "hosts", "--json")) {
		var h struct{ Name, State, Address string }
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			w.t.Fatalf("hosts --json: %v in %q", err, line)
		}
		if h.State == "self" {
			h.Address = "" // it may be said in more than one way
		}
		if h.State == "self" || h.State == "live" {
			all = append(all, strings.TrimSpace(h.Name+" "+h.Address))
		}
	}
	slices.Sort(all)
	return all
}

// restart ends the host on machine i and boots it again.
func (w *world) restart(i int) {
	w.t.Helper()
	w.do(i, "shutdown")
	w.do(i, "boot")
}

// doctor returns what doctor says on machine i, as the machine's user. That it finds
// something is no failure.
func (w *world) doctor(i int) string {
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	return examined(w.Machine(i).Command(ctx, "vsys", "doctor"))
}

// rootDoctor is doctor as root, who may read the rules of the firewall.
func (w *world) rootDoctor(i int) string {
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	socket := filepath.Join(w.Machine(i).Home(), machineDirs["XDG_RUNTIME_DIR"], "vsys", "vsys.sock")
	return examined(w.Machine(i).Root(ctx, "vsys", "doctor", "--host-socket", socket))
}

func examined(doctor *exec.Cmd) string {
	out, err := doctor.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Sprintf("%sdoctor: %v\n", out, err)
	}
	return string(out)
}

// complaints returns what doctor on machine i, told of a peer, is not content with,
// by check.
func (w *world) complaints(i int, peer netip.Addr) map[string]string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	out := examined(w.Machine(i).Command(ctx, "vsys", "doctor", "--json", "--peer", peer.String()))
	all := map[string]string{}
	for line := range strings.Lines(out) {
		var f struct{ Check, Status, What, Why string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			w.t.Fatalf("doctor --json: %v in %q", err, line)
		}
		if f.Status == "warning" || f.Status == "error" {
			all[f.Check] = f.What + ": " + f.Why
		}
	}
	return all
}
