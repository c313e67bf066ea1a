package program

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
)

// fake is a host with a team server that does what the test says.
type fake struct {
	t      *testing.T
	k      *kernel.Kernel
	p      ipc.Process
	names  *naming.Client
	client *Client
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, k: kernel.New(kernel.Config{Host: "alpha"})}
	t.Cleanup(f.k.Close)
	hp, err := f.k.NewServer(context.Background(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	if f.p, err = f.k.NewProcess(context.Background(), "team"); err != nil {
		t.Fatal(err)
	}
	domain := namingtest.NewDomain(
		naming.Host{Number: 1, Name: "alpha", State: naming.HostSelf},
		naming.Host{Number: 9, Name: "omega", State: naming.HostLost})
	for _, err := range []error{
		domain.AddPrefix(naming.Prefix{Name: "/team/alpha", Server: f.p.PID(), Host: 1}),
		domain.AddPrefix(naming.Prefix{Name: "/team/omega", Server: f.p.PID(), Host: 9, Lost: true}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	domain.Serve(t, hp)
	f.names = naming.NewClient(f.k)
	t.Cleanup(f.names.Close)
	f.client = NewClient(f.names)
	t.Cleanup(f.client.Close)
	return f
}

// serve answers requests until the test ends: answer does so with the code and
// fields in m, and data, or not at all where it returns false.
func (f *fake) serve(answer func(m *ipc.Message, spec *Spec) ([]byte, bool)) {
	done := make(chan struct{})
	go func() { // ends when p is destroyed; the cleanup waits for it
		defer close(done)
		var m ipc.Message
		buf := make([]byte, ipc.MaxAppended)
		for {
			t, err := f.p.Receive(&m, buf)
			if err != nil {
				return
			}
			var spec *Spec
			if r, err := naming.ParseRequest(&m, buf[:t.Appended]); err == nil && len(r.Data) > 0 {
				spec, _ = DecodeSpec(r.Data)
			}
			if data, ok := answer(&m, spec); ok {
				_ = f.p.Reply(&m, t, data)
			}
		}
	}()
	f.t.Cleanup(func() { f.p.Destroy(); <-done })
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestCmd(t *testing.T) {
	f := newFake(t)
	var got *Spec
	f.serve(func(m *ipc.Message, spec *Spec) ([]byte, bool) {
		switch m.Op() {
		case OpLoad:
			got = spec
			PutLoaded(m, 7, 4711)
		case OpWait:
			e := Ending{Exit: 3, CPU: 1500}
			e.Put(m, m.Uint32(4))
		}
		return nil, true
	})
	cmd := f.client.Command("make", "-j4")
	cmd.Dir, cmd.Env, cmd.Search = "/unix/alpha/src", []string{"A=1"}, "/bin"
	err := cmd.Run(within(t))
	var exit *ExitError
	if !errors.As(err, &exit) || Status(err) != 3 {
		t.Errorf("%v", err)
	}
	want := State{Host: "alpha", Why: "it serves /unix/alpha/src", ID: 7, Unix: 4711, Ended: true, Exit: 3, CPU: 1500 * time.Millisecond}
	if *cmd.State != want {
		t.Errorf("%+v, want %+v", cmd.State, want)
	}
	if got.Path != "make" || strings.Join(got.Args, " ") != "make -j4" || got.Dir != cmd.Dir || got.Search != "/bin" || len(got.Env) != 1 {
		t.Errorf("it asked for %+v", got)
	}
	if len(f.client.running) != 0 {
		t.Errorf("it counts %v", f.client.running)
	}
	if Status(cmd.Start(within(t))) != 125 || Status(cmd.Wait(within(t))) != 125 {
		t.Error("a Cmd can be used twice")
	}
	if Status(f.client.Command("x").Wait(within(t))) != 125 || Status(f.client.Command("x").Terminate(within(t))) != 125 {
		t.Error("a Cmd can be used before it is started")
	}
}

func TestStartFails(t *testing.T) {
	f := newFake(t)
	f.serve(func(m *ipc.Message, _ *Spec) ([]byte, bool) {
		PutRefusal(m, len("/team/alpha"), &Refusal{Machine: 183, Code: ipc.NotExecutable})
		return nil, true
	})
	for _, c := range []struct {
		host   string
		status int
		code   ipc.Code
		text   string
	}{
		{"", 126, ipc.NotExecutable, "program.Start x on alpha: the program is for arm64: cannot be executed"},
		{"nohost", 125, ipc.HostUnknown, "program.Start x on nohost: unknown host"},
		{"omega", 125, ipc.Unreachable, "program.Start x on omega: unreachable"},
		{Any, 126, ipc.NotExecutable, "program.Start x on alpha: the program is for arm64: cannot be executed"},
	} {
		cmd := f.client.Command("x")
		cmd.Host, cmd.Stdin = c.host, strings.NewReader("")
		err := cmd.Start(within(t))
		if Status(err) != c.status || !errors.Is(err, c.code) || err.Error() != c.text {
			t.Errorf("on %q: %d, %v; want %d, %s", c.host, Status(err), err, c.status, c.text)
		}
		if n := f.client.streams.server.Instances(); n != 0 {
			t.Errorf("on %q: it leaves %d instances", c.host, n)
		}
	}
}

// A Load without an answer may have been done.
func TestStartIsDoubtful(t *testing.T) {
	f := newFake(t)
	f.serve(func(m *ipc.Message, _ *Spec) ([]byte, bool) {
		f.p.Destroy()
		return nil, false
	})
	err := f.client.Command("x").Start(within(t))
	var lost *Lost
	if Status(err) != 123 || !errors.As(err, &lost) || !errors.Is(err, ipc.RetransTimeout) {
		t.Errorf("%d, %v", Status(err), err)
	}
}

// When its server goes while a program runs the outcome is not known.
func TestWaitLosesServer(t *testing.T) {
	f := newFake(t)
	f.serve(func(m *ipc.Message, _ *Spec) ([]byte, bool) {
		if m.Op() == OpWait {
			f.p.Destroy()
			return nil, false
		}
		PutLoaded(m, 7, 4711)
		return nil, true
	})
	cmd := f.client.Command("x")
	if err := cmd.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); Status(err) != 123 || !strings.HasPrefix(err.Error(), "program.Wait /team/alpha/7 on alpha: ") {
		t.Errorf("%d, %v", Status(err), err)
	}
}

// A Wait that is cancelled terminates the program, unless it is to be kept.
func TestWaitIsCancelled(t *testing.T) {
	for _, keep := range []bool{false, true} {
		f := newFake(t)
		waiting, terminated := make(chan struct{}, 1), make(chan struct{}, 1)
		f.serve(func(m *ipc.Message, _ *Spec) ([]byte, bool) {
			switch m.Op() {
			case OpWait:
				waiting <- struct{}{}
				return nil, false
			case OpTerminate:
				terminated <- struct{}{}
				m.Reset()
			case OpLoad:
				PutLoaded(m, 7, 4711)
			}
			return nil, true
		})
		cmd := f.client.Command("x")
		cmd.Keep = keep
		if err := cmd.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-waiting; cancel() }() // ends with the Wait
		if err := cmd.Wait(ctx); Status(err) != 130 {
			t.Errorf("%v", err)
		}
		if got := len(terminated) == 1; got == keep {
			t.Errorf("keep %v: terminated %v", keep, got)
		}
	}
}

func TestSignals(t *testing.T) {
	f := newFake(t)
	codes := map[uint32]ipc.Code{2: ipc.OK, 3: ipc.NotFound, 99: ipc.BadArgs}
	f.serve(func(m *ipc.Message, _ *Spec) ([]byte, bool) {
		switch m.Op() {
		case OpSignal:
			code := codes[m.Uint32(8)]
			m.Reset()
			m.SetCode(code)
		default:
			PutLoaded(m, 7, 4711)
		}
		return nil, true
	})
	cmd := f.client.Command("x")
	if err := cmd.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	for sig, code := range codes {
		if code == ipc.NotFound {
			code = ipc.OK // it has ended
		}
		if err := cmd.Signal(within(t), syscall.Signal(sig)); ipc.CodeOf(err) != code {
			t.Errorf("signal %d: %v, want %v", sig, err, code)
		}
	}
}

// A reader of the caller's is served to whoever has the instance, and gone
// afterwards.
func TestServedStreams(t *testing.T) {
	f := newFake(t)
	var out strings.Builder
	f.serve(func(m *ipc.Message, spec *Spec) ([]byte, bool) {
		switch m.Op() {
		case OpLoad:
			if spec.Stdio[1] != spec.Stdio[2] {
				t.Error("equal output and error are two")
			}
			echo(t, f.names, spec)
			PutLoaded(m, 7, 4711)
		case OpWait:
			e := Ending{}
			e.Put(m, 7)
		}
		return nil, true
	})
	cmd := f.client.Command("x")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("some text"), &out, &out
	if err := cmd.Run(within(t)); err != nil || out.String() != "some text" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if n := f.client.streams.server.Instances(); n != 0 {
		t.Errorf("it leaves %d instances", n)
	}
	f.client.Close()
	if err := cmdWith(f.client, strings.NewReader("")).Start(within(t)); !errors.Is(err, ipc.Aborted) {
		t.Errorf("of a closed client: %v", err)
	}
}

func cmdWith(c *Client, in io.Reader) *Cmd {
	cmd := c.Command("x")
	cmd.Stdin = in
	return cmd
}

// echo copies standard input to standard output.
func echo(t *testing.T, c *naming.Client, spec *Spec) {
	r, err := uio.OpenInstance(within(t), c, spec.Stdio[0].Instance)
	if err != nil {
		t.Error(err)
		return
	}
	w, err := uio.OpenInstance(within(t), c, spec.Stdio[1].Instance)
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := io.Copy(w, r); err != nil {
		t.Error(err)
	}
}

// An instance that can't be passed on is refused here.
func TestPassed(t *testing.T) {
	f := newFake(t)
	f.serve(func(*ipc.Message, *Spec) ([]byte, bool) { return nil, false })
	for name, end := range map[string]io.Reader{
		"no name": Named{Mode: uio.Read}, "no mode": Named{Name: "/x"},
	} {
		if err := cmdWith(f.client, end).Start(within(t)); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Named{}).Read(nil); !errors.Is(err, ipc.RequestUnsupported) {
		t.Error(err)
	}
	if _, err := (Named{}).Write(nil); !errors.Is(err, ipc.RequestUnsupported) {
		t.Error(err)
	}
}

func TestPick(t *testing.T) {
	f := newFake(t)
	host, why, err := f.client.Pick(within(t))
	if err != nil || host != "alpha" || why != "least loaded: alpha 0.00, omega lost" {
		t.Errorf("%s, %s, %v", host, why, err)
	}
	f.client.count("alpha", 1)
	if _, why, _ = f.client.Pick(within(t)); why != "least loaded: alpha 1.00, omega lost" {
		t.Errorf("%s", why)
	}
}
