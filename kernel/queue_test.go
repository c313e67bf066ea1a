package kernel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"vsys/ipc"
)

// queued returns how many Requests p's queue keeps.
func queued(p *Process) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue.waiting) - p.queue.first
}

// TestQueueForgetsWhoGaveUp: a local Send that timed out or was cancelled is not
// kept for a server that does not receive.
func TestQueueForgetsWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := team(t)
		server := process(t, k, "never receives")
		client := process(t, k, "client")
		for range 10 {
			client.SetDeadline(time.Now().Add(time.Millisecond))
			var m ipc.Message
			_, err := client.Send(&m, server.PID(), ipc.Segment{})
			wantCode(t, "Send past its deadline", err, ipc.UserTimeout)
		}
		if n := queued(server); n != 0 {
			t.Errorf("%d Requests that timed out are queued", n)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancelled, err := k.newProcess(ctx, "cancelled", 0)
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan error)
		go func() { // ends when its process is cancelled
			var m ipc.Message
			_, err := cancelled.Send(&m, server.PID(), ipc.Segment{})
			result <- err
		}()
		synctest.Wait()
		if n := queued(server); n != 1 {
			t.Errorf("%d Requests are queued, want that of the one who waits", n)
		}
		cancel()
		wantCode(t, "Send of a cancelled process", <-result, ipc.Aborted)
		synctest.Wait()
		if n := queued(server); n != 0 {
			t.Errorf("%d Requests of a cancelled process are queued", n)
		}
	})
}

// TestQueueIsBounded: Requests whose sender does not wait for them, datagrams and
// copies for a group's members, fill a queue to MaxQueue and no further.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := team(t)
		server := process(t, k, "never receives")
		group, err := server.CreateGroup()
		if err != nil {
			t.Fatal(err)
		}
		client := process(t, k, "client")
		datagram := func() error {
			var m ipc.Message
			m.Set(ipc.FlagDGM)
			_, err := client.Send(&m, server.PID(), ipc.Segment{Read: []byte("segment")})
			return err
		}
		for range MaxQueue {
			if err := datagram(); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, "datagram to a full queue", datagram(), ipc.Busy)
		client.SetDeadline(time.Now().Add(time.Minute))
		var m ipc.Message
		_, err = client.Send(&m, group, ipc.Segment{})
		wantCode(t, "Send to a group whose member's queue is full", err, ipc.RetransTimeout)
		if n := queued(server); n != MaxQueue {
			t.Errorf("%d Requests are queued, want %d", n, MaxQueue)
		}
		if _, err := server.Receive(&m, nil); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "datagram to a queue with room", datagram(), ipc.OK)
	})
}

// TestConditionalSend: a Send with FlagCMD reaches only a process that is in
// Receive, in the own team as in others.
func TestConditionalSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := team(t)
		client := process(t, k, "client")
		client.SetDeadline(time.Now().Add(time.Minute))
		send := func(to ipc.PID) error {
			var m ipc.Message
			m.Set(ipc.FlagCMD)
			_, err := client.Send(&m, to, ipc.Segment{})
			return err
		}
		deaf := process(t, k, "does not receive")
		wantCode(t, "conditional Send", send(deaf.PID()), ipc.NotAwaitingMsg)
		if n := queued(deaf); n != 0 {
			t.Errorf("%d conditional Requests are queued", n)
		}
		server := serve(t, k, echo)
		synctest.Wait() // it is in Receive
		wantCode(t, "conditional Send to a process in Receive", send(server.PID()), ipc.OK)
	})
}

// TestReceiveSpecificFromTheDying: the wait for a Request of one process ends when
// that process dies.
func TestReceiveSpecificFromTheDying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := team(t)
		server, client := process(t, k, "server"), process(t, k, "client")
		server.SetDeadline(time.Now().Add(time.Minute))
		result := make(chan error)
		go func() { // ends when the client dies
			var m ipc.Message
			_, err := server.ReceiveSpecific(&m, nil, client.PID())
			result <- err
		}()
		synctest.Wait()
		client.Destroy()
		wantCode(t, "ReceiveSpecific", <-result, ipc.NonexistentEntity)
	})
}
