package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newKeys returns the keys of a keeper that has invited somebody.
func newKeys(t *testing.T, seed byte) *Keys {
	t.Helper()
	r := rand.NewChaCha8([32]byte{seed})
	key, trust, id, err := cert.NewDomain(r, start, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	k := &Keys{Identity: id, Trust: trust, DomainKey: key, Peers: []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.7:8145"), netip.MustParseAddrPort("[fe80::1%eth0]:99")}}
	if _, err := k.Invitations.New(start, cert.RoleHost, 0, r); err != nil {
		t.Fatal(err)
	}
	return k
}

// create makes the keys in a new state directory.
func create(t *testing.T, k *Keys) (state string, r *Ring) {
	t.Helper()
	state = t.TempDir()
	r, err := Create(state, k)
	if err != nil {
		t.Fatal(err)
	}
	return state, r
}

// open reads the keys again.
func open(t *testing.T, state string) (*Ring, *Keys) {
	t.Helper()
	r, k, err := Open(state)
	if err != nil {
		t.Fatal(err)
	}
	return r, k
}

// snapshot returns all files below a directory, with mode and content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			all[path] += string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCreateOpen(t *testing.T) {
	for _, keeper := range []bool{true, false} {
		k := newKeys(t, 1)
		if !keeper {
			k.DomainKey, k.Peers = nil, nil
		}
		state, _ := create(t, k)
		if _, got := open(t, state); !reflect.DeepEqual(got, k) {
			t.Errorf("keeper %v: %+v, want %+v", keeper, got, k)
		}
		for path, what := range snapshot(t, filepath.Join(state, keysDir)) {
			want := "-rw-------"
			if path == filepath.Join(state, keysDir) {
				want = "drwx------"
			}
			if !strings.HasPrefix(what, want) {
				t.Errorf("%s has mode %.10s", path, what)
			}
		}
		_, err := os.Lstat(filepath.Join(state, keysDir, "domain.key"))
		if keeper != (err == nil) {
			t.Errorf("keeper %v: domain.key: %v", keeper, err)
		}
	}
}

func TestNone(t *testing.T) {
	state := t.TempDir()
	for _, dir := range []string{state, filepath.Join(state, "not", "there")} {
		if _, _, err := Open(dir); !errors.Is(err, ErrNone) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := SetAside(state, start); !errors.Is(err, ErrNone) {
		t.Errorf("set aside what is not there: %v", err)
	}
}

// TestCreateTwice shows that keys are never written over.
func TestCreateTwice(t *testing.T) {
	state, _ := create(t, newKeys(t, 1))
	was := snapshot(t, state)
	_, err := Create(state, newKeys(t, 2))
	if !errors.Is(err, ipc.DuplicateName) || !maps.Equal(snapshot(t, state), was) {
		t.Errorf("the second time: %v", err)
	}
	to, err := SetAside(state, start)
	if err != nil || filepath.Base(to) != "keys.2026-03-01T12-00-00" {
		t.Fatalf("set aside: %s, %v", to, err)
	}
	if _, err := Create(state, newKeys(t, 2)); err != nil {
		t.Error(err)
	}
}

// TestCreateAfterCrash begins where a crash ended an attempt.
func TestCreateAfterCrash(t *testing.T) {
	state := t.TempDir()
	left := filepath.Join(state, keysDir+newSuffix)
	if err := os.MkdirAll(left, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "host.key"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(state); !errors.Is(err, ErrNone) {
		t.Errorf("half an attempt: %v", err)
	}
	if _, err := Create(state, newKeys(t, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	open(t, state)
}

func TestCreateRefuses(t *testing.T) {
	k, state := newKeys(t, 1), t.TempDir()
	k.DomainKey = newKeys(t, 2).DomainKey
	if _, err := Create(state, k); !errors.Is(err, ipc.BadArgs) || len(snapshot(t, state)) != 1 {
		t.Errorf("with another domain's key: %v", err)
	}
	occupied := filepath.Join(state, "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Create(occupied, newKeys(t, 1)); !errors.As(err, &e) || e.Hint() == "" {
		t.Errorf("in a file: %v", err)
	}
}

func TestSet(t *testing.T) {
	k := newKeys(t, 1)
	rand := rand.NewChaCha8([32]byte{9})
	state, r := create(t, k)
	renewed, err := cert.Renew(k.DomainKey, &k.Trust, &k.Identity.Certificate, start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	k.Identity.Certificate = renewed
	if err := cert.Expel(k.DomainKey, &k.Trust, cert.Revocation{Until: 1 << 40}, start, rand); err != nil {
		t.Fatal(err)
	}
	if err := k.Invitations.Revoke(1, start); err != nil {
		t.Fatal(err)
	}
	k.Peers = k.Peers[1:]
	for _, err := range []error{r.SetCertificate(&renewed), r.SetTrust(&k.Trust), r.SetInvitations(&k.Invitations), r.SetPeers(k.Peers)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, got := open(t, state); !reflect.DeepEqual(got, k) {
		t.Errorf("%+v, want %+v", got, k)
	}
	if n := len(snapshot(t, state)); n != 2+len(files) {
		t.Errorf("%d files: something is left over", n)
	}
}

// TestRotationCrash starts a keeper again at each point of a rotation.
func TestRotationCrash(t *testing.T) {
	k := newKeys(t, 1)
	state, r := create(t, k)
	for n := range 3 {
		old := k.DomainKey
		next, err := cert.Rotate(old, &k.Trust, rand.NewChaCha8([32]byte{byte(20 + n)}))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.SetDomainKey(next); err != nil {
			t.Fatal(err)
		}
		if _, got := open(t, state); !got.DomainKey.Equal(old) || got.Trust.Holds(old) != nil {
			t.Errorf("rotation %d, before the trust is written: another key is in use", n)
		}
		if err := r.SetTrust(&k.Trust); err != nil {
			t.Fatal(err)
		}
		again, got := open(t, state)
		if !got.DomainKey.Equal(next) || got.Trust.Holds(next) != nil {
			t.Errorf("rotation %d: the newest key is not in use", n)
		}
		r, k.DomainKey = again, next
	}
	if b, _ := read(filepath.Join(state, keysDir, "domain.key")); b == nil {
		t.Error("no domain key")
	} else if content, _ := unarmor("vsys domain key", true, b); len(content) != 2*ed25519.SeedSize {
		t.Errorf("%d octets of domain keys", len(content))
	}
}

// TestOtherKeeperRotated keeps a domain key that is not the newest any more.
func TestOtherKeeperRotated(t *testing.T) {
	k := newKeys(t, 1)
	state, r := create(t, k)
	if _, err := cert.Rotate(k.DomainKey, &k.Trust, rand.NewChaCha8([32]byte{})); err != nil {
		t.Fatal(err)
	}
	if err := r.SetTrust(&k.Trust); err != nil {
		t.Fatal(err)
	}
	if _, got := open(t, state); !got.DomainKey.Equal(k.DomainKey) || got.Trust.Holds(got.DomainKey) == nil {
		t.Error("the older key is gone, or taken for the newest")
	}
}

// TestSetFails shows that a file that can't be written stays as it was.
func TestSetFails(t *testing.T) {
	k := newKeys(t, 1)
	state, r := create(t, k)
	was := snapshot(t, state)
	blocked := filepath.Join(state, keysDir, "trust"+newSuffix)
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(blocked, "x"), nil, 0o600); err != nil { // so that it can't be removed
		t.Fatal(err)
	}
	var e *Error
	if err := r.SetTrust(&k.Trust); !errors.As(err, &e) || !strings.HasSuffix(e.Path, "/keys/trust") || e.Hint() == "" {
		t.Errorf("%v", err)
	}
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(snapshot(t, state), was) {
		t.Error("something has changed")
	}
}

// TestNotReadable shows that neither key can be read off the text of an error or
// of a file that is not secret.
func TestNotReadable(t *testing.T) {
	k := newKeys(t, 1)
	state, _ := create(t, k)
	b, err := os.ReadFile(filepath.Join(state, keysDir, "certificate"))
	if err != nil || bytes.Contains(b, []byte("Secret")) {
		t.Errorf("certificate: %s, %v", b, err)
	}
	content, ok := unarmor("vsys certificate", false, b)
	if !ok || !slices.Equal(content, k.Identity.Certificate.Append(nil)) {
		t.Error("the certificate's file is more than the certificate")
	}
}
