package doctor

import (
	"cmp"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/link/nic"
	"vsys/link/udp"
	"vsys/naming"
	"vsys/servers/process"
)

var eth0 = nic.Interface{
	Name: "eth0", Index: 2, MTU: 1500, Kind: "device", Sane: true,
	Addrs: []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24")},
}

var beta = netip.MustParseAddrPort("192.168.1.8:8145")

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

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
			Security: &process.Security{
				Domain: "d", NotAfter: noon.Add(80 * 24 * time.Hour), Keepers: []string{"alpha", "beta"},
			},
		},
		Wall: noon, Member: Member{Keys: true, NotAfter: noon.Add(80 * 24 * time.Hour)},
		Interfaces: []nic.Interface{{Name: "lo", Index: 1, Why: "loopback"}, eth0},
		Loops:      []Loop{{Interface: "eth0", Own: true, Others: []netip.AddrPort{beta}}},
		Probes:     []Probe{{Addr: beta, Answer: Silent, MTU: 1500}},
		Clock:      Clock{Synchronized: true},
		Fuse:       Fuse{Helper: "/usr/bin/fusermount3"},
		Buffers:    Buffers{4 << 20, 4 << 20},
		Namespaces: Namespaces{Max: 1000, Cloning: true},
	}
}

var checks = []string{"host", "keys", "domain", "interfaces", "multicast", "unicast", "firewall", "mtu", "clock",
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
	trouble := func(t process.Trouble) func(*Facts) {
		return func(f *Facts) {
			t.At = cmp.Or(t.At, noon.Add(-3*time.Minute))
			f.Host.Security.Troubles = append(f.Host.Security.Troubles, t)
		}
	}
	// Nobody is known to the host but itself.
	alone := func(f *Facts) {
		f.Host.Hosts, f.Host.Security.Keepers, f.Loops[0].Others = f.Host.Hosts[:1], []string{"alpha"}, nil
	}
	stranger := func(f *Facts) { f.Host, f.Member, f.Loops[0].Others = Host{}, Member{}, nil }
	lost := func(f *Facts) { f.Host.Hosts[1].State = naming.HostLost }
	probe := func(a Answer, asked bool) func(*Facts) {
		return func(f *Facts) {
			alone(f)
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
		{"no domain", stranger, "host", Warning, "in no domain yet", "vsys join CODE@ADDRESS"},
		{"no domain, asked", all(stranger, func(f *Facts) { f.Probes[0].Asked = true }),
			"host", Warning, "in no domain yet", "vsys join CODE@192.168.1.8:8145"},
		{"host of another user", func(f *Facts) { f.Host = Host{Foreign: true} }, "host", Skipped, "another user's", "vsys doctor, as that user"},
		{"port of another user", func(f *Facts) { stranger(f); f.Loops[0].Deaf = "taken" }, "host", Skipped, "another user's", "vsys doctor, as that user"},
		{"deaf host", func(f *Facts) { f.Host.Problem = "it does not answer" }, "host", Error, "does not answer", "vsys boot"},
		{"loopback", func(f *Facts) { f.Host.Address = "127.0.0.1:8145" }, "host", Warning, "127.0.0.1", "--addr 0.0.0.0:8145"},
		{"key files", func(f *Facts) { f.Keys = keyError{} }, "keys", Error, "0644", "chmod 600"},

		{"clear", func(f *Facts) { f.Host.Security = &process.Security{Clear: true} }, "domain", Warning, "CLEAR", "vsys join"},
		{"clear, not running", func(f *Facts) { f.Host, f.Member = Host{}, Member{Clear: true} }, "domain", Warning, "CLEAR", "vsys join"},
		{"one keeper", func(f *Facts) { f.Host.Security.Keepers = []string{"alpha"} },
			"domain", Warning, "alpha alone keeps", "vsys invite --keeper, then on another host"},
		{"one keeper, another", func(f *Facts) { f.Host.Security.Keepers = []string{"beta"} },
			"domain", Warning, "beta alone keeps", "on beta: vsys invite --keeper"},
		{"one keeper, one host", alone, "domain", OK, "kept by alpha", ""},
		{"a keeper is away", func(f *Facts) { f.Host.Security.Keepers, f.Host.Security.Away = []string{"alpha"}, []string{"beta"} },
			"domain", OK, "kept by alpha, beta", ""},
		{"no keeper lives", func(f *Facts) { f.Host.Security.Keepers, f.Host.Security.Away = nil, []string{"beta", "gamma"} },
			"domain", Warning, "no host that keeps", "on beta or gamma: vsys boot"},
		{"no keeper known", func(f *Facts) { f.Host.Security.Keepers = nil }, "domain", Warning, "no host that keeps", "vsys boot, on a host that keeps"},
		{"certificate ends", func(f *Facts) {
			s := f.Host.Security
			s.NotAfter, s.Keepers, s.Away = noon.Add(19*24*time.Hour), nil, []string{"beta"}
		}, "domain", Warning, "ends in 19 days, at 2026-01-21 12:00 UTC, and is not renewed", "on beta: vsys boot"},
		{"certificate ends, a keeper lives", func(f *Facts) { f.Host.Security.NotAfter = noon.Add(5 * time.Hour) },
			"domain", Warning, "ends in less than a day", "vsys cat /log/alpha/kernel"},
		{"certificate ended", func(f *Facts) { f.Host.Security.NotAfter = noon.Add(-time.Minute) },
			"domain", Error, "ended at 2026-01-02 11:59 UTC", "vsys join --again"},
		{"certificate ended, not running", func(f *Facts) { f.Host = Host{}; f.Member.NotAfter = noon.Add(-time.Minute) },
			"domain", Error, "ended", "vsys join --again"},
		{"certificate of a keeper ended", func(f *Facts) {
			f.Host, f.Member.NotAfter, f.Member.Keeper = Host{}, noon.Add(-time.Minute), true
		}, "domain", Error, "ended", "vsys boot"},
		{"not told", func(f *Facts) { f.Host.Security = nil; f.Member.NotAfter = time.Time{} }, "domain", Skipped, "could not be asked", ""},
		{"domain of nobody", stranger, "domain", Skipped, "in no domain", ""},

		{"unreadable", func(f *Facts) { f.InterfacesErr = errors.New("no") }, "interfaces", Error, "can't be read", ""},
		{"down", func(f *Facts) { f.Interfaces[1].Sane, f.Interfaces[1].Why = false, nic.Down },
			"interfaces", Error, "no interface", "ip link set dev eth0 up"},
		{"no address", func(f *Facts) { f.Interfaces[1].Sane, f.Interfaces[1].Why = false, nic.NoAddress },
			"interfaces", Error, "no interface", "ip address add"},
		{"no card", func(f *Facts) { f.Interfaces = f.Interfaces[:1] }, "interfaces", Error, "no interface", "connect"},

		{"cannot send", func(f *Facts) { f.Loops[0].Err = errors.New("not permitted") }, "multicast", Error, "nothing can be sent", ""},
		{"no echo", func(f *Facts) { f.Loops[0].Own = false }, "multicast", Error, "does not come back", "--peer"},
		{"echo alone", alone, "multicast", OK, "comes back", ""},
		{"heard", func(*Facts) {}, "multicast", OK, "heard: beta at 192.168.1.8:8145", ""},
		{"not heard, though it lives", func(f *Facts) { f.Loops[0].Others = nil }, "multicast", Warning, "though they live: beta", "vsys join CODE@"},
		{"alone, asked", probe(Silent, true), "multicast", Warning, "no other host is heard", "vsys shutdown; vsys boot --peer 192.168.1.8:8145"},
		{"alone", alone, "multicast", Skipped, "no other host was ever heard", "vsys doctor --peer"},
		{"alone, nothing there", probe(Refused, true), "multicast", Skipped, "no other host is heard", ""},
		{"alone, another is lost", func(f *Facts) { lost(f); f.Loops[0].Others = nil }, "multicast", Warning, "no other host is heard", "--peer"},
		{"alone, no host here", func(f *Facts) { f.Host, f.Loops[0].Others = Host{}, nil }, "multicast", Warning, "no other host", "vsys boot --peer"},
		{"alone, no domain", stranger, "multicast", Warning, "no other host", "vsys join CODE@"},
		{"another domain", func(f *Facts) { alone(f); f.Loops[0].Others = []netip.AddrPort{beta} },
			"multicast", Warning, "192.168.1.8:8145: heard, but no host of this domain", "vsys join --again"},
		{"heard by no host", func(f *Facts) { stranger(f); f.Loops[0].Others = []netip.AddrPort{beta} }, "multicast", OK, "heard: 192.168.1.8:8145", ""},
		{"by address", func(f *Facts) { f.Loops[0].Others = nil; f.Host.Hosts[1].Address = "10.9.9.9:8145" },
			"multicast", OK, "known by address: beta", ""},
		{"port of another user", func(f *Facts) { f.Loops[0].Others, f.Loops[0].Deaf = nil, "taken" }, "multicast", OK, "known to the host here: beta", ""},
		{"port of another user, alone", func(f *Facts) { alone(f); f.Loops[0].Deaf = "taken" }, "multicast", Skipped, "can't be listened", ""},
		{"nothing to test", func(f *Facts) { f.Loops = nil }, "multicast", Skipped, "no interface", ""},

		{"refused", probe(Refused, true), "unicast", Error, "nothing has UDP port 8145", "on 192.168.1.8: vsys status; vsys boot"},
		{"refused, known", probe(Refused, false), "unicast", Warning, "nothing has", "vsys boot"},
		{"filtered", probe(Filtered, true), "unicast", Error, "a firewall at 192.168.1.1 refuses", "on 192.168.1.1"},
		{"unreachable", probe(Unreachable, true), "unicast", Error, "not reached", "ping 192.168.1.8"},
		{"no route", probe(NoRoute, true), "unicast", Error, "no way", "ip route get"},
		{"forbidden", probe(Forbidden, true), "unicast", Error, "lets nothing out", "sudo nft list ruleset"},
		{"silent, and no host here", all(stranger, func(f *Facts) { f.Probes[0].Asked = true }), "unicast", OK, "192.168.1.8:8145: silent", "on 192.168.1.8: vsys status; sudo vsys doctor"},
		{"listens, and no host here", all(stranger, func(f *Facts) { f.Probes[0].Closed = Refused }), "unicast", OK, "reached; what has the port there is silent", "vsys doctor"},
		{"silent", probe(Silent, true), "unicast", Warning, "silent", "vsys doctor"},
		{"lost", lost, "unicast", Warning, "host beta was there, and is lost", "vsys doctor"},
		{"nobody known", func(f *Facts) { f.Probes = nil }, "unicast", Skipped, "no address", "--peer"},

		{"firewall", func(f *Facts) { f.Firewall.Rules = []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}} },
			"firewall", Error, "UDP port 8145 is kept out on eth0", "iptables -I INPUT -p udp --dport 8145 -j ACCEPT"},
		{"ufw", func(f *Facts) {
			f.Firewall = Firewall{UFW: true, Rules: []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}}}
		}, "firewall", Error, "kept out", "ufw allow 8145/udp"},
		{"firewalld", func(f *Facts) {
			f.Firewall = Firewall{Firewall: true, Rules: []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}}}
		}, "firewall", Error, "kept out", "sudo firewall-cmd --permanent --add-port=8145/udp && sudo firewall-cmd --reload"},
		{"not understood", func(f *Facts) {
			f.Firewall.Rules = []Rules{{"iptables", "*filter\n:INPUT DROP [0:0]\n-A INPUT -m u32 --u32 1 -j ACCEPT\n"}}
		}, "firewall", Warning, "may be kept out", "iptables -I"},
		{"unreadable rules", func(f *Facts) { f.Firewall.Err = errors.New("not permitted") }, "firewall", Skipped, "by root only", "sudo vsys doctor"},
		{"unreadable rules, root", func(f *Facts) { f.Firewall.Err, f.Root = errors.New("not permitted"), true }, "firewall", Skipped, "can't be read", ""},
		{"unreadable rules, no echo", func(f *Facts) {
			f.Firewall.Err, f.Firewall.NFT, f.Loops[0].Own = errors.New("not permitted"), true, false
		}, "firewall", Warning, "is kept out, it seems", "sudo nft insert rule inet filter input udp dport 8145 accept"},
		{"unreadable rules of iptables", func(f *Facts) { f.Firewall.Err, f.Loops[0].Own = errors.New("not permitted"), false },
			"firewall", Warning, "is kept out, it seems", "sudo iptables -I INPUT -p udp --dport 8145 -j ACCEPT"},
		{"unreadable rules, ufw", func(f *Facts) {
			f.Firewall.Err, f.Firewall.UFW, f.Loops[0].Own = errors.New("not permitted"), true, false
		}, "firewall", Warning, "is kept out, it seems", "sudo ufw allow 8145/udp"},
		{"unreadable rules, firewalld", func(f *Facts) {
			alone(f)
			f.Firewall.Err, f.Firewall.Firewall = errors.New("not permitted"), true
		}, "firewall", Skipped, "may be kept out", "sudo firewall-cmd --permanent --add-port=8145/udp && sudo firewall-cmd --reload"},
		{"garbled rules", func(f *Facts) { f.Firewall.Rules = []Rules{{"nft", "{"}} }, "firewall", Skipped, "not understood", ""},

		{"small interface", func(f *Facts) { f.Interfaces[1].MTU = 1200 }, "mtu", Error, "eth0 carries 1200", "ip link set dev eth0 mtu 1500"},
		{"small path", func(f *Facts) { f.Probes[0].MTU = 1100 }, "mtu", Error, "192.168.1.8:8145 carries 1100", "tracepath -n 192.168.1.8"},

		{"clock", func(f *Facts) { f.Clock.Synchronized = false }, "clock", Warning, "nothing keeps", "timedatectl set-ntp true"},
		{"no clock", func(f *Facts) { f.Clock.Err = errors.New("no") }, "clock", Skipped, "can't be read", ""},
		{"skew", trouble(process.Trouble{Kind: process.Skew, Host: "beta", Addr: "192.168.1.8:8145", Skew: 26 * time.Hour}),
			"clock", Warning, "the clock of host beta at 192.168.1.8:8145 is 26h0m0s ahead of the one here (3 min ago)", "timedatectl"},
		{"skew, behind", trouble(process.Trouble{Kind: process.Skew, Host: "beta", Addr: "192.168.1.8:8145", Skew: -time.Hour}),
			"clock", Warning, "1h0m0s behind the one here", "timedatectl"},

		{"same name", func(f *Facts) { f.Host.Hosts[1].Name = "alpha~0002" }, "conflicts", Error, "two hosts have the name alpha", "--name"},
		{"own name", trouble(process.Trouble{
			Kind: process.SameName, Host: "alpha", Addr: "192.168.1.7:8145", By: "alpha", ByAddr: "192.168.1.9:8145",
		}), "conflicts", Error, "two hosts have the name alpha, at 192.168.1.9:8145 and 192.168.1.7:8145", "--name"},
		{"number", trouble(process.Trouble{
			Kind: process.SameNumber, Host: "gamma", Addr: "192.168.1.9:8145", By: "beta", ByAddr: "192.168.1.8:8145",
			Text: "host number 0x0002 of gamma is taken by beta",
		}), "conflicts", Warning, "host number 0x0002 of gamma is taken by beta (3 min ago)", "vsys hosts"},
		{"prefix", trouble(process.Trouble{
			Kind: process.SamePrefix, Host: "alpha", Addr: "192.168.1.7:8145", By: "beta", ByAddr: "192.168.1.8:8145",
			Prefix: "/print", At: noon.Add(-48 * time.Hour),
		}), "conflicts", Warning, "beta and alpha both serve the prefix /print", "on alpha: end the server"},
		{"key", trouble(process.Trouble{Kind: process.OwnKey, Host: "beta", Addr: "192.168.1.8:8145"}),
			"conflicts", Error, "beta at 192.168.1.8:8145 has this host's key", "vsys join"},
		{"key of others", trouble(process.Trouble{
			Kind: process.SameKey, Host: "beta", Addr: "192.168.1.8:8145", By: "gamma", ByAddr: "192.168.1.9:8145",
		}), "conflicts", Error, "has the host key of gamma", "vsys join"},
		{"refused", trouble(process.Trouble{
			Kind: process.Refused, Host: "gamma", Addr: "192.168.1.9:8145",
			Text: "host gamma at 192.168.1.9:8145 is refused: certificate of gamma ended",
		}), "conflicts", Warning, "host gamma at 192.168.1.9:8145 is refused (3 min ago)", ""},
		{"refused by", trouble(process.Trouble{
			Kind: process.RefusedBy, Host: "gamma", Addr: "192.168.1.9:8145",
			Text: "host gamma at 192.168.1.9:8145 refuses this host: expelled",
		}), "conflicts", Warning, "refuses this host", ""},
		{"not known", func(f *Facts) { f.Host = Host{} }, "conflicts", Skipped, "running host only", ""},

		{"old host here", func(f *Facts) { f.Version = "1.1" }, "version", Warning, "this program is 1.1", "vsys boot"},
		{"old host there", func(f *Facts) { f.Host.Hosts[1].Version = "0.9" }, "version", Warning, "version 0.9 runs on beta, 1.0 on the host here", "one version"},

		{"no fuse", func(f *Facts) { f.Fuse.Device = errors.New("no such device") }, "fuse", Warning, "/dev/fuse", "modprobe fuse"},
		{"fuse of others", func(f *Facts) { f.Fuse.Device = fs.ErrPermission }, "fuse", Warning, "may not use /dev/fuse", "sudo chmod 666 /dev/fuse"},
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

// all does several things.
func all(faults ...func(*Facts)) func(*Facts) {
	return func(f *Facts) {
		for _, fault := range faults {
			fault(f)
		}
	}
}

// What is over is not told any more.
func TestOver(t *testing.T) {
	for name, trouble := range map[string]process.Trouble{
		"refused, and lives":         {Kind: process.Refused, Host: "beta", Addr: "192.168.1.8:8145", At: noon},
		"refused, an hour ago":       {Kind: process.Refused, Host: "gamma", Addr: "192.168.1.9:8145", At: noon.Add(-time.Hour)},
		"own key, an hour ago":       {Kind: process.OwnKey, Host: "gamma", Addr: "192.168.1.9:8145", At: noon.Add(-time.Hour)},
		"skew of one that is gone":   {Kind: process.Skew, Host: "gamma", Addr: "192.168.1.9:8145", At: noon, Skew: time.Hour},
		"number, an hour ago":        {Kind: process.SameNumber, Host: "beta", Addr: "192.168.1.8:8145", By: "alpha", ByAddr: "192.168.1.7:8145", At: noon.Add(-time.Hour)},
		"prefix of one that is gone": {Kind: process.SamePrefix, Host: "alpha", Addr: "192.168.1.7:8145", By: "gamma", ByAddr: "192.168.1.9:8145", At: noon.Add(-time.Hour)},
	} {
		f := healthy()
		f.Host.Security.Troubles = []process.Trouble{trouble}
		if n := Exit(Examine(f)); n != 0 {
			t.Errorf("%s: exit status %d", name, n)
		}
	}
}

// Neighbouring releases work together; of what is no release it is not known.
func TestVersions(t *testing.T) {
	for versions, want := range map[[2]string]string{
		{"v1.2.0", "v1.3.7"}: "neighbours", {"1.3", "1.2"}: "neighbours",
		{"v1.2.0", "v1.4.0"}: "more than one", {"v1.9.0", "v2.0.0"}: "more than one",
		{"devel-123", "v1.0.0"}: "not known", {"v0.1.0-0.20260101000000-abcdef", "v0.1.0"}: "not known", {"", "v"}: "not known",
	} {
		if got := compatible(versions[0], versions[1]); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", versions, got, want)
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
