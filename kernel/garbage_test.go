package kernel

import (
	"math/rand/v2"
	"net"
	"testing"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/vmtp/packet"
)

// TestGarbage throws packets at a host that no kernel sends: random octets, and
// valid frames that are truncated, over-long or have a bit flipped. The host must
// go on serving, and count what it could not read.
func TestGarbage(t *testing.T) {
	hosts := bootHosts(t, 2, nil)
	k := newTeam(t, hosts[1])
	server := serve(t, k, echo)
	conn, err := net.Dial("udp", hosts[1].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		if _, err := conn.Write(garbage(r, server.PID())); err != nil {
			t.Fatal(err)
		}
	}
	client := process(t, newTeam(t, hosts[0]), "client")
	for i := range uint32(100) {
		var m ipc.Message
		m.PutUint32(4, i)
		if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil || m.Uint32(4) != i+1 {
			t.Fatalf("after garbage: reply %d to %d, %v", m.Uint32(4), i, err)
		}
	}
	if k.Stats().BadPackets+hosts[1].Stats().BadPackets == 0 {
		t.Error("no bad packet was counted")
	}
}

// garbage makes a datagram that starts from a valid Request, or a notify, to
// server.
func garbage(r *rand.Rand, server ipc.PID) []byte {
	if r.IntN(4) == 0 {
		b := make([]byte, r.IntN(2000)+1)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	h := packet.Header{
		Client: ipc.MakePID(ipc.LogicalHost(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32())),
		Server: server, Domain: packet.Domain, Transaction: r.Uint32(),
	}
	if r.IntN(3) == 0 {
		n := packet.Notify{ToServer: r.IntN(2) == 0, Client: h.Client, Server: server, Transaction: r.Uint32(), Code: ipc.Code(r.IntN(30))}
		h = n.Header(h.Client, r.Uint32())
	}
	var data []byte
	if r.IntN(2) == 0 {
		data = make([]byte, r.IntN(1024))
		h.Message.SetSegmentSize(len(data))
		h.Delivery = packet.WantedMask(len(data))
	}
	b := frame.Header{Type: frame.Null, Slot: server.Team()}.Append(nil)
	b = frame.AppendNullTag(h.Append(b, data))
	switch r.IntN(4) {
	case 0:
		b = b[:r.IntN(len(b))+1]
	case 1:
		b = append(b, make([]byte, r.IntN(100))...)
	case 2:
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	return b
}

// TestMisledPackets sends copies of valid frames, as a team sends them, to the
// slots of other teams: whoever gets them must not answer for a team that lives.
func TestMisledPackets(t *testing.T) {
	hosts := bootHosts(t, 2, inClear)
	k, neighbour := newTeam(t, hosts[1]), newTeam(t, hosts[1])
	from := newTeam(t, hosts[0])
	server, client := process(t, k, "server"), process(t, from, "client")
	result := make(chan error)
	go func() { // ends when it is answered
		var m ipc.Message
		_, err := client.Send(&m, server.PID(), ipc.Segment{})
		result <- err
	}()
	var m ipc.Message
	tr, err := server.Receive(&m, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := packet.Header{Client: client.PID(), Server: server.PID(), Domain: packet.Domain, Transaction: tr.ID, Control: packet.APG}
	misled := []uint16{0, neighbour.LogicalHost().Team(), 40, 40000}
	for _, slot := range misled {
		b := frame.Header{Type: frame.Null, Slot: slot}.Append(nil)
		if err := from.config.Link.Send(hosts[1].Addr(), frame.AppendNullTag(h.Append(b, nil))); err != nil {
			t.Fatal(err)
		}
	}
	// A transaction with the host kernel, and one with the neighbour, come after.
	for _, other := range []*Kernel{hosts[1].Kernel, neighbour} {
		prober := process(t, from, "prober")
		wantCode(t, "ValidPID", prober.ValidPID(process(t, other, "there").PID()), ipc.OK)
	}
	select {
	case err := <-result:
		t.Fatalf("the Send ended with %v although nobody answered", err)
	default:
	}
	m.SetCode(ipc.OK)
	wantCode(t, "Reply", server.Reply(&m, tr, nil), ipc.OK)
	wantCode(t, "Send", <-result, ipc.OK)
	if hosts[1].Stats().Misrouted == 0 || neighbour.Stats().Misrouted == 0 {
		t.Error("no misled packet was counted")
	}
}
