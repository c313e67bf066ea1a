package kernel

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link/faulty"
)

// TestStress lets processes of four teams on two hosts with a bad network send
// to each other, with deadlines, cancellations and deaths, and checks that every
// Send ends, that each answer is the answer to its own Request, and that no
// Request is served twice.
func TestStress(t *testing.T) {
	t.Parallel()
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	hosts := bootHosts(t, 2, func(c *HostConfig) {
		c.MTU = 1472
		c.Faults = faulty.Config{Seed: 7, Loss: 0.02, Duplicate: 0.02, Reorder: 0.02}
	})
	teams := []*Kernel{newTeam(t, hosts[0]), newTeam(t, hosts[0]), newTeam(t, hosts[1]), newTeam(t, hosts[1])}
	w := &stressWorld{t: t, served: map[uint64]bool{}}
	for _, k := range teams {
		for range 2 {
			w.servers = append(w.servers, serve(t, k, w.serve))
		}
	}
	var wg sync.WaitGroup
	for i, k := range teams {
		for j := range 6 {
			wg.Go(func() { w.client(k, uint64(i*100+j), rounds) })
		}
	}
	done := make(chan struct{})
	go func() { // ends when all clients have
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(90 * time.Second):
		for _, k := range teams {
			for _, p := range k.Processes() {
				t.Logf("%+v", p)
			}
		}
		t.Fatal("a Send does not end")
	}
	t.Logf("%d answered, %d timed out, %d cancelled", w.answered.Load(), w.timedOut.Load(), w.cancelled.Load())
	if w.answered.Load() < int64(rounds) {
		t.Error("hardly anything was answered")
	}
}

type stressWorld struct {
	t       *testing.T
	servers []*Process

	mu     sync.Mutex // guards served
	served map[uint64]bool

	answered, timedOut, cancelled atomic.Int64
}

// serve answers with the Request's number, turned around; some not at all.
func (w *stressWorld) serve(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte) {
	id := m.Uint64(4)
	w.mu.Lock()
	twice := w.served[id]
	w.served[id] = true
	w.mu.Unlock()
	if twice {
		w.t.Errorf("Request %d was served twice", id)
	}
	if id%31 == 0 {
		return
	}
	for i, b := range data {
		if b != byte(id)+byte(i) {
			w.t.Errorf("octet %d of Request %d is wrong", i, id)
			break
		}
	}
	m.SetCode(ipc.OK)
	m.PutUint64(4, ^id)
	p.Reply(m, tr, data) // the client may have given up
}

// client sends Requests until its rounds are over.
func (w *stressWorld) client(k *Kernel, seed uint64, rounds int) {
	r := rand.New(rand.NewPCG(seed, 1))
	p, cancel := w.process(k)
	for round := range rounds {
		id := seed<<32 | uint64(round)
		size := []int{0, 0, 0, 10, 2000, 9000}[r.IntN(6)]
		read, write := make([]byte, size), make([]byte, size)
		for i := range read {
			read[i] = byte(id) + byte(i)
		}
		p.SetDeadline(time.Now().Add(300 * time.Millisecond))
		if r.IntN(20) == 0 {
			time.AfterFunc(time.Duration(r.IntN(200))*time.Microsecond, cancel)
		}
		var m ipc.Message
		m.SetOp(testOp)
		m.PutUint64(4, id)
		to := w.servers[r.IntN(len(w.servers))]
		_, err := p.Send(&m, to.PID(), ipc.Segment{Read: read, Write: write})
		switch code := ipc.CodeOf(err); code {
		case ipc.OK:
			w.answered.Add(1)
			if m.Uint64(4) != ^id || m.SegmentSize() != size || size > 0 && write[size-1] != read[size-1] {
				w.t.Errorf("Request %d got a wrong answer", id)
				return
			}
		case ipc.UserTimeout:
			w.timedOut.Add(1)
		case ipc.Aborted:
			w.cancelled.Add(1)
		default:
			w.t.Errorf("Request %d: %v", id, err)
			return
		}
		if p.ctx.Err() != nil {
			p.Destroy()
			p, cancel = w.process(k)
		}
	}
	p.Destroy()
	cancel()
}

// process makes a client that can be cancelled.
func (w *stressWorld) process(k *Kernel) (*Process, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	p, err := k.newProcess(ctx, "stress", 0)
	if err != nil {
		panic(err)
	}
	return p, cancel
}
