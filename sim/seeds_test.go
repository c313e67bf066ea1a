package sim

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"testing"
	"time"

	"vsys/ipc"
)

var (
	seeds = flag.Int("sim.seeds", 150, "how many worlds TestSeeds lives through")
	seed  = flag.Uint64("sim.seed", 0, "live through this world only, and print its packets")
)

// TestSeeds lives through worlds of clients and servers in which everything that
// may go wrong does, and checks what VMTP promises. Every third world is mild:
// only the network loses, duplicates and reorders, so every call must succeed.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		live(t, *seed, os.Stdout)
		return
	}
	outcomes := map[ipc.Code]int{}
	for s := range uint64(*seeds) {
		l := live(t, s+1, nil)
		for code, n := range l.outcomes {
			outcomes[code] += n
		}
	}
	t.Logf("%d worlds: %v", *seeds, outcomes)
}

// In a clear world all can be read, so that would be seen in a sealed one.
func TestReadable(t *testing.T) {
	if l := live(t, 5, nil); l.seen < int(l.w.Packets().Sent/2) {
		t.Errorf("of %d packets %d can be read", l.w.Packets().Sent, l.seen)
	}
}

// TestAttackerSeeds lives through worlds with an attacker, a tenth as many: all goes on
// as without it, nothing of it is taken, nothing can be read, and nobody is sent more
// than has come from there.
func TestAttackerSeeds(t *testing.T) {
	first, last := uint64(1), max(uint64(*seeds)/10, 10)
	var out io.Writer
	if *seed != 0 {
		first, last, out = *seed, *seed, os.Stdout
	}
	var sent [actions]int
	refused := 0
	for s := first; s <= last; s++ {
		a := attack(t, s, out)
		for i, n := range a.sent {
			sent[i] += n
		}
		refused += a.refused
	}
	t.Logf("%d worlds: the attacker sent %v, %d datagrams were refused", last-first+1, sent, refused)
}

// attack runs the world of a seed with an attacker.
func attack(t *testing.T, seed uint64, out io.Writer) *attacker {
	t.Helper()
	l := newLoad(seed, true, out)
	a := newAttacker(l, insider(seed/2%uint64(insiders)))
	l.run()
	a.done()
	if l.report(t, "TestAttackerSeeds", seed); len(l.failures) > 0 {
		t.Errorf("the attacker is %s", insiderNames[a.kind])
	}
	return a
}

// The same seed makes the same world, packet by packet.
func TestSameSeedSameWorld(t *testing.T) {
	for s := uint64(1); s <= 3; s++ {
		a, b := live(t, s, nil), live(t, s, nil)
		if a.w.Hash() != b.w.Hash() || len(a.calls) != len(b.calls) || a.w.Now() != b.w.Now() {
			t.Errorf("seed %d: %x and %x, %d and %d calls", s, a.w.Hash(), b.w.Hash(), len(a.calls), len(b.calls))
		}
	}
	if a, b := live(t, 1, nil), live(t, 2, nil); a.w.Hash() == b.w.Hash() {
		t.Error("two seeds make the same world")
	}
	if a, b := attack(t, 2, nil).l, attack(t, 2, nil).l; a.w.Hash() != b.w.Hash() || a.w.Now() != b.w.Now() {
		t.Error("with an attacker one seed makes two worlds")
	}
}

// live runs the world of a seed to its end.
func live(t *testing.T, seed uint64, out io.Writer) *load {
	t.Helper()
	l := newLoad(seed, seed%5 != 0, out)
	l.run()
	l.report(t, "TestSeeds", seed)
	return l
}

// report fails the test, which is called so, if something was wrong.
func (l *load) report(t *testing.T, test string, seed uint64) {
	t.Helper()
	for _, f := range l.failures {
		t.Error(f)
	}
	if len(l.failures) > 0 {
		t.Errorf("seed %d failed (mild: %v, sealed: %v); to see it:\n\tgo test ./sim -v -run %s -args -sim.seed=%d",
			seed, l.mild, l.w.Domain() != nil, test, seed)
	}
}

func newLoad(seed uint64, sealed bool, out io.Writer) *load {
	w := New(seed, Config{Hosts: 2 + int(seed%3), Sealed: sealed, Trace: out})
	l := &load{
		w: w, mild: seed%3 == 0, group: ipc.StaticGroup(77),
		executed: map[execution]int{}, outcomes: map[ipc.Code]int{},
	}
	w.Tap = func(_, _ netip.AddrPort, b []byte) { l.read(b) }
	w.Network = Network{
		Loss: 0.3 * w.Rand.Float64() * w.Rand.Float64(), Duplicate: 0.2 * w.Rand.Float64(), Late: 0.2 * w.Rand.Float64(),
		Lateness: l.between(0, 100*time.Millisecond), Jitter: l.between(0, 5*time.Millisecond),
		MTU: []int{0, 0, 1280, 9000}[w.Rand.IntN(4)],
	}
	if l.chance(0.1) {
		w.Network.Loss = 0.3
	}
	if l.chance(0.1) {
		w.Network.Loss = 0
	}
	if l.mild {
		l.acquaint()
	}
	for _, h := range w.Hosts() {
		l.populate(teamsOf(h))
	}
	for _, h := range w.Hosts() {
		for _, t := range teamsOf(h) {
			l.newClient(t, 20)
			l.newClient(t, 20)
		}
	}
	return l
}

// acquaint lets the hosts make sessions.
func (l *load) acquaint() {
	for l.w.Check() != nil && l.w.Now() < time.Minute {
		l.w.Run(l.w.Now() + 100*time.Millisecond)
	}
}

// populate starts servers in teams.
func (l *load) populate(teams []*Team) {
	for _, t := range teams {
		for range 1 + l.w.Rand.IntN(2) {
			l.newServer(t)
		}
	}
}

// read looks for what may not be read on the network of a sealed world.
func (l *load) read(b []byte) {
	if !bytes.Contains(b, callMark) && !bytes.Contains(b, []byte(segmentMark)) {
		if d := l.w.Domain(); d == nil || !bytes.Contains(b, d.Trust.Domain[:]) {
			return
		}
	}
	if l.seen++; l.w.Domain() != nil {
		l.failf("a datagram can be read: %x", b)
	}
}

var callMark = binary.BigEndian.AppendUint64(nil, numberMark<<16)[:6]

// run lets the world go wrong, heal, finish its calls and come to rest.
func (l *load) run() {
	w := l.w
	if !l.mild {
		l.heal = l.between(2*time.Second, 20*time.Second)
		w.After(0, l.trouble)
		for w.Now() < l.heal && l.second() {
		}
		l.healAll()
	}
	limit := w.Now() + 300*time.Second
	for l.open+l.left > 0 && w.Now() < limit && l.second() {
	}
	for _, c := range l.unended() {
		l.failf("%v did not end, or one before it", c)
	}
	for rest := w.Now() + 100*time.Second; w.Now() < rest && l.second(); {
	}
	l.checkRest()
	if err := w.Check(); err != nil {
		l.failf("%v", err)
	}
}

// second runs the world for up to a second, and reports whether what it holds,
// and what it sent in that time, are within bounds.
func (l *load) second() bool {
	const storm = 20000
	sent := l.w.Packets().Sent
	next := l.w.Now() + time.Second
	if l.w.Now() < l.heal {
		next = min(next, l.heal)
	}
	l.w.Run(next)
	l.checkBounds()
	if n := l.w.Packets().Sent - sent; n > storm {
		l.failf("%d packets in a second", n)
		return false
	}
	return true
}

// unended returns nothing, or the last call if some have not ended.
func (l *load) unended() []*call {
	if l.open+l.left == 0 {
		return nil
	}
	return l.calls[len(l.calls)-1:]
}

// checkBounds holds what kernels keep to what there may be.
func (l *load) checkBounds() {
	for _, h := range l.w.Hosts() {
		for _, t := range teamsOf(h) {
			records, _ := t.Kernel.Records()
			if most := 4 * (len(l.all) + len(l.calls)/4 + 8); records > most {
				l.failf("%s.%d has %d records of clients, %d clients ever were", h.Name, t.Number, records, len(l.all))
			}
		}
	}
}

// checkRest looks for what is left when all is over.
func (l *load) checkRest() {
	if l.holding != 0 {
		l.failf("servers hold %d Requests whose clients have given up", l.holding)
	}
	for _, h := range l.w.Hosts() {
		for _, t := range teamsOf(h) {
			records, outstanding := t.Kernel.Records()
			if records+outstanding > 0 {
				l.failf("%s.%d still has %d records of clients, %d transactions", h.Name, t.Number, records, outstanding)
			}
			for _, p := range t.Kernel.Processes() {
				if p.Queued > 0 && !l.isSerial(p.PID) || p.Name != "server" {
					l.failf("%s.%d: %+v is left", h.Name, t.Number, p)
				}
			}
		}
	}
}

func (l *load) isSerial(pid ipc.PID) bool {
	for _, s := range l.servers {
		if s.proc.PID() == pid {
			return s.serial
		}
	}
	return false
}

func (p PacketStats) String() string {
	return fmt.Sprintf("%d packets, %d lost, %d cut, %d twice, %d late", p.Sent, p.Lost, p.Cut, p.Duplicated, p.Late)
}
