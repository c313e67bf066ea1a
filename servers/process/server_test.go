package process

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"path"
	"slices"
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

// domain is a naming.Domain of the own host and a lost one; full: it takes no
// more prefixes.
type domain struct {
	*namingtest.Domain
	full bool
}

func newDomain(t *testing.T, self ipc.PID) *domain {
	gamma := ipc.MakePID(ipc.MakeLogicalHost(9, 0), 1, 1)
	d := namingtest.NewDomain(
		naming.Host{Number: 9, Name: "gamma", Server: gamma, Address: "127.0.0.9:9000", Epoch: 7, Version: "v1",
			Processor: "arm64", Processors: 2, Load: 1.25, MemoryTotal: 4 << 30, MemoryFree: 1 << 30,
			State: naming.HostLost},
		naming.Host{Number: 1, Name: "beta", Server: self, Epoch: 8, Version: "v1", Processor: "amd64",
			Processors: 4, Load: 0.5, MemoryTotal: 8 << 30, MemoryFree: 3 << 30, State: naming.HostSelf},
	)
	if err := d.AddPrefix(naming.Prefix{Name: "/unix/gamma", Server: gamma, Host: 9, HostName: "gamma", Lost: true}); err != nil {
		t.Fatal(err)
	}
	return &domain{Domain: d}
}

// AddPrefix notes a prefix, unless the domain is full.
func (d *domain) AddPrefix(p naming.Prefix) error {
	if d.full {
		return ipc.NoServerResources
	}
	return d.Domain.AddPrefix(p)
}

// state is a Kernel that says always the same.
type state struct{}

func (state) Processes() []ProcessInfo {
	l := ipc.MakeLogicalHost(1, 0)
	return []ProcessInfo{
		{PID: ipc.MakePID(l, 0, 7), Name: "client", State: "awaiting-reply", WaitsFor: ipc.MakePID(ipc.MakeLogicalHost(9, 2), 0, 1)},
		{PID: ipc.MakePID(l, 0, 1), Name: "process", State: "receive-blocked"},
	}
}

func (state) Groups() []GroupInfo {
	l := ipc.MakeLogicalHost(1, 0)
	return []GroupInfo{
		{Group: ipc.TeamServerGroup},
		{Group: ipc.CSNHGroup, Members: []ipc.PID{ipc.MakePID(l, 0, 5), ipc.MakePID(l, 0, 1)}},
	}
}

func (state) Teams() []TeamInfo {
	return []TeamInfo{
		{Number: 3, OSPID: 1203, Name: "unix"},
		{Number: 0, OSPID: 1200, Name: "host kernel", Alive: true},
	}
}

func (state) Stats() map[string]uint64 { return map[string]uint64{"sends": 12, "packets_sent": 340} }

// neighbours is what the team's kernel knows of the other hosts: their names.
type neighbours struct{}

func (neighbours) Locate(uint16) (a netip.AddrPort, ok bool) { return a, false }
func (neighbours) HostName(host uint16) string               { return map[uint16]string{9: "gamma"}[host] }
func (neighbours) Members(ipc.PID, bool) error               { return nil }

// fixture is a process server that serves as process 1 of its host.
type fixture struct {
	k      *kernel.Kernel
	domain *domain
	client *naming.Client
	stop   func() error // ends the server and returns what Serve did
}

func start(t *testing.T) *fixture {
	t.Helper()
	k := kernel.New(kernel.Config{Host: "beta", Domain: neighbours{}})
	t.Cleanup(k.Close)
	p, err := k.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{k: k, domain: newDomain(t, p.PID()), client: naming.NewClient(k)}
	t.Cleanup(f.client.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s := &Server{Domain: f.domain, Kernel: state{}}
	go func() { ended <- s.Serve(ctx, p) }() // ends with ctx; stop waits for it
	f.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	f.wait(t)
	return f
}

// wait returns when the server answers.
func (f *fixture) wait(t *testing.T) {
	t.Helper()
	if _, err := f.client.Hosts(within(t)); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		return namingtest.Target{Client: start(t).client, Root: "/proc/beta", Object: "hosts.json"}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		return uiotest.Target{
			Client: start(t).client, Root: "/proc/beta", Object: "stats.json",
			Contents: []byte(`{"packets_sent":340,"sends":12}` + "\n"),
		}
	})
}

func TestFiles(t *testing.T) {
	f := start(t)
	for name, want := range map[string]string{
		"host": `
name       beta
number     0x0001
server     0x00000001-00010000
address    -
version    v1
processor  4 x amd64
load       0.50
memory     8.0 GiB
free       3.0 GiB
`,
		"hosts": `
HOST   STATE  PROCESSOR  LOAD  MEMORY   FREE     ADDRESS         HEARD  VERSION
beta   self   4 x amd64  0.50  8.0 GiB  3.0 GiB  -               -      v1
gamma  lost   2 x arm64  1.25  4.0 GiB  1.0 GiB  127.0.0.9:9000  -      v1
`,
		"processes": `
PID       NAME     STATE            WAITS FOR  SINCE
beta.0:1  process  receive-blocked  -          -
beta.0:7  client   awaiting-reply   gamma.2:1  -
`,
		"groups": `
GROUP                MEMBERS
0x60000001-ef510101  beta.0:1 beta.0:5
0x60000002-ef510102  
`,
		"teams": `
TEAM  NAME         OS PID  STATE
0     host kernel  1200    alive
3     unix         1203    dead
`,
		"stats": `
packets_sent  340
sends         12
`,
		"processes.json": `
{"pid":"0x00000001-00010000","name":"process","state":"receive-blocked"}
{"pid":"0x00000007-00010000","name":"client","state":"awaiting-reply","waits_for":"0x00000001-00090002"}
`,
		"groups.json": `
{"group":"0x60000001-ef510101","members":["0x00000001-00010000","0x00000005-00010000"]}
{"group":"0x60000002-ef510102","members":[]}
`,
		"teams.json": `
{"team":0,"name":"host kernel","os_pid":1200,"alive":true}
{"team":3,"name":"unix","os_pid":1203,"alive":false}
`,
		"stats.json": `
{"packets_sent":340,"sends":12}
`,
	} {
		got, err := uio.ReadFile(within(t), f.client, "/proc/beta/"+name)
		if err != nil || string(got) != want[1:] {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want[1:])
		}
	}
}

func TestHostsAsJSON(t *testing.T) {
	f := start(t)
	for name, lines := range map[string]int{"host.json": 1, "hosts.json": 2} {
		got, err := uio.ReadFile(within(t), f.client, "/proc/beta/"+name)
		if err != nil || strings.Count(string(got), "\n") != lines ||
			!strings.Contains(string(got), `"name":"beta","state":"self"`) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestDirectory(t *testing.T) {
	f := start(t)
	list, err := uio.ReadDir(within(t), f.client, "/proc/beta")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		got = append(got, d.Name)
		one, err := f.client.Stat(within(t), path.Join("/proc/beta", d.Name))
		if err != nil || one.Tag != naming.TagRecord || one.Mode != 0o444 {
			t.Errorf("%s: %+v, %v", d.Name, one, err)
		}
	}
	want := "groups groups.json host host.json hosts hosts.json processes processes.json stats stats.json teams teams.json"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	if d, err := f.client.Stat(within(t), "/proc/beta"); err != nil || !d.Mode.IsDir() {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestRefuses(t *testing.T) {
	f := start(t)
	for _, c := range []struct {
		name string
		mode uio.Mode
		want error
	}{
		{"hosts", uio.Write, ipc.ReadOnly},
		{"hosts", uio.Execute, ipc.NotExecutable},
		{"hosts", uio.Read | uio.Directory, ipc.NotAContext},
		{"hosts/x", uio.Read, ipc.NotAContext},
		{"", uio.Read, ipc.IsAContext},
		{"nothing", uio.Read, ipc.NotFound},
		{"hosts.json.json", uio.Read, ipc.NotFound},
		{".json", uio.Read, ipc.NotFound},
	} {
		if _, err := uio.Open(within(t), f.client, "/proc/beta/"+c.name, c.mode, 0); !errors.Is(err, c.want) {
			t.Errorf("%q, mode %v: %v, want %v", c.name, c.mode, err, c.want)
		}
	}
	if err := f.client.Remove(within(t), "/proc/beta/hosts"); !errors.Is(err, ipc.RequestUnsupported) {
		t.Errorf("remove: %v", err)
	}
}

// D8: undefined and unreachable differ.
func TestAbsence(t *testing.T) {
	f := start(t)
	_, err := f.client.Stat(within(t), "/unix/gamma/etc")
	var e *ipc.OpError
	if !errors.Is(err, ipc.Unreachable) || !errors.As(err, &e) || e.Host != "gamma" {
		t.Errorf("on a lost host: %v", err)
	}
	if _, err := f.client.Stat(within(t), "/nowhere/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
}

func TestPrefixOfAServer(t *testing.T) {
	f := start(t)
	p, err := f.k.NewProcess(t.Context(), "server")
	if err != nil {
		t.Fatal(err)
	}
	if err := naming.AddPrefix(p, "/dev/beta", 5); err != nil {
		t.Fatal(err)
	}
	list, err := f.client.Prefixes(within(t), "/dev")
	if err != nil || len(list) != 1 || list[0].Server != p.PID() || list[0].Context != 5 || list[0].HostName != "beta" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := naming.DeletePrefix(p, "/dev/beta"); err != nil {
		t.Error(err)
	}
	if err := naming.DeletePrefix(p, "/dev/beta"); !errors.Is(err, ipc.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

// A team can't announce a prefix in the name of another host's server.
func TestPrefixOfAStranger(t *testing.T) {
	f := start(t)
	p, err := f.k.NewProcess(t.Context(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	var m ipc.Message
	naming.PutRequest(&m, naming.OpAddPrefix, 0, 0, len("/bin"))
	m.PutPID(12, ipc.MakePID(ipc.MakeLogicalHost(9, 0), 0, 1))
	if _, err := p.Send(&m, f.k.HostServer(), ipc.Segment{Read: []byte("/bin")}); err != nil || m.Code() != ipc.NoPermission {
		t.Errorf("%v, %v", m.Code(), err)
	}
}

func TestGroupOfKernelServers(t *testing.T) {
	f := start(t)
	p, err := f.k.NewProcess(t.Context(), "client")
	if err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(10 * time.Second))
	for name, want := range map[string]ipc.Code{"/proc/beta/hosts": ipc.OK, "/nowhere": ipc.NotFound} {
		var m ipc.Message
		naming.PutRequest(&m, naming.OpQueryName, 0, 0, len(name))
		from, err := p.Send(&m, ipc.CSNHGroup, ipc.Segment{Read: []byte(name)})
		if err != nil || from != f.k.HostServer() || m.Code() != want {
			t.Errorf("%s: %v from %v, %v", name, m.Code(), from, err)
		}
	}
}

func TestUnknownRequest(t *testing.T) {
	f := start(t)
	p, err := f.k.NewProcess(t.Context(), "client")
	if err != nil {
		t.Fatal(err)
	}
	var m ipc.Message
	m.SetOp(ipc.MakeOp(0x7777, 1))
	if _, err := p.Send(&m, f.k.HostServer(), ipc.Segment{}); err != nil || m.Code() != ipc.IllegalRequest {
		t.Errorf("%v, %v", m.Code(), err)
	}
}

func TestServeEnds(t *testing.T) {
	f := start(t)
	if !slices.ContainsFunc(f.domain.Prefixes(), func(p naming.Prefix) bool { return p.Name == "/proc/beta" }) {
		t.Errorf("it serves %v", f.domain.Prefixes())
	}
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	if list := f.domain.Prefixes(); len(list) != 1 {
		t.Errorf("it leaves %v", list)
	}
	p, err := f.k.NewProcess(t.Context(), "client")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ValidPID(f.k.HostServer()); !errors.Is(err, ipc.NonexistentEntity) {
		t.Errorf("its process: %v", err)
	}
}

func TestServeFails(t *testing.T) {
	k := kernel.New(kernel.Config{Host: "beta"})
	defer k.Close()
	p, err := k.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	d := newDomain(t, p.PID())
	d.full = true
	s := &Server{Domain: d, Kernel: state{}}
	if err := s.Serve(t.Context(), p); !errors.Is(err, ipc.NoServerResources) {
		t.Errorf("the prefix can't be added: %v", err)
	}
}
