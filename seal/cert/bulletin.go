package cert

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"time"
)

const (
	// MaxRevoked is the most hosts that a bulletin names.
	MaxRevoked = 40
	// MaxBulletin is more than the octets of any bulletin.
	MaxBulletin = 1100

	bulletinVersion = 1
	bulletinHead    = 32
	revocationSize  = 24
	bulletinLabel   = "vsys bulletin 1"
)

// Revocation takes all certificates of a key back.
type Revocation struct {
	Fingerprint Fingerprint
	Until       int64 // s since 1970; then every certificate of the key has ended
}

// Bulletin is the keepers' newest word. The zero Bulletin is that of a host that
// has heard none: it revokes nothing and is older than all.
type Bulletin struct {
	Domain     DomainID
	Revision   uint32       // counts up from 1
	Generation uint32       // of the group key that seals
	GroupKeyID uint32       // of the same, so that nobody can slip in another
	Accepted   uint8        // so many of the domain's keys, the newest, verify certificates; 1 to MaxKeys
	Revoked    []Revocation // ascending by fingerprint, at most MaxRevoked
	Signature  [64]byte     // of the domain's newest key
}

// Revokes tells whether the bulletin takes the key's certificates back.
func (b *Bulletin) Revokes(f Fingerprint) bool {
	_, ok := slices.BinarySearchFunc(b.Revoked, f, byFingerprint)
	return ok
}

func byFingerprint(r Revocation, f Fingerprint) int { return slices.Compare(r.Fingerprint[:], f[:]) }

// revoke adds r, or makes what is there last as long as r. Those that are past at
// wall go.
func (b *Bulletin) revoke(r Revocation, wall time.Time) {
	b.Revoked = slices.DeleteFunc(slices.Clone(b.Revoked), func(x Revocation) bool { return x.Until < wall.Unix() })
	i, ok := slices.BinarySearchFunc(b.Revoked, r.Fingerprint, byFingerprint)
	if ok {
		b.Revoked[i].Until = max(b.Revoked[i].Until, r.Until)
		return
	}
	b.Revoked = slices.Insert(b.Revoked, i, r)
}

// sign makes the bulletin k's.
func (b *Bulletin) sign(k DomainKey) {
	b.Signature = [64]byte(ed25519.Sign(k, b.appendSigned([]byte(bulletinLabel))))
}

// signedBy tells whether the holder of k signed b.
func (b *Bulletin) signedBy(k ed25519.PublicKey) bool {
	return ed25519.Verify(k, b.appendSigned([]byte(bulletinLabel)), b.Signature[:])
}

// Append appends the bulletin to out; of the zero Bulletin, nothing:
//
//	 0  version 1, 1  number n of revocations, 2  accepted, 3  zero, 4  domain (16),
//	20  revision (4), 24  generation (4), 28  group key id (4),
//	32  n of: fingerprint (16), until, s (8); then signature (64)
func (b *Bulletin) Append(out []byte) []byte {
	if b.Revision == 0 {
		return out
	}
	return append(b.appendSigned(out), b.Signature[:]...)
}

// appendSigned appends all but the signature.
func (b *Bulletin) appendSigned(out []byte) []byte {
	out = append(out, bulletinVersion, byte(len(b.Revoked)), b.Accepted, 0)
	out = append(out, b.Domain[:]...)
	out = binary.BigEndian.AppendUint32(out, b.Revision)
	out = binary.BigEndian.AppendUint32(out, b.Generation)
	out = binary.BigEndian.AppendUint32(out, b.GroupKeyID)
	for _, r := range b.Revoked {
		out = append(out, r.Fingerprint[:]...)
		out = binary.BigEndian.AppendUint64(out, uint64(r.Until))
	}
	return out
}

// ParseBulletin reads a bulletin that is all of in; no octets are the zero
// Bulletin. It checks the form, not the signature: Trust.Adopt does. The result
// shares no memory with in. Errors wrap ErrMalformed.
func ParseBulletin(in []byte) (Bulletin, error) {
	if len(in) == 0 {
		return Bulletin{}, nil
	}
	if len(in) < bulletinHead+ed25519.SignatureSize || len(in) > MaxBulletin {
		return Bulletin{}, malformed("bulletin of %d octets", len(in))
	}
	if in[0] != bulletinVersion || in[3] != 0 {
		return Bulletin{}, malformed("bulletin of version %d.%d", in[0], in[3])
	}
	end := bulletinHead + int(in[1])*revocationSize
	if in[1] > MaxRevoked || end+ed25519.SignatureSize != len(in) {
		return Bulletin{}, malformed("bulletin of %d octets with %d hosts", len(in), in[1])
	}
	b := Bulletin{
		Domain: DomainID(in[4:]), Revision: binary.BigEndian.Uint32(in[20:]),
		Generation: binary.BigEndian.Uint32(in[24:]), GroupKeyID: binary.BigEndian.Uint32(in[28:]),
		Accepted: in[2], Signature: [64]byte(in[end:]),
	}
	if b.Revision == 0 || b.Accepted == 0 || b.Accepted > MaxKeys {
		return Bulletin{}, malformed("bulletin of revision %d that accepts %d keys", b.Revision, b.Accepted)
	}
	for at := bulletinHead; at < end; at += revocationSize {
		r := Revocation{Fingerprint(in[at:]), int64(binary.BigEndian.Uint64(in[at+16:]))}
		if n := len(b.Revoked); n > 0 && byFingerprint(b.Revoked[n-1], r.Fingerprint) >= 0 {
			return Bulletin{}, malformed("bulletin whose hosts are in no order")
		}
		b.Revoked = append(b.Revoked, r)
	}
	return b, nil
}
