package keyring

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
	"vsys/seal/enroll"
)

// Keys is what the files hold.
type Keys struct {
	Identity    cert.Identity
	Trust       cert.Trust
	DomainKey   cert.DomainKey     // nil: no keeper
	Invitations enroll.Invitations // of a keeper
	Peers       []netip.AddrPort   // at most MaxPeers
}

// keysDir is the directory in the state directory.
const keysDir = "keys"

// Ring is the files of one host. Its calls must not overlap.
type Ring struct {
	dir string         // the directory keys
	key cert.DomainKey // as it is on the disk; nil: none
}

// Open reads the keys in a state directory. ErrNone: there are none. Every other
// failure is an *Error. It changes nothing.
func Open(state string) (*Ring, *Keys, error) {
	r := &Ring{dir: filepath.Join(state, keysDir)}
	info, err := os.Lstat(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrNone
	}
	if err != nil {
		return nil, nil, unusable(r.dir, err)
	}
	if err := private(r.dir, info, dirMode); err != nil {
		return nil, nil, err
	}
	k := &Keys{}
	for i := range files {
		if err := r.load(&files[i], k); err != nil {
			return nil, nil, err
		}
	}
	if err := r.consistent(k); err != nil {
		return nil, nil, err
	}
	r.key = k.DomainKey
	return r, k, nil
}

// load reads one file into k.
func (r *Ring) load(f *file, k *Keys) error {
	path := r.path(f)
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if f.optional {
			return nil
		}
		return damaged(path, "is missing")
	}
	if err != nil {
		return err
	}
	if f.title == "" {
		k.Peers, err = parsePeers(path, b)
		return err
	}
	content, ok := unarmor(f.title, f.secret, b)
	if !ok {
		return damaged(path, "is damaged, or not a "+f.title)
	}
	if err := f.parse(k, content); err != nil {
		return damaged(path, fmt.Sprintf("is damaged: %v", err))
	}
	return nil
}

// path returns where a file is.
func (r *Ring) path(f *file) string { return filepath.Join(r.dir, f.name) }

// consistent checks that the files are of one host and domain, and picks from two
// domain keys the one that is in use.
func (r *Ring) consistent(k *Keys) error {
	c := &k.Identity.Certificate
	switch {
	case c.Domain != k.Trust.Domain:
		return r.mixed(certificate, "is of another domain than the file trust")
	case c.Key != k.Identity.Key.Public:
		return r.mixed(certificate, "is for another key than that in host.key")
	case k.DomainKey == nil:
		return nil
	}
	keys := splitDomainKeys(k.DomainKey)
	for _, trusted := range k.Trust.Keys {
		for _, key := range keys {
			if trusted.Equal(key.Public()) {
				k.DomainKey = key
				return nil
			}
		}
	}
	return r.mixed(domainKey, "is the key of another domain")
}

// mixed says that a file does not belong to the others.
func (r *Ring) mixed(f *file, what string) error {
	return &Error{
		Path: r.path(f), What: what, Err: ipc.BadArgs,
		Try: "files of two hosts were mixed: put back those that belong together, " +
			"or move the directory away and join again (vsys join CODE)",
	}
}

// Create makes the keys of a host that has none, all or none of them, and the
// state directory. DuplicateName: it has some; move them away first (SetAside).
// Every other failure is an *Error.
func Create(state string, k *Keys) (*Ring, error) {
	dir := filepath.Join(state, keysDir)
	if _, err := os.Lstat(dir); err == nil {
		return nil, &Error{
			Path: dir, What: "there are keys already", Err: ipc.DuplicateName,
			Try: "this machine is a host of a domain; to leave that, move the directory away",
		}
	}
	r := &Ring{dir: dir, key: k.DomainKey}
	if err := r.consistent(&Keys{Identity: k.Identity, Trust: k.Trust, DomainKey: k.DomainKey}); err != nil {
		return nil, err
	}
	r.dir += newSuffix
	err := r.fill(k)
	if err == nil {
		err = os.Rename(r.dir, dir)
	}
	if err != nil {
		os.RemoveAll(r.dir) // the first error is said
		return nil, unwritten(dir, err)
	}
	r.dir = dir
	return r, syncDir(state)
}

// fill makes the directory and all files in it, in place of what an attempt left
// that a crash ended.
func (r *Ring) fill(k *Keys) error {
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, dirMode); err != nil {
		return err
	}
	for i := range files {
		if err := r.save(&files[i], k); err != nil {
			return err
		}
	}
	return nil
}

// SetAside moves the keys of a state directory away, for a host that joins again,
// and returns where to. ErrNone: there are none.
func SetAside(state string, wall time.Time) (string, error) {
	dir := filepath.Join(state, keysDir)
	to := fmt.Sprintf("%s.%s", dir, wall.UTC().Format("2006-01-02T15-04-05"))
	switch err := os.Rename(dir, to); {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNone
	case err != nil:
		return "", unwritten(dir, err)
	}
	return to, syncDir(state)
}

// Discard removes the keys of a host that never was one: its first boot failed.
func Discard(state string) error { return os.RemoveAll(filepath.Join(state, keysDir)) }

// save writes one file of k, unless k has nothing for it.
func (r *Ring) save(f *file, k *Keys) error {
	if f.title == "" {
		return write(r.path(f), formatPeers(k.Peers))
	}
	content := f.append(k)
	if content == nil {
		return nil
	}
	return write(r.path(f), armor(f.title, f.secret, content))
}

// SetTrust replaces the file trust. After a rotation SetDomainKey comes first.
func (r *Ring) SetTrust(t *cert.Trust) error { return r.save(trust, &Keys{Trust: *t}) }

// SetCertificate replaces the certificate, after a renewal.
func (r *Ring) SetCertificate(c *cert.Certificate) error {
	return r.save(certificate, &Keys{Identity: cert.Identity{Certificate: *c}})
}

// SetDomainKey replaces the domain's key. The one before stays in the file, so
// that the host can start again whether or not the trust that goes with the new
// one is on the disk yet.
func (r *Ring) SetDomainKey(k cert.DomainKey) error {
	both := slices.Clone(k)
	if r.key != nil && !r.key.Equal(k) {
		both = append(both, r.key...)
	}
	if err := r.save(domainKey, &Keys{DomainKey: both}); err != nil {
		return err
	}
	r.key = slices.Clone(k)
	return nil
}

// SetInvitations replaces the invitations.
func (r *Ring) SetInvitations(v *enroll.Invitations) error {
	return r.save(invitations, &Keys{Invitations: *v})
}

// SetPeers replaces the addresses to be greeted at boot.
func (r *Ring) SetPeers(peers []netip.AddrPort) error { return r.save(peersFile, &Keys{Peers: peers}) }

// splitDomainKeys returns the keys that stand one behind the other.
func splitDomainKeys(both cert.DomainKey) (keys []cert.DomainKey) {
	for k := range slices.Chunk(both, ed25519.PrivateKeySize) {
		keys = append(keys, k)
	}
	return keys
}
