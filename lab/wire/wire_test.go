package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Variables that make the test's program something else.
const (
	ownerVariable = "VSYS_TEST_WIRE_OWNER" // the owner of a wire, that waits to be killed
)

func TestMain(m *testing.M) {
	if os.Getenv(ownerVariable) != "" {
		os.Exit(own())
	}
	status := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(status)
}

// newWire makes a wire for the test, which is left out where none is to be had.
func newWire(t testing.TB, c Config) *Wire {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

const testPort = 7100

// probe sends count packets of size octets from one machine to another one's address,
// or to a group that it is in, and returns how many arrive.
func probe(t *testing.T, from, to *Machine, group netip.Addr, count, size int) int {
	t.Helper()
	dst := netip.AddrPortFrom(to.Addr, testPort)
	listen := func() (*net.UDPConn, error) { return to.ListenUDP(testPort) }
	if group.IsValid() {
		dst = netip.AddrPortFrom(group, testPort)
		listen = func() (*net.UDPConn, error) { return to.ListenMulticast(dst) }
	}
	in, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := in.SetReadBuffer(1 << 20); err != nil {
		t.Fatal(err)
	}
	out, err := from.Injector()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	src := netip.AddrPortFrom(from.Addr, testPort)
	for range count {
		if err := out.Send(src, dst, make([]byte, size-ipv4Size-udpSize)); err != nil {
			t.Fatal(err)
		}
	}
	return drain(t, in)
}

// drain counts the packets that arrive, until none does for a while.
func drain(t *testing.T, in *net.UDPConn) (count int) {
	t.Helper()
	for b := make([]byte, 1<<16); ; count++ {
		in.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
		if _, err := in.Read(b); errors.Is(err, os.ErrDeadlineExceeded) {
			return count
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

var testGroup = netip.MustParseAddr("239.81.0.1")

// passes checks how many of 100 packets arrive, and says what it is about.
func passes(t *testing.T, what string, got, least, most int) {
	t.Helper()
	t.Logf("%s: %d of 100", what, got)
	if got < least || got > most {
		t.Errorf("%s: %d of 100 arrive, want %d to %d", what, got, least, most)
	}
}

// TestFaults sends packets through each fault, and through the wire once mended.
func TestFaults(t *testing.T) {
	w := newWire(t, Config{Machines: 3})
	a, b, c := w.Machine(0), w.Machine(1), w.Machine(2)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	unicast := func(from, to *Machine, size int) int { return probe(t, from, to, netip.Addr{}, 100, size) }
	multicast := func(from, to *Machine) int { return probe(t, from, to, testGroup, 100, 200) }

	passes(t, "a good wire", unicast(a, b, 1500), 100, 100)
	passes(t, "a good wire, multicast", multicast(a, b), 100, 100)

	must(w.Lose(Loss{From: 0, To: 1, Percent: 30}))
	passes(t, "30 % loss, that way", unicast(a, b, 200), 45, 90)
	passes(t, "30 % loss, the other way", unicast(b, a, 200), 100, 100)
	passes(t, "30 % loss, to another", unicast(a, c, 200), 100, 100)
	must(w.Mend())
	passes(t, "mended", unicast(a, b, 200), 100, 100)

	must(w.Lose(Loss{From: All, To: All, Percent: 100, Multicast: true}))
	passes(t, "multicasts lost", multicast(a, b), 0, 0)
	passes(t, "multicasts lost, unicast", unicast(a, b, 200), 100, 100)
	must(w.Mend())

	must(w.SnoopWithoutQuerier())
	passes(t, "snooping", multicast(a, b), 0, 0)
	passes(t, "snooping, all hosts", probe(t, a, b, netip.MustParseAddr("224.0.0.251"), 100, 200), 100, 100)
	must(w.Mend())

	must(w.Partition([]int{0}, []int{1}))
	passes(t, "a partition", unicast(a, b, 200), 0, 0)
	passes(t, "a partition, to one on no side", unicast(a, c, 200), 100, 100)
	must(w.Mend())

	must(w.Narrow(1280))
	passes(t, "a narrow wire, a small packet", unicast(a, b, 1280), 100, 100)
	passes(t, "a narrow wire, a large packet", unicast(a, b, 1281), 0, 0)
	must(w.Mend())

	must(w.Down(1))
	passes(t, "cable pulled", unicast(a, b, 200), 0, 0)
	must(w.Up(1))
	passes(t, "cable plugged in", unicast(a, b, 200), 100, 100)

	must(b.Firewall())
	passes(t, "firewall", unicast(a, b, 200), 0, 0)
	passes(t, "firewall, outwards", unicast(b, c, 200), 100, 100)
	must(b.MTU(1280))
	if out, err := b.Root(t.Context(), "nft", "add", "rule", "inet", "filter", "input", "udp", "dport", fmt.Sprint(testPort), "accept").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	passes(t, "firewall opened", unicast(a, b, 200), 100, 100)

	for _, l := range []Loss{{From: 3}, {To: -2}, {Percent: 101}, {Percent: -1}} {
		if w.Lose(l) == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

// TestSubnets sends through the router.
func TestSubnets(t *testing.T) {
	w := newWire(t, Config{Machines: 3, Subnets: 2})
	a, b, c := w.Machine(0), w.Machine(1), w.Machine(2)
	passes(t, "through the router", probe(t, a, b, netip.Addr{}, 100, 1500), 100, 100)
	passes(t, "multicast through the router", probe(t, a, b, testGroup, 100, 200), 0, 0)
	passes(t, "multicast in the subnet", probe(t, a, c, testGroup, 100, 200), 100, 100)
	if w.Lose(Loss{From: 0, To: 1}) == nil || w.Partition([]int{0}, []int{1}) == nil {
		t.Error("faults between subnets were taken")
	}
	if _, err := New(Config{Machines: 2, Subnets: 3}); err == nil {
		t.Error("more subnets than machines were taken")
	}
}

// TestCommand looks at a machine from inside.
func TestCommand(t *testing.T) {
	w := newWire(t, Config{Machines: 2})
	m := w.Machine(1)
	script := `hostname; id -u; pwd; echo $HOME; touch $XDG_STATE_HOME/f $TMPDIR/f && stat -c %a $XDG_RUNTIME_DIR; echo $$`
	cmd := m.Command(t.Context(), "sh", "-c", script)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("machine1\n%d\n%s\n%[2]s\n700\n%d\n", user, m.Home(), cmd.Process.Pid)
	if string(out) != want {
		t.Errorf("%q, want %q", out, want)
	}
	out, err = m.Root(t.Context(), "sh", "-c", "id -u; cat /proc/net/dev | grep -c :").Output()
	if string(out) != "0\n2\n" || err != nil {
		t.Errorf("as root, with lo and eth0: %q, %v", out, err)
	}
	if err := os.WriteFile(w.Program("own"), []byte("#!/bin/sh\necho own $1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := m.Command(t.Context(), "own", "x").Output(); string(out) != "own x\n" || err != nil {
		t.Errorf("a program of the wire: %q, %v", out, err)
	}
}

// TestNothingOutside checks that this process's network is as it was.
func TestNothingOutside(t *testing.T) {
	names := func() string {
		all, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(all)
	}
	before, host := names(), hostname(t)
	w := newWire(t, Config{Machines: 8, Subnets: 2})
	if got := names(); got != before {
		t.Errorf("interfaces %s, before %s", got, before)
	}
	if got := hostname(t); got != host || w.Machine(7).Name != "machine7" {
		t.Errorf("host name %s, before %s", got, host)
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestCapture searches a capture for what was sent, over two subnets.
func TestCapture(t *testing.T) {
	w := newWire(t, Config{Machines: 2})
	path := filepath.Join(t.TempDir(), "pcap")
	c, err := w.Capture(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := w.Machine(1).ListenUDP(testPort)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := w.Machine(0).Injector()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	forged, to := netip.MustParseAddrPort("10.81.0.77:5"), netip.AddrPortFrom(w.Machine(1).Addr, testPort)
	text := []byte("what was sent")
	if err := out.Send(forged, to, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	in.SetReadDeadline(time.Now().Add(patience))
	n, from, err := in.ReadFromUDPAddrPort(b)
	if err != nil || from != forged || !bytes.Equal(b[:n], text) {
		t.Errorf("received %q from %v, %v", b[:n], from, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	packets, err := ReadPackets(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []Packet
	for _, p := range packets {
		if bytes.Contains(p.Payload, text) {
			found = append(found, p)
		}
	}
	if len(found) != 1 || found[0].From != forged || found[0].To != to || time.Since(found[0].Time) > time.Minute {
		t.Errorf("the capture has %v", found)
	}
	if _, err := ReadPackets(os.DevNull); err == nil {
		t.Error("an empty file was read as a capture")
	}
}

// TestClose checks that programs end with their wire, also those that hide.
func TestClose(t *testing.T) {
	w := newWire(t, Config{Machines: 1})
	mark := fmt.Sprint(900000 + os.Getpid())
	cmd := w.Machine(0).Command(context.Background(), "sh", "-c", "env -i setsid sleep "+mark+" & sleep "+mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	soon(t, "both run", func() bool { return running("sleep\x00"+mark) == 2 })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := running("sleep\x00" + mark); n > 0 {
		t.Errorf("%d programs run still", n)
	}
	if _, err := os.Stat(w.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
	w.dir, w.machines, w.middle = nil, nil, nil // what the clean-up closes again
}

// own makes a wire with programs, prints its directory and waits to be killed.
func own() int {
	w, err := New(Config{Machines: 2})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	cmd := w.Machine(1).Command(context.Background(), "sh", "-c", "setsid sleep $0 & exec sleep $0", os.Getenv(ownerVariable))
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return 1
	}
	fmt.Println(w.Dir())
	cmd.Wait()
	return 0
}

// TestKilled kills the owner of a wire; the next wire removes what is left.
func TestKilled(t *testing.T) {
	newWire(t, Config{Machines: 1}) // or the test is left out
	t.Setenv("TMPDIR", t.TempDir())
	mark := fmt.Sprint(1000000 + os.Getpid())
	owner := exec.Command("/proc/self/exe")
	owner.Env = append(os.Environ(), ownerVariable+"="+mark)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	if _, err := fmt.Fscanln(out, &dir); err != nil || !strings.Contains(dir, prefix) {
		t.Fatalf("%q, %v", dir, err)
	}
	soon(t, "both run", func() bool { return running("sleep\x00"+mark) == 2 })
	owner.Process.Kill()
	owner.Wait()
	soon(t, "the program has ended, and left one", func() bool { return running("sleep\x00"+mark) <= 1 })
	newWire(t, Config{Machines: 1})
	if n := running("sleep\x00" + mark); n > 0 {
		t.Errorf("%d programs run still", n)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

// running counts the processes that have text in their command line.
func running(text string) (count int) {
	for _, pid := range osProcesses() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != os.Getpid() && strings.HasPrefix(string(b), text) {
			count++
		}
	}
	return count
}

// soon waits until ok.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
