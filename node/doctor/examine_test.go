package doctor

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"vsys/link/nic"
	"vsys/link/udp"
	"vsys/naming"
)

var eth0 = nic.Interface{
	Name: "eth0", Index: 2, MTU: 1500, Kind: "device", Sane: true,
	Addrs: []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24")},
}

var beta = netip.MustParseAddrPort("192.168.1.8:8145")

// healthy returns the facts of a machine with nothing wrong.
func healthy() *Facts {
	return &Facts{
		Group: netip.AddrPortFrom(udp.HelloGroup4, 8145), Version: "1.0",
		Host: Host{
			Running: true, Name: "alpha", Address: "192.168.1.7:8145", Version: "1.0",
			Hosts: []naming.Host{
				{Name: "alpha", Number: 1, Address: "192.168.1.7:8145", Version: "1.0", State: naming.HostSelf},
				{Name: "beta", Number: 2, Address: "192.168.1.8:8145", Version: "1.0", State: naming.HostLive},
			},
			Log: []string{`time=2026-01-02T03:04:05Z level=INFO msg=hosts event="host beta has joined from 192.168.1.8:8145"`},
		},
		Interfaces: []nic.Interface{{Name: "lo", Index: 1, Why: "loopback"}, eth0},
		Loops:      []Loop{{Interface: "eth0", Own: true, Others: []netip.AddrPort{beta}}},
		Probes:     []Probe{{Addr: beta, Answer: Silent, MTU: 1500}},
		Clock:      Clock{Synchronized: true},
		Fuse:       Fuse{Helper: "/usr/bin/fusermount3"},
		Buffers:    Buffers{4 << 20, 4 << 20},
		Namespaces: Namespaces{Max: 1000, Cloning: true},
	}
}

var checks = []string{"host", "keys", "interfaces", "multicast", "unicast", "firewall", "mtu", "clock",
	"conflicts", "version", "fuse", "buffers", "namespaces"}

func TestHealthy(t *testing.T) {
	list := Examine(healthy())
	var order []string
	for _, f := range list {
		if f.Status != OK {
			t.Errorf("%s: %s: %s", f.Check, f.Status, f.What)
		}
		order = append(order, f.Check)
	}
	if got := slices.Compact(order); !slices.Equal(got, checks) {
		t.Errorf("checks are %v, want %v", got, checks)
	}
	if n := Exit(list); n != 0 {
		t.Errorf("exit status %d, want 0", n)
	}
}

// keyError is an error with advice, as of the key files.
type keyError struct{}

func (keyError) Error() string { return "host.key has mode 0644" }
func (keyError) Hint() string  { return "chmod 600 host.key" }

// Each fault is found by its check, with its status, and with what mends it.
func TestFaults(t *testing.T) {
	log := func(event string) func(*Facts) {
		return func(f *Facts) { f.Host.Log = append(f.Host.Log, `level=WARN msg=handshake event="`+event+`"`) }
	}
	probe := func(a Answer, asked bool) func(*Facts) {
		return func(f *Facts) {
			f.Host.Hosts = f.Host.Hosts[:1]
			f.Probes = []Probe{{Addr: beta, Asked: asked, Answer: a, By: netip.MustParseAddr("192.168.1.1")}}
		}
	}
	tests := []struct {
		name   string
		fault  func(*Facts)
		check  string
		status Status
		what   string // part of it
		mend   string // part of it
	}{
		{"no host", func(f *Facts) { f.Host = Host{} }, "host", Warning, "no host runs", "vsys boot"},
		{"deaf host", func(f *Facts) { f.Host.Problem = "it does not answer" }, "host", Error, "does not answer", "vsys boot"},
		{"loopback", func(f *Facts) { f.Host.Address = "127.0.0.1:8145" }, "host", Warning, "127.0.0.1", "--addr 0.0.0.0:8145"},
		{"key files", func(f *Facts) { f.Keys = keyError{} }, "keys", Error, "0644", "chmod 600"},

		{"unreadable", func(f *Facts) { f.InterfacesErr = errors.New("no") }, "interfaces", Error, "can't be read", ""},
		{"down", func(f *Facts) { f.Interfaces[1].Sane, f.Interfaces[1].Why = false, nic.Down },
			"interfaces", Error, "no interface", "ip link set dev eth0 up"},
		{"no address", func(f *Facts) { f.Interfaces[1].Sane, f.Interfaces[1].Why = false, nic.NoAddress },
			"interfaces", Error, "no interface", "ip address add"},
		{"no card", func(f *Facts) { f.Interfaces = f.Interfaces[:1] }, "interfaces", Error, "no interface", "connect"},

		{"cannot send", func(f *Facts) { f.Loops[0].Err = errors.New("not permitted") }, "multicast", Error, "nothing can be sent", ""},
		{"no echo", func(f *Facts) { f.Loops[0].Own = false }, "multicast", Error, "does not come back", "--peer"},
		{"alone, with a known host", func(f *Facts) { f.Loops[0].Others = nil }, "multicast", Warning, "no other host", "--peer"},
		{"alone, asked", func(f *Facts) { f.Loops[0].Others = nil; probe(Silent, true)(f) }, "multicast", Warning, "no other host", "--peer"},
		{"alone", func(f *Facts) { f.Loops[0].Others = nil; probe(Silent, false)(f) }, "multicast", OK, "no other host", ""},
		{"port of another user", func(f *Facts) { f.Loops[0].Others, f.Loops[0].Deaf = nil, "taken" }, "multicast", OK, "listened", ""},
		{"nothing to test", func(f *Facts) { f.Loops = nil }, "multicast", Skipped, "no interface", ""},

		{"refused", probe(Refused, true), "unicast", Error, "nothing has UDP port 8145", "on 192.168.1.8: vsys status, vsys boot"},
		{"refused, known", probe(Refused, false), "unicast", Warning, "nothing has", "vsys boot"},
		{"filtered", probe(Filtered, true), "unicast", Error, "a firewall at 192.168.1.1 refuses", "on 192.168.1.1"},
		{"unreachable", probe(Unreachable, true), "unicast", Error, "not reached", "ping 192.168.1.8"},
		{"no route", probe(NoRoute, true), "unicast", Error, "no way", "ip route get"},
		{"forbidden", probe(Forbidden, true), "unicast", Error, "lets nothing out", "output"},
		{"silent", probe(Silent, true), "unicast", Warning, "silent", "vsys doctor"},
		{"lost", func(f *Facts) { f.Host.Hosts[1].State = naming.HostLost }, "unicast", Warning, "host beta was there, and is lost", "vsys doctor"},
		{"nobody known", func(f *Facts) { f.Probes = nil }, "unicast", Skipped, "no address", "--peer"},

		{"firewall", func(f *Facts) { f.Firewall.Rules = []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}} },
			"firewall", Error, "UDP port 8145 is kept out on eth0", "iptables -I INPUT -p udp --dport 8145 -j ACCEPT"},
		{"ufw", func(f *Facts) {
			f.Firewall = Firewall{UFW: true, Rules: []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}}}
		}, "firewall", Error, "kept out", "ufw allow 8145/udp"},
		{"firewalld", func(f *Facts) {
			f.Firewall = Firewall{Firewall: true, Rules: []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}}}
		}, "firewall", Error, "kept out", "firewall-cmd --permanent --add-port=8145/udp && firewall-cmd --reload"},
		{"not understood", func(f *Facts) {
			f.Firewall.Rules = []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\n-A INPUT -m u32 --u32 1 -j ACCEPT\n"}}
		}, "firewall", Warning, "may be kept out", "iptables -I"},
		{"unreadable rules", func(f *Facts) { f.Firewall.Err = errors.New("not permitted") }, "firewall", Skipped, "can't be read", "sudo"},
		{"garbled rules", func(f *Facts) { f.Firewall.Rules = []Rules{{"nft", "{"}} }, "firewall", Skipped, "not understood", ""},

		{"small interface", func(f *Facts) { f.Interfaces[1].MTU = 1200 }, "mtu", Error, "eth0 carries 1200", "ip link set dev eth0 mtu 1500"},
		{"small path", func(f *Facts) { f.Probes[0].MTU = 1100 }, "mtu", Error, "192.168.1.8:8145 carries 1100", "tracepath -n 192.168.1.8"},

		{"clock", func(f *Facts) { f.Clock.Synchronized = false }, "clock", Warning, "nothing keeps", "timedatectl set-ntp true"},
		{"no clock", func(f *Facts) { f.Clock.Err = errors.New("no") }, "clock", Skipped, "can't be read", ""},
		{"skew", log("the clock of host beta at 192.168.1.8:8145 is 26h0m0s ahead of the one here: set the clock that is wrong"),
			"clock", Warning, "26h0m0s ahead", "timedatectl"},

		{"same name", func(f *Facts) { f.Host.Hosts[1].Name = "alpha~0002" }, "conflicts", Error, "two hosts have the name alpha", "--name"},
		{"number", log("host number 0x0002 of gamma is taken by beta at 192.168.1.8:8145"), "conflicts", Warning, "0x0002", "vsys hosts"},
		{"key", log("another host, at 192.168.1.8:8145, calls itself beta and has this host's key: the state directory was copied; on one of the two stop vsys, remove it and join again (vsys join)"),
			"conflicts", Error, "has this host's key", "vsys join"},
		{"key of others", log("beta at 192.168.1.8:8145 has the host key of gamma at 192.168.1.9:8145: a copied state directory"),
			"conflicts", Error, "has the host key of gamma", "vsys join"},
		{"certificate", log("host beta at 192.168.1.8:8145 is refused: the certificate has expired"), "conflicts", Warning, "expired", ""},
		{"not known", func(f *Facts) { f.Host = Host{} }, "conflicts", Skipped, "", "vsys boot"},

		{"old host here", func(f *Facts) { f.Version = "1.1" }, "version", Warning, "this program is 1.1", "vsys boot"},
		{"old host there", func(f *Facts) { f.Host.Hosts[1].Version = "0.9" }, "version", Warning, "host beta runs version 0.9", "one version"},

		{"no fuse", func(f *Facts) { f.Fuse.Device = errors.New("no such device") }, "fuse", Warning, "/dev/fuse", "modprobe fuse"},
		{"no fusermount3", func(f *Facts) { f.Fuse.Helper = "" }, "fuse", Warning, "fusermount3", "install fuse3"},
		{"small rmem", func(f *Facts) { f.Buffers.Receive = 212992 }, "buffers", Warning, "net.core.rmem_max is 212992",
			"sysctl -w net.core.rmem_max=8388608"},
		{"small wmem", func(f *Facts) { f.Buffers.Send = 212992 }, "buffers", Warning, "wmem_max", "sysctl -w net.core.wmem_max=8388608"},
		{"small rmem, root", func(f *Facts) { f.Buffers.Receive, f.Root = 212992, true }, "buffers", OK, "root", ""},
		{"hidden rmem", func(f *Facts) { f.Buffers.Receive = 0 }, "buffers", Skipped, "rmem_max", ""},
		{"no namespaces", func(f *Facts) { f.Namespaces.Max = 0 }, "namespaces", Warning, "may not", "user.max_user_namespaces"},
		{"Debian", func(f *Facts) { f.Namespaces.Cloning = false }, "namespaces", Warning, "may not", "unprivileged_userns_clone=1"},
		{"AppArmor", func(f *Facts) { f.Namespaces.AppArmored = true }, "namespaces", Warning, "AppArmor", "apparmor_restrict"},
		{"namespaces unknown", func(f *Facts) { f.Namespaces.Max = -1 }, "namespaces", Skipped, "not known", ""},
	}
	for _, test := range tests {
		f := healthy()
		test.fault(f)
		list := Examine(f)
		found := slices.ContainsFunc(list, func(f Finding) bool {
			return f.Check == test.check && f.Status == test.status && strings.Contains(f.What, test.what) &&
				(test.mend == "") == (f.Mend == "") && strings.Contains(f.Mend, test.mend)
		})
		if !found {
			t.Errorf("%s: no finding %s %s %q, try %q, among:", test.name, test.check, test.status, test.what, test.mend)
			for _, f := range list {
				if f.Check == test.check {
					t.Errorf("\t%+v", f)
				}
			}
		}
	}
}

func TestExit(t *testing.T) {
	of := func(list ...Status) (f []Finding) {
		for _, s := range list {
			f = append(f, Finding{Status: s})
		}
		return f
	}
	for want, list := range [][]Finding{of(OK, Skipped), of(OK, Warning, Skipped), of(Warning, Error, Warning)} {
		if got := Exit(list); got != want {
			t.Errorf("%v: status %d, want %d", list, got, want)
		}
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	err := Print(&b, []Finding{
		{"mtu", Error, "eth0 carries 1200", "hellos need 1280", "ip link set"},
		{"mtu", OK, "a line\nand \x1b[31manother", "", ""},
		{"clock", OK, "right", "", ""},
	})
	want := "mtu    error  eth0 carries 1200\n" +
		"                hellos need 1280\n" +
		"                try: ip link set\n" +
		"       ok     a line and  [31manother\n" +
		"clock  ok     right\n"
	if err != nil || b.String() != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, b.String(), want)
	}
}
