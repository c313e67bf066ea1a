package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"vsys/ipc"
)

const testOp = ipc.Op(0x7F01)

// team returns a kernel without a network.
func team(t *testing.T) *Kernel {
	t.Helper()
	k := New(Config{Host: "alpha"})
	t.Cleanup(k.Close)
	return k
}

// process makes a process of k.
func process(t testing.TB, k *Kernel, name string) *Process {
	t.Helper()
	p, err := k.newProcess(context.Background(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve runs a server that answers each Request by f, until it is destroyed.
func serve(t testing.TB, k *Kernel, f func(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte)) *Process {
	t.Helper()
	p := process(t, k, "server")
	done := make(chan struct{})
	go func() { // ends when p is destroyed
		defer close(done)
		buf := make([]byte, ipc.MaxAppended)
		var m ipc.Message
		for {
			tr, err := p.Receive(&m, buf)
			if err != nil {
				return
			}
			f(p, &m, tr, buf[:tr.Appended])
		}
	}()
	t.Cleanup(func() {
		p.Destroy()
		<-done
	})
	return p
}

// echo replies with what came, its first user word plus one.
func echo(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte) {
	v := m.Uint32(4)
	m.SetCode(ipc.OK)
	m.PutUint32(4, v+1)
	p.Reply(m, tr, data[:min(len(data), m.Capacity())])
}

func wantCode(t testing.TB, what string, err error, code ipc.Code) {
	t.Helper()
	if got := ipc.CodeOf(err); got != code {
		t.Errorf("%s: code %v (%v), want %v", what, got, err, code)
	}
}

func TestSendReceiveReply(t *testing.T) {
	k := team(t)
	server := serve(t, k, echo)
	client := process(t, k, "client")
	for i := range uint32(100) {
		var m ipc.Message
		m.SetOp(testOp)
		m.PutUint32(4, i)
		read := bytes.Repeat([]byte{byte(i)}, int(i)*50)
		write := make([]byte, len(read))
		from, err := client.Send(&m, server.PID(), ipc.Segment{Read: read, Write: write})
		if err != nil {
			t.Fatal(err)
		}
		if from != server.PID() || m.Code() != ipc.OK || m.Uint32(4) != i+1 {
			t.Fatalf("reply %v from %v to %d", &m, from, i)
		}
		if m.SegmentSize() != len(read) || !bytes.Equal(read, write) {
			t.Fatalf("segment of %d octets came back as %d", len(read), m.SegmentSize())
		}
	}
}

func TestSendFails(t *testing.T) {
	k := team(t)
	client := process(t, k, "client")
	var m ipc.Message
	_, err := client.Send(&m, client.PID().WithProcess(9999), ipc.Segment{})
	wantCode(t, "Send to nobody", err, ipc.NonexistentEntity)
	_, err = client.Send(&m, ipc.MakePID(ipc.MakeLogicalHost(77, 3), 0, 20), ipc.Segment{})
	wantCode(t, "Send to another host without a network", err, ipc.NonexistentEntity)
	_, err = client.Send(&m, client.PID(), ipc.Segment{Read: make([]byte, ipc.MaxSegment+1)})
	wantCode(t, "Send with too large a segment", err, ipc.BadArgs)
	var op *ipc.OpError
	if !errors.As(err, &op) || op.Op != "ipc.Send" {
		t.Errorf("error %v is no OpError of ipc.Send", err)
	}
}

func TestDeadlineAndCancel(t *testing.T) {
	k := team(t)
	hole := process(t, k, "never receives")
	client := process(t, k, "client")
	client.SetDeadline(time.Now().Add(10 * time.Millisecond))
	var m ipc.Message
	start := time.Now()
	_, err := client.Send(&m, hole.PID(), ipc.Segment{})
	wantCode(t, "Send past its deadline", err, ipc.UserTimeout)
	if d := time.Since(start); d < 10*time.Millisecond {
		t.Errorf("timed out after %v", d)
	}
	client.SetDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = client.Receive(&m, nil)
	wantCode(t, "Receive past its deadline", err, ipc.UserTimeout)
	client.SetDeadline(time.Time{})

	ctx, cancel := context.WithCancel(context.Background())
	p, _ := k.NewProcess(ctx, "cancelled")
	time.AfterFunc(5*time.Millisecond, cancel)
	_, err = p.Send(&m, hole.PID(), ipc.Segment{})
	wantCode(t, "Send of a cancelled process", err, ipc.Aborted)
	_, err = p.Receive(&m, nil)
	wantCode(t, "Receive of a cancelled process", err, ipc.Aborted)

	// What the hole finds in its queue is stale.
	hole.SetDeadline(time.Now().Add(time.Millisecond))
	_, err = hole.Receive(&m, nil)
	wantCode(t, "Receive of stale Requests", err, ipc.UserTimeout)
}

func TestDestroyFailsSenders(t *testing.T) {
	k := team(t)
	server := process(t, k, "server")
	result := make(chan error)
	for range 2 {
		client := process(t, k, "client")
		go func() { // ends when the server is destroyed
			var m ipc.Message
			_, err := client.Send(&m, server.PID(), ipc.Segment{})
			result <- err
		}()
	}
	var m ipc.Message
	tr, err := server.Receive(&m, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Destroy()
	for range 2 {
		wantCode(t, "Send to the dead", <-result, ipc.NonexistentEntity)
	}
	wantCode(t, "Reply of the dead", server.Reply(&m, tr, nil), ipc.NonexistentEntity)
}

func TestReceiveSpecific(t *testing.T) {
	k := team(t)
	server := process(t, k, "server")
	a, b := process(t, k, "a"), process(t, k, "b")
	done := make(chan error, 2)
	for _, c := range []*Process{a, b} {
		go func() { // ends when it is answered
			var m ipc.Message
			_, err := c.Send(&m, server.PID(), ipc.Segment{})
			done <- err
		}()
	}
	for _, from := range []*Process{b, a} {
		var m ipc.Message
		tr, err := server.ReceiveSpecific(&m, nil, from.PID())
		if err != nil || tr.Client != from.PID() {
			t.Fatalf("received from %v, %v; want %v", tr.Client, err, from.PID())
		}
		if err := server.Reply(&m, tr, nil); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "second Reply", server.Reply(&m, tr, nil), ipc.NonexistentEntity)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	a.Destroy()
	var m ipc.Message
	_, err := server.ReceiveSpecific(&m, nil, a.PID())
	wantCode(t, "ReceiveSpecific from the dead", err, ipc.NonexistentEntity)
}

func TestForward(t *testing.T) {
	k := team(t)
	last := serve(t, k, echo)
	first := serve(t, k, func(p *Process, m *ipc.Message, tr ipc.Transaction, _ []byte) {
		m.PutUint32(4, m.Uint32(4)+100)
		if err := p.Forward(m, tr, last.PID()); err != nil {
			t.Error(err)
		}
		if p.AwaitingReply(tr) {
			t.Error("a forwarded transaction still awaits a reply")
		}
	})
	client := process(t, k, "client")
	var m ipc.Message
	m.PutUint32(4, 1)
	write := make([]byte, 8)
	from, err := client.Send(&m, first.PID(), ipc.Segment{Read: []byte("segment"), Write: write})
	if err != nil {
		t.Fatal(err)
	}
	if from != last.PID() || m.Uint32(4) != 102 || string(write[:m.SegmentSize()]) != "segment" {
		t.Errorf("reply %v %q from %v, want 102 \"segment\" from %v", m.Uint32(4), write, from, last.PID())
	}
}

func TestMove(t *testing.T) {
	k := team(t)
	testMove(t, k, k)
}

// testMove moves large segments between a client of one and a server of another
// kernel.
func testMove(t *testing.T, ck, sk *Kernel) {
	const size = 100_000
	server := serve(t, sk, func(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte) {
		if m.SegmentSize() != size || m.Capacity() != size || len(data) != ipc.MaxAppended {
			t.Errorf("Request with segment %d, capacity %d, appended %d", m.SegmentSize(), m.Capacity(), len(data))
		}
		all := make([]byte, size)
		if err := p.MoveFrom(tr, all, 0); err != nil {
			t.Error(err)
		}
		for i := range all {
			all[i]++
		}
		if err := p.MoveTo(tr, 0, all); err != nil {
			t.Error(err)
		}
		wantCode(t, "MoveFrom outside", p.MoveFrom(tr, all[:2], size-1), ipc.NoPermission)
		wantCode(t, "MoveTo outside", p.MoveTo(tr, size, all[:1]), ipc.NoPermission)
		wantCode(t, "MoveTo at -1", p.MoveTo(tr, -1, all[:1]), ipc.BadArgs)
		m.SetCode(ipc.OK)
		if err := p.Reply(m, tr, nil); err != nil {
			t.Error(err)
		}
		wantCode(t, "MoveFrom after Reply", p.MoveFrom(tr, all[:2], 0), ipc.NonexistentEntity)
	})
	client := process(t, ck, "client")
	read, write := make([]byte, size), make([]byte, size)
	for i := range read {
		read[i] = byte(i * 7)
	}
	var m ipc.Message
	if _, err := client.Send(&m, server.PID(), ipc.Segment{Read: read, Write: write}); err != nil {
		t.Fatal(err)
	}
	for i := range read {
		if write[i] != read[i]+1 {
			t.Fatalf("octet %d came back as %d, want %d", i, write[i], read[i]+1)
		}
	}
}

func TestGroupWithinTeam(t *testing.T) {
	t.Parallel()
	k := team(t)
	testGroup(t, k, []*Kernel{k, k, k})
}

// testGroup sends to a group with a member in each kernel.
func testGroup(t *testing.T, ck *Kernel, members []*Kernel) {
	group := ipc.DynamicGroup(12345)
	want := map[ipc.PID]bool{}
	for _, k := range members {
		p := serve(t, k, echo)
		if err := p.JoinGroup(group); err != nil {
			t.Fatal(err)
		}
		if err := p.JoinGroup(group); err != nil {
			t.Fatal("joining twice:", err)
		}
		want[p.PID()] = true
	}
	client := process(t, ck, "client")
	for round := range 3 {
		var m ipc.Message
		m.SetOp(testOp)
		m.PutUint32(4, uint32(round))
		write := make([]byte, 16)
		from, err := client.Send(&m, group, ipc.Segment{Read: []byte("to all"), Write: write})
		got := map[ipc.PID]bool{}
		for err == nil {
			if m.Uint32(4) != uint32(round)+1 || string(write[:m.SegmentSize()]) != "to all" {
				t.Fatalf("reply %v with %q", &m, write[:m.SegmentSize()])
			}
			if got[from] {
				t.Fatalf("two replies from %v", from)
			}
			got[from] = true
			if len(got) == len(want) {
				break
			}
			client.SetDeadline(time.Now().Add(5 * time.Second))
			from, err = client.GetReply(&m, write)
		}
		client.SetDeadline(time.Time{})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("replies from %v (%v), want %v", got, err, want)
		}
	}
	list, err := client.QueryGroup(group)
	if err != nil || len(list) != len(want) {
		t.Fatalf("QueryGroup: %v, %v; want %d members", list, err, len(want))
	}
	if err := client.DeleteGroup(group); err != nil {
		t.Fatal(err)
	}
	list, err = client.QueryGroup(group)
	if err != nil || len(list) != 0 {
		t.Fatalf("after DeleteGroup: %v, %v", list, err)
	}
}

func TestSendDoesNotAllocate(t *testing.T) {
	k := team(t)
	server := serve(t, k, echo)
	client := process(t, k, "client")
	client.SetDeadline(time.Now().Add(time.Hour))
	var m ipc.Message
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a message, want 0", n)
	}
}

func BenchmarkSendReceiveReply32(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		to, back := make(chan int), make(chan int)
		go func() { // ends when to is closed
			for v := range to {
				back <- v
			}
		}()
		for b.Loop() {
			to <- 1
			<-back
		}
		close(to)
	})
	b.Run("team", func(b *testing.B) {
		k := New(Config{Host: "alpha"})
		defer k.Close()
		server := serve(b, k, echo)
		client := process(b, k, "client")
		var m ipc.Message
		b.ReportAllocs()
		for b.Loop() {
			client.Send(&m, server.PID(), ipc.Segment{})
		}
	})
}

// TestGroupMemberIsSlow: a member in the own team is waited for although nobody
// elsewhere answers; that one dies, or discards the Request, ends the wait.
func TestGroupMemberIsSlow(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]*Kernel{"no network": team(t), "network": memKernels(t, 1)[0]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := ipc.DynamicGroup(77)
			member, client := process(t, k, "member"), process(t, k, "client")
			if err := member.JoinGroup(group); err != nil {
				t.Fatal(err)
			}
			result := make(chan error)
			send := func() { // ends when the Send does
				var m ipc.Message
				_, err := client.Send(&m, group, ipc.Segment{})
				result <- err
			}
			receive := func() (m ipc.Message, tr ipc.Transaction) {
				tr, err := member.Receive(&m, nil)
				if err != nil {
					t.Fatal(err)
				}
				return m, tr
			}
			nobody := make(chan struct{}) // closed when the transport has given up
			time.AfterFunc(4*time.Second, func() { close(nobody) })
			go send()
			m, tr := receive()
			<-nobody
			select {
			case err := <-result:
				t.Fatalf("Send ended before its member answered: %v", err)
			default:
			}
			m.SetCode(ipc.OK)
			wantCode(t, "Reply", member.Reply(&m, tr, nil), ipc.OK)
			wantCode(t, "Send", <-result, ipc.OK)
			client.SetDeadline(time.Now().Add(time.Millisecond))
			_, err := client.GetReply(&m, nil)
			wantCode(t, "GetReply with nobody left", err, ipc.UserTimeout)
			client.SetDeadline(time.Time{})

			go send()
			m, tr = receive()
			m.SetCode(ipc.ResponseDiscarded)
			wantCode(t, "Reply that discards", member.Reply(&m, tr, nil), ipc.OK)
			wantCode(t, "Send that is discarded", <-result, ipc.RetransTimeout)

			go send()
			receive()
			member.Destroy()
			wantCode(t, "Send to a member that dies", <-result, ipc.RetransTimeout)
		})
	}
}
