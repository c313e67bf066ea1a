//go:build !race

package kernel

import (
	"runtime"
	"testing"

	"vsys/ipc"
)

// TestSealedMessageAllocatesNothing: not at the client, and not at the server, a team
// of another host, which is in this program too. It is not built with the race
// detector, under which pools forget what was put into them.
func TestSealedMessageAllocatesNothing(t *testing.T) {
	const messages = 10_000
	// What hosts do by the clock goes on meanwhile: hellos once a second, of about a
	// hundred allocations each, and each two seconds the question whether keys have
	// changed. It is not for messages, and if each allocated once, this were exceeded
	// tenfold.
	const byClock = messages / 10
	hosts := bootHosts(t, 2, nil)
	server := serve(t, newTeam(t, hosts[1]), func(p *Process, m *ipc.Message, tr ipc.Transaction, _ []byte) {
		m.SetCode(ipc.OK)
		p.Reply(m, tr, nil)
	})
	client := process(t, newTeam(t, hosts[0]), "client")
	for _, size := range []int{0, 1024, ipc.MaxAppended} {
		var m ipc.Message
		segment := ipc.Segment{Read: make([]byte, size)}
		send := func(n int) {
			for range n {
				if _, err := client.Send(&m, server.PID(), segment); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(messages / 10) // the first ask for keys, and fill the pools
		if n := allocated(func() { send(messages) }); n > byClock {
			t.Errorf("%d messages with %d octets allocated %d times, want no more than %d", messages, size, n, byClock)
		}
	}
}

// allocated returns how often the program allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
