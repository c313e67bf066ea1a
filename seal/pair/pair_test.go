package pair

import (
	"slices"
	"testing"
	"time"

	"vsys/seal"
)

func TestThreePackets(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(3 * time.Millisecond)
	if s := a.Session(2); s == nil || b.Session(1) != nil || b.ByID(s.PeerID) == nil {
		t.Fatal("after two packets alpha may send, and beta open but not send")
	}
	w.run(2 * time.Millisecond)
	s := w.both(a, b)
	w.run(10 * time.Second)
	if w.sent(kindInitiate) != 1 || w.sent(kindRespond) != 1 || w.sent(kindConfirm) != 1 || w.sent(kindAcknowledge) != 1 {
		t.Errorf("packets: %d", len(w.record)-1)
	}
	if !slices.Equal(a.kinds(), []EventKind{Established}) || !slices.Equal(b.kinds(), []EventKind{Established}) {
		t.Errorf("events %v, %v", a.events, b.events)
	}
	if s.Name != "h2" || s.Fingerprint != b.identity.Key.Fingerprint() || !s.AES || s.Addr != b.addr {
		t.Errorf("session %+v", s)
	}
	if len(a.errs)+len(b.errs) > 0 {
		t.Errorf("errors %v, %v", a.errs, b.errs)
	}
}

// Each packet of a handshake is lost once; some hellos later all is well, with one
// session each.
func TestLossOfEachPacket(t *testing.T) {
	for lost := range 5 {
		w := newWorld(t, uint64(lost))
		a, b := w.boot(1), w.boot(2)
		n := -1
		w.filter = func(p *parcel) bool { n++; return n != lost }
		b.greet(a)
		w.greetFor(time.Second)
		if n < 4 {
			t.Fatalf("only %d packets", n)
		}
		w.both(a, b)
		if len(a.sessions) != 1 || len(b.sessions) != 1 || len(a.kinds()) != 1 || len(b.kinds()) != 1 {
			t.Errorf("packet %d lost: %d, %d sessions; events %v, %v", lost, len(a.sessions), len(b.sessions), a.events, b.events)
		}
		w.run(10 * time.Second)
		if len(a.half)+len(b.half)+len(a.begun)+len(b.begun) > 0 {
			t.Errorf("packet %d lost: something is left over", lost)
		}
		if a.Session(2).state != proven || b.Session(1).state != proven {
			t.Errorf("packet %d lost: not proven", lost)
		}
	}
}

// A frame is as good as a Confirm and as an Acknowledge.
func TestFramesProve(t *testing.T) {
	w := newWorld(t, 3)
	a, b := w.boot(1), w.boot(2)
	w.filter = func(p *parcel) bool { return p.body == nil || kind(p.body[0]) < kindConfirm }
	b.greet(a)
	w.run(10 * time.Millisecond)
	if b.Session(1) != nil {
		t.Fatal("a session without proof")
	}
	b.Proven(w.now, a.Session(2).PeerID)
	b.send(nil)
	w.both(a, b)
	if !slices.Equal(b.kinds(), []EventKind{Established}) {
		t.Errorf("events %v", b.events)
	}
	w.run(10 * time.Second)
	if n := w.sent(kindConfirm); n != 4 {
		t.Errorf("%d Confirms, want 4: at 0, 250, 750, 1750 ms", n)
	}
	if a.Session(2) != nil {
		t.Error("a session stands that the peer must have forgotten")
	}
	b.Drop(1)
	b.greet(a)
	w.run(10 * time.Millisecond)
	a.Proven(w.now, a.Session(2).ID)
	if a.Session(2).state != proven {
		t.Error("not proven by a frame")
	}
	a.Proven(w.now, 12345) // nobody's
}

func TestBothBegin(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.boot(1), w.boot(2)
	a.greet(b)
	b.greet(a)
	w.run(20 * time.Millisecond)
	s := w.both(a, b)
	if len(a.sessions) != 1 || len(b.sessions) != 1 || w.sent(kindRespond) != 1 {
		t.Fatalf("%d, %d sessions, %d answers", len(a.sessions), len(b.sessions), w.sent(kindRespond))
	}
	if !s.begun {
		t.Error("the higher number's Initiate counted")
	}
}

// A host that boots again, and whoever it is that notices first.
func TestRestart(t *testing.T) {
	for _, who := range []string{"the new boot is heard", "the new boot hears"} {
		w := newWorld(t, 5)
		a, b := w.boot(1), w.boot(2)
		b.greet(a)
		w.run(time.Second)
		old := w.both(a, b)
		w.forget()
		b2 := w.bootAs(2, b.epoch+1, b.identity)
		if who == "the new boot hears" {
			a.greet(b2)
		} else {
			b2.greet(a)
		}
		w.run(time.Second)
		w.both(a, b2)
		if a.ByID(old.ID) != nil || len(a.sessions) != 1 {
			t.Errorf("%s: the old session stands", who)
		}
		if !slices.Equal(a.kinds(), []EventKind{Replaced}) || a.events[0].Old != old || a.events[0].Session != a.Session(2) {
			t.Errorf("%s: events %v", who, a.events)
		}
		if a.Accept(w.now, 2, b.epoch, 1<<40) {
			t.Errorf("%s: a hello of the old boot is believed", who)
		}
	}
}

// One host loses its sessions and the other does not notice: a handshake heals it.
func TestForgottenSession(t *testing.T) {
	for _, i := range []int{0, 1} {
		w := newWorld(t, 6)
		n := []*node{w.boot(1), w.boot(2)}
		n[0].greet(n[1])
		w.run(time.Second)
		n[i].Drop(n[1-i].number)
		if n[i].Session(n[1-i].number) != nil || len(n[i].Sessions()) != 0 {
			t.Fatal("not dropped")
		}
		w.greetFor(time.Second)
		w.both(n[0], n[1])
	}
}

func TestAccept(t *testing.T) {
	w := newWorld(t, 7)
	a, b := w.boot(1), w.boot(2)
	b.sequence = 100
	if a.Accept(w.now, 2, b.epoch, 100) {
		t.Error("a stranger's hello is believed")
	}
	b.greet(a)
	w.run(time.Second)
	for _, c := range []struct {
		sequence uint64
		want     bool
	}{{99, false}, {100, false}, {101, true}, {101, false}, {164, true}, {164, false}, {110, true}, {110, false}, {300, true}, {236, false}, {237, true}} {
		if got := a.Accept(w.now, 2, b.epoch, c.sequence); got != c.want {
			t.Errorf("sequence %d: %v", c.sequence, got)
		}
	}
	if a.Accept(w.now, 2, b.epoch+1, 400) || a.Accept(w.now, 3, b.epoch, 400) {
		t.Error("another host's or boot's hello is believed")
	}
}

// Somebody with the group key has sent a hello in b's name that is far ahead; the
// next handshake mends that.
func TestWindowRestarts(t *testing.T) {
	w := newWorld(t, 8)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	a.Accept(w.now, 2, b.epoch, 1<<60)
	a.Rekey(2)
	w.run(time.Second)
	if !a.Accept(w.now, 2, b.epoch, b.sequence) {
		t.Error("the window is as it was")
	}
}

func TestRekey(t *testing.T) {
	w := newWorld(t, 9)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	old := w.both(a, b)
	w.forget()
	w.run(time.Hour)
	s := w.both(a, b)
	if s == old || s.Send == old.Send || s.Receive == old.Receive || s.Send == old.Receive {
		t.Fatal("no new session")
	}
	if w.sent(kindInitiate) != 1 || !s.begun {
		t.Errorf("%d Initiates in an hour", w.sent(kindInitiate))
	}
	for _, n := range []*node{a, b} {
		if !slices.Equal(n.kinds(), []EventKind{Renewed}) || n.events[0].Old == nil {
			t.Errorf("events %v", n.events)
		}
	}
	w.opens(old, b)
	w.run(4*time.Minute + 50*time.Second)
	w.opens(old, b)
	w.run(20 * time.Second)
	if a.ByID(old.ID) != nil || b.ByID(old.PeerID) != nil || len(a.sessions) != 1 || len(b.sessions) != 1 {
		t.Error("the old session is alive after five minutes")
	}
	w.run(24 * time.Hour)
	if w.both(a, b); w.sent(kindInitiate) != 25 {
		t.Errorf("%d Initiates in 25 hours", w.sent(kindInitiate))
	}
}

// Whoever is asked to makes a new session, at the address that it was told.
func TestRekeyOnRequest(t *testing.T) {
	w := newWorld(t, 10)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	for _, n := range []*node{b, a} {
		old := w.both(a, b)
		n.Rekey(3 - n.number)
		if n.Deadline() > w.now {
			t.Error("no Tick is asked for")
		}
		w.run(time.Second)
		if w.both(a, b) == old {
			t.Error("no new session")
		}
		w.opens(old, b)
	}
	a.addr = addr(77)
	b.Moved(1, a.addr)
	old := w.both(a, b)
	b.Rekey(1)
	w.run(time.Second)
	if w.both(a, b) == old {
		t.Error("no new session after the move")
	}
}

// While nothing comes through the old session is sent by, and the new one is tried
// again; that the Confirm is lost must not lead to a session that one side lacks.
func TestRekeyUnderLoss(t *testing.T) {
	for _, k := range []kind{kindInitiate, kindRespond, kindConfirm, kindAcknowledge} {
		w := newWorld(t, 11)
		a, b := w.boot(1), w.boot(2)
		b.greet(a)
		w.run(time.Second)
		old := w.both(a, b)
		w.filter = func(p *parcel) bool { return p.body == nil || kind(p.body[0]) != k }
		a.Rekey(2)
		w.run(10 * time.Second)
		if s := w.both(a, b); s != old {
			t.Errorf("without kind %d alpha sends by a session that is not proven", k)
		}
		w.filter = nil
		w.run(2 * time.Minute)
		if w.both(a, b) == old {
			t.Errorf("after the loss of kind %d there is no new session", k)
		}
		if len(a.sessions) > maxSessions || len(b.sessions) > maxSessions {
			t.Errorf("%d, %d sessions", len(a.sessions), len(b.sessions))
		}
	}
}

// Session identifiers are of 20 bits, not zero, not the self session's, not in use;
// no two sessions share a root.
func TestRootsAndIDs(t *testing.T) {
	w := newWorld(t, 12)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	seen := map[[32]byte]bool{}
	for range 200 {
		s := w.both(a, b)
		if !validID(s.ID) || !validID(s.PeerID) || seen[s.Send] || seen[s.Receive] {
			t.Fatalf("%+v", s)
		}
		seen[s.Send], seen[s.Receive] = true, true
		a.Rekey(2)
		w.run(time.Second)
	}
	for id, want := range map[uint32]bool{0: false, 1: true, seal.SelfSession - 1: true, seal.SelfSession: false, seal.MaxSession: false, 0x100000: false} {
		if validID(id) != want {
			t.Errorf("validID(%#x) is %v", id, !want)
		}
	}
}

func TestCipherIsAgreed(t *testing.T) {
	for _, c := range []struct{ a, b, want bool }{{true, true, true}, {true, false, false}, {false, true, false}, {false, false, false}} {
		w := newWorld(t, 13)
		a, b := w.boot(1), w.boot(2)
		a.c.AES, b.c.AES = c.a, c.b
		b.greet(a)
		w.run(time.Second)
		if s := w.both(a, b); s.AES != c.want {
			t.Errorf("%v and %v make %v", c.a, c.b, s.AES)
		}
	}
}

// Frames may come by new sessions and by those that end soon.
func TestInbound(t *testing.T) {
	w := newWorld(t, 14)
	a, b, c := w.boot(1), w.boot(2), w.boot(3)
	b.greet(a)
	w.run(time.Second)
	a.Rekey(2)
	w.run(time.Second)
	w.filter = func(p *parcel) bool { return p.body == nil || kind(p.body[0]) < kindConfirm }
	a.greet(c)
	w.run(time.Second)
	var from []uint16
	for _, s := range a.Inbound() {
		if a.ByID(s.ID) != s {
			t.Errorf("session %x is not found", s.ID)
		}
		from = append(from, s.Number)
	}
	if slices.Sort(from); !slices.Equal(from, []uint16{2, 2}) {
		t.Errorf("sessions of %v", from)
	}
}
