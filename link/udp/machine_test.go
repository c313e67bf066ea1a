package udp

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// machine is a thread that is alone in a network namespace.
type machine struct {
	t    *testing.T
	work chan func()
	ns   int // descriptor of the namespace
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	m := &machine{t: t, work: make(chan func())}
	started := make(chan error)
	go func() { // ends when work is closed; its thread and namespace with it
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			m.ns, err = unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		if err == nil {
			err = netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: loopback}})
		}
		started <- err
		for f := range m.work {
			f()
		}
	}()
	t.Cleanup(func() { close(m.work) })
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	return m
}

// in runs f inside and waits. f may end its test by FailNow.
func (m *machine) in(f func() error) {
	m.t.Helper()
	var err error
	done, whole := make(chan struct{}), false
	m.work <- func() {
		defer close(done)
		err = f()
		whole = true
	}
	if <-done; !whole {
		m.t.FailNow()
	} else if err != nil {
		m.t.Fatal(err)
	}
}

// wire joins two machines by a cable whose ends have the name and the addresses
// 10.N.0.1 and 10.N.0.2, fd00:N::1 and fd00:N::2, and returns the ends' indices.
func wire(t *testing.T, a, b *machine, name string, n int) (ia, ib int) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	a.in(func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: name, PeerNamespace: netlink.NsFd(b.ns)})
	})
	setUp := func(last int, index *int) func() error {
		return func() error {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			*index = l.Attrs().Index
			for _, form := range []string{"10.%d.0.%d/24", "fd00:%d::%d/64"} {
				addr, err := netlink.ParseAddr(fmt.Sprintf(form, n, last))
				if err != nil {
					return err
				}
				addr.Flags = unix.IFA_F_NODAD
				if err := netlink.AddrAdd(l, addr); err != nil {
					return err
				}
			}
			return netlink.LinkSetUp(l)
		}
	}
	a.in(setUp(1, &ia))
	b.in(setUp(2, &ib))
	a.in(func() error { return running(ia) })
	b.in(func() error { return running(ib) })
	return ia, ib
}

// running returns when Linux has opened the interface's queue: some time after
// both ends are up. What is sent before is lost.
func running(index int) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		l, err := netlink.LinkByIndex(index)
		if err != nil || l.Attrs().OperState == netlink.OperUp {
			return err
		}
		runtime.Gosched()
	}
	return fmt.Errorf("interface %d has no carrier", index)
}
