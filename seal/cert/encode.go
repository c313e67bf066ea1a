package cert

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
)

const (
	// MaxTrust is more than the octets of any Trust.
	MaxTrust = 2000
	// GroupKeySize is the octets of a group key.
	GroupKeySize = 36

	trustVersion = 1
	trustHead    = 20
)

// Append appends the group key to b: generation (4), key (32).
func (g *GroupKey) Append(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, g.Generation), g.Key[:]...)
}

// ParseGroupKey reads a group key that is all of b. Errors wrap ErrMalformed.
func ParseGroupKey(b []byte) (GroupKey, error) {
	if len(b) != GroupKeySize {
		return GroupKey{}, malformed("group key of %d octets", len(b))
	}
	g := GroupKey{Generation: binary.BigEndian.Uint32(b), Key: [32]byte(b[4:])}
	if g.Generation == 0 {
		return GroupKey{}, malformed("group key of generation 0")
	}
	return g, nil
}

// Append appends the trust to b, with the group keys, which are secret:
//
//	0  version 1, 1  number of keys, 2  of successions, 3  of group keys,
//	4  domain (16), 20  keys (32 each), successions (129 each),
//	   group keys (36 each), bulletin (the rest)
func (t *Trust) Append(b []byte) []byte {
	b = append(b, trustVersion, byte(len(t.Keys)), byte(len(t.Successions)), byte(len(t.Groups)))
	b = append(b, t.Domain[:]...)
	for _, k := range t.Keys {
		b = append(b, k...)
	}
	for i := range t.Successions {
		b = t.Successions[i].Append(b)
	}
	for i := range t.Groups {
		b = t.Groups[i].Append(b)
	}
	return t.Bulletin.Append(b)
}

// ParseTrust reads a trust that is all of b. It must have a key, and its bulletin,
// if it has one, must be of the domain and signed by one of its keys. The result shares no memory with b. Errors wrap
// ErrMalformed.
func ParseTrust(b []byte) (Trust, error) {
	if len(b) < trustHead || len(b) > MaxTrust || b[0] != trustVersion {
		return Trust{}, malformed("trust of %d octets", len(b))
	}
	keys, successions, groups := int(b[1]), int(b[2]), int(b[3])
	t, rest := Trust{Domain: DomainID(b[4:])}, b[trustHead:]
	switch size := keys*ed25519.PublicKeySize + successions*SuccessionSize + groups*GroupKeySize; {
	case keys == 0 || max(keys, successions, groups) > MaxKeys:
		return Trust{}, malformed("trust with %d keys, %d successions, %d group keys", keys, successions, groups)
	case len(rest) < size:
		return Trust{}, malformed("trust of %d octets", len(b))
	}
	take := func(n int) (x []byte) { x, rest = rest[:n], rest[n:]; return x }
	for range keys {
		t.Keys = append(t.Keys, append(ed25519.PublicKey(nil), take(ed25519.PublicKeySize)...))
	}
	for range successions {
		s, err := ParseSuccession(take(SuccessionSize))
		if err != nil {
			return Trust{}, err
		}
		t.Successions = append(t.Successions, s)
	}
	for range groups {
		g, err := ParseGroupKey(take(GroupKeySize))
		if err != nil {
			return Trust{}, err
		}
		t.Groups = append(t.Groups, g)
	}
	var err error
	if t.Bulletin, err = ParseBulletin(rest); err != nil {
		return Trust{}, err
	}
	if t.Bulletin.Revision != 0 && (t.Bulletin.Domain != t.Domain || !slices.ContainsFunc(t.Keys, t.Bulletin.signedBy)) {
		return Trust{}, malformed("trust whose bulletin the domain has not signed")
	}
	return t, nil
}
