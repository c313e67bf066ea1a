package sim

import (
	"net/netip"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/vmtp/packet"
)

// acquainted returns a sealed world whose hosts have sessions.
func acquainted(t *testing.T) *World {
	t.Helper()
	w := New(1, Config{Sealed: true})
	w.Run(time.Second)
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSealedWorld(t *testing.T) {
	w := acquainted(t)
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	wantAnswer(t, "another host", a.Team(1), server, ipc.OK, 2*delay, 2*delay)
	wantAnswer(t, "another team", b.Team(0), server, ipc.OK, 2*localDelay, 2*localDelay)
	b.CrashTeam()
	wantAnswer(t, "a dead team", a.Team(1), server, ipc.NonexistentEntity, 2*delay, 2*delay)
	b.StartTeam()
	wantAnswer(t, "another in its place", a.Team(1), server, ipc.NonexistentEntity, 2*delay, 2*delay)
}

// A host that boots is known again at once, also to who does not say hello soon.
func TestSealedBoot(t *testing.T) {
	w := acquainted(t)
	a, b := w.Hosts()[0], w.Hosts()[1]
	w.Run(1500 * time.Millisecond)
	b.Crash()
	b.Boot()
	server := echoServer(t, b.Team(1))
	w.Run(w.Now() + 10*delay)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
	wantAnswer(t, "a host that boots", a.Team(1), server, ipc.OK, 0, 500*time.Millisecond)
}

// What is sealed by a session of before, or not at all, is worth nothing.
func TestSealedOnly(t *testing.T) {
	w := acquainted(t)
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, b.Team(1))
	var sealed []byte
	w.Tap = func(_, to netip.AddrPort, b []byte) {
		if frame.TypeOf(b) == frame.Sealed && sealed == nil {
			sealed = b
		}
	}
	ask(t, a.Team(1), server, 0)
	var refused []bool
	w.Arrived = func(v Arrival) {
		if v.Injected {
			refused = append(refused, v.Refused)
		}
	}
	w.Inject(0, a.addr, b, sealed)
	h := packet.Header{
		Client: ipc.MakePID(a.Team(1).Kernel.LogicalHost(), 2, 0x12), Version: packet.Version, Domain: packet.Domain,
		Transaction: 1, Server: server,
	}
	clear := h.Append(frame.Header{Type: frame.Null, Slot: 1}.Append(nil), nil)
	w.Inject(0, a.addr, b, frame.AppendNullTag(clear))
	w.After(time.Millisecond, func() { b.Crash(); b.Boot() })
	w.Inject(2*time.Millisecond, a.addr, b, sealed)
	w.Run(w.Now() + time.Second)
	if len(refused) != 3 || !refused[0] || !refused[1] || !refused[2] {
		t.Errorf("a replay, a packet in clear, a replay after a boot: refused %v", refused)
	}
}

// A member that claims the number of another host is not taken for it.
func TestClaimedNumber(t *testing.T) {
	w := acquainted(t)
	a, b := w.Hosts()[0], w.Hosts()[1]
	server := echoServer(t, a.Team(1))
	r := &trust{
		w: w, domain: w.Domain(), identity: w.Domain().Identity("mallory", w.Wall(), w.Wall().Add(time.Hour)),
		number: b.Number, epoch: 7,
		send:   func(to netip.AddrPort, b []byte) { w.Inject(0, rogueAddr, w.byAddr[to], b) },
		others: func() []netip.AddrPort { return []netip.AddrPort{a.addr} },
	}
	r.start()
	w.Tap = func(from, to netip.AddrPort, b []byte) {
		if f, _, err := frame.Decode(b); err == nil && to == rogueAddr {
			w.After(delay, func() { r.hear(from, &f, b) })
		}
	}
	r.Tick()
	w.Run(w.Now() + time.Second)
	key, ok := r.sendKey(seal.Team{}, a.Number, 1)
	if !ok {
		t.Fatal("it has no session")
	}
	h := packet.Header{
		Client: ipc.MakePID(b.Team(1).Kernel.LogicalHost(), 2, 0x12), Version: packet.Version, Domain: packet.Domain,
		Transaction: 1, Server: server,
	}
	frm := h.Append(frame.Header{Type: frame.Sealed, Slot: 1}.Append(make([]byte, 0, 256)), nil)
	frm, err := seal.NewSealer(key, seal.Team{}).Seal(frm, 1, new(seal.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	w.Arrived = func(v Arrival) {
		if v.Injected && frame.TypeOf(v.Datagram) == frame.Sealed && !v.Refused {
			t.Error("its Request is taken for one of beta's")
		}
	}
	w.Inject(0, rogueAddr, a, frm)
	w.Run(w.Now() + time.Second)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
	wantAnswer(t, "beta", b.Team(1), server, ipc.OK, 2*delay, 2*delay)
}
