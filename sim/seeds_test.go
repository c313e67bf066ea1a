package sim

import (
	"flag"
	"fmt"
	"io"
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
}

// live runs the world of a seed to its end.
func live(t *testing.T, seed uint64, out io.Writer) *load {
	t.Helper()
	l := newLoad(seed, out)
	l.run()
	if len(l.failures) > 0 {
		for _, f := range l.failures {
			t.Error(f)
		}
		t.Errorf("seed %d failed (mild: %v); to see it:\n\tgo test ./sim -run Seeds -args -sim.seed=%d", seed, l.mild, seed)
	}
	return l
}

func newLoad(seed uint64, out io.Writer) *load {
	w := New(seed, Config{Hosts: 2 + int(seed%3), Trace: out})
	l := &load{
		w: w, mild: seed%3 == 0, group: ipc.StaticGroup(77),
		executed: map[execution]int{}, outcomes: map[ipc.Code]int{},
	}
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

// populate starts servers in teams.
func (l *load) populate(teams []*Team) {
	for _, t := range teams {
		for range 1 + l.w.Rand.IntN(2) {
			l.newServer(t)
		}
	}
}

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
