package uiotest

import (
	"context"
	"testing"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// Serve lets s serve a process of team that has announced prefix for its default
// context, until the test ends or stop is called. A Serve that fails fails the
// test.
func Serve(t testing.TB, team ipc.Team, s *uio.Server, prefix string) (pid ipc.PID, stop func()) {
	t.Helper()
	p, err := team.NewProcess(context.Background(), "server")
	if err != nil {
		t.Fatal(err)
	}
	if err := naming.AddPrefix(p, prefix, naming.DefaultContext); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when p is destroyed; stop waits for it
		defer close(done)
		if err := s.Serve(context.Background(), p); err != nil {
			t.Errorf("serve %s: %v", prefix, err)
		}
	}()
	stop = func() { p.Destroy(); <-done }
	t.Cleanup(stop)
	return p.PID(), stop
}
