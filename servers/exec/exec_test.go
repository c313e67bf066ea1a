package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// fixture is a host with an exec server.
type fixture struct {
	k      *kernel.Kernel
	names  *naming.Client
	server *Server
	p      ipc.PID
}

func start(t *testing.T) *fixture {
	t.Helper()
	k := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(k.Close)
	hp, err := k.NewServer(context.Background(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	domain := namingtest.NewDomain(naming.Host{Number: 1, Name: "alpha", Server: hp.PID(), State: naming.HostSelf})
	domain.Serve(t, hp)
	p, err := k.NewProcess(context.Background(), "exec")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{k: k, names: naming.NewClient(k), server: &Server{}, p: p.PID()}
	t.Cleanup(f.names.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.server.Serve(ctx, p) }() // ends with ctx; the cleanup waits for it
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var m ipc.Message
	m.SetOp(OpInterrupt)
	if _, err := f.names.Send(within(t), &m, p.PID(), ipc.Segment{}); err != nil || m.Code() != ipc.NotFound {
		t.Fatalf("interrupting nobody: %v, %v", err, m.Code())
	}
	return f
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// register registers ann's executive.
func (f *fixture) register(t *testing.T, interrupt func()) *Registration {
	t.Helper()
	r, err := Register(within(t), f.names, Executive{User: "ann", Terminal: "pts/4", Directory: "/unix/alpha"}, interrupt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExecutive(t *testing.T) {
	f := start(t)
	r := f.register(t, func() {})
	read := func() string {
		text, err := uio.ReadFile(within(t), f.names, fmt.Sprintf("/exec/alpha/%d", r.ID()))
		if err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(string(text))
	}
	if got := read(); got != "ann on pts/4 in /unix/alpha: waiting for a command" {
		t.Errorf("%q", got)
	}
	if err := r.Update(within(t), "/tmp", "make -j4"); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "ann on pts/4 in /tmp: make -j4" {
		t.Errorf("%q", got)
	}
	list, err := uio.ReadDir(within(t), f.names, "/exec/alpha")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	e, err := ExecutiveOf(&list[0])
	if err != nil || e.ID != r.ID() || e.User != "ann" || e.Command != "make -j4" || e.Since.IsZero() {
		t.Errorf("%+v, %v", e, err)
	}
	if err := r.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.names.Stat(within(t), fmt.Sprintf("/exec/alpha/%d", r.ID())); !errors.Is(err, ipc.NotFound) {
		t.Errorf("when it is closed: %v", err)
	}
}

func TestInterrupt(t *testing.T) {
	f := start(t)
	heard := make(chan struct{}, 1)
	r := f.register(t, func() { heard <- struct{}{} })
	if err := Interrupt(within(t), f.names, "alpha", r.ID()); err != nil {
		t.Fatal(err)
	}
	<-heard
	if err := Interrupt(within(t), f.names, "alpha", r.ID()+1); !errors.Is(err, ipc.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := r.Close(within(t)); err != nil {
		t.Error(err)
	}
}

// An executive whose process is gone is forgotten.
func TestDeath(t *testing.T) {
	f := start(t)
	r := f.register(t, func() {})
	r.p.Destroy()
	p, err := f.k.NewProcess(within(t), "clock")
	if err != nil {
		t.Fatal(err)
	}
	for len(f.server.list()) > 0 {
		var m ipc.Message
		p.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := p.Receive(&m, nil); !errors.Is(err, ipc.UserTimeout) {
			t.Fatalf("it is not forgotten: %v", err)
		}
	}
	if err := r.Update(within(t), "/", ""); !errors.Is(err, ipc.NotFound) {
		t.Errorf("update: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	f := start(t)
	mine := f.register(t, func() {})
	defer mine.Close(within(t))
	other := stranger()
	good := Executive{PID: mine.e.PID, User: "eve"}
	send := func(op ipc.Op, id uint32, e Executive) ipc.Code {
		d := e.Descriptor()
		data, err := d.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		var m ipc.Message
		m.SetOp(op)
		m.PutUint32(4, id)
		if _, err := f.names.Send(within(t), &m, f.p, ipc.Segment{Read: data}); err != nil {
			t.Fatal(err)
		}
		return m.Code()
	}
	for what, c := range map[string]struct {
		got, want ipc.Code
	}{
		"another team's":      {send(OpRegister, 0, Executive{PID: other}), ipc.NoPermission},
		"update of nobody":    {send(OpUpdate, 99, good), ipc.NotFound},
		"update with another": {send(OpUpdate, mine.ID(), Executive{PID: good.PID.WithProcess(9999)}), ipc.NoPermission},
		"deregister nobody":   {send(OpDeregister, 99, good), ipc.NotFound},
		"unknown operation":   {send(ipc.MakeOp(ipc.InterfaceExec, 77), 0, good), ipc.IllegalRequest},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if err := f.server.deregister(mine.ID(), other); !errors.Is(err, ipc.NoPermission) {
		t.Errorf("deregistered by a stranger: %v", err)
	}
	d := good.Descriptor()
	d.Tag = naming.TagFile
	if _, err := ExecutiveOf(&d); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("a file is an executive: %v", err)
	}
}

// stranger is a process of another team.
func stranger() ipc.PID {
	return ipc.MakePID(ipc.MakeLogicalHost(1, 7), 0, 5)
}

func TestLimit(t *testing.T) {
	f := start(t)
	f.server.mu.Lock()
	for i := range uint32(MaxExecutives) {
		f.server.all[1000+i] = Executive{ID: 1000 + i}
	}
	f.server.mu.Unlock()
	if _, err := Register(within(t), f.names, Executive{}, func() {}); !errors.Is(err, ipc.NoServerResources) {
		t.Errorf("%v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	f := start(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r, err := Register(within(t), f.names, Executive{User: "ann"}, func() {})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(r.Update(within(t), "/", "x"), r.Close(within(t))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list := f.server.list(); len(list) > 0 {
		t.Errorf("left: %v", list)
	}
}

func TestNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		f := start(t)
		r := f.register(t, func() {})
		return namingtest.Target{Client: f.names, Root: "/exec/alpha", Object: fmt.Sprint(r.ID())}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		f := start(t)
		r := f.register(t, func() {})
		return uiotest.Target{Client: f.names, Root: "/exec/alpha", Object: fmt.Sprint(r.ID()),
			Contents: []byte("ann on pts/4 in /unix/alpha: waiting for a command\n")}
	})
}
