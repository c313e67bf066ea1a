package enroll

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

func TestJoin(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	text := c.String() + "@10.0.0.9,10.0.0.8:99"
	c, err := ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	how := w.joining(c, "beta")
	j, err := NewJoiner(how, 5*time.Second, w.wall, w.rand)
	if err != nil {
		t.Fatal(err)
	}
	sent := j.Tick(5*time.Second, nil)
	var to []string
	for _, p := range sent {
		to = append(to, p.To.String())
		if len(p.Body) != BodySize || p.Number != 1 || !bytes.Equal(p.Body, sent[0].Body) {
			t.Errorf("packet of %d octets for %d", len(p.Body), p.Number)
		}
	}
	if want := []string{"invalid AddrPort", "10.0.0.9:8145", "10.0.0.8:99"}; !reflect.DeepEqual(to, want) {
		t.Errorf("sent to %v, want %v", to, want)
	}
	o := w.hear(sent[1])
	if !o.Changed || o.Refused != 0 || o.Joined == nil || o.Wish.Version != "1.2" || o.Wish.Processor != "amd64" {
		t.Fatalf("outcome %+v", o)
	}
	from := netip.MustParseAddrPort("10.0.0.9:8145")
	j.Heard(w.wall, from, o.Answer)
	g, err := j.Result()
	if err != nil || g == nil || !j.Done() {
		t.Fatalf("%v, %v", g, err)
	}
	if g.Certificate != *o.Joined || g.Certificate.Name != "beta" || g.Certificate.Key != how.Key.Public ||
		g.Certificate.Roles != cert.RoleHost {
		t.Errorf("certificate %+v", g.Certificate)
	}
	if !g.Trust.HasGroup() || g.Trust.Domain != w.keep.Trust.Domain || g.Inviter != "alpha" {
		t.Errorf("trust %+v by %s", g.Trust, g.Inviter)
	}
	if want := []netip.AddrPort{from, inn, other}; !reflect.DeepEqual(g.Addresses, want) {
		t.Errorf("addresses %v, want %v", g.Addresses, want)
	}
	if err := w.keep.Trust.Verify(&g.Certificate, w.wall); err != nil {
		t.Error(err)
	}
	if out := j.Tick(6*time.Second, nil); len(out) != 0 {
		t.Error("it goes on after the grant")
	}
	for _, word := range []string{"beta", "alpha", "amd64"} {
		if bytes.Contains(sent[0].Body, []byte(word)) || bytes.Contains(o.Answer, []byte(word)) {
			t.Errorf("%q is readable", word)
		}
	}
}

// TestRepeated lets answers be lost: the same request has the same answer, also
// after the keeper has started again.
func TestRepeated(t *testing.T) {
	w := newWorld(t)
	j := w.joiner(w.invite(), "beta")
	p := w.ask(j)
	first := w.hear(p)
	inv, err := ParseInvitations(w.inv.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	w.inv = inv
	out := j.Tick(interval, nil)
	if len(out) != 1 || !bytes.Equal(out[0].Body, p.Body) {
		t.Fatal("the second request is not the first")
	}
	w.wall = w.wall.Add(2 * time.Hour) // it has ended meanwhile
	again := w.hear(out[0])
	if !bytes.Equal(again.Answer, first.Answer) || again.Changed || again.Joined != nil || again.Refused != 0 {
		t.Fatalf("repeated: %+v", again)
	}
	j.Heard(start, inn, again.Answer)
	if g, err := j.Result(); g == nil {
		t.Fatal(err)
	}
}

func TestUsed(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	w.try(c, "beta")
	restarted, err := ParseInvitations(w.inv.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	for what, inv := range map[string]Invitations{"at once": w.inv, "after a restart": restarted} {
		w.inv = inv
		j, o := w.try(c, "gamma")
		e := w.wantRefused(what, j, o, Used)
		if e.Error() != "code 1-… was used already, by host beta" || !errors.Is(e, ipc.NoPermission) {
			t.Error(e)
		}
	}
	w.wall = start.Add(remembered)
	j, o := w.try(c, "gamma")
	w.wantRefused("a day later", j, o, Used)
	w.wall = start.Add(remembered + time.Second)
	if _, o = w.try(c, "gamma"); o.Refused != WrongCode {
		t.Errorf("forgotten: refused for %d", o.Refused)
	}
}

func TestEnded(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	w.wall = start.Add(DefaultTerm)
	j, o := w.try(c, "beta")
	w.wantRefused("at its end", j, o, Ended)
	w.wall = start.Add(DefaultTerm - time.Second)
	if j, _ = w.try(c, "beta"); j.grant == nil {
		t.Errorf("before its end: %v", j.err)
	}
}

func TestWithdrawn(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	if err := w.inv.Revoke(c.Number, w.wall); err != nil {
		t.Fatal(err)
	}
	j, o := w.try(c, "beta")
	w.wantRefused("revoked", j, o, Withdrawn)
	for _, n := range []uint8{c.Number, 0, 2} {
		if err := w.inv.Revoke(n, w.wall); !errors.Is(err, ipc.NotFound) {
			t.Errorf("revoke %d: %v", n, err)
		}
	}
}

// TestNotConsumed lets a join be refused for what its user can mend: the code
// stays good.
func TestNotConsumed(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	w.keep.Taken = func(name string, f cert.Fingerprint) bool { return name == "beta" }
	j, o := w.try(c, "beta")
	e := w.wantRefused("name taken", j, o, NameTaken)
	if e.Error() != "the domain has a host called beta already" || !errors.Is(e, ipc.DuplicateName) {
		t.Error(e)
	}
	for _, x := range []struct {
		skew time.Duration
		says string
	}{
		{24 * time.Hour, "the clock of this machine is ahead of the domain's by 24h0m0s"},
		{-5*time.Minute - time.Second, "the clock of this machine is behind the domain's by 5m1s"},
	} {
		j, err := NewJoiner(w.joining(c, "gamma"), 0, w.wall.Add(x.skew), w.rand)
		if err != nil {
			t.Fatal(err)
		}
		o := w.hear(w.ask(j))
		j.Heard(w.wall.Add(x.skew), inn, o.Answer)
		if e := w.wantRefused("clock", j, o, Clock); e.Error() != x.says || e.Skew != x.skew || o.Skew != x.skew {
			t.Errorf("%v, skew %v and %v; want %q", e, e.Skew, o.Skew, x.says)
		}
	}
	if j, _ = w.try(c, "gamma"); j.grant == nil {
		t.Errorf("at last: %v", j.err)
	}
}

func TestExpelledKey(t *testing.T) {
	w := newWorld(t)
	how := w.joining(w.invite(), "beta")
	r := cert.Revocation{Fingerprint: how.Key.Fingerprint(), Until: start.Add(cert.Term).Unix()}
	if err := cert.Expel(w.keep.Key, w.keep.Trust, r, w.wall, w.rand); err != nil {
		t.Fatal(err)
	}
	j, err := NewJoiner(how, 0, w.wall, w.rand)
	if err != nil {
		t.Fatal(err)
	}
	o := w.hear(w.ask(j))
	j.Heard(w.wall, inn, o.Answer)
	w.wantRefused("expelled", j, o, Expelled)
}

// TestFullBulletin lets a host join a domain with so many expelled hosts that
// the bulletin does not fit into the answer.
func TestFullBulletin(t *testing.T) {
	w := newWorld(t)
	w.keep.Name = strings.Repeat("k", cert.MaxName)
	for range 3 {
		next, err := cert.Rotate(w.keep.Key, w.keep.Trust, w.rand)
		if err != nil {
			t.Fatal(err)
		}
		w.keep.Key = next
	}
	left := 0 // hosts that joined without the bulletin
	for i := range cert.MaxRevoked {
		r := cert.Revocation{Fingerprint: cert.Fingerprint{byte(i)}, Until: start.Add(cert.Term).Unix()}
		if err := cert.Expel(w.keep.Key, w.keep.Trust, r, w.wall, w.rand); err != nil {
			t.Fatal(err)
		}
		j, _ := w.try(w.invite(), strings.Repeat("n", cert.MaxName))
		if j.grant == nil {
			t.Fatalf("with %d expelled: %v", i+1, j.err)
		}
		got := j.grant.Trust
		if got.Bulletin.Revision == 0 {
			left++
		}
		if _, err := got.Adopt(w.keep.Trust.Bulletin, nil, nil); err != nil || !got.HasGroup() {
			t.Fatalf("with %d expelled, the bulletin after the grant: %v", i+1, err)
		}
	}
	if left == 0 || left > 25 {
		t.Errorf("%d of %d joined without the bulletin", left, cert.MaxRevoked)
	}
}

// TestKeeperWithoutKey lets a keeper hear a request after another has rotated.
func TestKeeperWithoutKey(t *testing.T) {
	w := newWorld(t)
	p := w.ask(w.joiner(w.invite(), "beta"))
	if _, err := cert.Rotate(w.keep.Key, w.keep.Trust, w.rand); err != nil {
		t.Fatal(err)
	}
	o, err := w.inv.Heard(&w.keep, w.wall, p.Number, p.Body)
	if e := (*cert.Error)(nil); !errors.As(err, &e) || e.Reason != cert.OldKey || o.Answer != nil {
		t.Errorf("%+v, %v", o, err)
	}
	if w.inv.all[0].State != Open {
		t.Error("the invitation is spent")
	}
}

// TestDone checks that only the first of several ends counts.
func TestDone(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	j := w.joiner(c, "beta")
	p := w.ask(j)
	o := w.hear(p)
	j.Heard(w.wall, inn, o.Answer)
	j.Heard(w.wall, other, reject(p.Body))
	j.Tick(time.Hour, nil)
	if g, err := j.Result(); g == nil || err != nil || g.Addresses[0] != inn {
		t.Errorf("%v, %v", g, err)
	}
}
