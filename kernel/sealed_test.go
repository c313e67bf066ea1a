package kernel

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
	"vsys/seal/cert"
	"vsys/vmtp/packet"
)

// eventually waits until done is true, at most thirty seconds.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not within thirty seconds", what)
		}
	}
}

// sees tells whether h knows a host of that name that lives.
func sees(h *Host, name string) bool {
	return slices.ContainsFunc(h.Hosts(), func(x hello.Host) bool { return x.Name == name && x.State == hello.Live })
}

// TestStrangersChangeNothing: what a team sent is sent again, with flipped bits, and
// in the clear, by somebody else. Nothing is executed twice, and honest traffic
// goes on.
func TestStrangersChangeNothing(t *testing.T) {
	hosts := bootHosts(t, 2, nil)
	from, to := newTeam(t, hosts[0]), newTeam(t, hosts[1])
	var executed atomic.Int32
	server := serve(t, to, func(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte) {
		executed.Add(1)
		echo(p, m, tr, data)
	})
	client := process(t, from, "client")
	var m ipc.Message
	if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil {
		t.Fatal(err)
	}
	stranger := newStranger(t)
	recorded := [][]byte{sealedRequest(t, from, process(t, from, "other").PID(), server.PID(), "a secret that nobody may read")}
	stranger.send(hosts[1].Addr(), recorded[0]) // it is genuine, whoever brings it
	eventually(t, "the Request is executed", func() bool { return executed.Load() == 2 })
	for _, b := range recorded {
		if bytes.Contains(b, []byte("secret")) {
			t.Error("the segment can be read on the wire")
		}
		stranger.send(hosts[1].Addr(), b)
		for bit := 0; bit < len(b)*8; bit += 7 {
			c := bytes.Clone(b)
			c[bit/8] ^= 1 << (bit % 8)
			stranger.send(hosts[1].Addr(), c)
		}
		h, _, err := frame.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		h.Type, h.Key, h.Counter = frame.Null, 0, 0
		stranger.send(hosts[1].Addr(), frame.AppendNullTag(h.Append(nil)))
	}
	if _, err := client.Send(&m, server.PID(), ipc.Segment{}); err != nil {
		t.Fatal(err)
	}
	if n := executed.Load(); n != 3 {
		t.Errorf("%d Requests were executed, want 3", n)
	}
	s := to.Stats()
	if s.Replayed == 0 || s.Forged == 0 {
		t.Errorf("%d replayed and %d forged frames were counted", s.Replayed, s.Forged)
	}
}

// sealedRequest returns the frame of a Request of a process of k, with a segment.
func sealedRequest(t *testing.T, k *Kernel, client, server ipc.PID, segment string) []byte {
	t.Helper()
	h := packet.Header{
		Client: client, Server: server, Domain: packet.Domain, Transaction: 4711,
		Delivery: packet.WantedMask(len(segment)),
	}
	h.Message.SetSegmentSize(len(segment))
	b := newBuffer(smallBuffer)
	b.b = h.AppendBlocks(k.header(server.Team()).Append(b.b), []byte(segment))
	run := []datagram{{host: server.Host(), slot: server.Team(), buf: b}}
	if err := k.finish(newOutbox(), run); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b.b)
}

// stranger is a socket of nobody's.
type stranger struct {
	t *testing.T
	l link.Link
}

func newStranger(t *testing.T) *stranger {
	h := bootHosts(t, 1, func(c *HostConfig) { c.Addr = netip.MustParseAddrPort("127.0.0.9:0"); c.Socket = "" })[0]
	return &stranger{t, h.Kernel.config.Link}
}

func (s *stranger) send(to netip.AddrPort, b []byte) {
	s.t.Helper()
	if err := s.l.Send(to, b); err != nil {
		s.t.Fatal(err)
	}
}

// TestTwoDomains: hosts of two domains that greet each other do not see each other.
func TestTwoDomains(t *testing.T) {
	one := bootHosts(t, 2, nil)
	other := bootHosts(t, 1, func(c *HostConfig) {
		c.Addr = netip.MustParseAddrPort("127.0.0.7:0")
		c.Socket, c.Peers = "", []netip.AddrPort{one[0].Addr(), one[1].Addr()}
	})
	eventually(t, "the hosts of one domain", func() bool { return sees(one[0], "beta") && sees(one[1], "alpha") })
	if n := len(other[0].Hosts()); n != 1 {
		t.Errorf("the other domain's host knows %d hosts, want itself", n)
	}
	if n := len(one[0].Hosts()); n != 2 {
		t.Errorf("a host knows %d hosts, want the two of its domain", n)
	}
}

// TestReboot: a host that crashed and boots again is reached at once, and what it
// does not know any more is said.
func TestReboot(t *testing.T) {
	d := newDomain(t)
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", t.TempDir())
	beta, state := d.member("beta"), t.TempDir()
	first := bootOne(t, beta, "127.0.0.2:0", state, alpha.Addr())
	addr := first.Addr()
	eventually(t, "they see each other", func() bool { return sees(alpha, "beta") && sees(first, "alpha") })
	client := process(t, newTeam(t, alpha), "client")
	old := serve(t, newTeam(t, first), echo)
	var m ipc.Message
	if _, err := client.Send(&m, old.PID(), ipc.Segment{}); err != nil {
		t.Fatal(err)
	}
	first.hosts.mu.Lock() // it says no goodbye
	first.hosts.closed = true
	first.hosts.mu.Unlock()
	first.Close()
	second := bootOne(t, beta, addr.String(), state, alpha.Addr())
	_, err := client.Send(&m, old.PID(), ipc.Segment{})
	wantCode(t, "to a server of the boot before", err, ipc.NonexistentEntity)
	if _, err := client.Send(&m, serve(t, newTeam(t, second), echo).PID(), ipc.Segment{}); err != nil {
		t.Error(err)
	}
}

func bootOne(t *testing.T, m *Member, addr, state string, peers ...netip.AddrPort) *Host {
	t.Helper()
	h, err := NewHost(context.Background(), HostConfig{
		Name: m.Identity.Certificate.Name, Member: m, Addr: netip.MustParseAddrPort(addr), State: state, Peers: peers,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestExpel: a host that is expelled is refused by all others, those too that it
// has spoken with already.
func TestExpel(t *testing.T) {
	hosts := bootHosts(t, 3, nil)
	for _, h := range hosts {
		for _, name := range []string{"alpha", "beta", "gamma"} {
			eventually(t, "all see all", func() bool { return h.config.Name == name || sees(h, name) })
		}
	}
	servers := []ipc.Process{serve(t, newTeam(t, hosts[0]), echo), serve(t, newTeam(t, hosts[1]), echo)}
	client := process(t, newTeam(t, hosts[2]), "client")
	var m ipc.Message
	for _, s := range servers {
		if _, err := client.Send(&m, s.PID(), ipc.Segment{}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "Expel by beta", hosts[1].Expel("gamma"), ipc.NoPermission)
	wantCode(t, "Expel of nobody", hosts[0].Expel("delta"), ipc.NotFound)
	wantCode(t, "Expel of itself", hosts[0].Expel("alpha"), ipc.BadArgs)
	wantCode(t, "Expel", hosts[0].Expel("gamma"), ipc.OK)
	start := time.Now()
	for i, h := range hosts[:2] {
		eventually(t, "gamma is lost", func() bool { return !sees(h, "gamma") })
		eventually(t, "gamma's teams are refused", func() bool {
			client.SetDeadline(time.Now().Add(300 * time.Millisecond))
			_, err := client.Send(&m, servers[i].PID(), ipc.Segment{})
			return err != nil
		})
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	eventually(t, "the two others go on", func() bool { return sees(hosts[0], "beta") && sees(hosts[1], "alpha") })
	if s := hosts[1].Security(); s.Expelled != 1 || s.Revision != hosts[0].Security().Revision {
		t.Errorf("beta knows %+v", s)
	}
}

// TestRotate: with a new key of the domain all go on; they get certificates by it,
// and after it a third host is let in and sees all.
func TestRotate(t *testing.T) {
	hosts := bootHosts(t, 2, nil)
	eventually(t, "they see each other", func() bool { return sees(hosts[0], "beta") && sees(hosts[1], "alpha") })
	wantCode(t, "Rotate", hosts[0].Rotate(false), ipc.OK)
	eventually(t, "beta has a certificate by the new key", func() bool {
		m := hosts[1].Member()
		return len(m.Trust.Keys) == 2 && !m.Trust.Due(&m.Identity.Certificate, time.Now())
	})
	eventually(t, "the next rotation, once all have seen beta's certificate", func() bool { return hosts[0].Rotate(false) == nil })
	client := process(t, newTeam(t, hosts[0]), "client")
	var m ipc.Message
	if _, err := client.Send(&m, serve(t, newTeam(t, hosts[1]), echo).PID(), ipc.Segment{}); err != nil {
		t.Error(err)
	}
}

// TestRenewal: a certificate that is to end is renewed by the keeper, without
// anybody's doing.
func TestRenewal(t *testing.T) {
	d := newDomain(t)
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", "")
	old := d.memberUntil("beta", time.Now().Add(-cert.Term*3/4))
	saved := make(chan Member, 16)
	old.Save = func(m Member) error { saved <- m; return nil }
	beta := bootOne(t, old, "127.0.0.2:0", "", alpha.Addr())
	eventually(t, "a new certificate", func() bool {
		m := beta.Member()
		return m.Identity.Certificate.NotAfter.After(time.Now().Add(cert.Term * 9 / 10))
	})
	for m := range saved {
		if m.Identity.Certificate.Serial != old.Identity.Certificate.Serial {
			break
		}
	}
}

// TestExpired: a host whose certificate has ended is refused, and both say why.
func TestExpired(t *testing.T) {
	d := newDomain(t)
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", "")
	beta := bootOne(t, d.memberUntil("beta", time.Now().Add(-cert.Term-time.Hour)), "127.0.0.2:0", "", alpha.Addr())
	for _, h := range []*Host{alpha, beta} {
		eventually(t, h.config.Name+" says why", func() bool { return len(h.Security().Troubles) > 0 })
	}
	if sees(alpha, "beta") || sees(beta, "alpha") {
		t.Error("they see each other")
	}
	t.Log(alpha.Security().Troubles[0].Text)
	t.Log(beta.Security().Troubles[0].Text)
}

// TestOneKeyTwice: two hosts with one copied state directory; the second to boot says
// what is wrong.
func TestOneKeyTwice(t *testing.T) {
	d := newDomain(t)
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", "")
	beta := d.member("beta")
	bootOne(t, beta, "127.0.0.2:0", "", alpha.Addr())
	_, err := NewHost(context.Background(), HostConfig{
		Name: "beta", Member: beta, Addr: netip.MustParseAddrPort("127.0.0.3:0"), Peers: []netip.AddrPort{alpha.Addr()},
	})
	wantCode(t, "a second host with that key", err, ipc.DuplicateName)
	t.Log(err)
}
