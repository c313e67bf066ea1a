package wire

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vsys/link/frame"
)

// The attacker of these tests is machine 2. It is on the wire, has heard all that
// the hosts on machines 0 and 1 said, and can send anything from any address; it
// has no key of theirs.
const attacker = 2

// assault is an attack in progress.
type assault struct {
	*world
	in      *Injector
	own     netip.AddrPort // of the attacker
	targets []netip.AddrPort
	packets []Packet // that the hosts sent in their session
	rand    *rand.Rand
	sent    int

	hosts  [2][]string // as each host saw them before
	ledger string      // a file that each look at it makes longer
}

// newAssault makes a domain of two machines, captures a session of theirs, and gives
// machine 2 what was captured.
func newAssault(t *testing.T) *assault {
	w := newWorld(t, Config{Machines: 3})
	a := &assault{world: w, own: netip.AddrPortFrom(w.Machine(attacker).Addr, 8145), rand: rand.New(rand.NewPCG(1, 2))}
	a.ledger = filepath.Join(w.Machine(0).Home(), "ledger")
	path := w.session(func() {
		w.domain(0, 1)
		a.write()
		w.restart(1) // so there are handshakes of two boots
		if err := w.see(1, 0, time.Now().Add(bootPatience)); err != nil {
			t.Fatal(err)
		}
	})
	var err error
	if a.packets, err = ReadPackets(path); err != nil {
		t.Fatal(err)
	}
	if a.in, err = w.Machine(attacker).Injector(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.in.Close)
	for i := range 2 {
		a.targets = append(a.targets, netip.AddrPortFrom(w.Machine(i).Addr, 8145))
		a.hosts[i] = w.hosts(i)
	}
	a.packets = slices.DeleteFunc(a.packets, func(p Packet) bool { return len(p.Payload) > 1472 })
	if len(a.byType()) < 3 {
		t.Fatalf("the capture has frames of %d types only", len(a.byType()))
	}
	return a
}

// write has machine 1 do on machine 0 what must not be done twice.
func (w *world) write() {
	w.t.Helper()
	ledger := filepath.Join(w.Machine(0).Home(), "ledger")
	w.do(1, "exec", "-c", fmt.Sprintf("sh -c 'echo entry >>%s' @%s", ledger, w.Machine(0).Name))
}

// entries returns how often that was done.
func (a *assault) entries() int {
	b, err := os.ReadFile(a.ledger)
	if err != nil {
		a.t.Fatal(err)
	}
	return len(b) / len("entry\n")
}

// byType returns the frames of each type, in order, each once.
func (a *assault) byType() map[frame.Type][]Packet {
	all := map[frame.Type][]Packet{}
	for _, p := range a.packets {
		if frame.IsFrame(p.Payload) {
			all[frame.TypeOf(p.Payload)] = append(all[frame.TypeOf(p.Payload)], p)
		}
	}
	return all
}

// send sends one packet. After some it waits a little, so that the targets' buffers
// hold them: what is lost is no attack.
func (a *assault) send(from, to netip.AddrPort, payload []byte) {
	a.t.Helper()
	if a.sent++; a.sent%50 == 0 {
		<-time.After(2 * time.Millisecond)
	}
	if err := a.in.Send(from, to, payload); err != nil {
		a.t.Fatal(err)
	}
}

// to returns where a captured packet goes this time: where it went, or to each
// target if that was a group.
func (a *assault) to(p Packet) []netip.AddrPort {
	if p.Multicast() {
		return a.targets
	}
	return []netip.AddrPort{p.To}
}

// unmoved checks that the hosts are as they were: nothing was done twice, they see
// one another where they are, and nobody else.
func (a *assault) unmoved(what string, entries int) {
	a.t.Helper()
	if got := a.entries(); got != entries {
		a.t.Errorf("%s: what was to be done %d times was done %d times", what, entries, got)
	}
	for i := range 2 {
		start := time.Now()
		if err := a.see(i, 1-i, start.Add(bootPatience)); err != nil {
			a.t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			a.t.Errorf("%s: a look at the other host takes %v", what, took)
		}
		if got := a.world.hosts(i); !slices.Equal(got, a.hosts[i]) {
			a.t.Errorf("%s: %s knows %v, before %v", what, a.Machine(i).Name, got, a.hosts[i])
		}
	}
	a.t.Logf("%s: %d packets sent, nothing accepted", what, a.sent)
	a.sent = 0
}

// TestAttacker does to a domain what a machine outside can.
func TestAttacker(t *testing.T) {
	a := newAssault(t)
	entries := a.entries()
	for _, attack := range []struct {
		name string
		run  func()
	}{
		{"garbage", a.garbage},
		{"flipped bits", a.flips},
		{"replay", func() { a.replay(0); a.replay(0) }},
		{"replay from another port", func() { a.replay(1) }},
		{"replay from another address", a.replayFromElsewhere},
		{"other slots", func() { a.claim(2, 2) }},
		{"other keys and senders", func() { a.claim(4, 12) }},
		{"replay after a restart", func() {
			a.restart(0)
			a.replay(0)
		}},
		{"replay after both restarted", func() {
			a.restart(0)
			a.restart(1)
			a.replay(0)
		}},
	} {
		attack.run()
		a.unmoved(attack.name, entries)
	}
	a.write()
	a.unmoved("after all", entries+1)
}

// garbage sends random octets, half of them behind a good header, from its own
// address, the hosts' and one that nobody has.
func (a *assault) garbage() {
	types := []frame.Type{frame.Null, frame.Sealed, frame.Hello, frame.Wrapped, frame.Bell, frame.Handshake, frame.Control, frame.Join}
	sources := append([]netip.AddrPort{a.own, netip.AddrPortFrom(a.Addr(0), 8145)}, a.targets...)
	for n := range 10000 {
		b := a.octets(a.rand.IntN(1400))
		if n%2 == 0 {
			h := frame.Header{Type: types[a.rand.IntN(len(types))], Slot: uint16(a.rand.IntN(4)), Key: a.rand.Uint32(), Counter: a.rand.Uint64()}
			b = append(h.Append(nil), b...)
		}
		a.send(sources[a.rand.IntN(len(sources))], a.targets[n%2], b)
	}
}

func (a *assault) octets(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rand.Uint32())
	}
	return b
}

// flips sends the last frame of each type with each bit of its first 64 octets and
// its tag flipped, and some frames with one of any bits flipped.
func (a *assault) flips() {
	flip := func(p Packet, bit int) {
		b := slices.Clone(p.Payload)
		b[bit/8] ^= 1 << (bit % 8)
		for _, to := range a.to(p) {
			a.send(p.From, to, b)
		}
	}
	for _, frames := range a.byType() {
		last := frames[len(frames)-1]
		bits := len(last.Payload) * 8
		for bit := range bits {
			if bit < 64*8 || bit >= bits-frame.TagSize*8 {
				flip(last, bit)
			}
		}
		for range 500 {
			p := frames[a.rand.IntN(len(frames))]
			flip(p, a.rand.IntN(len(p.Payload)*8))
		}
	}
}

// replay sends the whole session again, from the addresses that it came from, their
// ports changed by a little.
func (a *assault) replay(port uint16) {
	for _, p := range a.packets {
		for _, to := range a.to(p) {
			a.send(netip.AddrPortFrom(p.From.Addr(), p.From.Port()+port), to, p.Payload)
		}
	}
}

// replayFromElsewhere sends the whole session again from the attacker's address, and
// to everybody: the frames of one host back to itself too.
func (a *assault) replayFromElsewhere() {
	for _, p := range a.packets {
		for _, to := range a.targets {
			a.send(a.own, to, p.Payload)
		}
	}
}

// claim sends frames of the session with other values in the given octets of their
// header: slots, session, incarnation, sender's team.
func (a *assault) claim(at, size int) {
	for _, frames := range a.byType() {
		for range 500 {
			p := frames[a.rand.IntN(len(frames))]
			b := slices.Clone(p.Payload)
			for i := at; i < min(at+size, frame.HeaderSize); i++ {
				b[i] = byte(a.rand.Uint32())
			}
			if at == 2 {
				binary.BigEndian.PutUint16(b[2:], uint16(a.rand.IntN(16)))
			}
			for _, to := range a.to(p) {
				a.send(p.From, to, b)
			}
		}
	}
}

// TestAmplification sends frames of every type and size from the attacker's address
// to a host: what comes back is at most as much.
func TestAmplification(t *testing.T) {
	a := newAssault(t)
	for typ, frames := range a.byType() {
		a.amplify(typ.String()+", replayed", func() {
			for _, p := range frames[max(0, len(frames)-200):] {
				a.send(a.own, a.targets[0], p.Payload)
			}
		})
		key := binary.BigEndian.Uint32(frames[len(frames)-1].Payload[4:])
		a.amplify(typ.String()+", made up", func() {
			for size := 0; size < 1400; size += 7 {
				h := frame.Header{Type: typ, Key: key, Counter: a.rand.Uint64()}
				a.send(a.own, a.targets[0], append(h.Append(nil), a.octets(size)...))
			}
		})
	}
	a.unmoved("amplification", a.entries())
}

// amplify captures what an attack brings back to the attacker.
func (a *assault) amplify(what string, attack func()) {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "pcap")
	c, err := a.Capture(path)
	if err != nil {
		a.t.Fatal(err)
	}
	attack()
	<-time.After(time.Second) // what is repeated comes, too
	if err := c.Close(); err != nil {
		a.t.Fatal(err)
	}
	packets, err := ReadPackets(path)
	if err != nil {
		a.t.Fatal(err)
	}
	var to, back int
	for _, p := range packets {
		if p.From.Addr() == a.own.Addr() {
			to += len(p.Payload)
		}
		if p.To.Addr() == a.own.Addr() {
			back += len(p.Payload)
		}
	}
	a.t.Logf("amplification, %s: %d octets sent, %d came back: %.3f", what, to, back, float64(back)/float64(to))
	if to == 0 || back > to {
		a.t.Errorf("amplification, %s: %d octets sent, %d came back", what, to, back)
	}
}
