package naming_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
)

// world is a team with a kernel server and a client.
type world struct {
	*testing.T
	team   *kernel.Kernel
	domain *namingtest.Domain
	client *naming.Client
	self   naming.Host
}

func newWorld(t *testing.T) *world {
	team := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(team.Close)
	p, err := team.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, team: team, client: naming.NewClient(team)}
	w.self = naming.Host{Number: p.PID().Host(), Name: "alpha", Server: p.PID(), State: naming.HostSelf}
	w.domain = namingtest.NewDomain(w.self)
	w.domain.Serve(t, p)
	t.Cleanup(w.client.Close)
	return w
}

// server is a server of names that are all there but "none", and remembers what
// it was asked.
type server struct {
	p     ipc.Process
	asked atomic.Int32
	last  atomic.Pointer[naming.Request]
	done  chan struct{}
}

// serve starts a server with a prefix. answer, if it is not nil, is shown each
// request first and tells whether it has dealt with it.
func (w *world) serve(prefix string, contextID uint32, answer func(s *server, m *ipc.Message, t ipc.Transaction) bool) *server {
	w.Helper()
	p, err := w.team.NewProcess(context.Background(), "server")
	if err != nil {
		w.Fatal(err)
	}
	if prefix != "" {
		if err := naming.AddPrefix(p, prefix, contextID); err != nil {
			w.Fatal(err)
		}
	}
	s := &server{p: p, done: make(chan struct{})}
	go s.loop(answer) // ends when p is destroyed; stop waits for it
	w.Cleanup(s.stop)
	return s
}

func (s *server) stop() { s.p.Destroy(); <-s.done }

func (s *server) loop(answer func(*server, *ipc.Message, ipc.Transaction) bool) {
	defer close(s.done)
	there := func(r *naming.Request) error {
		s.last.Store(r)
		if r.Peek() == "none" {
			return ipc.NotFound
		}
		return nil
	}
	h := naming.Handler{
		Stat: func(_ context.Context, r *naming.Request, _ bool) (naming.Descriptor, error) {
			return naming.Descriptor{Tag: naming.TagFile, Name: r.Rest()}, there(r)
		},
		Remove: func(_ context.Context, r *naming.Request) error { return there(r) },
		Rename: func(_ context.Context, r *naming.Request) error { return there(r) },
		ContextID: func(_ context.Context, r *naming.Request) (uint32, error) {
			return r.Context + 100, there(r)
		},
	}
	var m ipc.Message
	buf := make([]byte, ipc.MaxAppended)
	for {
		t, err := s.p.Receive(&m, buf)
		if err != nil {
			return
		}
		s.asked.Add(1)
		if answer == nil || !answer(s, &m, t) {
			h.Serve(context.Background(), s.p, &m, t, buf[:t.Appended])
		}
	}
}

func (w *world) want(what string, err error, code ipc.Code) {
	w.Helper()
	if ipc.CodeOf(err) != code {
		w.Errorf("%s: %v, want %v", what, err, code)
	}
}

func (w *world) stat(name, want string) {
	w.Helper()
	d, err := w.client.Stat(w.Context(), name)
	if err != nil || d.Name != want {
		w.Errorf("%s is %q, %v; want %q", name, d.Name, err, want)
	}
}

func TestClientCache(t *testing.T) {
	w := newWorld(t)
	s := w.serve("/unix/alpha", 7, nil)
	w.stat("/unix/alpha/a", "a")
	w.stat("/unix/alpha/a/b", "a/b")
	w.stat("/unix//alpha/./x/../c", "c")
	if got := w.client.Stats(); got != (naming.Stats{Hits: 2, Misses: 1}) {
		t.Errorf("stats %+v", got)
	}
	if r := s.last.Load(); r.Context != 7 || r.Name != "/unix/alpha/c" {
		t.Errorf("the server was asked for %q in context %d", r.Name, r.Context)
	}
	c, err := w.client.Resolve(t.Context(), "/unix/alpha/dir")
	if err != nil || c != (naming.Context{Server: s.p.PID(), ID: 107}) {
		t.Errorf("resolved %+v, %v", c, err)
	}
}

// TestClientRepairs replaces the server, which nobody tells the client.
func TestClientRepairs(t *testing.T) {
	w := newWorld(t)
	old := w.serve("/a", 0, nil)
	w.stat("/a/x", "x")
	old.stop()
	if err := w.domain.DeletePrefix("/a", old.p.PID()); err != nil {
		t.Fatal(err)
	}
	w.serve("/a", 0, nil)
	w.stat("/a/x", "x")
	if got := w.client.Stats().Repairs; got != 1 {
		t.Errorf("%d repairs, want 1", got)
	}
	w.stat("/a/x", "x")
	if got := w.client.Stats().Repairs; got != 1 {
		t.Errorf("%d repairs after one more, want 1", got)
	}
}

func TestClientServerGone(t *testing.T) {
	w := newWorld(t)
	s := w.serve("/a", 0, nil)
	w.stat("/a/x", "x")
	s.stop()
	_, err := w.client.Stat(t.Context(), "/a/x")
	w.want("its prefix is still known", err, ipc.Unreachable)
	if op := new(ipc.OpError); !errors.As(err, &op) || op.Host != "alpha" || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: does not say which host, or that it does not exist", err)
	}
}

func TestClientLostHost(t *testing.T) {
	w := newWorld(t)
	w.serve("/a", 0, nil)
	lost := w.self
	lost.State = naming.HostLost
	w.domain.SetHosts(lost)
	_, err := w.client.Stat(t.Context(), "/a/x")
	w.want("a name of a lost host", err, ipc.Unreachable)
	if want := "naming.Stat /a/x on alpha: unreachable"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	list, err := w.client.Beneath(t.Context(), "/")
	if err != nil || len(list) != 1 || list[0].Value("state") != "lost" {
		t.Errorf("beneath / is %+v, %v", list, err)
	}
}

func TestClientAbsence(t *testing.T) {
	w := newWorld(t)
	w.serve("/a", 0, nil)
	_, err := w.client.Stat(t.Context(), "/b")
	w.want("a name that nobody covers", err, ipc.NotFound)
	_, err = w.client.Stat(t.Context(), "/a/none")
	w.want("one that its server does not have", err, ipc.NotFound)
	if want := "naming.Stat /a/none on alpha: no such name"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = w.client.Stat(t.Context(), "/a/none/deeper")
	if want := `naming.Stat /a/none/deeper on alpha: "none": no such name`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	for _, name := range []string{"", "a", "/x\x00", "/" + strings.Repeat("x", naming.MaxName)} {
		_, err := w.client.Stat(t.Context(), name)
		w.want("a name that can't be", err, ipc.IllegalName)
	}
}

// TestClientLongerPrefix lets a prefix appear beneath one that is in the cache.
func TestClientLongerPrefix(t *testing.T) {
	w := newWorld(t)
	outer := w.serve("/", 0, nil)
	w.stat("/x", "x")
	_, err := w.client.Stat(t.Context(), "/none/y")
	w.want("before there is a prefix", err, ipc.NotFound)
	w.serve("/none", 3, nil)
	before := outer.asked.Load()
	w.stat("/none/y", "y")
	w.stat("/none/y", "y")
	if got := outer.asked.Load() - before; got != 1 {
		t.Errorf("the server of / was asked %d times, want once", got)
	}
}

func TestClientVirtual(t *testing.T) {
	w := newWorld(t)
	w.serve("/unix/alpha", 0, nil)
	w.serve("/unix/alpha/deep", 0, nil)
	w.serve("/bin", 0, nil)
	if err := w.client.Bind("/my/bin", "/bin"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/": "bin:prefix my:context unix:context", "/unix": "alpha:prefix",
		"/unix/alpha": "deep:prefix", "/my": "bin:link", "/bin": "",
	} {
		list, err := w.client.Beneath(t.Context(), name)
		var got []string
		for _, d := range list {
			got = append(got, d.Name+":"+d.Tag.String())
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("beneath %s is %v, %v; want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"/", "/unix", "/my"} {
		d, err := w.client.Stat(t.Context(), name)
		if err != nil || !d.IsContext() {
			t.Errorf("%s is %+v, %v", name, d, err)
		}
	}
	w.want("remove /unix", w.client.Remove(t.Context(), "/unix"), ipc.NoPermission)
	w.want("make /unix", w.client.Mkdir(t.Context(), "/unix", 0o755), ipc.DuplicateName)
	w.stat("/my/bin/sh", "sh")
}

// TestClientOutcomeUnknown asks a server for what must not be done twice, and it
// dies over it.
func TestClientOutcomeUnknown(t *testing.T) {
	w := newWorld(t)
	dies := func(s *server, m *ipc.Message, _ ipc.Transaction) bool {
		if m.Op() == naming.OpRemove {
			s.p.Destroy()
			return true
		}
		return false
	}
	s := w.serve("/a", 0, dies)
	next := w.serve("/b", 0, nil)
	err := w.client.Remove(t.Context(), "/a/x")
	w.want("remove", err, ipc.Unreachable)
	if !errors.Is(err, naming.ErrOutcomeUnknown) {
		t.Errorf("%v: does not say that the outcome is unknown", err)
	}
	if n := s.asked.Load() + next.asked.Load(); n != 1 {
		t.Errorf("servers were asked %d times, want once", n)
	}
}

func TestClientInvalidContext(t *testing.T) {
	w := newWorld(t)
	s := w.serve("/a", 1, func(s *server, m *ipc.Message, t ipc.Transaction) bool {
		if m.Uint32(4) == 2 {
			return false
		}
		m.Reset()
		m.SetCode(ipc.InvalidContext)
		return s.p.Reply(m, t, nil) == nil
	})
	_, err := w.client.Stat(t.Context(), "/a/x")
	w.want("a context that nobody has another for", err, ipc.InvalidContext)
	_ = w.client.Remove(t.Context(), "/a/x") // puts nothing into the cache that helps
	if err := w.client.AddPrefix(t.Context(), "/a", naming.Context{Server: s.p.PID(), ID: 2}); err != nil {
		t.Fatal(err)
	}
	w.stat("/a/x", "x")
}

func TestClientForwarded(t *testing.T) {
	w := newWorld(t)
	inner := w.serve("", 0, nil)
	w.serve("/a", 0, func(s *server, m *ipc.Message, t ipc.Transaction) bool {
		segment := []byte("/a/door/x/y")
		_ = naming.Respond(s.p, m, t, segment, func(r *naming.Request, _ *ipc.Message) ([]byte, error) {
			r.Advance()
			return nil, &naming.Elsewhere{Server: inner.p.PID(), Context: 42}
		})
		return true
	})
	w.stat("/a/door/x/y", "x/y")
	if r := inner.last.Load(); r == nil || r.Context != 42 {
		t.Errorf("the inner server was asked %+v", r)
	}
}

func TestClientTwoServers(t *testing.T) {
	w := newWorld(t)
	a := w.serve("/a", 1, nil)
	w.serve("/b", 2, nil)
	if err := w.client.AddPrefix(t.Context(), "/aa", naming.Context{Server: a.p.PID(), ID: 9}); err != nil {
		t.Fatal(err)
	}
	if err := w.client.Rename(t.Context(), "/a/x", "/aa/y"); err != nil {
		t.Errorf("rename within a server: %v", err)
	}
	if r := a.last.Load(); r.Second.Context != 9 || r.Second.Rest() != "y" {
		t.Errorf("second name %+v", r.Second)
	}
	w.want("rename to another server", w.client.Rename(t.Context(), "/a/x", "/b/y"), ipc.CrossServer)
	w.want("rename to a virtual context", w.client.Rename(t.Context(), "/a/x", "/"), ipc.CrossServer)
	w.want("rename to nothing", w.client.Rename(t.Context(), "/a/x", ""), ipc.IllegalName)
}

// silent is a server that takes a request and never answers.
func silent(*server, *ipc.Message, ipc.Transaction) bool { return true }

func TestClientContext(t *testing.T) {
	w := newWorld(t)
	s := w.serve("/a", 0, silent)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := w.client.Stat(ctx, "/a/x")
	w.want("a deadline", err, ipc.UserTimeout)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not context.DeadlineExceeded", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	failed := make(chan error, 1)
	asked := s.asked.Load()
	go func() { // ends when it is cancelled; waited for below
		_, err := w.client.Stat(ctx, "/a/x")
		failed <- err
	}()
	for s.asked.Load() == asked {
		if ctx.Err() != nil {
			break
		}
		w.stat("/", "/") // takes a while
	}
	cancel()
	w.want("cancelled", <-failed, ipc.Aborted)
	_, err = w.client.Stat(ctx, "/a/x")
	w.want("cancelled before", err, ipc.Aborted)
	w.client.Close()
	_, err = w.client.Stat(t.Context(), "/a/x")
	w.want("a closed client", err, ipc.Aborted)
}

func TestHostsAndPrefixes(t *testing.T) {
	w := newWorld(t)
	var hosts []naming.Host
	for i := range 300 {
		hosts = append(hosts, naming.Host{
			Number: uint16(i + 2), Name: "host-" + strings.Repeat("x", i%50), Address: "192.0.2.1:8145",
			Processor: "amd64", State: naming.HostLive,
		})
	}
	w.domain.SetHosts(append(hosts, w.self)...)
	got, err := w.client.Hosts(t.Context())
	if err != nil || len(got) != 301 {
		t.Errorf("%d hosts, %v; want 301, more than one packet group", len(got), err)
	}
	s := w.serve("/b", 1, nil)
	w.serve("/b/c", 2, nil)
	w.serve("/bc", 3, nil)
	list, err := w.client.Prefixes(t.Context(), "/b/")
	if err != nil || len(list) != 2 || list[0].Name != "/b" || list[0].Server != s.p.PID() || list[0].HostName != "alpha" {
		t.Errorf("prefixes %+v, %v", list, err)
	}
	w.want("delete a prefix", w.client.DeletePrefix(t.Context(), "/b", s.p.PID()), ipc.OK)
	w.want("delete it again", w.client.DeletePrefix(t.Context(), "/b", s.p.PID()), ipc.NotFound)
	w.want("announce a relative name", w.client.AddPrefix(t.Context(), "b", naming.Context{Server: s.p.PID()}), ipc.IllegalName)
}

// TestAddPrefixForOthers lets a process speak for a server that is not of its
// team.
func TestAddPrefixForOthers(t *testing.T) {
	w := newWorld(t)
	for _, server := range []ipc.PID{0, ipc.CSNHGroup, ipc.MakePID(ipc.MakeLogicalHost(99, 1), 0, 1)} {
		for _, op := range []ipc.Op{naming.OpAddPrefix, naming.OpDeletePrefix} {
			var m ipc.Message
			naming.PutRequest(&m, op, 0, 0, 2)
			m.PutPID(12, server)
			_, err := w.client.Send(t.Context(), &m, w.team.HostServer(), ipc.Segment{Read: []byte("/a")})
			if err != nil || m.Code() != ipc.NoPermission {
				t.Errorf("operation %#x for %v: %v, %v", uint32(op), server, m.Code(), err)
			}
		}
	}
}

// TestClientVerifies replaces the server of an entry that has not been used for
// a while: what must not be done twice is then done once, by the new one.
func TestClientVerifies(t *testing.T) {
	w := newWorld(t)
	old := w.serve("/a", 0, nil)
	w.stat("/a/x", "x")
	old.stop()
	if err := w.domain.DeletePrefix("/a", old.p.PID()); err != nil {
		t.Fatal(err)
	}
	next := w.serve("/a", 0, nil)
	w.client.Age(time.Minute)
	if err := w.client.Remove(t.Context(), "/a/x"); err != nil {
		t.Errorf("remove: %v", err)
	}
	if n := next.asked.Load(); n != 1 {
		t.Errorf("the new server was asked %d times, want once", n)
	}
}

// TestClientProcesses lets more goroutines use a client than it has processes.
func TestClientProcesses(t *testing.T) {
	w := newWorld(t)
	w.serve("/a", 0, nil)
	errs := make(chan error)
	const n = 600
	for range n {
		go func() { // ends with its answer; waited for below
			_, err := w.client.Stat(context.Background(), "/a/x")
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
