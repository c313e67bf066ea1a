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
// reordered as a seed says, and nothing else moves. It has several wires, one
// for each second octet of an address; a packet goes over the wire of its
// receiver, from the sender's address there.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	now   time.Duration
	loss  float64 // 0..1
	cut   func(from, to netip.AddrPort) bool
	deaf  func(from, to netip.AddrPort) bool // cut, for multicast only
	queue queue
	n     int // events so far, for the order in the queue
	nodes []*node
	at    map[netip.AddrPort]*node
	heard int // packets that arrived

	multicast bool // the hosts that boot use it
	sealed    bool // and have keys: fingerprints count
}

// node is one host of the world.
type node struct {
	*Table
	addrs  []netip.AddrPort // the first is addr
	addr   netip.AddrPort
	down   bool
	octets int // sent since it was last cleared, with Overhead, by multicast once an address
	events []Event
	due    time.Duration // its deadline
}

// event is a packet under way, or, without a body, a deadline of node to.
type event struct {
	at     time.Duration
	n      int
	from   Sender
	to     *node
	toAddr netip.AddrPort
	body   []byte
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].n < q[j].n
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return e
}

func newWorld(t *testing.T, seed uint64, loss float64) *world {
	t.Logf("seed %d", seed)
	return &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), loss: loss, at: map[netip.AddrPort]*node{}}
}

func addr(i int) netip.AddrPort { return wire(0, i) }

// wire returns the address of the i-th host on a wire.
func wire(n byte, i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, n, byte((i + 1) >> 8), byte(i + 1)}), 9000)
}

// key returns a fingerprint.
func key(b byte) (f [16]byte) {
	f[0] = b
	return f
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

// boot starts h, which greets the hosts with the given indices; those at the
// same addresses are replaced. If h has no Addresses it has Addr and does not
// say so.
func (w *world) boot(h Host, peers ...int) *node {
	n := w.add(h, peers...)
	w.send(n, n.Start(w.now, nil))
	return n
}

func (w *world) add(h Host, peers ...int) *node {
	c := Config{Self: h, Multicast: w.multicast, Rand: rand.New(rand.NewPCG(w.rand.Uint64(), 2))}
	for _, i := range peers {
		c.Peers = append(c.Peers, addr(i))
	}
	n := &node{Table: New(c), addr: h.Addr, addrs: h.Addresses, due: never}
	if n.addrs == nil {
		n.addrs = []netip.AddrPort{h.Addr}
	}
	for _, a := range n.addrs {
		if old := w.at[a]; old != nil {
			old.down = true
			w.nodes = slices.DeleteFunc(w.nodes, func(o *node) bool { return o == old })
		}
		w.at[a] = n
	}
	w.nodes = append(w.nodes, n)
	return n
}

// bootAll boots n hosts, which know all addresses unless they use multicast.
func (w *world) bootAll(n int) []*node {
	var peers []int
	for i := range n {
		if !w.multicast {
			peers = append(peers, i)
		}
	}
	for i := range n {
		w.boot(host(i, uint64(i+1)), peers...)
	}
	return slices.Clone(w.nodes)
}

// acquaint adds n hosts that have known one another for long.
func (w *world) acquaint(n int) []*node {
	hosts := make([]Host, n)
	for i := range hosts {
		hosts[i] = host(i, uint64(i+1))
		w.add(hosts[i])
	}
	for i, x := range w.nodes {
		known := make([]entry, n)
		for j := range hosts {
			if j == i {
				continue
			}
			e := &known[j]
			*e = entry{Host: hosts[j], claimed: hosts[j].Name, revision: 1, askedAt: never, patience: patience, owedAt: never}
			e.State, e.probeAt, e.lostAt = Live, maxInterval, maxInterval+suspectTime
			x.hosts = append(x.hosts, e)
		}
		x.live = n - 1
		x.Start(w.now, nil)
		for _, p := range x.peers {
			p.next = never
		}
		x.round.begin(w.now, time.Duration(w.rand.Int64N(int64(BeatInterval))))
		x.round.pace = x.pace(nil)
		x.round.callAt = w.now + time.Duration(w.rand.Int64N(int64(x.round.call)+1))
		x.round.number = uint16(w.rand.IntN(n))
		w.send(x, nil)
	}
	return slices.Clone(w.nodes)
}

func (w *world) send(n *node, out []Packet) {
	n.events = append(n.events, n.Events()...)
	if d := n.Deadline(); d != n.due {
		n.due = d
		if d != never {
			w.push(event{at: d, to: n})
		}
	}
	for _, p := range out {
		if len(p.Body) > MaxBody || p.Stranger && len(p.Body) < AskSize || !p.To.IsValid() && !w.multicast {
			w.t.Fatalf("a packet to %v of %d octets", p.To, len(p.Body))
		}
		for _, from := range n.addrs {
			switch {
			case p.To.IsValid() && from.Addr().As4()[1] == p.To.Addr().As4()[1]:
				n.octets += len(p.Body) + Overhead
				w.carry(n, from, p.To, p.Body)
			case !p.To.IsValid():
				n.octets += len(p.Body) + Overhead
				w.carryToAll(n, from, p.Body)
			}
		}
	}
}

func (w *world) carryToAll(n *node, from netip.AddrPort, body []byte) {
	for _, o := range w.nodes {
		for _, to := range o.addrs {
			if to.Addr().As4()[1] == from.Addr().As4()[1] && (w.deaf == nil || !w.deaf(from, to)) {
				w.carry(n, from, to, body)
			}
		}
	}
}

func (w *world) carry(n *node, from, to netip.AddrPort, body []byte) {
	if w.rand.Float64() < w.loss || w.cut != nil && w.cut(from, to) {
		return
	}
	s := Sender{Addr: from}
	if w.sealed {
		s.Fingerprint = n.self.Fingerprint
	}
	delay := time.Duration(100+w.rand.IntN(3000)) * time.Microsecond
	w.push(event{at: w.now + delay, from: s, to: w.at[to], toAddr: to, body: body})
}

func (w *world) push(e event) {
	w.n++
	e.n = w.n
	heap.Push(&w.queue, e)
}

// run lets the world go on for d.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.queue) > 0 && w.queue[0].at <= end {
		e := heap.Pop(&w.queue).(event)
		w.now = max(w.now, e.at)
		switch n := e.to; {
		case n == nil || n.down || e.body == nil && e.at != n.due:
		case e.body != nil:
			w.deliver(e)
		default:
			out := n.Tick(w.now, nil)
			if n.Deadline() <= w.now {
				w.t.Fatalf("%s: a tick at %v left the deadline at %v", n.self.Name, w.now, n.Deadline())
			}
			w.send(n, out)
		}
	}
	w.now = end
}

func (w *world) deliver(e event) {
	n := e.to
	w.heard++
	out, err := n.HeardSealed(w.now, e.from, e.body, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(n, out)
	if len(w.nodes) <= 10 {
		if err := n.check(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// check tells what is wrong with the table: hosts are in the order of their
// numbers, and no number or name occurs twice.
func (t *Table) check() error {
	live := slices.DeleteFunc(slices.Clone(t.hosts), func(e *entry) bool { return e.State != Live })
	if len(live) != t.live {
		return fmt.Errorf("%s: %d live hosts, counted %d", t.self.Name, len(live), t.live)
	}
	names, last := map[string]bool{t.shown: true}, uint16(0)
	for _, e := range t.hosts {
		switch {
		case e.Number <= last || e.Number == t.self.Number:
			return fmt.Errorf("%s: host number %d after %d", t.self.Name, e.Number, last)
		case names[e.Name]:
			return fmt.Errorf("%s: two hosts called %s", t.self.Name, e.Name)
		case e.Name != e.claimed && e.Name != fmt.Sprintf("%s~%04x", e.claimed, e.Number):
			return fmt.Errorf("%s: %s is listed as %s", t.self.Name, e.claimed, e.Name)
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
