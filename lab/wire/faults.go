package wire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// All stands for every machine.
const All = -1

// Loss is packets that the wire loses at random, in one direction.
type Loss struct {
	From, To  int  // machines, or All
	Percent   int  // 0 to 100, of each packet's chance
	Multicast bool // only multicasts
}

// faults is what the wire does to packets.
type faults struct {
	losses []Loss
	sides  [][]int // of a partition
	snoop  bool
	mtu    int // 0: what the interfaces take
}

// Lose makes the wire lose packets, beside what it loses already. Between machines
// of several subnets it can't.
func (w *Wire) Lose(l Loss) error {
	return w.change(func(f *faults) error {
		for _, i := range []int{l.From, l.To} {
			if i < All || i >= len(w.machines) || w.router != nil && i != All {
				return fmt.Errorf("wire: loss from %d to %d", l.From, l.To)
			}
		}
		if l.Percent < 0 || l.Percent > 100 {
			return fmt.Errorf("wire: loss of %d %%", l.Percent)
		}
		f.losses = append(f.losses, l)
		return nil
	})
}

// Partition cuts the wire in parts: nothing passes from a machine of one side to
// one of another. A machine on no side hears everybody. It takes the place of an
// earlier partition. Several subnets can't be cut.
func (w *Wire) Partition(sides ...[]int) error {
	return w.change(func(f *faults) error {
		if w.router != nil {
			return fmt.Errorf("wire: a partition of several subnets")
		}
		f.sides = sides
		return nil
	})
}

// SnoopWithoutQuerier makes of the bridges switches that pass multicasts to known
// members only, and that know none any more, since nobody asks for memberships:
// only the groups that are always passed are (224.0.0.0/24, and of IPv6 those of
// the link and of neighbour discovery).
func (w *Wire) SnoopWithoutQuerier() error {
	return w.change(func(f *faults) error { f.snoop = true; return nil })
}

// Narrow makes the wire take no IP packet of more than mtu octets: larger ones are
// lost, and nobody is told.
func (w *Wire) Narrow(mtu int) error {
	return w.change(func(f *faults) error { f.mtu = mtu; return nil })
}

// Mend ends losses, partition, snooping and narrowness.
func (w *Wire) Mend() error {
	return w.change(func(f *faults) error { *f = faults{}; return nil })
}

// change changes the faults, and then the rules, all at once.
func (w *Wire) change(f func(*faults) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.faults
	if err := f(&next); err != nil {
		return err
	}
	if err := w.middle.nft(next.rules(len(w.machines))); err != nil {
		return err
	}
	w.faults = next
	return nil
}

// rules returns the faults as rules of nftables, in place of what was there.
func (f *faults) rules(machines int) string {
	var b strings.Builder
	b.WriteString("add table bridge wire\ndelete table bridge wire\n" +
		"table bridge wire {\nchain forward {\ntype filter hook forward priority 0; policy accept;\n")
	if f.mtu > 0 {
		fmt.Fprintf(&b, "meta length > %d drop\n", f.mtu)
	}
	for from := range machines {
		for to := range machines {
			if f.apart(from, to) {
				fmt.Fprintf(&b, "iifname %q oifname %q drop\n", portName(from), portName(to))
			}
		}
	}
	for _, l := range f.losses {
		b.WriteString(l.rule())
	}
	if f.snoop {
		b.WriteString("ip daddr 224.0.0.0/24 accept\nip6 daddr { ff02::/112, ff02::1:ff00:0/104 } accept\n" +
			"ip daddr 224.0.0.0/4 drop\nip6 daddr ff00::/8 drop\n")
	}
	b.WriteString("}\n}\n")
	return b.String()
}

// apart tells whether two machines are on different sides.
func (f *faults) apart(a, b int) bool {
	side := func(m int) int {
		return slices.IndexFunc(f.sides, func(s []int) bool { return slices.Contains(s, m) })
	}
	return side(a) >= 0 && side(b) >= 0 && side(a) != side(b)
}

// rule returns the line for a loss.
func (l *Loss) rule() string {
	var b strings.Builder
	if l.From != All {
		fmt.Fprintf(&b, "iifname %q ", portName(l.From))
	}
	if l.To != All {
		fmt.Fprintf(&b, "oifname %q ", portName(l.To))
	}
	if l.Multicast {
		b.WriteString("meta pkttype multicast ")
	}
	if l.Percent < 100 { // nftables refuses to compare with 100
		fmt.Fprintf(&b, "numgen random mod 100 < %d ", l.Percent)
	}
	b.WriteString("drop\n")
	return b.String()
}

// Down pulls the cable of machine i; its interface has no carrier.
func (w *Wire) Down(i int) error {
	return w.plug(i, false, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetDown(l) })
}

// Up plugs it in again, and returns when it carries packets.
func (w *Wire) Up(i int) error {
	return w.plug(i, true, func(h *netlink.Handle, l netlink.Link) error { return h.LinkSetUp(l) })
}

// plug does something to the port of machine i.
func (w *Wire) plug(i int, in bool, do func(*netlink.Handle, netlink.Link) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.middle.links(func(h *netlink.Handle) error {
		return change(h, portName(i), func(l netlink.Link) error { return do(h, l) })
	})
	if err != nil {
		return err
	}
	w.machines[i].unplugged = !in
	return w.awaitUp()
}
