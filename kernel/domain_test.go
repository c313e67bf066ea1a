package kernel

import (
	"crypto/rand"
	"testing"
	"time"

	"vsys/seal/cert"
)

// testDomain makes the members of a domain whose keeper is alpha.
type testDomain struct {
	t     testing.TB
	key   cert.DomainKey
	trust cert.Trust
	first cert.Identity
}

func newDomain(t testing.TB) *testDomain {
	t.Helper()
	key, trust, id, err := cert.NewDomain(rand.Reader, time.Now(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	return &testDomain{t, key, trust, id}
}

// member returns what the host called name is at its first boot.
func (d *testDomain) member(name string) *Member {
	if name == "alpha" {
		return &Member{Identity: d.first, Trust: d.trust, Keeper: d.key}
	}
	return d.memberUntil(name, time.Now())
}

// memberUntil is member with a certificate that was issued at a time.
func (d *testDomain) memberUntil(name string, issued time.Time) *Member {
	d.t.Helper()
	k, err := cert.NewHostKey(rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	c := cert.Issue(d.key, cert.New(d.trust.Domain, k.Public, name, cert.RoleHost, issued))
	return &Member{Identity: cert.Identity{Key: k, Certificate: c}, Trust: d.trust.ForNewcomer()}
}
