package packet

import (
	"math/rand"
	"testing"

	"vsys/ipc"
)

// Reference: RFC 1045 appendix III, the operations' code words.
func TestOperationNumbers(t *testing.T) {
	for _, tt := range []struct {
		op   ipc.Op
		want ipc.Op
	}{
		{ProbeEntity, 0x000101}, {AuthProbeEntity, 0x000102}, {ProbeEntityBlock, 0x000103},
		{QueryVMTPNode, 0x000104}, {GetRequestForwarder, 0x000105}, {CreateEntity, 0x000106},
		{DeleteEntity, 0x000107}, {QueryEntity, 0x000108}, {SignalEntity, 0x000109},
		{CreateGroup, 0x00010A}, {AddToGroup, 0x00010B}, {RemoveFromGroup, 0x00010C},
		{QueryGroup, 0x00010D}, {ModifyService, 0x00010E}, {NotifyVmtpClient, 0x00010F},
		{NotifyVmtpServer, 0x000110}, {NotifyRemoteVmtpClient, 0x000111},
	} {
		if tt.op != tt.want {
			t.Errorf("operation %#06x, want %#06x", uint32(tt.op), uint32(tt.want))
		}
	}
}

// Reference: RFC 1045 appendices II and III: code word, then parameters in
// order.
func TestNotifyLayout(t *testing.T) {
	const client, server = ipc.PID(0x0001000200030004), ipc.PID(0x0005000600070008)
	n := Notify{
		Client: client, Transaction: 0x11121314, Server: server, Delivery: 0x21222324, Code: ipc.Busy,
		Control: APG | NRT | MDG | DRT, RetransmitCount: 5, ForwardCount: 9, PGcount: 0xAB, Priority: 0xC,
	}
	for _, tt := range []struct {
		name             string
		toServer, remote bool
		want             ipc.Message
	}{
		{"client", false, false, message(0x4500010F, 0x00010002, 0x00030004, 0x4859ABC1, 0, 0x11121314, 0x21222324, 3)},
		{"server", true, false, message(0x45000110, 0x00050006, 0x00070008, 0x00010002, 0x00030004, 0x11121314, 0x21222324, 3)},
		{"remote", false, true, message(0x41000111, 0x00010002, 0x00030004, 0x4859ABC1, 0, 0x11121314, 0x21222324, 3)},
	} {
		n.ToServer, n.Remote = tt.toServer, tt.remote
		h := n.Header(99, 7)
		if h.Message != tt.want {
			t.Errorf("%s: got  %v\nwant %v", tt.name, &h.Message, &tt.want)
		}
		if h.Client != 99 || h.Transaction != 7 || h.Server != ipc.ManagerGroup || h.Response || h.Domain != Domain {
			t.Errorf("%s: header %v", tt.name, h)
		}
	}
}

func TestNotifyRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(4))
	for i := range 300 {
		n := Notify{
			Client: ipc.PID(rnd.Uint64()), Transaction: rnd.Uint32(),
			Delivery: rnd.Uint32(), Code: ipc.Code(rnd.Intn(1 << 24)),
		}
		if i%3 == 0 {
			n.ToServer, n.Server = true, ipc.PID(rnd.Uint64())
		} else {
			n.Remote = i%3 == 1
			n.Control = Control(rnd.Uint32()) & allControl &^ requestOnly
			n.RetransmitCount, n.ForwardCount = uint8(rnd.Intn(8)), uint8(rnd.Intn(16))
			n.PGcount, n.Priority = uint8(rnd.Intn(256)), uint8(rnd.Intn(16))
		}
		h := n.Header(1, rnd.Uint32())
		h, _, err := Decode(h.Append(nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := NotifyOf(&h); !ok || got != n {
			t.Fatalf("got  %+v, %v\nwant %+v", got, ok, n)
		}
		if _, ok := ProbeOf(&h); ok {
			t.Fatalf("%v is taken for a Probe", h)
		}
	}
}

// What is not exactly a Notify or a Probe is not taken for one.
func TestManagementRefuses(t *testing.T) {
	notify := (&Notify{Client: 1}).Header(2, 3)
	remote := (&Notify{Client: 1, Remote: true}).Header(2, 3)
	probe := (&Probe{Entity: 1}).Header(2, 3)
	for _, tt := range []struct {
		name          string
		h             Header
		change        func(h *Header)
		notify, probe bool
	}{
		{"a Notify", notify, func(*Header) {}, true, false},
		{"a Probe", probe, func(*Header) {}, false, true},
		{"a Notify in a Response", notify, func(h *Header) { h.Response = true }, false, false},
		{"a Probe in a Response", probe, func(h *Header) { h.Response = true }, false, false},
		{"a Notify, not a datagram", notify, func(h *Header) { h.Message.Clear(ipc.FlagDGM) }, false, false},
		{"a Notify without CRE", notify, func(h *Header) { h.Message.Clear(ipc.FlagCRE) }, false, false},
		{"a remote one with CRE", remote, func(h *Header) { h.Message.Set(ipc.FlagCRE) }, false, false},
		{"a Notify without PIC", notify, func(h *Header) { h.Message.Clear(ipc.FlagPIC) }, false, false},
		{"a Probe as a datagram", probe, func(h *Header) { h.Message.Set(ipc.FlagDGM) }, false, false},
		{"a Probe with other flags", probe, func(h *Header) { h.Message.Set(ipc.FlagRES | ipc.FlagMRD) }, false, true},
		{"another operation", notify, func(h *Header) { h.Message.SetOp(QueryEntity) }, false, false},
	} {
		tt.change(&tt.h)
		if _, ok := NotifyOf(&tt.h); ok != tt.notify {
			t.Errorf("%s: NotifyOf says %v", tt.name, ok)
		}
		if _, ok := ProbeOf(&tt.h); ok != tt.probe {
			t.Errorf("%s: ProbeOf says %v", tt.name, ok)
		}
	}
}

func TestProbeRoundTrip(t *testing.T) {
	p := Probe{CREntity: 0x0101010102020202, Entity: 0x0303030304040404, AuthDomain: 5}
	h := p.Header(77, 6)
	want := message(0x05000101, 0x01010101, 0x02020202, 0x03030303, 0x04040404, 5)
	if h.Message != want {
		t.Errorf("got  %v\nwant %v", &h.Message, &want)
	}
	if got, ok := ProbeOf(&h); !ok || got != p {
		t.Errorf("got %+v, %v, want %+v", got, ok, p)
	}
}

// The answer belongs to the Request's transaction and has its counts (RFC 1045
// §3.2), and the state record fills the message.
func TestProbeAnswer(t *testing.T) {
	request := (&Probe{Entity: 1}).Header(77, 6)
	request.Flags, request.Control = MPG, APG|DRT|MDG
	request.RetransmitCount, request.ForwardCount, request.Gap, request.Priority = 3, 2, 9, 12
	a := ProbeAnswer{Code: ipc.NoPermission, Transaction: 1, Process: 2, Principal: 3, EffectivePrincipal: 4}
	h := a.Header(&request, 88)
	want := Header{
		Client: 77, Domain: Domain, Response: true, RetransmitCount: 3, ForwardCount: 2, Priority: 12,
		Transaction: 6, Server: 88, Message: message(6, 1, 0, 2, 0, 3, 0, 4),
	}
	if h != want {
		t.Errorf("got  %v\nwant %v", h, want)
	}
	h, _, err := Decode(h.Append(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := ProbeAnswerOf(&h); got != a {
		t.Errorf("got %+v, want %+v", got, a)
	}
}
