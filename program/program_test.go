package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

func hosts() []naming.Host {
	return []naming.Host{
		{Name: "alpha", State: naming.HostSelf, Processor: "amd64", Processors: 2, Load: 1.0, MemoryFree: 1},
		{Name: "beta", State: naming.HostLive, Processor: "amd64", Processors: 4, Load: 1.0, MemoryFree: 1},
		{Name: "gamma", State: naming.HostLive, Processor: "arm64", Processors: 8, Load: 0, MemoryFree: 9},
		{Name: "delta", State: naming.HostLost, Processor: "amd64", Processors: 8, Load: 0, MemoryFree: 9},
		{Name: "eta", State: naming.HostLive, Processor: "amd64", Processors: 4, Load: 1.01, MemoryFree: 5},
		{Name: "zeta", State: naming.HostLive, Processor: "amd64", Load: 3},
	}
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		running map[string]int
		turns   map[string]uint64
		want    string
	}{
		{nil, nil, "eta beta alpha zeta gamma"},
		{nil, map[string]uint64{"eta": 1}, "beta eta alpha zeta gamma"},
		{nil, map[string]uint64{"eta": 1, "beta": 2}, "eta beta alpha zeta gamma"},
		{map[string]int{"eta": 1}, map[string]uint64{"beta": 3}, "beta eta alpha zeta gamma"},
		{map[string]int{"eta": 9, "beta": 9, "alpha": 9}, nil, "eta beta zeta alpha gamma"},
	} {
		var got []string
		for _, r := range rank(hosts(), c.running, c.turns) {
			got = append(got, r.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("with %v, %v: %v, want %s", c.running, c.turns, got, c.want)
		}
	}
	if r := rank(hosts()[3:4], nil, nil); len(r) != 0 {
		t.Errorf("of lost hosts: %v", r)
	}
}

func TestReason(t *testing.T) {
	all := hosts()[:4]
	want := "least loaded: beta 0.25, alpha 0.50, gamma 0.00 (arm64), delta lost"
	if got := reason(rank(all, nil, nil), all); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestStatus(t *testing.T) {
	ended := func(s State) error { s.Ended = true; return &ExitError{&s} }
	op := func(err error) error { return &ipc.OpError{Op: "program.Start", Err: err} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{ended(State{Exit: 3}), 3},
		{ended(State{Signal: syscall.SIGKILL}), 137},
		{ended(State{Stdio: ipc.NoSpace}), 1},
		{ended(State{Exit: 4, Stdio: ipc.NoSpace}), 4},
		{op(&Refusal{Code: ipc.NotFound}), 127},
		{op(&Refusal{Code: ipc.NotExecutable, Machine: 183}), 126},
		{op(&Refusal{Code: ipc.NoPermission}), 126},
		{op(&Refusal{Part: PartDirectory, Code: ipc.NotFound}), 125},
		{op(&Refusal{Part: PartStdin, Code: ipc.NotFound}), 125},
		{op(ipc.Unreachable), 125},
		{op(ipc.HostUnknown), 125},
		{op(ipc.UserTimeout), 124},
		{op(&Lost{ipc.RetransTimeout}), 123},
		{op(&Lost{ipc.NonexistentEntity}), 123},
		{op(naming.ErrOutcomeUnknown), 123},
		{op(ipc.Aborted), 130},
		{errors.New("another"), 125},
		{&refusedByAll{op(&Refusal{Code: ipc.NotFound}), "why"}, 127},
	} {
		if got := Status(fmt.Errorf("it: %w", c.err)); c.err != nil && got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
	if got := Status(nil); got != 0 {
		t.Errorf("no error: %d", got)
	}
}

func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		(&Refusal{Part: PartStderr, Code: ipc.NoSpace}).Error():        "standard error: no space left",
		(&Refusal{Part: PartDirectory, Code: ipc.CrossServer}).Error(): "the working directory is not on that host",
		(&Refusal{Code: ipc.NotFound}).Error():                         "no such program",
		(&Refusal{Code: ipc.NotExecutable, Machine: 183}).Error():      "the program is for arm64: cannot be executed",
		(&State{}).String(): "running",
		(&State{Ended: true, Signal: syscall.SIGKILL}).String(): "signal: killed",
		(&State{Ended: true, Stdio: ipc.NoSpace}).String():      "its input or output failed: no space left",
		(&State{Host: "beta", ID: 3}).Where():                   "beta, program 3",
		(&State{Host: "beta", ID: 3, Unix: 99}).Where():         "beta, pid 99",
		Part(99).String():                                         "part",
		(&Cmd{Args: []string{"a", "b"}}).String():                 "a b",
		(&Lost{ipc.RetransTimeout}).Error():                       "host does not answer; the outcome is not known",
		(&refusedByAll{ipc.NotFound, "beta refused: no"}).Error(): "no such name (beta refused: no)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Replies decode to what was encoded.
func TestReplies(t *testing.T) {
	var m ipc.Message
	e := Ending{Exit: 200, Signal: 9, Stdio: ipc.NoSpace, CPU: 1234}
	e.Put(&m, 7)
	if got := readEnding(&m); got != e || m.Uint32(4) != 7 || m.Code() != ipc.OK {
		t.Errorf("%+v, want %+v", got, e)
	}
	PutLoaded(&m, 7, 4711)
	if got := readLoaded(&m); got != (loaded{7, 4711}) || m.Code() != ipc.OK {
		t.Errorf("%+v", got)
	}
	r := Refusal{Part: PartStdout, Machine: 183, Code: ipc.NotExecutable}
	PutRefusal(&m, 11, &r)
	if got := readRefusal(&m); *got != r || m.Uint16(8) != 11 {
		t.Errorf("%+v, want %+v", got, r)
	}
	h := HostInfo{Host: naming.Host{Name: "beta", Number: 3, Load: 0.5, State: naming.HostSelf}, Programs: 4, Users: 1}
	d := h.Descriptor()
	if got, err := HostInfoOf(&d); err != nil || got != h {
		t.Errorf("%+v, %v; want %+v", got, err, h)
	}
	for _, key := range []string{"programs", "users"} {
		bad := h.Descriptor()
		bad.Values[key] = "many"
		if _, err := HostInfoOf(&bad); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// readAll reads what a stream yields to reads of at most size octets.
func readAll(in *input, size int) (string, error) {
	var b []byte
	for {
		p := make([]byte, size)
		n, err := in.ReadStream(context.Background(), p)
		b = append(b, p[:n]...)
		if err != nil {
			return string(b), err
		}
	}
}

func TestInput(t *testing.T) {
	text := "a few octets"
	for name, r := range map[string]io.Reader{
		"plain":         strings.NewReader(text),
		"with the end":  iotest.DataErrReader(strings.NewReader(text)),
		"one by one":    iotest.OneByteReader(strings.NewReader(text)),
		"in two halves": iotest.HalfReader(strings.NewReader(text)),
	} {
		if got, err := readAll(&input{r: r}, 5); got != text || err != io.EOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	bad := errors.New("bad")
	if got, err := readAll(&input{r: iotest.ErrReader(bad)}, 5); got != "" || err != bad {
		t.Errorf("an error: %q, %v", got, err)
	}
}

// What a read that ended early has fetched is there for the next.
func TestInputEndsEarly(t *testing.T) {
	r, w := io.Pipe()
	in := &input{r: r}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := in.ReadStream(ctx, make([]byte, 9)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	go func() { // ends when both are read
		_, _ = w.Write([]byte("a longer text"))
		w.Close()
	}()
	if got, err := readAll(in, 4); got != "a longer text" || err != io.EOF {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSame(t *testing.T) {
	a, b := &strings.Builder{}, &strings.Builder{}
	f := writerFunc(nil)
	if !same(a, a) || same(a, b) || same(a, io.Discard) || same(f, f) {
		t.Error("which writers are one is wrong")
	}
	if !same(Named{Name: "/a"}, Named{Name: "/a"}) || same(Named{Name: "/a"}, Named{Name: "/b"}) {
		t.Error("which names are one is wrong")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestMayTryAnother(t *testing.T) {
	var got []bool
	for _, err := range []error{
		&Refusal{Code: ipc.NotFound}, &Refusal{Part: PartDirectory, Code: ipc.CrossServer}, ipc.Unreachable,
		&Lost{ipc.Unreachable}, &Refusal{Code: ipc.NoPermission}, ipc.UserTimeout,
	} {
		got = append(got, mayTryAnother(&ipc.OpError{Op: "program.Start", Err: err}))
	}
	if want := []bool{true, true, true, false, false, false}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
