package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/link/nic"
)

// patientEnv tells the test's binary to look at the machine that it runs on and to
// print the findings: a Config as JSON.
const patientEnv = "VSYS_DOCTOR_TEST"

func TestMain(m *testing.M) {
	if text := os.Getenv(patientEnv); text != "" {
		var c Config
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			panic(err)
		}
		json.NewEncoder(os.Stdout).Encode(Examine(Gather(context.Background(), c)))
		return
	}
	os.Exit(m.Run())
}

// machine is a thread that is alone in a network namespace, and what it starts is
// there, too.
type machine struct {
	t    *testing.T
	work chan func()
	ns   string // path of the namespace
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	m := &machine{t: t, work: make(chan func())}
	started := make(chan error)
	go func() { // ends when work is closed; its thread and namespace with it
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		m.ns = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
		started <- err
		for f := range m.work {
			f()
		}
	}()
	t.Cleanup(func() { close(m.work) })
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	m.needs("ip")
	m.sh("ip link set lo up")
	return m
}

// needs skips the test where a program is missing.
func (m *machine) needs(program string) {
	m.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		m.t.Skipf("%s is not installed", program)
	}
}

// run runs a program there and returns its standard output.
func (m *machine) run(cmd *exec.Cmd) string {
	m.t.Helper()
	type result struct {
		out []byte
		err error
	}
	done := make(chan result)
	m.work <- func() {
		out, err := cmd.Output()
		done <- result{out, err}
	}
	r := <-done
	if r.err != nil {
		if e, ok := r.err.(*exec.ExitError); ok {
			m.t.Fatalf("%v: %v: %s", cmd.Args, r.err, e.Stderr)
		}
		m.t.Fatalf("%v: %v", cmd.Args, r.err)
	}
	return string(r.out)
}

// sh runs each line as a command.
func (m *machine) sh(lines string) {
	m.t.Helper()
	for l := range strings.Lines(lines) {
		if w := strings.Fields(l); len(w) > 0 {
			m.run(exec.Command(w[0], w[1:]...))
		}
	}
}

func (m *machine) output(name string, args ...string) string {
	m.t.Helper()
	return m.run(exec.Command(name, args...))
}

func (m *machine) input(text, name string, args ...string) {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(text)
	m.run(cmd)
}

// in runs f on the machine's thread.
func (m *machine) in(f func() error) {
	m.t.Helper()
	done := make(chan error)
	m.work <- func() { done <- f() }
	if err := <-done; err != nil {
		m.t.Fatal(err)
	}
}

// examine runs the doctor there.
func (m *machine) examine(c Config) (list []Finding) {
	m.t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), patientEnv+"="+string(text))
	out := m.run(cmd)
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	return list
}

// wired joins two machines by a cable, as eth0 with 10.0.0.1 and 10.0.0.2.
func wired(t *testing.T) (a, b *machine) {
	a, b = newMachine(t), newMachine(t)
	var tid int
	b.in(func() error { tid = unix.Gettid(); return nil })
	a.sh(fmt.Sprintf("ip link add eth0 type veth peer name eth0 netns %d", tid))
	for i, m := range []*machine{a, b} {
		m.sh(fmt.Sprintf("ip address add 10.0.0.%d/24 dev eth0\nip link set eth0 up", i+1))
	}
	for _, m := range []*machine{a, b} {
		m.in(carrier)
	}
	return a, b
}

// carrier returns when Linux has opened eth0: some time after both ends are up.
func carrier() error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if list, err := indices(); err != nil || len(list) > 0 {
			return err
		}
		runtime.Gosched()
	}
	return errors.New("eth0 has no carrier")
}

// indices returns the interfaces of the calling thread's machine that carry the
// domain.
func indices() (list []int, err error) {
	all, err := nic.Read()
	for _, i := range all {
		if i.Sane {
			list = append(list, i.Index)
		}
	}
	return list, err
}
