package cert

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// What keepers do. All of it needs the domain's newest key, and fails with OldKey
// for another. Where a function fails, nothing has changed.

// Identity is what a host shows to others, and the key that proves it.
type Identity struct {
	Key         HostKey
	Certificate Certificate
}

// NewDomain makes a domain of one host, its keeper, called name. It fails only if
// rand does, or the name can't be.
func NewDomain(rand io.Reader, wall time.Time, name string) (DomainKey, Trust, Identity, error) {
	fail := func(err error) (DomainKey, Trust, Identity, error) { return nil, Trust{}, Identity{}, err }
	if !ValidName(name) {
		return fail(malformed("host name %q", name))
	}
	k, err := NewDomainKey(rand)
	if err != nil {
		return fail(err)
	}
	host, err := NewHostKey(rand)
	if err != nil {
		return fail(err)
	}
	t := Trust{Keys: []ed25519.PublicKey{public(k)}}
	if _, err := io.ReadFull(rand, t.Domain[:]); err != nil {
		return fail(fmt.Errorf("cert: random octets for the domain's id: %w", err))
	}
	if err := publish(k, &t, Bulletin{Domain: t.Domain, Accepted: 1}, rand); err != nil {
		return fail(err)
	}
	c := Issue(k, New(t.Domain, host.Public, name, RoleHost|RoleKeeper, wall))
	return k, t, Identity{host, c}, nil
}

// Renew issues a certificate again that Verify finds good.
func Renew(k DomainKey, t *Trust, c *Certificate, wall time.Time) (Certificate, error) {
	if err := t.Verify(c, wall); err != nil {
		return Certificate{}, err
	}
	if err := t.Holds(k); err != nil {
		return Certificate{}, err
	}
	return Issue(k, New(t.Domain, c.Key, c.Name, c.Roles, wall)), nil
}

// Expel takes all certificates of a key back, and gives the domain a new group
// key, which the expelled host doesn't get. r.Until has to be as late as the end
// of any of the certificates: Term after wall is safe. It fails with Full if
// MaxRevoked hosts are expelled already.
func Expel(k DomainKey, t *Trust, r Revocation, wall time.Time, rand io.Reader) error {
	b := t.Bulletin
	b.revoke(r, wall)
	if err := room(&b, wall); err != nil {
		return err
	}
	return publish(k, t, b, rand)
}

// room fails with Full if b has too many hosts.
func room(b *Bulletin, wall time.Time) error {
	if len(b.Revoked) <= MaxRevoked {
		return nil
	}
	first := slices.MinFunc(b.Revoked, func(x, y Revocation) int { return int(max(-1, min(1, x.Until-y.Until))) })
	return &Error{Reason: Full, When: time.Unix(first.Until, 0), Wall: wall}
}

// Merge makes good what happens when two keepers expel at the same time: each
// calls it with a bulletin that it heard and Adopt passed over, or that took the
// place of its own. Where other, signed by the domain's newest key, expels hosts
// that t's bulletin does not, a bulletin with both follows. changed tells so.
func Merge(k DomainKey, t *Trust, other Bulletin, wall time.Time, rand io.Reader) (changed bool, err error) {
	if other.Domain != t.Domain {
		return false, &Error{Reason: WrongDomain}
	}
	if err := t.signed(&other); err != nil {
		return false, err
	}
	b := t.Bulletin
	for _, r := range other.Revoked {
		if r.Until >= wall.Unix() && !b.Revokes(r.Fingerprint) {
			b.revoke(r, wall)
			changed = true
		}
	}
	if !changed {
		return false, nil
	}
	if err := room(&b, wall); err != nil {
		return false, err
	}
	return true, publish(k, t, b, rand)
}

// Rotate gives the domain a new key, which it returns, and a new group key. The
// certificates that the older keys signed hold until they end, or until Retire.
func Rotate(k DomainKey, t *Trust, rand io.Reader) (DomainKey, error) {
	if err := t.Holds(k); err != nil {
		return nil, err
	}
	next, err := NewDomainKey(rand)
	if err != nil {
		return nil, err
	}
	s := Succession{Old: public(k), New: public(next)}
	s.Signature = [64]byte(ed25519.Sign(k, s.appendSigned([]byte(successionLabel))))
	u := *t
	if err := u.Succeed(s); err != nil {
		return nil, err
	}
	b := u.Bulletin
	b.Accepted = min(b.Accepted+1, MaxKeys)
	if err := publish(next, &u, b, rand); err != nil {
		return nil, err
	}
	*t = u
	return next, nil
}

// Retire ends what all keys but the newest have signed: hosts whose certificates
// were not renewed since the rotation have to join again. So a stolen domain key
// is worth nothing any more.
func Retire(k DomainKey, t *Trust, rand io.Reader) error {
	b := t.Bulletin
	b.Accepted = 1
	return publish(k, t, b, rand)
}

// publish makes b, with a new group key, the bulletin that follows t's.
func publish(k DomainKey, t *Trust, b Bulletin, rand io.Reader) error {
	if err := t.Holds(k); err != nil {
		return err
	}
	if b.Revision == math.MaxUint32 || b.Generation == math.MaxUint32 {
		return fmt.Errorf("cert: the domain has no more revisions")
	}
	g, err := newGroupKey(b.Generation+1, rand)
	if err != nil {
		return err
	}
	b.Revision, b.Generation, b.GroupKeyID = b.Revision+1, g.Generation, g.ID()
	b.sign(k)
	t.Bulletin, t.Groups = b, prepend(g, t.Groups)
	return nil
}

// Holds checks that k is the domain's newest key. OldKey: it is another.
func (t *Trust) Holds(k DomainKey) error {
	if len(k) != ed25519.PrivateKeySize || len(t.Keys) == 0 || !t.Keys[0].Equal(public(k)) {
		return &Error{Reason: OldKey}
	}
	return nil
}
