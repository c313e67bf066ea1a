package pair

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/seal/cert"
)

// A host whose certificate is not good gets no session; both hosts say why, once,
// and what to do.
func TestRefused(t *testing.T) {
	reissue := func(w *world, n *node, change func(*cert.Certificate)) {
		c := n.identity.Certificate
		change(&c)
		n.identity.Certificate = cert.Issue(w.domain, c)
	}
	for _, c := range []struct {
		name         string
		make         func(w *world, a, b *node)
		verdict      Verdict
		here, onBeta string
	}{
		{"expired", func(w *world, a, b *node) {
			reissue(w, b, func(c *cert.Certificate) { c.NotAfter = w.wall().Add(-time.Hour) })
		}, Expired, "set the clock that is wrong, or join again", "set the clock that is wrong, or join again"},
		{"not yet valid", func(w *world, a, b *node) {
			reissue(w, b, func(c *cert.Certificate) { c.NotBefore = w.wall().Add(time.Hour) })
		}, NotYetValid, "set the clock that is wrong", "set the clock that is wrong"},
		{"expelled", func(w *world, a, b *node) {
			w.expel(a, b)
		}, Revoked, "was expelled", "was expelled from the domain: to come back, join anew"},
		{"of another domain", func(w *world, a, b *node) {
			reissue(w, b, func(c *cert.Certificate) { c.Domain[0] ^= 1 })
		}, WrongDomain, "another domain: join it", "another domain: join"},
		{"signed by a stranger", func(w *world, a, b *node) {
			k, _, _, _ := cert.NewDomain(w.random, w.wall(), "x")
			b.identity.Certificate = cert.Issue(k, b.identity.Certificate)
		}, BadSignature, "not signed by the domain", "join again"},
		{"of a retired key", func(w *world, a, b *node) {
			w.rotate()
			if err := cert.Retire(w.domain, &w.trust, w.random); err != nil {
				t.Fatal(err)
			}
			a.trust = w.trust
		}, OldKey, "retired: join again", "retired: join again"},
	} {
		for _, first := range []string{"alpha begins", "beta begins"} {
			t.Run(c.name+", "+first, func(t *testing.T) {
				w := newWorld(t, 20)
				a, b := w.boot(1), w.boot(2)
				c.make(w, a, b)
				if first == "alpha begins" {
					b.greet(a)
				} else {
					a.greet(b)
				}
				w.run(time.Second)
				w.refused(a, b, c.verdict, c.here, c.onBeta)
				w.forget()
				w.greetFor(30 * time.Second)
				if len(a.events)+len(b.events) > 0 {
					t.Errorf("said again: %v, %v", a.events, b.events)
				}
				if n := w.sent(kindInitiate); n > 8 {
					t.Errorf("%d Initiates in 30 s for a host that is refused", n)
				}
			})
		}
	}
}

// expel has a know that b was expelled.
func (w *world) expel(a, b *node) {
	r := cert.Revocation{Fingerprint: b.identity.Key.Fingerprint(), Until: w.wall().Add(cert.Term).Unix()}
	if err := cert.Expel(w.domain, &w.trust, r, w.wall(), w.random); err != nil {
		w.t.Fatal(err)
	}
	a.trust = w.trust
}

// refused fails unless a has refused b, and both say so.
func (w *world) refused(a, b *node, v Verdict, here, there string) {
	w.t.Helper()
	if a.Session(2) != nil || b.Session(1) != nil || len(a.sessions)+len(b.sessions)+len(a.half)+len(b.half) > 0 {
		w.t.Error("a session stands")
	}
	for _, x := range []struct {
		n     *node
		kind  EventKind
		words string
	}{{a, Refused, here}, {b, RefusedBy, there}} {
		if !slices.Equal(x.n.kinds(), []EventKind{x.kind}) {
			w.t.Fatalf("events %v, errors %v", x.n.events, x.n.errs)
		}
		e := x.n.events[0]
		if e.Verdict != v || !strings.Contains(e.String(), x.words) {
			w.t.Errorf("%q lacks %q, or verdict %d is not %d", e, x.words, e.Verdict, v)
		}
	}
}

// A session that stands ends when its host is expelled, and when it is refused at
// the next handshake.
func TestRefusedWhileStanding(t *testing.T) {
	w := newWorld(t, 21)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	w.forget()
	w.expel(a, b)
	a.Review(w.now, w.wall())
	a.send(nil)
	if a.Session(2) != nil || len(a.sessions) > 0 || !slices.Equal(a.kinds(), []EventKind{Refused}) {
		t.Errorf("after the review: %v, %v", a.Session(2), a.events)
	}

	w = newWorld(t, 22)
	a, b = w.boot(1), w.boot(2)
	b.identity.Certificate.NotAfter = w.wall().Add(3 * time.Hour)
	b.identity.Certificate = cert.Issue(w.domain, b.identity.Certificate)
	b.greet(a)
	w.run(time.Second)
	w.run(2*time.Hour + 59*time.Minute)
	w.both(a, b)
	w.run(time.Hour) // nobody renews
	if a.Session(2) != nil || b.Session(1) != nil {
		t.Error("sessions outlive the certificate by more than an hour")
	}
}

// A certificate that is good again is taken at once after a review.
func TestRenewedCertificate(t *testing.T) {
	w := newWorld(t, 23)
	a, b := w.boot(1), w.boot(2)
	good := b.identity.Certificate
	bad := good
	bad.NotAfter = w.wall().Add(-time.Second)
	b.identity.Certificate = cert.Issue(w.domain, bad)
	w.greetFor(time.Second)
	if a.Session(2) != nil {
		t.Fatal("taken")
	}
	b.identity.Certificate = good
	a.Review(w.now, w.wall())
	b.Review(w.now, w.wall())
	w.greetFor(time.Second)
	w.both(a, b)
}

// The domain's key was replaced, once or twice, while one of the hosts was away.
func TestSuccession(t *testing.T) {
	for rotations := 1; rotations <= 3; rotations++ {
		for _, begins := range []bool{true, false} {
			w := newWorld(t, 24)
			a, b := w.boot(1), w.boot(2)
			for range rotations {
				w.rotate()
			}
			b.trust, b.identity = w.trust, w.identity("a-name-of-as-many-octets-as-a-name-can-have-at-the-very-most-63")
			if begins {
				a.greet(b)
			} else {
				b.greet(a)
			}
			w.run(time.Second)
			if rotations <= 2 {
				w.both(a, b)
			} else if a.Session(2) != nil || a.events[0].Verdict != BadSignature {
				t.Errorf("more successions than fit: %v", a.events)
			}
			if len(a.trust.Successions) != 0 {
				t.Error("the trust was changed by a handshake")
			}
		}
	}
}

// Two machines with one state directory, and one of them meets a third.
func TestOwnKey(t *testing.T) {
	for _, copyBegins := range []bool{true, false} {
		w := newWorld(t, 25)
		a := w.boot(1)
		b := w.bootAs(2, 77, a.identity)
		if copyBegins {
			a.greet(b)
		} else {
			b.greet(a)
		}
		w.run(time.Second)
		for _, n := range []*node{a, b} {
			if !slices.Equal(n.kinds(), []EventKind{OwnKey}) || len(n.sessions) > 0 {
				t.Fatalf("events %v, errors %v", n.events, n.errs)
			}
			if s := n.events[0].String(); !strings.Contains(s, addr(int(3-n.number)).String()) || !strings.Contains(s, "copied") {
				t.Error(s)
			}
		}
	}
}

func TestSkew(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		want  string
	}{
		{59 * time.Second, ""}, {-59 * time.Second, ""},
		{25 * time.Hour, "25h0m0s ahead of"}, {-61 * time.Second, "1m1s behind"},
	} {
		w := newWorld(t, 26)
		a, b := w.boot(1), w.boot(2)
		b.identity.Certificate.NotBefore = epoch0.Add(-48 * time.Hour)
		b.identity.Certificate = cert.Issue(w.domain, b.identity.Certificate)
		a.identity.Certificate.NotBefore = epoch0.Add(-48 * time.Hour)
		a.identity.Certificate = cert.Issue(w.domain, a.identity.Certificate)
		b.ahead = c.ahead
		b.greet(a)
		w.run(time.Second)
		w.both(a, b)
		a.Rekey(2)
		w.run(time.Second)
		var said []string
		for _, e := range a.events {
			if e.Kind == Skew {
				said = append(said, e.String())
			}
		}
		if (c.want == "") != (len(said) == 0) || len(said) > 1 || len(said) == 1 && !strings.Contains(said[0], c.want) {
			t.Errorf("%v ahead: %q", c.ahead, said)
		}
	}
}

// TestCopyThatEnds: a copy of a host, with a later boot, takes the host's place; when
// it is silent, the host gets it back.
func TestCopyThatEnds(t *testing.T) {
	w := newWorld(t, 15)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	x := a.withKey(&b.identity.Key.Public)
	x.epoch, x.heard = b.epoch+1, w.now // as after a handshake with the copy
	p := &payload{number: 2, epoch: b.epoch, certificate: b.identity.Certificate}
	if err := a.outdated(w.now+aliveTime-1, p); err != ErrReplayed {
		t.Errorf("while the copy lives: %v", err)
	}
	if err := a.outdated(w.now+aliveTime, p); err != nil {
		t.Errorf("when it is silent: %v", err)
	}
	w.run(aliveTime)
	b.Drop(1)
	b.greet(a)
	w.run(time.Second)
	if s := a.SessionOf(2, b.epoch); s == nil || s.Epoch != b.epoch {
		t.Error("the host does not get its place back")
	}
}
