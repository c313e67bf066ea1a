package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/kernel"
	"vsys/link/nic"
	"vsys/naming"
	"vsys/node"
	"vsys/seal/cert"
	"vsys/servers/process"
)

// What two hosts have against each other comes from the one here.
func TestAskTroubles(t *testing.T) {
	dir := t.TempDir()
	boot := func(name string, peers ...netip.AddrPort) (*node.Node, error) {
		return node.Start(t.Context(), node.Config{
			Name: "alpha", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Peers: peers, Clear: true,
			State: filepath.Join(dir, name), Socket: filepath.Join(dir, name+".sock"),
		})
	}
	first, err := boot("first")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, err := boot("second", first.Addr()); err == nil {
		second.Close()
		t.Fatal("two hosts of one name")
	}
	h := Ask(t.Context(), dir, filepath.Join(dir, "first.sock"))
	if h.Security == nil || !h.Security.Clear {
		t.Fatalf("%+v", h)
	}
	list := Examine(&Facts{Host: h, Wall: time.Now()})
	want(t, list, "domain", Warning, "CLEAR", "vsys join")
	want(t, list, "conflicts", Error, "two hosts have the name alpha", "--name ANOTHER")
	if trouble := h.Security.Troubles; len(trouble) != 1 || trouble[0].Kind != process.SameName ||
		trouble[0].Host != "alpha" || trouble[0].ByAddr != first.Addr().String() {
		t.Errorf("%+v", trouble)
	}
}

// A keeper that has gone is named: it is to be started.
func TestAskKeepers(t *testing.T) {
	wall := time.Now()
	key, trust, id, err := cert.NewDomain(rand.Reader, wall, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	own, err := cert.NewHostKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	boot := func(name string, m *kernel.Member, peers ...netip.AddrPort) *node.Node {
		n, err := node.Start(t.Context(), node.Config{
			Name: name, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Peers: peers, Member: m,
			State: filepath.Join(dir, name), Socket: filepath.Join(dir, name+".sock"),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
	alpha := boot("alpha", &kernel.Member{Identity: id, Trust: trust, Keeper: key})
	boot("beta", &kernel.Member{
		Trust:    trust.ForNewcomer(),
		Identity: cert.Identity{Key: own, Certificate: cert.Issue(key, cert.New(trust.Domain, own.Public, "beta", cert.RoleHost, wall))},
	}, alpha.Addr())
	ask := func(what, mend string) {
		t.Helper()
		end := time.Now().Add(10 * time.Second)
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			list := examineDomain(&Facts{Host: Ask(t.Context(), dir, filepath.Join(dir, "beta.sock")), Wall: wall})
			if strings.Contains(list[0].What, what) && list[0].Mend == mend {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%+v, want %q, try %q", list[0], what, mend)
			}
		}
	}
	ask("alpha alone keeps", "on alpha: vsys invite --keeper, then on another host: vsys join --again CODE")
	alpha.Close()
	ask("no host that keeps the domain's key lives", "on alpha: vsys boot")
}

// A machine with small limits, and one that shows nothing.
func TestSysctls(t *testing.T) {
	sys := t.TempDir()
	if got := buffers(sys); got != (Buffers{}) {
		t.Errorf("of an empty directory: %+v", got)
	}
	if got, want := namespaces(sys), (Namespaces{Max: -1, Cloning: true}); got != want {
		t.Errorf("of an empty directory: %+v, want %+v", got, want)
	}
	for name, text := range map[string]string{
		"net/core/rmem_max": "212992\n", "net/core/wmem_max": "212993\n",
		"user/max_user_namespaces": "7\n", "kernel/unprivileged_userns_clone": "0\n",
		"kernel/apparmor_restrict_unprivileged_userns": "1\n",
	} {
		path := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := healthy()
	f.Buffers, f.Namespaces = buffers(sys), namespaces(sys)
	if f.Buffers != (Buffers{212992, 212993}) || f.Namespaces != (Namespaces{7, false, true}) {
		t.Errorf("%+v %+v", f.Buffers, f.Namespaces)
	}
	list := Examine(f)
	want(t, list, "buffers", Warning, "rmem_max is 212992", "sysctl -w net.core.rmem_max=8388608")
	want(t, list, "buffers", Warning, "wmem_max is 212993", "sysctl -w net.core.wmem_max=8388608")
	want(t, list, "namespaces", Warning, "may not", "unprivileged_userns_clone")
	if n := number(filepath.Join(sys, "kernel"), 5); n != 5 {
		t.Errorf("a directory reads as %d", n)
	}
}

// Addresses asked for come first; this machine's own and repeated ones are left
// out; there is an end.
func TestTargets(t *testing.T) {
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	c := Config{
		Asked: []netip.AddrPort{at("[::ffff:192.168.1.9]:8145"), at("192.168.1.7:8145")},
		Known: []netip.AddrPort{at("192.168.1.8:8145"), at("192.168.1.9:8145"), at("192.168.1.7:8145"), {}},
		Host:  Host{Hosts: healthy().Host.Hosts},
	}
	got := c.targets([]nic.Interface{eth0})
	want := []Probe{
		{Addr: at("192.168.1.9:8145"), Asked: true}, {Addr: at("192.168.1.7:8145"), Asked: true},
		{Addr: at("192.168.1.8:8145")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for i := range 100 {
		c.Known = append(c.Known, at(fmt.Sprintf("10.0.0.%d:8145", i+1)))
	}
	if n := len(c.targets(nil)); n != maxProbes {
		t.Errorf("%d addresses, want %d", n, maxProbes)
	}
}

func TestChoose(t *testing.T) {
	list := []nic.Interface{eth0, {Name: "br0", Why: "a bridge for containers"}}
	c := Config{Use: []string{"br0"}}
	c.choose(list)
	if list[0].Sane || list[0].Why == "" || !list[1].Sane || list[1].Why != "" {
		t.Errorf("%+v", list)
	}
}

func TestUFW(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ufw.conf")
	for text, want := range map[string]bool{"# a comment\nENABLED=yes\n": true, "ENABLED=no\n": false, "#ENABLED=yes\n": false, "": false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := enabledUFW(path); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if enabledUFW(path + "x") {
		t.Error("on, of no file")
	}
}

func TestReadComplaint(t *testing.T) {
	// errno origin type code, then sockaddr_in of 10.0.0.2 or sockaddr_in6 of fd00::2.
	make4 := func(errno unix.Errno, kind, code byte) []byte {
		b := []byte{byte(errno), 0, 0, 0, unix.SO_EE_ORIGIN_ICMP, kind, code, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		return append(b, 2, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	make6 := func(errno unix.Errno, kind, code byte) []byte {
		b := []byte{byte(errno), 0, 0, 0, unix.SO_EE_ORIGIN_ICMP6, kind, code, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		b = append(b, 10, 0, 0, 0, 0, 0, 0, 0)
		return append(b, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0)
	}
	v4, v6 := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")
	tests := []struct {
		b    []byte
		want complaint
	}{
		{make4(unix.ECONNREFUSED, 3, 3), complaint{unix.ECONNREFUSED, true, false, v4}},
		{make4(unix.EHOSTUNREACH, 3, 13), complaint{unix.EHOSTUNREACH, false, true, v4}},
		{make4(unix.EHOSTUNREACH, 3, 1), complaint{unix.EHOSTUNREACH, false, false, v4}},
		{make4(unix.EHOSTUNREACH, 11, 0), complaint{unix.EHOSTUNREACH, false, false, v4}},
		{make6(unix.ECONNREFUSED, 1, 4), complaint{unix.ECONNREFUSED, true, false, v6}},
		{make6(unix.EACCES, 1, 1), complaint{unix.EACCES, false, true, v6}},
		{make4(unix.ECONNREFUSED, 3, 3)[:16], complaint{unix.ECONNREFUSED, true, false, netip.Addr{}}},
	}
	for _, test := range tests {
		if got := readComplaint(test.b); got != test.want {
			t.Errorf("% x: %+v, want %+v", test.b, got, test.want)
		}
	}
}

// A host that runs is asked what it knows; where none runs that is no error.
func TestAsk(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	if h := Ask(t.Context(), dir, socket); h.Running || h.Problem != "" {
		t.Fatalf("without a host: %+v", h)
	}
	n, err := node.Start(context.Background(), node.Config{
		Name: "alpha", Addr: netip.MustParseAddrPort("127.0.0.1:0"), State: filepath.Join(dir, "state"), Socket: socket,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	h := Ask(t.Context(), dir, socket)
	if !h.Running || h.Problem != "" || h.Name != "alpha" || h.Address == "" || h.Version == "" ||
		len(h.Hosts) != 1 || h.Hosts[0].State != naming.HostSelf || h.Security == nil || !slices.Equal(h.Security.Keepers, []string{"alpha"}) {
		t.Errorf("%+v", h)
	}
	want(t, Examine(&Facts{Host: h}), "host", Warning, "alpha runs here, but listens on 127.0.0.1", "--addr")
}
