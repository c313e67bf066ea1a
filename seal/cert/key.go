package cert

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"vsys/seal"
)

// DomainID names a domain. It is random, made with the domain, and never changes.
type DomainID [16]byte

// String returns the 32 hex digits.
func (d DomainID) String() string { return hex.EncodeToString(d[:]) }

// DomainKey signs for a domain. Who holds it is a keeper.
type DomainKey = ed25519.PrivateKey

// NewDomainKey reads 32 octets of rand and makes a key of them. It fails only
// if rand does.
func NewDomainKey(rand io.Reader) (DomainKey, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("cert: random octets for the domain key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed[:]), nil
}

// public returns the half of k that everybody may know.
func public(k DomainKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// HostKey is a host's X25519 key pair.
type HostKey struct {
	Private [32]byte // secret
	Public  [32]byte
}

// NewHostKey reads 32 octets of rand and makes a key of them. It fails only if
// rand does.
func NewHostKey(rand io.Reader) (HostKey, error) {
	var private [32]byte
	if _, err := io.ReadFull(rand, private[:]); err != nil {
		return HostKey{}, fmt.Errorf("cert: random octets for the host key: %w", err)
	}
	return HostKeyOf(private), nil
}

// HostKeyOf returns the pair that belongs to a private key.
func HostKeyOf(private [32]byte) HostKey {
	k, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		panic("cert: " + err.Error()) // only for another length
	}
	return HostKey{Private: private, Public: [32]byte(k.PublicKey().Bytes())}
}

// Fingerprint returns that of the public key.
func (k *HostKey) Fingerprint() Fingerprint { return FingerprintOf(k.Public) }

// Fingerprint stands for a host's public key: the first 16 octets of its
// SHA-256.
type Fingerprint [16]byte

// FingerprintOf returns the fingerprint of a host's public key.
func FingerprintOf(public [32]byte) Fingerprint {
	sum := sha256.Sum256(public[:])
	return Fingerprint(sum[:16])
}

// String returns the first 8 octets as people compare them: a1b2-c3d4-e5f6-0718.
func (f Fingerprint) String() string {
	return fmt.Sprintf("%x-%x-%x-%x", f[0:2], f[2:4], f[4:6], f[6:8])
}

// GroupKey is the secret that all hosts of a domain share. It keeps strangers
// out; hosts know one another by their certificates.
type GroupKey struct {
	Generation uint32 // 1, 2, …; a newer one takes the place of an older
	Key        [32]byte
}

// ID returns what the key is called in the frames that it seals.
func (g *GroupKey) ID() uint32 { return seal.GroupID(&g.Key) }

// newGroupKey makes the key of a generation.
func newGroupKey(generation uint32, rand io.Reader) (GroupKey, error) {
	g := GroupKey{Generation: generation}
	if _, err := io.ReadFull(rand, g.Key[:]); err != nil {
		return GroupKey{}, fmt.Errorf("cert: random octets for the group key: %w", err)
	}
	return g, nil
}
