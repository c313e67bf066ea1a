package cert

import (
	"crypto/ed25519"
	"encoding/binary"
	"strings"
	"time"
)

// Roles is a set of what a host may be in its domain. Bits that this version
// doesn't know are kept.
type Roles uint16

const (
	// RoleHost may run teams and talk with all others.
	RoleHost Roles = 1 << iota
	// RoleKeeper holds the domain's key: it may invite, expel and renew.
	RoleKeeper
)

// Has tells whether r has all of x.
func (r Roles) Has(x Roles) bool { return r&x == x }

// String returns "host", "host, keeper".
func (r Roles) String() string {
	var names []string
	if r.Has(RoleHost) {
		names = append(names, "host")
	}
	if r.Has(RoleKeeper) {
		names = append(names, "keeper")
	}
	return strings.Join(names, ", ")
}

const (
	// Term is how long a new certificate holds; it is renewed when a third is left.
	Term = 90 * 24 * time.Hour
	// backdate lets a host take a new certificate whose clock is behind.
	backdate = time.Hour
	// MaxCertificate is more than the octets of any certificate.
	MaxCertificate = 220
	// MaxName is the most octets in a host's name.
	MaxName = 63

	certificateVersion = 1
	certificateHead    = 76
	certificateLabel   = "vsys certificate 1"
	lastSecond         = 253402300799 // of the year 9999
)

// Certificate says that a key is a host of a domain.
type Certificate struct {
	Domain    DomainID
	Key       [32]byte // the host's public key
	Name      string   // of the host, as ValidName has it
	Roles     Roles
	NotBefore time.Time // whole seconds, UTC, as NotAfter
	NotAfter  time.Time // the first moment at which it doesn't hold any more
	Serial    uint64    // the time of issue, ns since 1970: of two, the greater is newer
	Signature [64]byte  // of one of the domain's keys
}

// New returns a certificate to be signed: from an hour before wall until Term
// after it.
func New(domain DomainID, key [32]byte, name string, roles Roles, wall time.Time) Certificate {
	wall = wall.UTC()
	return Certificate{
		Domain: domain, Key: key, Name: name, Roles: roles, Serial: uint64(wall.UnixNano()),
		NotBefore: wall.Add(-backdate).Truncate(time.Second), NotAfter: wall.Add(Term).Truncate(time.Second),
	}
}

// Issue returns c, signed. Its name must be a valid one and its times within
// 1970 to 9999, or nobody will parse it.
func Issue(k DomainKey, c Certificate) Certificate {
	c.NotBefore, c.NotAfter = c.NotBefore.UTC().Truncate(time.Second), c.NotAfter.UTC().Truncate(time.Second)
	c.Signature = [64]byte(ed25519.Sign(k, c.appendSigned([]byte(certificateLabel))))
	return c
}

// Fingerprint returns that of the host's key.
func (c *Certificate) Fingerprint() Fingerprint { return FingerprintOf(c.Key) }

// signedBy tells whether the holder of k signed c.
func (c *Certificate) signedBy(k ed25519.PublicKey) bool {
	return ed25519.Verify(k, c.appendSigned([]byte(certificateLabel)), c.Signature[:])
}

// Append appends the certificate to b:
//
//	 0  version 1, 1  length n of the name, 2  roles (2), 4  domain (16),
//	20  key (32), 52  not before, s (8), 60  not after, s (8), 68  serial (8),
//	76  name (n), 76+n  signature (64)
func (c *Certificate) Append(b []byte) []byte {
	return append(c.appendSigned(b), c.Signature[:]...)
}

// appendSigned appends all but the signature.
func (c *Certificate) appendSigned(b []byte) []byte {
	b = append(b, certificateVersion, byte(len(c.Name)))
	b = binary.BigEndian.AppendUint16(b, uint16(c.Roles))
	b = append(b, c.Domain[:]...)
	b = append(b, c.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotAfter.Unix()))
	b = binary.BigEndian.AppendUint64(b, c.Serial)
	return append(b, c.Name...)
}

// ParseCertificate reads a certificate that is all of b. It checks the form, not
// the signature: Trust.Verify does. The result shares no memory with b. Errors
// wrap ErrMalformed.
func ParseCertificate(b []byte) (Certificate, error) {
	if len(b) < certificateHead+ed25519.SignatureSize || len(b) > MaxCertificate {
		return Certificate{}, malformed("certificate of %d octets", len(b))
	}
	if b[0] != certificateVersion {
		return Certificate{}, malformed("certificate of version %d", b[0])
	}
	end := certificateHead + int(b[1])
	if end+ed25519.SignatureSize != len(b) {
		return Certificate{}, malformed("certificate of %d octets with a name of %d", len(b), b[1])
	}
	from, to := binary.BigEndian.Uint64(b[52:]), binary.BigEndian.Uint64(b[60:])
	if from > lastSecond || to > lastSecond {
		return Certificate{}, malformed("certificate from second %d to %d", from, to)
	}
	c := Certificate{
		Domain: DomainID(b[4:]), Key: [32]byte(b[20:]), Name: string(b[certificateHead:end]),
		Roles:     Roles(binary.BigEndian.Uint16(b[2:])),
		NotBefore: time.Unix(int64(from), 0).UTC(), NotAfter: time.Unix(int64(to), 0).UTC(),
		Serial: binary.BigEndian.Uint64(b[68:]), Signature: [64]byte(b[end:]),
	}
	if !ValidName(c.Name) {
		return Certificate{}, malformed("certificate for host %q", c.Name)
	}
	return c, nil
}

// ValidName tells whether a host may be called so: 1 to MaxName letters, digits,
// '-', '_', '.', of which the first is a letter or digit.
func ValidName(name string) bool {
	if name == "" || len(name) > MaxName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return true
}
