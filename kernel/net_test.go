package kernel

import (
	"bytes"
	"net/netip"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/mem"
)

// wire is a Domain of hosts whose addresses are known.
type wire map[uint16]netip.AddrPort

func (w wire) Locate(host uint16) (netip.AddrPort, bool) { a, ok := w[host]; return a, ok }
func (w wire) HostName(host uint16) string               { return string(rune('a' + host - 1)) }
func (w wire) Members(ipc.PID, bool) error               { return nil }

// hostKernels returns n host kernels, numbered from 1, on one network.
func hostKernels(t testing.TB, n int, makeLink func(i int) link.Link) []*Kernel {
	t.Helper()
	w := wire{}
	var ks []*Kernel
	for i := range n {
		l := makeLink(i)
		w[uint16(i+1)] = l.Addr()
		k := New(Config{
			Host: w.HostName(uint16(i + 1)), LogicalHost: ipc.MakeLogicalHost(uint16(i+1), 0),
			Incarnation: uint16(100 + i), Link: l, Domain: w,
		})
		k.relay = &relay{k: k, hosts: func() (out []HostAddr) {
			for h, a := range w {
				if h != uint16(i+1) {
					out = append(out, HostAddr{h, a})
				}
			}
			return out
		}}
		ks = append(ks, k)
		t.Cleanup(k.Close)
	}
	return ks
}

// memKernels returns host kernels on an in-memory network.
func memKernels(t testing.TB, n int) []*Kernel {
	net := mem.NewNetwork()
	net.MTU = 1472
	return hostKernels(t, n, func(i int) link.Link {
		return net.Link(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), 8145))
	})
}

func TestRemote(t *testing.T) {
	ks := memKernels(t, 2)
	server := serve(t, ks[1], echo)
	client := process(t, ks[0], "client")
	for _, size := range []int{0, 1, 512, 1024, 1025, 16384} {
		read := bytes.Repeat([]byte{byte(size)}, size)
		write := make([]byte, size)
		var m ipc.Message
		m.PutUint32(4, 7)
		from, err := client.Send(&m, server.PID(), ipc.Segment{Read: read, Write: write})
		if err != nil {
			t.Fatal(err)
		}
		if from != server.PID() || m.Uint32(4) != 8 || !bytes.Equal(read, write) || m.SegmentSize() != size {
			t.Fatalf("%d octets: reply %v from %v", size, &m, from)
		}
	}
	var m ipc.Message
	_, err := client.Send(&m, server.PID().WithProcess(4000), ipc.Segment{})
	wantCode(t, "Send to nobody elsewhere", err, ipc.NonexistentEntity)
	wantCode(t, "ValidPID", client.ValidPID(server.PID()), ipc.OK)
	wantCode(t, "ValidPID of nobody", client.ValidPID(server.PID().WithProcess(4000)), ipc.NonexistentEntity)
	_, err = client.Send(&m, ipc.MakePID(ipc.MakeLogicalHost(9, 0), 0, 1), ipc.Segment{})
	wantCode(t, "Send to an unknown host", err, ipc.Unreachable)
}

func TestRemoteMove(t *testing.T) {
	ks := memKernels(t, 2)
	testMove(t, ks[0], ks[1])
}

func TestRemoteForward(t *testing.T) {
	ks := memKernels(t, 3)
	for name, place := range map[string][3]*Kernel{
		"three hosts":           {ks[0], ks[1], ks[2]},
		"back to the client":    {ks[0], ks[1], ks[0]},
		"local server forwards": {ks[0], ks[0], ks[1]},
		"within the other team": {ks[0], ks[1], ks[1]},
	} {
		t.Run(name, func(t *testing.T) {
			last := serve(t, place[2], echo)
			first := serve(t, place[1], func(p *Process, m *ipc.Message, tr ipc.Transaction, _ []byte) {
				m.PutUint32(4, m.Uint32(4)+100)
				if err := p.Forward(m, tr, last.PID()); err != nil {
					t.Error(err)
				}
			})
			client := process(t, place[0], "client")
			for range 3 {
				var m ipc.Message
				m.PutUint32(4, 1)
				read, write := bytes.Repeat([]byte("x"), 3000), make([]byte, 3000)
				from, err := client.Send(&m, first.PID(), ipc.Segment{Read: read, Write: write})
				if err != nil {
					t.Fatal(err)
				}
				if from != last.PID() || m.Uint32(4) != 102 || !bytes.Equal(read, write) {
					t.Errorf("reply %v from %v, want 102 from %v", m.Uint32(4), from, last.PID())
				}
			}
		})
	}
}

func TestRemoteGroup(t *testing.T) {
	t.Parallel()
	ks := memKernels(t, 3)
	testGroup(t, ks[0], []*Kernel{ks[0], ks[1], ks[2], ks[2]})
}

func TestManyClients(t *testing.T) {
	ks := memKernels(t, 2)
	server := serve(t, ks[1], echo)
	back := serve(t, ks[0], echo)
	var wg sync.WaitGroup
	for i := range 32 {
		k, to := ks[0], server
		if i%2 == 1 {
			k, to = ks[1], back
		}
		client := process(t, k, "client")
		wg.Go(func() {
			for j := range uint32(200) {
				var m ipc.Message
				m.PutUint32(4, j)
				if _, err := client.Send(&m, to.PID(), ipc.Segment{}); err != nil || m.Uint32(4) != j+1 {
					t.Errorf("client %d: %v, reply %d to %d", i, err, m.Uint32(4), j)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCancelReachesServer(t *testing.T) {
	ks := memKernels(t, 2)
	server := process(t, ks[1], "server")
	client := process(t, ks[0], "client")
	client.SetDeadline(time.Now().Add(50 * time.Millisecond))
	result := make(chan error)
	go func() { // ends at the deadline
		var m ipc.Message
		_, err := client.Send(&m, server.PID(), ipc.Segment{})
		result <- err
	}()
	var m ipc.Message
	tr, err := server.Receive(&m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !server.AwaitingReply(tr) {
		t.Error("the client does not await the reply")
	}
	wantCode(t, "Send", <-result, ipc.UserTimeout)
	server.SetDeadline(time.Now().Add(5 * time.Second))
	for server.AwaitingReply(tr) {
		server.ReceiveSpecific(&m, nil, server.PID().WithProcess(1)) // lets the kernel read
	}
	wantCode(t, "Reply to a client that gave up", server.Reply(&m, tr, nil), ipc.NonexistentEntity)
}
