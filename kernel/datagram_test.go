package kernel

import (
	"testing"
	"time"

	"vsys/ipc"
)

// placed runs f with a client in the server's team, and with one in another.
func placed(t *testing.T, f func(t *testing.T, ck, sk *Kernel)) {
	t.Run("same team", func(t *testing.T) {
		k := team(t)
		f(t, k, k)
	})
	t.Run("other team", func(t *testing.T) {
		ks := memKernels(t, 2)
		f(t, ks[0], ks[1])
	})
}

// TestIdempotentReplyThenSend: FlagDGM of an idempotent reply is not left in the
// client's message, whose next Send would be a datagram.
func TestIdempotentReplyThenSend(t *testing.T) {
	placed(t, func(t *testing.T, ck, sk *Kernel) {
		server := serve(t, sk, func(p *Process, m *ipc.Message, tr ipc.Transaction, _ []byte) {
			m.SetCode(ipc.OK)
			m.Set(ipc.FlagDGM)
			p.Reply(m, tr, nil)
		})
		client := process(t, ck, "client")
		var m ipc.Message
		for i := range 2 {
			m.SetOp(testOp)
			from, err := client.Send(&m, server.PID(), ipc.Segment{})
			if from != server.PID() || err != nil {
				t.Errorf("Send %d: reply from %v, %v", i, from, err)
			}
			if m.Has(ipc.FlagDGM) {
				t.Errorf("Send %d left FlagDGM in the message", i)
			}
		}
	})
}

// TestDatagramsToBusyProcess: datagrams of one client wait in line, in order, for
// a process that does something else.
func TestDatagramsToBusyProcess(t *testing.T) {
	placed(t, func(t *testing.T, ck, sk *Kernel) {
		const n = 5
		server, client := process(t, sk, "busy"), process(t, ck, "client")
		var m ipc.Message
		for i := range uint32(n) {
			m.Reset()
			m.Set(ipc.FlagDGM)
			m.PutUint32(4, i)
			if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil {
				t.Fatal(err)
			}
		}
		// The answer to this comes after they have.
		wantCode(t, "ValidPID", process(t, ck, "asker").ValidPID(server.PID()), ipc.OK)
		server.SetDeadline(time.Now()) // what is not there now never will be
		for i := range uint32(n) {
			if _, err := server.Receive(&m, nil); err != nil || m.Uint32(4) != i {
				t.Fatalf("received datagram %d (%v), want %d", m.Uint32(4), err, i)
			}
		}
	})
}

// TestFarDeadline: a deadline that no Duration from now reaches is one.
func TestFarDeadline(t *testing.T) {
	k := team(t)
	server := serve(t, k, echo)
	client := process(t, k, "client")
	client.SetDeadline(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	var m ipc.Message
	_, err := client.Send(&m, server.PID(), ipc.Segment{})
	wantCode(t, "Send with a deadline in the year 9999", err, ipc.OK)
}

// TestRemoteAfterLocal: a server that has just been sent to from its own team
// still hears the others.
func TestRemoteAfterLocal(t *testing.T) {
	ks := memKernels(t, 2)
	server := serve(t, ks[0], echo)
	clients := []*Process{process(t, ks[0], "local"), process(t, ks[1], "remote")}
	for i := range uint32(5) {
		for _, c := range clients {
			c.SetDeadline(time.Now().Add(10 * time.Second))
			var m ipc.Message
			m.PutUint32(4, i)
			if _, err := c.Send(&m, server.PID(), ipc.Segment{}); err != nil || m.Uint32(4) != i+1 {
				t.Fatalf("%s client: reply %d to %d, %v", c.name, m.Uint32(4), i, err)
			}
		}
	}
}
