package uio_test

import (
	"testing"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio/uiotest"
)

// world is a team with a kernel server, a client and a server in memory with the
// prefix "/mem".
type world struct {
	*testing.T
	team   *kernel.Kernel
	domain *namingtest.Domain
	client *naming.Client
	server *uiotest.Memory
	pid    ipc.PID // of the server
	stop   func()  // ends it
}

// newWorld makes a world; set, if it is not nil, changes the server before it
// serves.
func newWorld(t *testing.T, set func(*uiotest.Memory)) *world {
	team := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(team.Close)
	p, err := team.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	self := naming.Host{Number: p.PID().Host(), Name: "alpha", Server: p.PID(), State: naming.HostSelf}
	w := &world{T: t, team: team, client: naming.NewClient(team), server: uiotest.NewMemory()}
	w.domain = namingtest.NewDomain(self)
	w.domain.Serve(t, p)
	t.Cleanup(w.client.Close)
	if set != nil {
		set(w.server)
	}
	w.pid, w.stop = uiotest.Serve(t, team, &w.server.Server, "/mem")
	return w
}

func (w *world) want(what string, err error, code ipc.Code) {
	w.Helper()
	if ipc.CodeOf(err) != code {
		w.Errorf("%s: %v, want %v", what, err, code)
	}
}
