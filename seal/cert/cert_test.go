package cert

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// domain is a domain as its keeper has it.
type domain struct {
	t     *testing.T
	rand  *rand.ChaCha8
	key   DomainKey
	trust Trust
	self  Identity
}

func newDomain(t *testing.T, seed byte) *domain {
	t.Helper()
	d := &domain{t: t, rand: rand.NewChaCha8([32]byte{seed})}
	var err error
	d.key, d.trust, d.self, err = NewDomain(d.rand, start, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// host makes a host of the domain.
func (d *domain) host(name string) Certificate {
	d.t.Helper()
	k, err := NewHostKey(d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	return Issue(d.key, New(d.trust.Domain, k.Public, name, RoleHost, start))
}

// expel expels a host for as long as certificates last.
func (d *domain) expel(c *Certificate) {
	d.t.Helper()
	r := Revocation{c.Fingerprint(), start.Add(Term).Unix()}
	if err := Expel(d.key, &d.trust, r, start, d.rand); err != nil {
		d.t.Fatal(err)
	}
}

// rotate gives the domain a new key.
func (d *domain) rotate() {
	d.t.Helper()
	next, err := Rotate(d.key, &d.trust, d.rand)
	if err != nil {
		d.t.Fatal(err)
	}
	d.key = next
}

// copyOf returns what a host knows that knows as much as t, with memory of its own.
func copyOf(t *testing.T, trust *Trust) Trust {
	t.Helper()
	c, err := ParseTrust(trust.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantReason checks that err is for that reason; 0 is for none.
func wantReason(t *testing.T, what string, err error, want Reason) {
	t.Helper()
	var e *Error
	switch {
	case want == 0 && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != 0 && (!errors.As(err, &e) || e.Reason != want):
		t.Errorf("%s: error %v, want reason %d", what, err, want)
	}
}

func TestVerify(t *testing.T) {
	d, other := newDomain(t, 1), newDomain(t, 2)
	good := d.host("beta")
	expelled := d.host("gamma")
	d.expel(&expelled)
	forged := good
	forged.Domain = other.trust.Domain
	forged = Issue(d.key, forged) // for a domain whose key we don't have
	strange := Issue(other.key, good)

	for _, c := range []struct {
		what   string
		trust  *Trust
		c      Certificate
		at     time.Time
		reason Reason
		says   string
	}{
		{"good", &d.trust, good, start, 0, ""},
		{"the keeper's own", &d.trust, d.self.Certificate, start, 0, ""},
		{"clock an hour behind", &d.trust, good, start.Add(-time.Hour), 0, ""},
		{"clock more behind", &d.trust, good, start.Add(-time.Hour - time.Second), NotYetValid, "set the clock"},
		{"last second", &d.trust, good, start.Add(Term - time.Second), 0, ""},
		{"ended", &d.trust, good, start.Add(Term), Expired, "ended at 2026-05-30 12:00:00 UTC"},
		{"expelled", &d.trust, expelled, start, Revoked, "gamma was expelled"},
		{"of another domain", &other.trust, good, start, WrongDomain, "of another domain"},
		{"signed by another domain", &d.trust, strange, start, BadSignature, "not signed by the domain"},
		{"by us for another domain", &other.trust, forged, start, BadSignature, ""},
		{"unsigned", &d.trust, New(d.trust.Domain, good.Key, "beta", RoleHost, start), start, BadSignature, ""},
	} {
		err := c.trust.Verify(&c.c, c.at)
		wantReason(t, c.what, err, c.reason)
		if err != nil && (!strings.Contains(err.Error(), c.says) || !errors.Is(err, ipc.NoPermission)) {
			t.Errorf("%s: %q (want %q), which is NoPermission: %v", c.what, err, c.says, errors.Is(err, ipc.NoPermission))
		}
	}
}

// TestVerifyTampered changes each octet of a certificate: either it can't be
// parsed, or the signature is wrong (or, first, the domain).
func TestVerifyTampered(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("beta")
	b := c.Append(nil)
	for i := range b {
		for bit := range 8 {
			x := bytes.Clone(b)
			x[i] ^= 1 << bit
			p, err := ParseCertificate(x)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("octet %d: %v", i, err)
				}
				continue
			}
			if err := d.trust.Verify(&p, start); err == nil {
				t.Errorf("octet %d, bit %d changed, and it is believed", i, bit)
			}
		}
	}
}

func TestCertificateText(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("a-host.of_63-octets-" + strings.Repeat("x", 43))
	b := c.Append([]byte("before"))
	p, err := ParseCertificate(b[6:])
	if err != nil || !reflect.DeepEqual(p, c) {
		t.Fatalf("%+v, %v; want %+v", p, err, c)
	}
	if len(b)-6 > MaxCertificate {
		t.Errorf("a certificate of %d octets", len(b)-6)
	}
	for _, bad := range []string{"", "-a", "a b", "a/b", "ä", strings.Repeat("a", 64)} {
		c.Name = bad
		if _, err := ParseCertificate(c.Append(nil)); err == nil {
			t.Errorf("a certificate for %q", bad)
		}
	}
}

func TestRoles(t *testing.T) {
	for r, want := range map[Roles]string{RoleHost: "host", RoleHost | RoleKeeper: "host, keeper", 0: ""} {
		if r.String() != want || r.Has(RoleKeeper) != (want == "host, keeper") {
			t.Errorf("roles %d: %q, want %q", r, r, want)
		}
	}
}

func TestRenew(t *testing.T) {
	d := newDomain(t, 1)
	c := d.host("beta")
	if d.trust.Due(&c, start.Add(Term*65/100)) || !d.trust.Due(&c, start.Add(Term*67/100)) {
		t.Error("not due from a third left on")
	}
	later := start.Add(Term - time.Hour)
	next, err := Renew(d.key, &d.trust, &c, later)
	if err != nil || next.Key != c.Key || next.Name != c.Name || next.Roles != c.Roles || next.Serial <= c.Serial {
		t.Fatalf("renewed: %+v, %v", next, err)
	}
	wantReason(t, "renewed", d.trust.Verify(&next, later.Add(Term-time.Hour)), 0)
	_, err = Renew(d.key, &d.trust, &c, start.Add(Term))
	wantReason(t, "renew what has ended", err, Expired)
	d.expel(&c)
	_, err = Renew(d.key, &d.trust, &c, later)
	wantReason(t, "renew an expelled host", err, Revoked)
	_, err = Renew(newDomain(t, 2).key, &d.trust, &d.self.Certificate, start)
	wantReason(t, "renew with another key", err, OldKey)
}

func TestNewDomain(t *testing.T) {
	d := newDomain(t, 1)
	b := &d.trust.Bulletin
	if b.Revision != 1 || b.Generation != 1 || b.Accepted != 1 || !d.trust.HasGroup() || len(b.Revoked) != 0 {
		t.Errorf("bulletin of a new domain: %+v", b)
	}
	if !d.self.Certificate.Roles.Has(RoleHost|RoleKeeper) || d.self.Certificate.Key != d.self.Key.Public {
		t.Errorf("identity of a new domain: %+v", d.self.Certificate)
	}
	if _, _, _, err := NewDomain(d.rand, start, "no name"); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("a host called %q: %v", "no name", err)
	}
	for n := range 32 * 4 { // domain key, host key, id and half, group key
		short := bytes.NewReader(make([]byte, min(n, 111)))
		if _, _, _, err := NewDomain(short, start, "alpha"); err == nil {
			t.Fatalf("a domain of %d random octets", n)
		}
	}
}

func TestFingerprint(t *testing.T) {
	private := [32]byte{0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
		0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a}
	public := [32]byte{0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
		0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a}
	k := HostKeyOf(private) // RFC 7748 §6.1, Alice
	if k.Public != public {
		t.Errorf("public key %x", k.Public)
	}
	f := k.Fingerprint()
	if s := f.String(); s != "300c-9c96-03b9-2a4b" {
		t.Errorf("fingerprint %q", s)
	}
	if (Fingerprint{0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 7, 0x18}).String() != "a1b2-c3d4-e5f6-0718" {
		t.Error("fingerprint as text")
	}
	if (DomainID{1, 0xff}).String() != "01ff"+strings.Repeat("00", 14) {
		t.Error("domain id as text")
	}
}

// TestLabels shows that a signature of one kind is none of another.
func TestLabels(t *testing.T) {
	d := newDomain(t, 1)
	b := d.trust.Bulletin
	b.Signature = [64]byte(ed25519.Sign(d.key, b.appendSigned([]byte(certificateLabel))))
	b.Revision++
	_, err := d.trust.Adopt(b, nil, nil)
	wantReason(t, "bulletin with a certificate's label", err, BadSignature)
}
