package cert

import "crypto/ed25519"

const (
	// SuccessionSize is the octets of a succession.
	SuccessionSize = 1 + 32 + 32 + 64

	successionVersion = 1
	successionLabel   = "vsys succession 1"
)

// Succession is the word of a domain's key for the one that takes its place.
type Succession struct {
	Old, New  ed25519.PublicKey // of 32 octets each
	Signature [64]byte          // of the old one
}

// signedByOld tells whether the holder of the old key signed s.
func (s *Succession) signedByOld() bool {
	return len(s.Old) == ed25519.PublicKeySize && len(s.New) == ed25519.PublicKeySize &&
		ed25519.Verify(s.Old, s.appendSigned([]byte(successionLabel)), s.Signature[:])
}

// Append appends the succession to b:
//
//	0  version 1, 1  old key (32), 33  new key (32), 65  signature (64)
func (s *Succession) Append(b []byte) []byte {
	return append(s.appendSigned(b), s.Signature[:]...)
}

// appendSigned appends all but the signature.
func (s *Succession) appendSigned(b []byte) []byte {
	b = append(b, successionVersion)
	b = append(b, s.Old...)
	return append(b, s.New...)
}

// ParseSuccession reads a succession that is all of b. It checks the form, not
// the signature: Trust.Succeed does. The result shares no memory with b. Errors
// wrap ErrMalformed.
func ParseSuccession(b []byte) (Succession, error) {
	if len(b) != SuccessionSize {
		return Succession{}, malformed("succession of %d octets", len(b))
	}
	if b[0] != successionVersion {
		return Succession{}, malformed("succession of version %d", b[0])
	}
	key := func(at int) ed25519.PublicKey { return append(ed25519.PublicKey(nil), b[at:at+32]...) }
	return Succession{Old: key(1), New: key(33), Signature: [64]byte(b[65:])}, nil
}
