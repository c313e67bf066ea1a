package sim

import (
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// echoServer answers everything at once.
func echoServer(t *testing.T, team *Team) ipc.PID {
	t.Helper()
	var p *kernel.Async
	var m ipc.Message
	receive := func(tr ipc.Transaction, done bool, err error) {
		for done && err == nil {
			m.SetCode(ipc.OK)
			p.Reply(&m, tr, nil)
			tr, done, err = p.StartReceive(&m, nil)
		}
	}
	p, err := team.Spawn("echo", func() { receive(p.Received()) })
	if err != nil {
		t.Fatal(err)
	}
	receive(p.StartReceive(&m, nil))
	return p.PID()
}

// ask sends a message and lets the world run until it is answered; it returns
// how that ended, and how long it took.
func ask(t *testing.T, team *Team, to ipc.PID, deadline time.Duration) (ipc.Code, time.Duration) {
	t.Helper()
	w := team.Host.world
	start := w.Now()
	p, err := team.Spawn("client", func() {})
	if err != nil {
		t.Fatal(err)
	}
	if deadline > 0 {
		p.SetDeadline(start + deadline)
	}
	var m ipc.Message
	if err := p.StartSend(&m, to, ipc.Segment{}); err != nil {
		return ipc.CodeOf(err), 0
	}
	for w.Now() < start+time.Minute {
		if _, done, err := p.Sent(); done {
			p.Destroy()
			return ipc.CodeOf(err), w.Now() - start
		}
		if !w.step(start + time.Minute) {
			break
		}
	}
	t.Fatal("a Send did not end in a minute")
	return 0, 0
}

func wantAnswer(t *testing.T, what string, team *Team, to ipc.PID, want ipc.Code, least, most time.Duration) {
	t.Helper()
	code, d := ask(t, team, to, 0)
	if code != want || d < least || d > most {
		t.Errorf("%s: %v after %v, want %v after %v to %v", what, code, d, want, least, most)
	}
}

func TestHealthyWorld(t *testing.T) {
	w := New(1, Config{Network: Network{Delay: 10 * time.Millisecond}})
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	wantAnswer(t, "another host", a.Team(1), server, ipc.OK, 20*time.Millisecond, 20*time.Millisecond)
	wantAnswer(t, "another team", b.Team(0), server, ipc.OK, 2*localDelay, 2*localDelay)
	wantAnswer(t, "the own team", b.Team(1), server, ipc.OK, 0, 0)
	wantAnswer(t, "nobody", a.Team(1), server.WithProcess(99), ipc.NonexistentEntity, 20*time.Millisecond, 20*time.Millisecond)
	if p := w.Packets(); p.Sent != p.Delivered || p.Lost+p.Cut+p.Duplicated+p.Late > 0 {
		t.Errorf("a network without faults: %v", p)
	}
}

// A way that is cut in either direction makes a host as good as lost, within
// five seconds; mended, it is there again.
func TestCut(t *testing.T) {
	w := New(1, Config{})
	a, b, c := w.Hosts()[0], w.Hosts()[1], w.Hosts()[2]
	server := echoServer(t, b.Team(1))
	for _, ends := range [][2]*Host{{a, b}, {b, a}} {
		w.Cut(ends[0], ends[1], true)
		wantAnswer(t, "cut", a.Team(1), server, ipc.RetransTimeout, 4*time.Second, 5*time.Second)
		wantAnswer(t, "from elsewhere", c.Team(1), server, ipc.OK, 0, time.Millisecond)
		w.Cut(ends[0], ends[1], false)
		wantAnswer(t, "mended", a.Team(1), server, ipc.OK, 0, time.Millisecond)
	}
	w.Cut(a, b, true)
	w.MendAll()
	wantAnswer(t, "all mended", a.Team(1), server, ipc.OK, 0, time.Millisecond)
}

// A dead host is lost after five seconds, a dead team at once: its host says so.
// Neither's processes come back with it.
func TestCrash(t *testing.T) {
	w := New(1, Config{})
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	b.CrashTeam()
	wantAnswer(t, "a dead team", a.Team(1), server, ipc.NonexistentEntity, 0, time.Millisecond)
	b.StartTeam()
	wantAnswer(t, "another in its place", a.Team(1), server, ipc.NonexistentEntity, 0, time.Millisecond)
	server = echoServer(t, b.Team(1))
	wantAnswer(t, "a process of that", a.Team(1), server, ipc.OK, 0, time.Millisecond)
	b.Crash()
	if b.Up() || b.Team(0) != nil {
		t.Error("a host that crashed is up")
	}
	wantAnswer(t, "a dead host", a.Team(1), server, ipc.RetransTimeout, 4*time.Second, 5*time.Second)
	b.Boot()
	wantAnswer(t, "a host that boots", a.Team(1), server, ipc.NonexistentEntity, 0, time.Millisecond)
}

// What happens in a team that has died does not happen.
func TestDeadTeamDoesNothing(t *testing.T) {
	w := New(1, Config{})
	h := w.Hosts()[0]
	old := h.Team(1)
	old.After(time.Second, func() { t.Error("a dead team did something") })
	h.Crash()
	h.Boot()
	if old.Alive() || !h.Team(1).Alive() {
		t.Error("the dead and the living are confused")
	}
	w.Run(time.Minute)
}

// A host that pauses for less than five seconds is only slow.
func TestPause(t *testing.T) {
	w := New(1, Config{})
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	b.Pause()
	done := false
	b.Team(0).After(time.Second, func() { done = true })
	w.After(3*time.Second, func() {
		if done {
			t.Error("a host that pauses did something")
		}
		b.Resume()
	})
	wantAnswer(t, "a host that pauses", a.Team(1), server, ipc.OK, 3*time.Second, 3100*time.Millisecond)
	if w.Run(w.Now() + time.Second); !done {
		t.Error("what was due in the pause did not happen after it")
	}
	b.Pause()
	wantAnswer(t, "for too long", a.Team(1), server, ipc.RetransTimeout, 4*time.Second, 5*time.Second)
}

// A client's deadline ends its wait at that time.
func TestDeadline(t *testing.T) {
	w := New(1, Config{})
	p, err := w.Hosts()[1].Team(1).Spawn("never receives", func() {})
	if err != nil {
		t.Fatal(err)
	}
	if code, d := ask(t, w.Hosts()[0].Team(1), p.PID(), 7*time.Second); code != ipc.UserTimeout || d != 7*time.Second {
		t.Errorf("%v after %v", code, d)
	}
}

func TestFaultsHappen(t *testing.T) {
	w := New(5, Config{Network: Network{Loss: 0.2, Duplicate: 0.2, Late: 0.2, Jitter: time.Millisecond}})
	server := echoServer(t, w.Hosts()[1].Team(1))
	for range 200 {
		wantAnswer(t, "a bad network", w.Hosts()[0].Team(1), server, ipc.OK, 0, 4*time.Second)
	}
	p := w.Packets()
	for what, n := range map[string]uint64{"lost": p.Lost, "duplicated": p.Duplicated, "late": p.Late} {
		if n < p.Sent/10 || n > p.Sent/2 {
			t.Errorf("%d of %d packets were %s", n, p.Sent, what)
		}
	}
}

func TestLadder(t *testing.T) {
	var out strings.Builder
	w := New(1, Config{Trace: &out})
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	ask(t, a.Team(1), server, 0)
	w.Cut(a, b, true)
	ask(t, a.Team(1), server, time.Millisecond)
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line[:min(len(line), 58)]), " "))
	}
	want := []string{
		"0.000000 alpha boots", "0.000000 beta boots", "0.000000 gamma boots",
		"0.000100 |---->| | slot 1: request 0x0002001",
		"0.000200 |<----| | slot 1: response 0x000200",
		"0.000200 alpha to beta: cut true",
		"0.000200 |----/| | slot 1: request 0x0002001",
		"0.001200 |----/| | slot 1: request 0x0002000",
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), out.String())
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// The judge of the seeded worlds sees what is wrong.
func TestJudgeCanFail(t *testing.T) {
	for _, tt := range []struct {
		name string
		code ipc.Code
		c    call
	}{
		{"no answer in a mild world", ipc.RetransTimeout, call{}},
		{"a lost answer", ipc.ResponseDiscarded, call{answered: true}},
		{"a deadline that was not set", ipc.UserTimeout, call{}},
		{"an interrupt that did not come", ipc.Aborted, call{}},
		{"a live server that does not exist", ipc.NonexistentEntity, call{}},
	} {
		l := newLoad(3, true, nil)
		tt.c.to = l.servers[0].proc.PID()
		if l.ended(&tt.c, ipc.OK); len(l.failures) != 0 {
			t.Errorf("%s: success is not enough", tt.name)
		}
		if l.ended(&tt.c, tt.code); len(l.failures) != 1 {
			t.Errorf("%s: not seen", tt.name)
		}
	}
	l := newLoad(3, true, nil)
	s := l.servers[0]
	c := l.newCall()
	c.kind, c.idempotent, c.read, c.route = answerNow, false, 0, nil
	s.m = c.request()
	s.m.SetCapacity(c.write)
	for i := range 2 {
		s.begin(ipc.Transaction{})
		if len(l.failures) != i {
			t.Errorf("executed %d times: %q", i+1, l.failures)
		}
	}
	if isPattern(pattern(make([]byte, 600), 7, 0), 8, 0) || isPattern(pattern(make([]byte, 600), 7, 0), 7, 1) {
		t.Error("patterns of two segments, or two places, are alike")
	}
}
