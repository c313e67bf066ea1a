package keyring

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"vsys/ipc"
	"vsys/seal/cert"
	"vsys/seal/enroll"
)

// file is one of the files: its name, and how its content and Keys become one
// another.
type file struct {
	name     string
	title    string // its first line; "": plain text
	secret   bool
	optional bool
	append   func(*Keys) []byte // nil: there is nothing to write
	parse    func(*Keys, []byte) error
}

// files are all, in the order in which they are read.
var files = [...]file{
	{name: "trust", title: "vsys trust", secret: true,
		append: func(k *Keys) []byte { return k.Trust.Append(nil) },
		parse:  func(k *Keys, b []byte) (err error) { k.Trust, err = cert.ParseTrust(b); return err }},
	{name: "host.key", title: "vsys host key", secret: true,
		append: func(k *Keys) []byte { return slices.Clone(k.Identity.Key.Private[:]) }, parse: parseHostKey},
	{name: "certificate", title: "vsys certificate",
		append: func(k *Keys) []byte { return k.Identity.Certificate.Append(nil) },
		parse: func(k *Keys, b []byte) (err error) {
			k.Identity.Certificate, err = cert.ParseCertificate(b)
			return err
		}},
	{name: "domain.key", title: "vsys domain key", secret: true, optional: true,
		append: appendDomainKeys, parse: parseDomainKeys},
	{name: "invitations", title: "vsys invitations", secret: true, optional: true,
		append: func(k *Keys) []byte { return k.Invitations.Append(nil) },
		parse:  func(k *Keys, b []byte) (err error) { k.Invitations, err = enroll.ParseInvitations(b); return err }},
	{name: "peers", optional: true},
}

var trust, certificate, domainKey, invitations, peersFile = &files[0], &files[2], &files[3], &files[4], &files[5]

// parseHostKey reads the 32 octets of the private key.
func parseHostKey(k *Keys, b []byte) error {
	if len(b) != len(k.Identity.Key.Private) {
		return fmt.Errorf("a key of %d octets: %w", len(b), ipc.BadArgs)
	}
	k.Identity.Key = cert.HostKeyOf([32]byte(b))
	return nil
}

// appendDomainKeys returns the seed of each key.
func appendDomainKeys(k *Keys) (b []byte) {
	for _, key := range splitDomainKeys(k.DomainKey) {
		b = append(b, key.Seed()...)
	}
	return b
}

// parseDomainKeys reads the newest key, and the one before if it is there; they
// stand in k.DomainKey one behind the other.
func parseDomainKeys(k *Keys, b []byte) error {
	if len(b) != ed25519.SeedSize && len(b) != 2*ed25519.SeedSize {
		return fmt.Errorf("keys of %d octets: %w", len(b), ipc.BadArgs)
	}
	for seed := range slices.Chunk(b, ed25519.SeedSize) {
		k.DomainKey = append(k.DomainKey, ed25519.NewKeyFromSeed(seed)...)
	}
	return nil
}
