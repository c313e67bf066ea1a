package uiotest_test

import (
	"testing"
	"testing/fstest"
	"time"

	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// world is a team with a kernel server, a client and the server in memory, which
// has the prefix "/mem".
type world struct {
	team   *kernel.Kernel
	client *naming.Client
	server *uiotest.Memory
}

func newWorld(t testing.TB) *world {
	team := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(team.Close)
	p, err := team.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	self := naming.Host{Number: p.PID().Host(), Name: "alpha", Server: p.PID(), State: naming.HostSelf}
	namingtest.NewDomain(self).Serve(t, p)
	w := &world{team: team, client: naming.NewClient(team), server: uiotest.NewMemory()}
	w.server.ProbeInterval = 10 * time.Millisecond
	uiotest.Serve(t, team, &w.server.Server, "/mem")
	t.Cleanup(w.client.Close)
	return w
}

func (w *world) fill(t testing.TB) {
	ctx := t.Context()
	err := w.client.Mkdir(ctx, "/mem/dir", 0o755)
	if err == nil {
		err = uio.WriteFile(ctx, w.client, "/mem/dir/inner", []byte("inner\n"), 0o644)
	}
	if err == nil {
		err = uio.WriteFile(ctx, w.client, "/mem/file", []byte("hello, world\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMemoryNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		w := newWorld(t)
		w.fill(t)
		return namingtest.Target{Client: w.client, Root: "/mem", Object: "file", Context: "dir", Writeable: true}
	})
}

func TestMemoryUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		w := newWorld(t)
		w.fill(t)
		return uiotest.Target{
			Client: w.client, Root: "/mem", Object: "file", Contents: []byte("hello, world\n"),
			Writeable: true, Pipe: "a.pipe", Instances: w.server.Instances,
		}
	})
}

func TestMemoryFS(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := fstest.TestFS(uio.FS(w.client, "/mem"), "file", "dir", "dir/inner"); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(uio.FS(w.client, "/"), "mem/file", "mem/dir/inner"); err != nil {
		t.Errorf("from the root: %v", err)
	}
}
