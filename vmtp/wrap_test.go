package vmtp

import (
	"math/rand/v2"
	"testing"
	"time"

	"vsys/ipc"
)

// TestProcessNumberComesBack: the first Request of a process is not stale to a
// server that has served one who had its number before.
func TestProcessNumberComesBack(t *testing.T) {
	for seed := range uint64(50) {
		near, far := newCase(t, alpha), newCase(t, beta)
		near.e = New(near.e.manager, near, rand.New(rand.NewPCG(seed, 2)))
		c := near.clients[client]
		for life := range uint64(3) {
			near.e.Init(c, client, nil)
			m := message(0, 0)
			near.e.Send(near.now, c, &m, server, beta, nil, nil)
			id := c.Transaction()
			for _, a := range near.e.Actions() {
				far.write(a.Header, nil)
			}
			if n := far.e.Stats().Deliveries; n != life+1 {
				t.Fatalf("seed %d: process %d sent Transaction %d, and it was not delivered", seed, life, id)
			}
			var reply ipc.Message
			far.e.Reply(far.now, far.e.Find(client, id, server), &reply, nil)
			far.e.Actions()
			near.e.Close(near.now, c)
			near.e.Actions()
			near.now, far.now = near.now+time.Second, far.now+time.Second
		}
	}
}
