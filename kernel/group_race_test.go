package kernel

import (
	"bytes"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
	"vsys/link/mem"
	"vsys/vmtp/packet"
)

// slowDomain is a Domain that takes long to hear that a team has no members, the
// first time.
type slowDomain struct {
	wire
	once    sync.Once
	entered chan struct{} // closed when it is told so
	leave   chan struct{} // closed when it may go on

	mu  sync.Mutex // guards has
	has bool
}

func (d *slowDomain) Members(_ ipc.PID, has bool) error {
	if !has {
		d.once.Do(func() {
			close(d.entered)
			<-d.leave
		})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.has = has
	return nil
}

// TestJoinDuringLeave: whoever joins while the last member leaves is known to the
// host kernel afterwards.
func TestJoinDuringLeave(t *testing.T) {
	d := &slowDomain{entered: make(chan struct{}), leave: make(chan struct{})}
	k := New(Config{Host: "alpha", Domain: d})
	t.Cleanup(k.Close)
	p, q := process(t, k, "leaves"), process(t, k, "joins")
	group, err := p.CreateGroup()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { wantCode(t, "LeaveGroup", p.LeaveGroup(group), ipc.OK) })
	<-d.entered
	wg.Go(func() { wantCode(t, "JoinGroup", q.JoinGroup(group), ipc.OK) })
	for len(k.Groups()) == 0 {
		runtime.Gosched()
	}
	for range 1000 { // it is in; let it tell so, if it does not wait its turn
		runtime.Gosched()
	}
	close(d.leave)
	wg.Wait()
	if !d.has {
		t.Error("the host kernel does not know of the member that joined last")
	}
}

// TestMoveByGroupMember: a member in the client's own team may move the segment
// that a Send to the group grants, until the client has its first reply.
func TestMoveByGroupMember(t *testing.T) {
	k := team(t)
	member := serve(t, k, func(p *Process, m *ipc.Message, tr ipc.Transaction, _ []byte) {
		got := make([]byte, 4)
		err := p.MoveFrom(tr, got, 3)
		if err == nil {
			err = p.MoveTo(tr, 1, got)
		}
		m.SetCode(ipc.CodeOf(err))
		p.Reply(m, tr, nil)
	})
	group, err := member.CreateGroup()
	if err != nil {
		t.Fatal(err)
	}
	client := process(t, k, "client")
	var m ipc.Message
	write := make([]byte, 5)
	_, err = client.Send(&m, group, ipc.Segment{Read: []byte("segment"), Write: write})
	if err != nil || m.Code() != ipc.OK || string(write) != "\x00ment" {
		t.Errorf("%v; moves: %v, moved %q", err, m.Code(), write)
	}
}

// TestGroupSendIsDoneWithMemory: after the first reply the sender's memory is its
// own again, although members elsewhere may still ask for blocks of the Request.
func TestGroupSendIsDoneWithMemory(t *testing.T) {
	net := mem.NewNetwork()
	at := func(host byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, host}), 8145)
	}
	k := hostKernels(t, 1, func(int) link.Link { return net.Link(at(1)) })[0]
	far := net.Link(at(2)) // a host that the test plays
	defer far.Close()
	k.mu.Lock()
	k.relay.hosts = func() []HostAddr { return []HostAddr{{2, far.Addr()}} }
	k.mu.Unlock()
	group, err := serve(t, k, echo).CreateGroup()
	if err != nil {
		t.Fatal(err)
	}
	client := process(t, k, "client")
	sent := bytes.Repeat([]byte("segment "), 128)
	memory := slices.Clone(sent)
	var m ipc.Message
	if _, err := client.Send(&m, group, ipc.Segment{Read: memory}); err != nil {
		t.Fatal(err)
	}
	clear(memory)
	request, _ := nextRequest(t, far)
	n := packet.Notify{Client: request.Client, Transaction: request.Transaction, Code: ipc.RetryAll}
	h := n.Header(ipc.MakePID(ipc.MakeLogicalHost(2, 0), 1, 0), 1)
	b := h.Append(frame.Header{Type: frame.Null}.Append(nil), nil)
	if err := far.Send(at(1), frame.AppendNullTag(b)); err != nil {
		t.Fatal(err)
	}
	if _, data := nextRequest(t, far); !bytes.Equal(data, sent) {
		t.Error("a member elsewhere gets what the client has written since")
	}
}

// nextRequest returns the next Request to a group that arrives at l, and its data.
func nextRequest(t *testing.T, l link.Link) (packet.Header, []byte) {
	t.Helper()
	batch := link.NewBatch(1, maxDatagram)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); l.Park(time.Second) {
		for l.TryReceive(batch) > 0 {
			_, body, err := frame.Decode(batch.Packets[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			if h, data, err := packet.Decode(body); err == nil && h.Server.IsGroup() && h.Server != ipc.ManagerGroup {
				return h, data
			}
		}
	}
	t.Fatal("no Request came")
	return packet.Header{}, nil
}
