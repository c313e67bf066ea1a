package kernel

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/seal/cert"
	"vsys/seal/pair"
	"vsys/vmtp/packet"
)

// allSee waits until each host sees all others.
func allSee(t *testing.T, hosts ...*Host) {
	t.Helper()
	for _, h := range hosts {
		for _, other := range hosts {
			eventually(t, "all see all", func() bool { return h == other || sees(h, other.config.Name) })
		}
	}
}

// TestForwardedRequestIsNotDirect: who forwards a Request can make up its client; so
// servers are told that it was forwarded, and kernels don't take it.
func TestForwardedRequestIsNotDirect(t *testing.T) {
	hosts := bootHosts(t, 2, nil)
	asked := make(chan bool, 1)
	server := serve(t, newTeam(t, hosts[0]), func(p *Process, m *ipc.Message, tr ipc.Transaction, data []byte) {
		asked <- ipc.Direct(p, tr)
		echo(p, m, tr, data)
	})
	evil, victim := newTeam(t, hosts[1]), process(t, newTeam(t, hosts[0]), "victim")
	p := process(t, evil, "evil")
	var m ipc.Message
	if _, err := p.Send(&m, server.PID(), ipc.Segment{}); err != nil {
		t.Fatal(err)
	}
	if !<-asked {
		t.Error("a Request that came straight is not direct")
	}
	forge := func(to ipc.PID) {
		h := packet.Header{Client: victim.PID(), Server: to, Domain: packet.Domain, Transaction: 4711, ForwardCount: 1}
		b := newBuffer(smallBuffer)
		b.b = h.AppendBlocks(evil.header(server.PID().Team()).Append(b.b), nil)
		evil.transmit(newOutbox(), []datagram{{to: hosts[0].Addr(), host: hosts[0].ids.number, slot: server.PID().Team(), buf: b}})
	}
	forge(server.PID())
	if <-asked {
		t.Error("a forwarded Request counts as its client's")
	}
	k := server.Team().(*Kernel)
	before := k.Stats().Forged
	forge(ipc.ManagerGroup)
	eventually(t, "a forwarded Request to a kernel is refused", func() bool { return k.Stats().Forged > before })
}

// TestNumberOfAnother: a host that claims this one's number is heard, so that the
// conflict is settled, but by no session does a frame of it count as this host's.
func TestNumberOfAnother(t *testing.T) {
	d := newDomain(t)
	s1, s2 := t.TempDir(), t.TempDir()
	for _, s := range []string{s1, s2} {
		if err := os.WriteFile(filepath.Join(s, "number"), []byte("77\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", s1)
	second, err := NewHost(t.Context(), HostConfig{
		Name: "beta", Member: d.member("beta"), Addr: netip.MustParseAddrPort("127.0.0.2:0"), State: s2,
		Peers: []netip.AddrPort{alpha.Addr()},
	})
	if err == nil { // it has the lower key
		defer second.Close()
	} else {
		wantCode(t, "the second", err, ipc.DuplicateName)
	}
	alpha.hosts.mu.Lock()
	defer alpha.hosts.mu.Unlock()
	if all := alpha.hosts.trust.receivers(3); len(all) != 2 {
		t.Errorf("%d sessions open frames, want the two of the host with itself", len(all))
	}
}

// TestForgedGoodbye: neither a host that was expelled, and has the old group key, nor
// another member says goodbye for a host.
func TestForgedGoodbye(t *testing.T) {
	hosts := bootHosts(t, 3, nil)
	allSee(t, hosts...)
	old := hosts[2].Member().Trust.Groups[0]
	var beta hello.Host
	for _, h := range hosts[2].Hosts() {
		if h.Name == "beta" {
			beta = h
		}
	}
	body := make([]byte, 36) // docs/wire/hello.md
	body[0], body[1], body[2] = 1, 1, byte(hello.Goodbye)
	binary.BigEndian.PutUint16(body[4:], beta.Number)
	binary.BigEndian.PutUint64(body[8:], beta.Epoch)
	binary.BigEndian.PutUint32(body[16:], 1)
	binary.BigEndian.PutUint32(body[20:], 1000)
	stranger := newStranger(t)
	say := func(sequence uint64) {
		t.Helper()
		b, err := seal.NewGroup(&old.Key).Seal(nil, frame.Hello, append(binary.BigEndian.AppendUint64(nil, sequence), body...), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		stranger.send(hosts[0].Addr(), b)
		until := time.Now().Add(1500 * time.Millisecond)
		eventually(t, "time has passed", func() bool {
			if !sees(hosts[0], "beta") {
				t.Fatal("beta is lost by a goodbye that is not its own")
			}
			return time.Now().After(until)
		})
	}
	say(20) // by a member; a real host's sequence goes on above it
	if err := hosts[0].Expel("gamma"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "beta has the new group key", func() bool {
		return hosts[1].Member().Trust.Groups[0].Generation > old.Generation && !sees(hosts[0], "gamma")
	})
	hosts[0].hosts.mu.Lock()
	for _, p := range hosts[0].hosts.trust.peers {
		p.group = true
	}
	hosts[0].hosts.mu.Unlock()
	say(1 << 40)
	hosts[1].Close()
	eventually(t, "beta's own goodbye counts at once", func() bool { return !sees(hosts[0], "beta") })
}

// TestRetire: when the domain's old keys end, those that are here have new
// certificates, and go on.
func TestRetire(t *testing.T) {
	hosts := bootHosts(t, 3, nil)
	allSee(t, hosts...)
	if err := hosts[0].Rotate(true); err != nil {
		t.Fatal(err)
	}
	newest := func(h *Host) bool {
		m := h.Member()
		return len(m.Trust.Keys) == 2 && !m.Trust.Due(&m.Identity.Certificate, time.Now())
	}
	for _, h := range hosts {
		eventually(t, h.config.Name+" has a new certificate", func() bool { return newest(h) })
	}
	for _, h := range hosts {
		eventually(t, h.config.Name+" has seen the new certificates", func() bool {
			h.hosts.mu.Lock()
			defer h.hosts.mu.Unlock()
			r := h.hosts.trust
			return !slices.ContainsFunc(r.pairs.Sessions(), func(s *pair.Session) bool {
				return r.member.Trust.Due(&s.Certificate, time.Now())
			})
		})
	}
	hosts[0].hosts.mu.Lock()
	hosts[0].hosts.trust.retireAt = hosts[0].since()
	hosts[0].hosts.mu.Unlock()
	for _, h := range hosts {
		eventually(t, h.config.Name+" has retired the old key", func() bool { m := h.Member(); return m.Trust.Bulletin.Accepted == 1 })
	}
	allSee(t, hosts...)
	for _, h := range hosts {
		if s := h.Security(); len(s.Troubles) > 0 {
			t.Logf("%s, for a while: %s", h.config.Name, s.Troubles[0].Text)
		}
	}
}

// TestForkIsQuiet: two keepers that rotate at the same time have split the domain;
// they say so, and don't flood each other.
func TestForkIsQuiet(t *testing.T) {
	d := newDomain(t)
	alpha := bootOne(t, d.member("alpha"), "127.0.0.1:0", "")
	m := d.member("beta")
	m.Identity.Certificate = cert.Issue(d.key, cert.New(d.trust.Domain, m.Identity.Key.Public, "beta", cert.RoleHost|cert.RoleKeeper, time.Now()))
	m.Keeper = d.key
	beta := bootOne(t, m, "127.0.0.2:0", "", alpha.Addr())
	allSee(t, alpha, beta)
	alpha.hosts.mu.Lock()
	beta.hosts.mu.Lock()
	for _, h := range []*Host{alpha, beta} {
		m := &h.hosts.trust.member
		k, err := cert.Rotate(m.Keeper, &m.Trust, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		m.Keeper = k
		h.hosts.trust.noteGroups()
	}
	beta.hosts.mu.Unlock()
	alpha.hosts.mu.Unlock()
	before, until := alpha.Kernel.keys.count.Load(), time.Now().Add(time.Second)
	eventually(t, "a second has passed", func() bool { return time.Now().After(until) })
	if n := alpha.Kernel.keys.count.Load() - before; n > 200 {
		t.Errorf("%d frames in a second", n)
	}
}

// TestTeamNumbersComeAgain: a key is never dealt to two teams.
func TestTeamNumbersComeAgain(t *testing.T) {
	h := bootHosts(t, 1, nil)[0]
	h.mu.Lock()
	defer h.mu.Unlock()
	a, b := &Team{Number: 5, Incarnation: 100}, &Team{Number: 6, Incarnation: 101}
	for i, team := range []*Team{a, b, a} {
		if used := h.usedBefore(team); used != (i == 2) {
			t.Errorf("team %d of incarnation %d: used %v", team.Number, team.Incarnation, used)
		}
	}
}
