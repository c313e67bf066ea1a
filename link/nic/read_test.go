package nic

import (
	"context"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inNamespace runs f on a thread that is alone in a network namespace of its
// own. The thread ends with it, and the namespace with the thread.
func inNamespace(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	done := make(chan struct{})
	go func() { // ends with f
		defer close(done)
		runtime.LockOSThread() // never unlocked: Go ends the thread
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		f(t)
	}()
	<-done
}

// must is for what a test can't go on without; it is called outside the test's
// goroutine, where t.Fatal is not allowed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
}

// add makes an interface and returns it as Linux has it.
func add(t *testing.T, l netlink.Link) netlink.Link {
	t.Helper()
	must(t, netlink.LinkAdd(l))
	made, err := netlink.LinkByName(l.Attrs().Name)
	must(t, err)
	return made
}

func named(name string) netlink.LinkAttrs {
	a := netlink.NewLinkAttrs()
	a.Name = name
	return a
}

func address(t *testing.T, l netlink.Link, addr string) {
	t.Helper()
	a, err := netlink.ParseAddr(addr)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(l, a))
}

// A machine with a container bridge, a tunnel and a wire: only the wire's end
// carries a domain.
func TestRead(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		wire := add(t, &netlink.Veth{LinkAttrs: named("eth0"), PeerName: "far"})
		far, err := netlink.LinkByName("far")
		must(t, err)
		must(t, netlink.LinkSetUp(wire))
		must(t, netlink.LinkSetUp(far))
		address(t, wire, "192.168.7.1/24")
		address(t, wire, "2001:db8::1/64")

		bridge := add(t, &netlink.Bridge{LinkAttrs: named("docker0")})
		inside := add(t, &netlink.Veth{LinkAttrs: named("veth1a"), PeerName: "inside"})
		must(t, netlink.LinkSetMaster(inside, bridge))
		must(t, netlink.LinkSetUp(bridge))
		address(t, bridge, "172.17.0.1/16")

		list, err := Read()
		must(t, err)
		why := map[string]string{}
		for _, i := range list {
			why[i.Name] = i.Why
			if i.Sane != (i.Why == "") {
				t.Errorf("%s: sane %t, why %q", i.Name, i.Sane, i.Why)
			}
		}
		want := map[string]string{
			"lo": "loopback", "eth0": "",
			"veth1a":  "veth end of a container, a port of docker0",
			"docker0": "a bridge for containers (docker0): no port leads out of this machine",
			"inside":  "down",
			"far":     "veth end of a container, without an address of its own",
		}
		for name, w := range want {
			if got, ok := why[name]; got != w && !(name == "far" && got == "no address") || !ok {
				t.Errorf("%s: %q, want %q", name, got, w)
			}
		}
		eth0 := list[slices.IndexFunc(list, func(i Interface) bool { return i.Name == "eth0" })]
		if eth0.Kind != "veth" || eth0.MTU != 1500 || eth0.Index != wire.Attrs().Index ||
			!slices.Contains(eth0.Addrs, netip.MustParsePrefix("192.168.7.1/24")) ||
			!slices.Contains(eth0.Addrs, netip.MustParsePrefix("2001:db8::1/64")) {
			t.Errorf("eth0 is %+v", eth0)
		}
	})
}

// A bridge with a port that leads out carries the domain in the port's place. A
// routing domain (vrf) does not speak for its members.
func TestInterfaces(t *testing.T) {
	at := func(index, master int, name string) netlink.LinkAttrs {
		return netlink.LinkAttrs{Index: index, MasterIndex: master, Name: name, RawFlags: up}
	}
	addrs := map[int][]netip.Prefix{}
	for i := range 10 {
		addrs[i] = prefixes("192.168.1.7/24")
	}
	list := interfaces([]netlink.Link{
		&netlink.Veth{LinkAttrs: at(9, 8, "veth9")},
		&netlink.Bridge{LinkAttrs: at(8, 0, "docker0")},
		&netlink.Vrf{LinkAttrs: at(6, 0, "red")},
		&netlink.Device{LinkAttrs: at(5, 6, "eth2")},
		&netlink.Bond{LinkAttrs: at(4, 2, "bond0")},
		&netlink.Device{LinkAttrs: at(3, 4, "eth1")},
		&netlink.Bridge{LinkAttrs: at(2, 0, "br0")},
		&netlink.Device{LinkAttrs: at(1, 2, "eth0")},
	}, addrs)
	want := []struct{ name, why string }{
		{"eth0", "a port of br0"},
		{"br0", ""},
		{"eth1", "a port of bond0"},
		{"bond0", "a port of br0"},
		{"eth2", ""},
		{"red", "a routing domain (vrf)"},
		{"docker0", "a bridge for containers (docker0): no port leads out of this machine"},
		{"veth9", "veth end of a container, a port of docker0"},
	}
	for i, w := range want {
		if list[i].Name != w.name || list[i].Why != w.why {
			t.Errorf("%d: %s %q, want %s %q", i, list[i].Name, list[i].Why, w.name, w.why)
		}
	}
}

// An address that Linux has not yet found to be free is not used.
func TestReady(t *testing.T) {
	addr := func(s string, flags int) netlink.Addr {
		a, err := netlink.ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		a.LinkIndex, a.Flags = 1, flags
		return *a
	}
	got := ready([]netlink.Addr{
		addr("fe80::2/64", unix.IFA_F_TENTATIVE), addr("fe80::1/64", 0), addr("10.0.0.2/24", 0),
		addr("10.0.0.1/24", unix.IFA_F_SECONDARY), addr("fe80::3/64", unix.IFA_F_DADFAILED),
	})[1]
	if want := prefixes("10.0.0.1/24", "10.0.0.2/24", "fe80::1/64"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Watch tells of a new address, and of an interface that goes down.
func TestWatch(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		wire := add(t, &netlink.Veth{LinkAttrs: named("eth0"), PeerName: "far"})
		far, err := netlink.LinkByName("far")
		must(t, err)
		must(t, netlink.LinkSetUp(wire))
		must(t, netlink.LinkSetUp(far))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		// Watch stays on this thread, so the steps happen where it calls.
		steps := []struct {
			why string // of eth0, when the step may be taken
			do  func()
		}{
			{"no address", func() { address(t, wire, "192.168.7.1/24") }},
			{"", func() { must(t, netlink.LinkSetDown(wire)) }},
			{"down", cancel},
		}
		Watch(ctx, func() {
			list, err := Read()
			must(t, err)
			i := slices.IndexFunc(list, func(i Interface) bool { return i.Name == "eth0" })
			why := list[i].Why
			if len(steps) > 0 && (why == steps[0].why || steps[0].why == "no address" && why == unconfigured) {
				do := steps[0].do
				steps = steps[1:]
				do()
			}
		})
		if len(steps) > 0 {
			t.Errorf("nobody told that eth0 became %q", steps[0].why)
		}
	})
}

// unconfigured is what a veth is once Linux has given it an fe80 address.
const unconfigured = "veth end of a container, without an address of its own"
