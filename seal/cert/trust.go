package cert

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"time"
)

// MaxKeys is how many domain keys, successions and group keys a Trust remembers.
const MaxKeys = 4

// Trust is all that a host knows of its domain and judges by. It is a value:
// copies share memory, but no method changes what another copy can see. Methods
// with a pointer receiver change this copy only; the caller guards it. It holds
// the group keys, so it is secret.
type Trust struct {
	Domain      DomainID
	Keys        []ed25519.PublicKey // newest first; the newest signs bulletins, the accepted ones certificates
	Successions []Succession        // newest first; how the keys followed one another
	Groups      []GroupKey          // newest first; the newest seals, all open
	Bulletin    Bulletin
}

// Verify tells whether c may be believed: it is of the domain, signed by one of
// its accepted keys, not expelled, and holds at wall. It returns an *Error of
// the reason WrongDomain, BadSignature, OldKey, Revoked, Expired or NotYetValid
// otherwise, the first that fits.
func (t *Trust) Verify(c *Certificate, wall time.Time) error {
	fail := func(r Reason, when time.Time) error {
		return &Error{Reason: r, Name: c.Name, When: when, Wall: wall}
	}
	if c.Domain != t.Domain {
		return fail(WrongDomain, time.Time{})
	}
	i := slices.IndexFunc(t.Keys, c.signedBy)
	switch {
	case i < 0:
		return fail(BadSignature, time.Time{})
	case i >= t.accepted():
		return fail(OldKey, time.Time{})
	case t.Bulletin.Revokes(c.Fingerprint()):
		return fail(Revoked, time.Time{})
	case !wall.Before(c.NotAfter):
		return fail(Expired, c.NotAfter)
	case wall.Before(c.NotBefore):
		return fail(NotYetValid, c.NotBefore)
	}
	return nil
}

// accepted returns how many keys verify certificates: as many as the bulletin
// says, counted from the key that signed it, and those that came after. (A
// succession may be here before its bulletin.)
func (t *Trust) accepted() int {
	signer := slices.IndexFunc(t.Keys, t.Bulletin.signedBy)
	if signer < 0 {
		return len(t.Keys) // no bulletin yet
	}
	return min(signer+int(t.Bulletin.Accepted), len(t.Keys))
}

// ForNewcomer returns what a host needs that joins now: the accepted keys, the
// newest group key, the bulletin. It shares memory with t.
func (t *Trust) ForNewcomer() Trust {
	return Trust{
		Domain: t.Domain, Keys: t.Keys[:t.accepted()],
		Groups: t.Groups[:min(1, len(t.Groups))], Bulletin: t.Bulletin,
	}
}

// Due tells whether a host should have its certificate renewed: a third of its
// time or less is left, or a key before the newest signed it.
func (t *Trust) Due(c *Certificate, wall time.Time) bool {
	return c.NotAfter.Sub(wall) <= c.NotAfter.Sub(c.NotBefore)/3 || len(t.Keys) > 0 && !c.signedBy(t.Keys[0])
}

// Succeed makes the new key the domain's newest. A succession that is known
// changes nothing. It fails with BadSignature, with OldKey where the old key is
// not the domain's newest, with Fork where that has another successor; then
// nothing has changed.
func (t *Trust) Succeed(s Succession) error {
	switch {
	case !s.signedByOld():
		return &Error{Reason: BadSignature}
	case slices.ContainsFunc(t.Successions, func(x Succession) bool { return x.Old.Equal(s.Old) && x.New.Equal(s.New) }):
		return nil
	case slices.ContainsFunc(t.Successions, func(x Succession) bool { return x.Old.Equal(s.Old) }):
		return &Error{Reason: Fork}
	case len(t.Keys) == 0 || !t.Keys[0].Equal(s.Old) || t.knows(s.New):
		return &Error{Reason: OldKey}
	}
	t.Keys = prepend(s.New, t.Keys)
	t.Successions = prepend(s, t.Successions)
	return nil
}

// knows tells whether k is one of the domain's keys.
func (t *Trust) knows(k ed25519.PublicKey) bool {
	return slices.ContainsFunc(t.Keys, func(x ed25519.PublicKey) bool { return x.Equal(k) })
}

// prepend returns a new slice of x and what was before, at most MaxKeys.
func prepend[T any](x T, old []T) []T {
	return append([]T{x}, old[:min(len(old), MaxKeys-1)]...)
}

// Adopt takes what another host says is the domain's newest: its bulletin, its
// successions in any order, its group keys; the zero Bulletin is none. What is older than ours, or known,
// is passed over without an error; of two bulletins of one revision all hosts
// keep the same. Of the group keys only the one that the bulletin names is taken:
// nobody vouches for the others. It may come later than its bulletin.
//
// It fails with WrongDomain, BadSignature, OldKey (signed by a key that has been
// replaced) or Fork. changed tells whether t has changed, which may be in spite
// of an error; then it should go to the disk.
func (t *Trust) Adopt(b Bulletin, s []Succession, groups []GroupKey) (changed bool, err error) {
	if b.Revision != 0 && b.Domain != t.Domain {
		return false, &Error{Reason: WrongDomain}
	}
	changed, err = t.follow(s)
	if err != nil {
		return changed, err
	}
	if t.newer(&b) {
		if err := t.signed(&b); err != nil {
			return changed, err
		}
		b.Revoked = slices.Clone(b.Revoked)
		t.Bulletin, changed = b, true
	}
	return t.takeGroup(groups) || changed, nil
}

// follow takes the successions that lead on from the newest key.
func (t *Trust) follow(s []Succession) (changed bool, err error) {
	for range min(len(s), MaxKeys) {
		i := slices.IndexFunc(s, func(x Succession) bool { return len(t.Keys) > 0 && t.Keys[0].Equal(x.Old) })
		if i < 0 {
			break
		}
		if err := t.Succeed(s[i]); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, x := range s {
		for _, ours := range t.Successions {
			if ours.Old.Equal(x.Old) && !ours.New.Equal(x.New) && x.signedByOld() {
				return changed, &Error{Reason: Fork}
			}
		}
	}
	return changed, nil
}

// newer tells whether b takes the place of the bulletin here.
func (t *Trust) newer(b *Bulletin) bool {
	if b.Revision != t.Bulletin.Revision || b.Revision == 0 {
		return b.Revision > t.Bulletin.Revision
	}
	return bytes.Compare(b.Signature[:], t.Bulletin.Signature[:]) > 0
}

// signed checks that the domain's newest key signed b.
func (t *Trust) signed(b *Bulletin) error {
	i := slices.IndexFunc(t.Keys, b.signedBy)
	switch {
	case i < 0:
		return &Error{Reason: BadSignature}
	case i > 0:
		return &Error{Reason: OldKey}
	}
	return nil
}

// takeGroup takes the group key that the bulletin names, if it is among groups
// and not here.
func (t *Trust) takeGroup(groups []GroupKey) bool {
	if t.HasGroup() {
		return false
	}
	i := slices.IndexFunc(groups, t.named)
	if i < 0 {
		return false
	}
	t.Groups = prepend(groups[i], slices.DeleteFunc(slices.Clone(t.Groups), t.named))
	return true
}

// named tells whether g is the group key that the bulletin names.
func (t *Trust) named(g GroupKey) bool {
	return g.Generation == t.Bulletin.Generation && g.ID() == t.Bulletin.GroupKeyID
}

// HasGroup tells whether the newest group key here is the one that the bulletin
// names. Where not, another host has to be asked for it.
func (t *Trust) HasGroup() bool { return len(t.Groups) > 0 && t.named(t.Groups[0]) }
