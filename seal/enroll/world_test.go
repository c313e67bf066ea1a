package enroll

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"vsys/seal/cert"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	inn   = netip.MustParseAddrPort("10.0.0.1:8145")
	other = netip.MustParseAddrPort("10.0.0.2:8145")
)

// world is a keeper, its clock, and what machines need to join.
type world struct {
	t    *testing.T
	rand *rand.ChaCha8
	wall time.Time // of all clocks, unless a test says otherwise
	keep Keeper
	inv  Invitations
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, rand: rand.NewChaCha8([32]byte{1}), wall: start}
	key, trust, _, err := cert.NewDomain(w.rand, start, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	w.keep = Keeper{Key: key, Trust: &trust, Name: "alpha", Addresses: []netip.AddrPort{inn, other}, Rand: w.rand}
	return w
}

// invite makes an invitation.
func (w *world) invite() Code {
	w.t.Helper()
	c, err := w.inv.New(w.wall, cert.RoleHost, 0, w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// joining is how a new machine joins.
func (w *world) joining(c Code, name string) Joining {
	w.t.Helper()
	k, err := cert.NewHostKey(w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	return Joining{Code: c, Key: k, Name: name, Version: "1.2", Processor: "amd64", Port: 8145}
}

// joiner lets a new machine begin.
func (w *world) joiner(c Code, name string) *Joiner {
	w.t.Helper()
	j, err := NewJoiner(w.joining(c, name), 0, w.wall, w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

// ask returns the first packet of j.
func (w *world) ask(j *Joiner) Packet {
	w.t.Helper()
	out := j.Tick(0, nil)
	if len(out) == 0 {
		w.t.Fatal("the joiner sends nothing")
	}
	return out[0]
}

// hear gives the keeper a packet.
func (w *world) hear(p Packet) Outcome {
	w.t.Helper()
	o, err := w.inv.Heard(&w.keep, w.wall, p.Number, p.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(o.Answer) > len(p.Body) {
		w.t.Errorf("%d octets answered for %d", len(o.Answer), len(p.Body))
	}
	return o
}

// try lets a new machine ask once and hear the answer.
func (w *world) try(c Code, name string) (*Joiner, Outcome) {
	w.t.Helper()
	j := w.joiner(c, name)
	o := w.hear(w.ask(j))
	j.Heard(w.wall, inn, o.Answer)
	return j, o
}

// wantRefused checks that both sides know that reason.
func (w *world) wantRefused(what string, j *Joiner, o Outcome, want Reason) *Error {
	w.t.Helper()
	_, err := j.Result()
	var e *Error
	if o.Refused != want || o.Changed || o.Joined != nil || !errors.As(err, &e) || e.Reason != want {
		w.t.Fatalf("%s: keeper %d (changed %v), joiner %v, want %d", what, o.Refused, o.Changed, err, want)
	}
	return e
}
