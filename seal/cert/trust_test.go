package cert

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
)

// adopt lets a host hear all that the keeper knows.
func (d *domain) adopt(host *Trust) (bool, error) {
	return host.Adopt(d.trust.Bulletin, d.trust.Successions, d.trust.Groups)
}

func TestAdoptExpulsion(t *testing.T) {
	d := newDomain(t, 1)
	beta := copyOf(t, &d.trust)
	c := d.host("gamma")
	before := d.trust.Bulletin
	d.expel(&c)

	// the bulletin without its group key, then with another, then with it
	if changed, err := beta.Adopt(d.trust.Bulletin, nil, nil); !changed || err != nil || beta.HasGroup() {
		t.Fatalf("bulletin alone: changed %v, %v; has the group key: %v", changed, err, beta.HasGroup())
	}
	wantReason(t, "expelled", beta.Verify(&c, start), Revoked)
	wrong := GroupKey{Generation: 2, Key: [32]byte{1}}
	if changed, _ := beta.Adopt(d.trust.Bulletin, nil, []GroupKey{wrong}); changed {
		t.Error("a group key that the bulletin does not name was taken")
	}
	if changed, err := d.adopt(&beta); !changed || err != nil || beta.Groups[0] != d.trust.Groups[0] {
		t.Fatalf("group key: changed %v, %v", changed, err)
	}
	if len(beta.Groups) != 2 || beta.Groups[1].Generation != 1 {
		t.Errorf("the older group key is gone: %v", beta.Groups)
	}
	if changed, err := d.adopt(&beta); changed || err != nil {
		t.Errorf("the same again: changed %v, %v", changed, err)
	}
	if changed, err := beta.Adopt(before, nil, nil); changed || err != nil {
		t.Errorf("the older bulletin: changed %v, %v", changed, err)
	}
	wantReason(t, "expelled still", beta.Verify(&c, start), Revoked)
}

func TestAdoptRefuses(t *testing.T) {
	d, other := newDomain(t, 1), newDomain(t, 2)
	host := copyOf(t, &d.trust)
	was := host.Append(nil)
	c := d.host("beta")
	d.expel(&c)
	next := d.trust.Bulletin

	foreign := next
	foreign.sign(other.key)
	lengthened := next
	lengthened.Revoked = nil // what an expelled host would like
	for _, x := range []struct {
		what   string
		b      Bulletin
		reason Reason
	}{
		{"of another domain", other.trust.Bulletin, WrongDomain},
		{"signed by another key", foreign, BadSignature},
		{"changed", lengthened, BadSignature},
		{"none", Bulletin{}, 0},
	} {
		changed, err := host.Adopt(x.b, nil, d.trust.Groups)
		wantReason(t, x.what, err, x.reason)
		if changed || !bytes.Equal(host.Append(nil), was) {
			t.Errorf("%s: the host's trust has changed", x.what)
		}
	}
}

// TestAdoptTampered changes each octet of a bulletin.
func TestAdoptTampered(t *testing.T) {
	d := newDomain(t, 1)
	host := copyOf(t, &d.trust)
	c := d.host("beta")
	d.expel(&c)
	b := d.trust.Bulletin.Append(nil)
	for i := range b {
		x := bytes.Clone(b)
		x[i] ^= 0x10
		p, err := ParseBulletin(x)
		if err != nil {
			continue
		}
		if changed, _ := host.Adopt(p, nil, nil); changed {
			t.Errorf("octet %d changed, and it is believed", i)
		}
	}
}

func TestRotate(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("beta")
	oldKey, old := d.key, copyOf(t, &d.trust)
	away := copyOf(t, &d.trust) // misses all but the last
	d.rotate()
	if d.trust.Bulletin.Revision != 2 || d.trust.Bulletin.Accepted != 2 || !d.trust.HasGroup() || len(d.trust.Groups) != 2 {
		t.Errorf("after a rotation: %+v", d.trust.Bulletin)
	}
	wantReason(t, "certificate of before", d.trust.Verify(&c, start), 0)
	if !d.trust.Due(&c, start) {
		t.Error("a certificate of the older key is not due")
	}
	_, err := old.Adopt(d.trust.Bulletin, nil, d.trust.Groups)
	wantReason(t, "bulletin of an unknown key", err, BadSignature)
	if changed, err := d.adopt(&old); !changed || err != nil {
		t.Fatalf("bulletin with the succession: %v, %v", changed, err)
	}

	// who holds the older key can't rule any more
	thief := copyOf(t, &d.trust)
	wantReason(t, "expel with the older key", Expel(oldKey, &thief, Revocation{}, start, d.rand), OldKey)
	_, err = Rotate(oldKey, &thief, d.rand)
	wantReason(t, "rotate with the older key", err, OldKey)
	b := d.trust.Bulletin
	b.Revision++
	b.sign(oldKey)
	_, err = old.Adopt(b, nil, nil)
	wantReason(t, "bulletin of the older key", err, OldKey)

	d.rotate()
	d.rotate()
	slices.Reverse(d.trust.Successions) // the order doesn't matter
	if changed, err := d.adopt(&away); !changed || err != nil || !away.Keys[0].Equal(d.trust.Keys[0]) || !away.HasGroup() {
		t.Fatalf("three rotations at once: %v, %v", changed, err)
	}
	wantReason(t, "certificate of three before", away.Verify(&c, start), 0)
	slices.Reverse(d.trust.Successions)
	d.rotate()
	wantReason(t, "certificate of four before", d.trust.Verify(&c, start), BadSignature)
	if len(d.trust.Keys) != MaxKeys || len(d.trust.Successions) != MaxKeys {
		t.Errorf("%d keys, %d successions", len(d.trust.Keys), len(d.trust.Successions))
	}
}

func TestRetire(t *testing.T) {
	d := newDomain(t, 1)
	stolen, c := d.key, d.host("beta")
	host := copyOf(t, &d.trust)
	d.rotate()
	renewed, err := Renew(d.key, &d.trust, &c, start)
	if err != nil {
		t.Fatal(err)
	}
	if err := Retire(d.key, &d.trust, d.rand); err != nil {
		t.Fatal(err)
	}
	if _, err := d.adopt(&host); err != nil {
		t.Fatal(err)
	}
	thiefs := Issue(stolen, c)
	wantReason(t, "of the stolen key", host.Verify(&thiefs, start), OldKey)
	wantReason(t, "renewed", host.Verify(&renewed, start), 0)
	d.rotate()
	if d.trust.Bulletin.Accepted != 2 {
		t.Errorf("%d keys accepted after a retirement and a rotation", d.trust.Bulletin.Accepted)
	}
	wantReason(t, "of the stolen key, later", d.trust.Verify(&thiefs, start), OldKey)
}

// TestSuccessionFirst lets a host learn of a rotation from another host's
// successions, before the bulletin comes.
func TestSuccessionFirst(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("beta")
	host := copyOf(t, &d.trust)
	d.rotate()
	if changed, err := host.Adopt(Bulletin{}, d.trust.Successions, nil); !changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	host = copyOf(t, &host) // over a restart
	wantReason(t, "certificate of before", host.Verify(&c, start), 0)
	fresh := d.host("gamma")
	wantReason(t, "certificate of the new key", host.Verify(&fresh, start), 0)
	if changed, err := d.adopt(&host); !changed || err != nil || !host.HasGroup() {
		t.Errorf("then the bulletin: changed %v, %v", changed, err)
	}
}

func TestSucceedRefuses(t *testing.T) {
	d, fork, other := newDomain(t, 1), newDomain(t, 1), newDomain(t, 2)
	fork.rand = other.rand
	host := copyOf(t, &d.trust)
	d.rotate()
	fork.rotate()
	other.rotate()
	forged := d.trust.Successions[0]
	forged.New = other.trust.Keys[0]
	wantReason(t, "changed", host.Succeed(forged), BadSignature)
	wantReason(t, "of another domain", host.Succeed(other.trust.Successions[0]), OldKey)
	wantReason(t, "empty", host.Succeed(Succession{}), BadSignature)
	for range 2 { // the second changes nothing
		wantReason(t, "good", host.Succeed(d.trust.Successions[0]), 0)
	}
	if len(host.Keys) != 2 {
		t.Errorf("%d keys", len(host.Keys))
	}
	wantReason(t, "another one", host.Succeed(fork.trust.Successions[0]), Fork)
	_, err := fork.adopt(&host)
	wantReason(t, "bulletin of another one", err, Fork)
}

// TestConcurrentExpulsion lets two keepers expel at the same time.
func TestConcurrentExpulsion(t *testing.T) {
	d := newDomain(t, 1)
	x, y := d.host("x"), d.host("y")
	other := &domain{t, d.rand, d.key, copyOf(t, &d.trust), d.self}
	d.expel(&x)
	other.expel(&y)
	mine, theirs := d.trust.Bulletin, other.trust.Bulletin
	a, _ := other.adopt(&d.trust)
	d.trust.Groups = slices.Clone(d.trust.Groups)
	b, _ := other.trust.Adopt(mine, nil, []GroupKey{groupOf(t, &d.trust, &mine)})
	if a == b || !reflect.DeepEqual(d.trust.Bulletin, other.trust.Bulletin) || d.trust.Groups[0] != other.trust.Groups[0] {
		t.Fatalf("the keepers don't agree: %v, %v", a, b)
	}
	changed := false
	for _, lost := range []Bulletin{mine, theirs} {
		c, err := Merge(d.key, &d.trust, lost, start, d.rand)
		if err != nil {
			t.Fatal(err)
		}
		changed = changed || c
	}
	wantReason(t, "x", d.trust.Verify(&x, start), Revoked)
	wantReason(t, "y", d.trust.Verify(&y, start), Revoked)
	if !changed || d.trust.Bulletin.Revision != 3 {
		t.Errorf("changed %v, revision %d", changed, d.trust.Bulletin.Revision)
	}
	if changed, err := Merge(d.key, &d.trust, mine, start, d.rand); changed || err != nil {
		t.Errorf("merged again: %v, %v", changed, err)
	}
	mine.sign(newDomain(t, 2).key)
	_, err := Merge(d.key, &d.trust, mine, start, d.rand)
	wantReason(t, "merge what is not signed", err, BadSignature)
	_, err = Merge(d.key, &d.trust, Bulletin{}, start, d.rand)
	wantReason(t, "merge what is of no domain", err, WrongDomain)
}

// groupOf returns the group key that b names.
func groupOf(t *testing.T, trust *Trust, b *Bulletin) GroupKey {
	t.Helper()
	for _, g := range trust.Groups {
		if g.ID() == b.GroupKeyID {
			return g
		}
	}
	t.Fatal("no such group key")
	return GroupKey{}
}

func TestExpelMany(t *testing.T) {
	d := newDomain(t, 1)
	r := func(i int, until time.Time) Revocation { return Revocation{Fingerprint{byte(i)}, until.Unix()} }
	for i := range MaxRevoked {
		if err := Expel(d.key, &d.trust, r(i, start.Add(time.Duration(i+1)*time.Hour)), start, d.rand); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.trust.Bulletin.Append(nil)); n > MaxBulletin {
		t.Errorf("a bulletin of %d octets", n)
	}
	was := d.trust.Bulletin.Revision
	err := Expel(d.key, &d.trust, r(100, start.Add(Term)), start, d.rand)
	wantReason(t, "one more", err, Full)
	if !errors.Is(err, ipc.NoServerResources) || !strings.Contains(err.Error(), "at 2026-03-01 13:00:00 UTC") {
		t.Errorf("one more: %v", err)
	}
	if d.trust.Bulletin.Revision != was {
		t.Error("a failure changed the bulletin")
	}
	if err := Expel(d.key, &d.trust, r(7, start.Add(Term)), start, d.rand); err != nil {
		t.Errorf("one of them, longer: %v", err)
	}
	if err := Expel(d.key, &d.trust, r(100, start.Add(Term)), start.Add(2*time.Hour), d.rand); err != nil {
		t.Errorf("one more, when the first is past: %v", err)
	}
	if got := len(d.trust.Bulletin.Revoked); got != MaxRevoked {
		t.Errorf("%d hosts expelled", got)
	}
}

func TestLastRevision(t *testing.T) {
	d := newDomain(t, 1)
	d.trust.Bulletin.Revision = math.MaxUint32
	if err := Retire(d.key, &d.trust, d.rand); err == nil {
		t.Error("a revision after the last")
	}
}

// TestCopies shows that a change of one copy is not seen through another.
func TestCopies(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("beta")
	d.expel(&c)
	d.rotate()
	snapshot := d.trust
	was := snapshot.Append(nil)
	x := d.host("gamma")
	d.expel(&x)
	d.rotate()
	if !bytes.Equal(snapshot.Append(nil), was) {
		t.Error("a copy has changed")
	}
}
