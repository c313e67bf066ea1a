package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
)

// Wire is machines and what is between them. Its methods may be called from any
// goroutine, Close once.
type Wire struct {
	config   Config
	dir      *directory
	middle   *namespace // of the bridges
	router   *namespace // nil with one subnet
	machines []*Machine

	mu     sync.Mutex // guards below, and the order of changes
	faults faults
}

// New makes a wire that carries packets; Linux takes about a second to note its
// cables. It needs what Available asks for. It first removes what wires of killed
// processes left.
func New(c Config) (*Wire, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	sweep()
	w := &Wire{config: c}
	if err := w.make(); err != nil {
		return nil, errors.Join(fmt.Errorf("wire: %w", err), w.Close())
	}
	return w, nil
}

func (w *Wire) make() (err error) {
	if w.dir, err = makeDirectory(); err != nil {
		return err
	}
	if w.middle, err = newNamespace("wire"); err != nil {
		return err
	}
	for i := range w.config.Machines {
		m, err := w.newMachine(i)
		if err != nil {
			return err
		}
		w.machines = append(w.machines, m)
	}
	if err := w.middle.links(w.connect); err != nil {
		return err
	}
	for _, m := range w.machines {
		if err := m.net.links(m.configure); err != nil {
			return err
		}
	}
	if w.config.subnets() > 1 {
		if err := w.addRouter(); err != nil {
			return err
		}
	}
	return w.awaitUp()
}

// awaitUp waits until all cables that are plugged in carry packets.
func (w *Wire) awaitUp() error {
	for _, m := range w.machines {
		if !m.unplugged {
			if err := m.net.awaitUp(); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	for _, n := range []*namespace{w.middle, w.router} {
		if n != nil {
			if err := n.awaitUp(); err != nil {
				return err
			}
		}
	}
	return nil
}

// connect makes the bridges and the machines' cables.
func (w *Wire) connect(h *netlink.Handle) error {
	for s := range w.config.subnets() {
		if err := addBridge(h, bridgeName(s)); err != nil {
			return err
		}
	}
	for i, m := range w.machines {
		if err := addCable(h, portName(i), bridgeName(m.subnet), m.net, machineInterface); err != nil {
			return err
		}
	}
	return nil
}

// addRouter makes the router between the subnets, with an interface in each.
func (w *Wire) addRouter() (err error) {
	if w.router, err = newNamespace("router"); err != nil {
		return err
	}
	err = w.router.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	if err != nil {
		return err
	}
	for s := range w.config.subnets() {
		far := fmt.Sprint("eth", s)
		err := w.middle.links(func(h *netlink.Handle) error {
			return addCable(h, routerPort(s), bridgeName(s), w.router, far)
		})
		if err != nil {
			return err
		}
		err = w.router.links(func(h *netlink.Handle) error { return address(h, far, addrIn(s, routerOctet)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Machine returns the i-th machine, from 0. It panics if there is none.
func (w *Wire) Machine(i int) *Machine { return w.machines[i] }

// Machines returns how many there are.
func (w *Wire) Machines() int { return len(w.machines) }

// Dir returns the wire's directory. The machines' user may enter and read it, so
// it is a place for programs to run there.
func (w *Wire) Dir() string { return w.dir.path }

// Program returns a path for the program called name, for whoever builds it: where
// the machines look for programs first.
func (w *Wire) Program(name string) string { return w.dir.program(name) }

// Addr returns an address that no machine has, in the subnet of machine i.
func (w *Wire) Addr(i int) netip.Addr { return addrIn(w.machines[i].subnet, 250).Addr() }

// Close ends all programs of the machines and removes the machines.
func (w *Wire) Close() error {
	var inside []uint64
	for _, m := range w.machines {
		inside = append(inside, m.net.inode)
	}
	killAll(func(pid int) bool { return isInside(pid, inside) })
	for _, m := range w.machines {
		m.net.close()
	}
	for _, n := range []*namespace{w.middle, w.router} {
		if n != nil {
			n.close()
		}
	}
	if w.dir == nil {
		return nil
	}
	return w.dir.remove()
}
