package naming_test

import (
	"context"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// TestClientAsksEach has a second host whose kernel server does not hear the
// group: it is asked alone.
func TestClientAsksEach(t *testing.T) {
	w := newWorld(t)
	files := w.serve("", 0, nil)
	beta := naming.Host{Number: 2, Name: "beta", State: naming.HostLive}
	kernel := w.serve("", 0, func(s *server, m *ipc.Message, tr ipc.Transaction) bool {
		m.Reset()
		m.PutUint32(4, 9)                 // context
		m.PutUint16(8, uint16(len("/b"))) // prefix
		m.PutUint16(10, beta.Number)
		m.PutPID(12, files.p.PID())
		return s.p.Reply(m, tr, nil) == nil
	})
	beta.Server = kernel.p.PID()
	w.domain.SetHosts(w.self, beta)
	w.stat("/b/x", "x")
	if r := files.last.Load(); r == nil || r.Context != 9 {
		t.Errorf("the server was asked %+v, want context 9", r)
	}
	begin := time.Now()
	kernel.stop()
	_, err := w.client.Stat(t.Context(), "/c/x")
	w.want("a host without a kernel server", err, ipc.NotFound)
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("said only after %v", d)
	}
	beta.Server = w.serve("", 0, silent).p.PID()
	w.domain.SetHosts(w.self, beta)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = w.client.Stat(ctx, "/c/x")
	w.want("a silent one, and the time is up", err, ipc.UserTimeout)
}
