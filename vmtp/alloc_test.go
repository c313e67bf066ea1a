package vmtp

import (
	"testing"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// wantNoAllocations runs f often enough that memory which is used again has been
// taken.
func wantNoAllocations(t *testing.T, what string, f func()) {
	t.Helper()
	for range 100 {
		f()
	}
	if n := testing.AllocsPerRun(1000, f); n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}

// Sending a message and receiving its answer takes no memory.
func TestClientAllocatesNothing(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.clients[client]
	m := message(0, 0)
	h := answer(c, 0)
	wantNoAllocations(t, "a transaction of a client", func() {
		tc.now++
		tc.e.Send(tc.now, c, &m, server, beta, nil, nil)
		tc.e.Actions()
		h.Transaction, h.RetransmitCount = c.transaction, 0
		tc.e.Packet(tc.now, &h, nil)
		if a := tc.e.Actions(); len(a) != 1 || a[0].Kind != Respond {
			t.Fatal("no answer")
		}
	})
}

// Neither does serving one, nor does the segment of a packet group.
func TestServerAllocatesNothing(t *testing.T) {
	segment := pattern(1024)
	for _, size := range []int{0, 1024} {
		tc := newCase(t, beta)
		h := request(1, size, blocks(packet.WantedMask(size)))
		var m ipc.Message
		m.SetCode(ipc.OK)
		m.SetSegmentSize(size)
		wantNoAllocations(t, "a transaction of a server", func() {
			tc.now++
			h.Transaction++
			tc.e.Packet(tc.now, &h, segment[:size])
			r := tc.e.Find(client, h.Transaction, server)
			if r == nil || !tc.e.Reply(tc.now, r, &m, segment[:size]) {
				t.Fatal("not delivered")
			}
			tc.e.Actions()
		})
	}
}
