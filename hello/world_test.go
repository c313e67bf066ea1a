package hello

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"vsys/ipc"
)

// world is a network of tables in virtual time: packets are lost, delayed and
// reordered as a seed says, and nothing else moves.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	now   time.Duration
	loss  float64 // 0..1
	cut   func(from, to netip.AddrPort) bool
	air   flight
	sent  int // packets so far, for the order in the heap
	nodes []*node
}

// node is one host of the world.
type node struct {
	*Table
	addr   netip.AddrPort
	down   bool
	octets int // sent since it was last cleared, with Overhead
	events []Event
	due    time.Duration // its deadline
}

// parcel is a packet under way.
type parcel struct {
	at       time.Duration
	n        int
	from, to netip.AddrPort
	body     []byte
}

type flight []parcel

func (f flight) Len() int { return len(f) }
func (f flight) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].n < f[j].n
}
func (f flight) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flight) Push(x any)   { *f = append(*f, x.(parcel)) }
func (f *flight) Pop() any {
	p := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return p
}

func newWorld(t *testing.T, seed uint64, loss float64) *world {
	t.Logf("seed %d", seed)
	return &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), loss: loss}
}

func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i + 1)}), 9000)
}

// host describes the i-th host: number i+1, name h000, one prefix.
func host(i int, epoch uint64) Host {
	number := uint16(i + 1)
	name := fmt.Sprintf("h%03d", i)
	l := ipc.MakeLogicalHost(number, 0)
	return Host{
		Number: number, Name: name, Kernel: ipc.MakePID(l, uint16(epoch), 1), Addr: addr(i), Epoch: epoch,
		Version: "v0.1.0", Processor: "amd64", Processors: 4, MemoryTotal: 8 << 30,
		Prefixes: []Prefix{{Name: "/unix/" + name, Server: ipc.MakePID(l+1, uint16(epoch), 1), Context: 7}},
	}
}

// boot starts h, which greets the hosts with the given indices; one at the same
// address is replaced.
func (w *world) boot(h Host, peers ...int) *node {
	c := Config{Self: h, Rand: rand.New(rand.NewPCG(w.rand.Uint64(), 2))}
	for _, i := range peers {
		c.Peers = append(c.Peers, addr(i))
	}
	n := &node{Table: New(c), addr: h.Addr}
	w.nodes = slices.DeleteFunc(w.nodes, func(o *node) bool { return o.addr == h.Addr })
	w.nodes = append(w.nodes, n)
	w.send(n, n.Start(w.now, nil))
	return n
}

// bootAll boots n hosts that know all addresses.
func (w *world) bootAll(n int) []*node {
	peers := make([]int, n)
	for i := range peers {
		peers[i] = i
	}
	for i := range n {
		w.boot(host(i, uint64(i+1)), peers...)
	}
	return slices.Clone(w.nodes)
}

func (w *world) send(n *node, out []Packet) {
	n.events = append(n.events, n.Events()...)
	n.due = n.Deadline()
	for _, p := range out {
		if len(p.Body) > MaxBody {
			w.t.Fatalf("a packet of %d octets", len(p.Body))
		}
		n.octets += len(p.Body) + Overhead
		if w.rand.Float64() < w.loss || w.cut != nil && w.cut(n.addr, p.To) {
			continue
		}
		w.sent++
		delay := time.Duration(100+w.rand.IntN(3000)) * time.Microsecond
		heap.Push(&w.air, parcel{w.now + delay, w.sent, n.addr, p.To, p.Body})
	}
}

// run lets the world go on for d.
func (w *world) run(d time.Duration) {
	for end := w.now + d; ; {
		var due *node
		next := end
		for _, n := range w.nodes {
			if !n.down && n.due < next {
				due, next = n, n.due
			}
		}
		switch {
		case len(w.air) > 0 && w.air[0].at <= next:
			p := heap.Pop(&w.air).(parcel)
			w.now = max(w.now, p.at)
			w.deliver(p)
		case due != nil:
			w.now = max(w.now, next)
			w.send(due, due.Tick(w.now, nil))
			if due.due <= w.now {
				w.t.Fatalf("%s: a tick at %v left the deadline at %v", due.self.Name, w.now, due.due)
			}
		default:
			w.now = end
			return
		}
	}
}

func (w *world) deliver(p parcel) {
	for _, n := range w.nodes {
		if n.addr != p.to || n.down {
			continue
		}
		out, err := n.Heard(w.now, p.from, p.body, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		w.send(n, out)
		if err := n.check(); err != nil && len(w.nodes) <= 10 {
			w.t.Fatal(err)
		}
	}
}

// check tells what is wrong with the table: hosts are in the order of their
// numbers, and no number or name occurs twice.
func (t *Table) check() error {
	names, last := map[string]bool{t.self.Name: true}, uint16(0)
	for _, e := range t.hosts {
		switch {
		case e.Number <= last || e.Number == t.self.Number:
			return fmt.Errorf("%s: host number %d after %d", t.self.Name, e.Number, last)
		case names[e.Name]:
			return fmt.Errorf("%s: two hosts called %s", t.self.Name, e.Name)
		case e.State == Self || e.left && e.State != Lost:
			return fmt.Errorf("%s: host %s is %v, left %v", t.self.Name, e.Name, e.State, e.left)
		}
		names[e.Name], last = true, e.Number
	}
	return nil
}

// until runs the world until ok, for at most d, and returns how long it took.
func (w *world) until(what string, d time.Duration, ok func() bool) time.Duration {
	w.t.Helper()
	start := w.now
	for !ok() {
		if w.now >= start+d {
			w.t.Fatalf("%s: not after %v", what, d)
		}
		w.run(10 * time.Millisecond)
	}
	return w.now - start
}

// allKnowAll tells whether every host that is up has every other as live, with
// its prefixes.
func (w *world) allKnowAll() bool {
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if a == b || a.down || b.down {
				continue
			}
			h, ok := a.ByNumber(b.self.Number)
			if !ok || h.State != Live || h.Epoch != b.self.Epoch || !slices.Equal(h.Prefixes, b.self.Prefixes) {
				return false
			}
		}
	}
	return true
}

// saw tells whether n had an event of that kind about the host called name.
func (n *node) saw(k EventKind, name string) bool {
	return slices.ContainsFunc(n.events, func(e Event) bool { return e.Kind == k && e.Host.Name == name })
}

// state returns how the host called name stands with n; "" if it is unknown.
func (n *node) state(name string) string {
	h, ok := n.ByName(name)
	if !ok {
		return ""
	}
	return h.State.String()
}
