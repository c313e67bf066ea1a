package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link/faulty"
)

// bootHosts boots n hosts of one domain on loopback addresses that know of each
// other.
func bootHosts(t testing.TB, n int, change func(*HostConfig)) []*Host {
	t.Helper()
	var hosts []*Host
	var peers []netip.AddrPort
	d := newDomain(t)
	for i := range n {
		name := []string{"alpha", "beta", "gamma", "delta"}[i]
		c := HostConfig{
			Name: name, Member: d.member(name),
			Addr:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), 0),
			Peers: peers, Socket: fmt.Sprintf("@vsys-test-%d-%s-%d", os.Getpid(), t.Name(), i),
		}
		if change != nil {
			change(&c)
		}
		h, err := NewHost(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		hosts = append(hosts, h)
		peers = append(peers, h.Addr())
	}
	return hosts
}

// inClear has a host boot in a clear domain.
func inClear(c *HostConfig) { c.Member = nil }

// newTeam makes a team of h.
func newTeam(t testing.TB, h *Host) *Kernel {
	t.Helper()
	k, err := h.NewTeam("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestTeamsOfHosts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*HostConfig){
		"loopback":  nil,
		"clear":     inClear,
		"small MTU": func(c *HostConfig) { c.MTU = 1472 },
		"bad network": func(c *HostConfig) {
			c.MTU = 1472
			c.Faults = faulty.Config{Seed: 1, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05}
		},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := bootHosts(t, 2, change)
			one, other, far := newTeam(t, hosts[0]), newTeam(t, hosts[0]), newTeam(t, hosts[1])
			for _, k := range []*Kernel{one, other, far, hosts[1].Kernel} {
				server := serve(t, k, echo)
				client := process(t, one, "client")
				for i := range uint32(50) {
					read := bytes.Repeat([]byte{byte(i)}, int(i)*300)
					write := make([]byte, len(read))
					var m ipc.Message
					m.PutUint32(4, i)
					if _, err := client.Send(&m, server.PID(), ipc.Segment{Read: read, Write: write}); err != nil {
						t.Fatal(err)
					}
					if m.Uint32(4) != i+1 || !bytes.Equal(read, write) {
						t.Fatalf("wrong reply %v", &m)
					}
				}
			}
			testMove(t, one, far)
			testMove(t, one, other)
		})
	}
}

func TestGroupOverHosts(t *testing.T) {
	t.Parallel()
	hosts := bootHosts(t, 3, nil)
	client := newTeam(t, hosts[0])
	testGroup(t, client, []*Kernel{
		client, hosts[0].Kernel, newTeam(t, hosts[0]), hosts[1].Kernel, newTeam(t, hosts[2]), newTeam(t, hosts[2]),
	})
	testGroup(t, hosts[1].Kernel, []*Kernel{newTeam(t, hosts[0]), newTeam(t, hosts[1])})
}

func TestDeadTeamIsAnsweredFor(t *testing.T) {
	hosts := bootHosts(t, 2, nil)
	k, err := hosts[1].NewTeam("mortal")
	if err != nil {
		t.Fatal(err)
	}
	server := process(t, k, "server")
	client := process(t, newTeam(t, hosts[0]), "client")
	result := make(chan error)
	go func() { // ends when the team has died
		var m ipc.Message
		_, err := client.Send(&m, server.PID(), ipc.Segment{})
		result <- err
	}()
	var m ipc.Message
	if _, err := server.Receive(&m, nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	k.Close()
	wantCode(t, "Send to a team that died", <-result, ipc.NonexistentEntity)
	t.Logf("noticed after %v", time.Since(start))
	_, err = client.Send(&m, server.PID(), ipc.Segment{})
	wantCode(t, "Send to a dead team", err, ipc.NonexistentEntity)
	again, err := hosts[1].NewTeam("next")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.LogicalHost() == k.LogicalHost() {
		t.Error("a team number came back at once")
	}
}

func TestSilentHostIsLost(t *testing.T) {
	t.Parallel()
	hosts := bootHosts(t, 2, nil)
	far := newTeam(t, hosts[1])
	server := serve(t, far, echo)
	client := process(t, newTeam(t, hosts[0]), "client")
	var m ipc.Message
	if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil {
		t.Fatal(err)
	}
	// The host falls silent at once, as if its machine had lost power.
	hosts[1].pool.Close()
	for _, k := range []*Kernel{far, hosts[1].Kernel} {
		k.config.Link.Close()
	}
	start := time.Now()
	_, err := client.Send(&m, server.PID(), ipc.Segment{})
	if code := ipc.CodeOf(err); code != ipc.RetransTimeout && code != ipc.Unreachable {
		t.Errorf("Send to a silent host: %v", err)
	}
	if d := time.Since(start); d > 5500*time.Millisecond {
		t.Errorf("lost only after %v", d)
	}
	var op *ipc.OpError
	if !errors.As(err, &op) || op.Host != "beta" {
		t.Errorf("error %v does not name beta", err)
	}
}

func TestNameTaken(t *testing.T) {
	hosts := bootHosts(t, 1, inClear)
	_, err := NewHost(context.Background(), HostConfig{
		Name: "alpha", Addr: netip.MustParseAddrPort("127.0.0.2:0"), Peers: []netip.AddrPort{hosts[0].Addr()},
	})
	wantCode(t, "second alpha", err, ipc.DuplicateName)
	_, err = NewHost(context.Background(), HostConfig{
		Name: "beta", Addr: netip.MustParseAddrPort("127.0.0.2:0"), Socket: hosts[0].config.Socket,
	})
	wantCode(t, "socket in use", err, ipc.DuplicateName)
	_, err = NewHost(context.Background(), HostConfig{Name: "beta", Addr: hosts[0].Addr()})
	wantCode(t, "port in use", err, ipc.DuplicateName)
	_, err = NewHost(context.Background(), HostConfig{Name: "a b", Addr: hosts[0].Addr()})
	wantCode(t, "impossible name", err, ipc.IllegalName)
}

func TestIncarnationsSurviveReboot(t *testing.T) {
	dir := t.TempDir()
	seen := map[uint16]bool{}
	number := uint16(0)
	for range 3 {
		i, err := openIncarnations(dir)
		if err != nil {
			t.Fatal(err)
		}
		if number != 0 && i.number != number {
			t.Errorf("host number %d became %d", number, i.number)
		}
		number = i.number
		for range reserve + 3 {
			n, err := i.next()
			if err != nil || seen[n] {
				t.Fatalf("incarnation %d came back (%v)", n, err)
			}
			seen[n] = true
		}
	}
	file := dir + "/file"
	os.WriteFile(file, nil, 0o600)
	if _, err := openIncarnations(file + "/below"); err == nil {
		t.Error("a state directory that can't be made was accepted")
	}
}

// TestJoin starts a team in a Linux process of its own, talks to it, and kills it.
func TestJoin(t *testing.T) {
	if socket := os.Getenv("VSYS_TEST_JOIN"); socket != "" {
		joinedServer(socket)
		return
	}
	hosts := bootHosts(t, 2, nil)
	cmd := exec.Command(os.Args[0], "-test.run=^TestJoin$")
	cmd.Env = append(os.Environ(), "VSYS_TEST_JOIN="+hosts[1].config.Socket)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var text string
	if _, err := fmt.Fscan(out, &text); err != nil {
		t.Fatal(err)
	}
	pid, err := ipc.ParsePID(text)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Join(context.Background(), hosts[0].config.Socket, "client")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	client := process(t, k, "client")
	var m ipc.Message
	m.PutUint32(4, 41)
	if _, err := client.Send(&m, pid, ipc.Segment{}); err != nil || m.Uint32(4) != 42 {
		t.Fatalf("reply %d, %v", m.Uint32(4), err)
	}
	if name := k.HostName(pid.Host()); name != "beta" {
		t.Errorf("host %d is called %q, want beta", pid.Host(), name)
	}
	if n := len(hosts[1].Teams()); n != 2 {
		t.Errorf("beta has %d teams, want 2", n)
	}
	cmd.Process.Kill()
	_, err = client.Send(&m, pid, ipc.Segment{})
	wantCode(t, "Send to a killed team", err, ipc.NonexistentEntity)
	_, err = Join(context.Background(), "@vsys-nobody", "client")
	wantCode(t, "Join of no host", err, ipc.Unreachable)
}

// joinedServer is the team of TestJoin, in its own Linux process.
func joinedServer(socket string) {
	k, err := Join(context.Background(), socket, "server")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	p, err := k.newProcess(context.Background(), "server", 0)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	for {
		var m ipc.Message
		tr, err := p.Receive(&m, nil)
		if err != nil {
			os.Exit(1)
		}
		echo(p, &m, tr, nil)
	}
}
