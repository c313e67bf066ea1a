package doctor

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vsys/link/udp"
)

var (
	listening = netip.MustParseAddrPort("0.0.0.0:8145")
	far       = netip.MustParseAddrPort("10.0.0.2:8145")
)

// want checks that one finding of a check has the status and the words.
func want(t *testing.T, list []Finding, check string, s Status, what, mend string) {
	t.Helper()
	for _, f := range list {
		if f.Check == check && f.Status == s && strings.Contains(f.What, what) && strings.Contains(f.Mend, mend) {
			return
		}
	}
	t.Errorf("no finding %s %s %q, try %q, among:", check, s, what, mend)
	for _, f := range list {
		if f.Check == check {
			t.Errorf("\t%+v", f)
		}
	}
}

// Two machines with a wire; nothing runs on the other.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	a, _ := wired(t)
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "host", Warning, "no host runs here", "vsys join CODE@10.0.0.2:8145")
	want(t, list, "interfaces", OK, "eth0 carries the domain: 10.0.0.1/24", "")
	want(t, list, "interfaces", OK, "lo is left out: loopback", "")
	want(t, list, "multicast", OK, "eth0: what this machine sends to 239.81.0.1 comes back", "")
	want(t, list, "multicast", Skipped, "no other host is heard", "")
	want(t, list, "unicast", Error, "nothing has UDP port 8145 there", "on 10.0.0.2: vsys status; vsys boot")
	want(t, list, "mtu", OK, "", "")
	want(t, list, "firewall", OK, "", "")
}

// The other says hello, by multicast and from its pool.
func TestSomebodyThere(t *testing.T) {
	t.Parallel()
	a, b := wired(t)
	said := make(chan struct{})
	var pool *udp.Pool
	b.in(func() (err error) {
		if pool, err = udp.NewPool(listening, 1); err != nil {
			return err
		}
		m, err := pool.Multicast()
		if err != nil {
			return err
		}
		t.Cleanup(func() { m.Close(); pool.Close(); <-said })
		go func() { // ends when m is closed; says hello whenever it hears somebody
			defer close(said)
			for b := make([]byte, 64); ; {
				_, from, index, err := m.Receive(b)
				if err != nil {
					return
				}
				if from != far {
					m.Send(index, []byte("hello"))
				}
			}
		}()
		list, err := indices()
		if err != nil {
			return err
		}
		return m.Set(list)
	})
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "multicast", OK, "heard: 10.0.0.2:8145", "")
	want(t, list, "unicast", OK, "10.0.0.2:8145: reached; what has the port there is silent", "")
}

// A firewall that drops by default: the doctor here names it and the line to
// paste; the doctor there sees silence.
func TestDefaultDrop(t *testing.T) {
	t.Parallel()
	a, b := wired(t)
	b.needs("nft")
	b.input("table inet filter { chain input { type filter hook input priority 0; policy drop; iif lo accept\n }\n}", "nft", "-f", "-")
	list := b.examine(Config{Addr: listening})
	want(t, list, "firewall", Error, "UDP port 8145 is kept out on eth0", "nft insert rule inet filter input udp dport 8145 accept")
	want(t, list, "multicast", Error, "does not come back", "vsys join CODE@ADDRESS")
	list = a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "unicast", OK, "10.0.0.2:8145: silent", "on 10.0.0.2: vsys status; sudo vsys doctor")

	// What it says mends it.
	b.sh("nft insert rule inet filter input udp dport 8145 accept")
	list = b.examine(Config{Addr: listening})
	want(t, list, "firewall", OK, "", "")
	want(t, list, "multicast", OK, "comes back", "")
}

func TestFirewallAnswers(t *testing.T) {
	t.Parallel()
	a, b := wired(t)
	b.needs("nft")
	b.input("table inet filter { chain input { type filter hook input priority 0; udp dport 8145 reject with icmpx admin-prohibited\n }\n}", "nft", "-f", "-")
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "unicast", Error, "a firewall at 10.0.0.2 refuses", "on 10.0.0.2")

	a.input("table inet filter { chain output { type filter hook output priority 0; policy drop;\n }\n}", "nft", "-f", "-")
	list = a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "unicast", Error, "lets nothing out", "nft list ruleset")
	want(t, list, "multicast", Error, "nothing can be sent", "")
}

func TestNotReached(t *testing.T) {
	t.Parallel()
	a, _ := wired(t)
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.3:8145"), netip.MustParseAddrPort("172.16.0.1:8145")}})
	want(t, list, "unicast", Error, "10.0.0.3:8145: not reached", "ping 10.0.0.3")
	want(t, list, "unicast", Error, "172.16.0.1:8145: this machine knows no way", "ip route get 172.16.0.1")
}

func TestDownInterface(t *testing.T) {
	t.Parallel()
	a, _ := wired(t)
	a.sh("ip link set eth0 down")
	list := a.examine(Config{Addr: listening})
	want(t, list, "interfaces", OK, "eth0 is left out: down", "")
	want(t, list, "interfaces", Error, "no interface carries the domain", "ip link set dev eth0 up")
	want(t, list, "multicast", Skipped, "no interface", "")
}

func TestSmallMTU(t *testing.T) {
	t.Parallel()
	a, _ := wired(t)
	a.sh("ip link set eth0 mtu 1200")
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{far}})
	want(t, list, "mtu", Error, "eth0 carries 1200 octets", "ip link set dev eth0 mtu 1500")
}

// A router between two networks has a small link on the far side.
func TestSmallPath(t *testing.T) {
	t.Parallel()
	a, r := wired(t)
	c := newMachine(t)
	var tid int
	c.in(func() error { tid = unix.Gettid(); return nil })
	r.sh("ip link add eth1 type veth peer name eth0 netns " + strconv.Itoa(tid))
	r.sh("ip address add 10.0.1.1/24 dev eth1\nip link set eth1 mtu 1200\nip link set eth1 up")
	r.in(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	c.sh("ip address add 10.0.1.2/24 dev eth0\nip link set eth0 up\nip route add default via 10.0.1.1")
	a.sh("ip route add 10.0.1.0/24 via 10.0.0.2")
	beyond := netip.MustParseAddrPort("10.0.1.2:8145")
	list := a.examine(Config{Addr: listening, Asked: []netip.AddrPort{beyond}})
	want(t, list, "mtu", Error, "the path to 10.0.1.2:8145 carries 1200 octets", "tracepath -n 10.0.1.2")
	want(t, list, "unicast", Error, "nothing has UDP port 8145", "on 10.0.1.2")
}
