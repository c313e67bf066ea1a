package keyring

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsys/ipc"
)

// TestRefused spoils the files in every way that can be thought of: each is
// refused with the file's name, a reason and advice, and nothing is changed.
func TestRefused(t *testing.T) {
	other, _ := create(t, newKeys(t, 2))
	from := func(name string) func(string) error {
		return func(keys string) error {
			b, err := os.ReadFile(filepath.Join(other, keysDir, name))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(keys, name), b, 0o600)
		}
	}
	chmod := func(name string, mode fs.FileMode) func(string) error {
		return func(keys string) error { return os.Chmod(filepath.Join(keys, name), mode) }
	}
	content := func(name, text string) func(string) error {
		return func(keys string) error { return os.WriteFile(filepath.Join(keys, name), []byte(text), 0o600) }
	}
	remove := func(name string) func(string) error {
		return func(keys string) error { return os.Remove(filepath.Join(keys, name)) }
	}
	for _, c := range []struct {
		what  string
		spoil func(keys string) error
		says  string
		try   string
		is    error
	}{
		{"key readable by all", chmod("host.key", 0o644), "/host.key: is open to other users (mode 0644)", "chmod 600 /", fs.ErrPermission},
		{"trust writeable by the group", chmod("trust", 0o620), "/trust: is open to other users (mode 0620)", "chmod 600", fs.ErrPermission},
		{"directory open", chmod("", 0o755), "/keys: is open to other users (mode 0755)", "chmod 700 /", fs.ErrPermission},
		{"directory closed", chmod("", 0o500), "/keys: is closed to its own user (mode 0500)", "chmod 700 /", fs.ErrPermission},
		{"key missing", remove("host.key"), "/host.key: is missing", "from a copy", ipc.BadArgs},
		{"certificate missing", remove("certificate"), "/certificate: is missing", "from a copy", ipc.BadArgs},
		{"trust missing", remove("trust"), "/trust: is missing", "from a copy", ipc.BadArgs},
		{"key empty", content("host.key", ""), "/host.key: is damaged", "join again", ipc.BadArgs},
		{"another file", content("host.key", string(armor("vsys trust", true, []byte("x")))), "not a vsys host key", "", ipc.BadArgs},
		{"key too short", content("host.key", string(armor("vsys host key", true, make([]byte, 31)))), "/host.key: is damaged: a key of 31 octets", "", ipc.BadArgs},
		{"domain key too short", content("domain.key", string(armor("vsys domain key", true, make([]byte, 33)))), "/domain.key: is damaged: keys of 33", "", ipc.BadArgs},
		{"invitations", content("invitations", string(armor("vsys invitations", true, []byte{9}))), "/invitations: is damaged", "", ipc.BadArgs},
		{"huge", content("trust", strings.Repeat("x", maxFile+1)), "/trust: is too long", "", ipc.BadArgs},
		{"peers", content("peers", "# none\n\n10.0.0.7\n"), `/peers: line 3: "10.0.0.7" is not`, "mend the line", ipc.BadArgs},
		{"trust of another domain", from("trust"), "/certificate: is of another domain than the file trust", "mixed", ipc.BadArgs},
		{"key of another host", from("host.key"), "/certificate: is for another key", "mixed", ipc.BadArgs},
		{"domain key of another", from("domain.key"), "/domain.key: is the key of another domain", "mixed", ipc.BadArgs},
		{"directory for a file", func(keys string) error {
			return errors.Join(os.Remove(filepath.Join(keys, "trust")), os.Mkdir(filepath.Join(keys, "trust"), 0o700))
		}, "/trust: is not a regular file", "", ipc.BadArgs},
		{"pipe for a file", func(keys string) error {
			return errors.Join(os.Remove(filepath.Join(keys, "trust")), syscall.Mkfifo(filepath.Join(keys, "trust"), 0o600))
		}, "/trust: is not a regular file", "", ipc.BadArgs},
		{"link for a file", func(keys string) error {
			return errors.Join(os.Remove(filepath.Join(keys, "trust")), os.Symlink("host.key", filepath.Join(keys, "trust")))
		}, "/trust: is a symbolic link", "", syscall.ELOOP},
		{"file for the directory", func(keys string) error {
			return errors.Join(os.RemoveAll(keys), os.WriteFile(keys, nil, 0o600))
		}, "/keys: is not a directory", "", ipc.BadArgs},
	} {
		t.Run(c.what, func(t *testing.T) {
			state, _ := create(t, newKeys(t, 1))
			if err := c.spoil(filepath.Join(state, keysDir)); err != nil {
				t.Fatal(err)
			}
			var was map[string]string
			if c.what != "pipe for a file" { // which can't be read
				was = snapshot(t, state)
			}
			_, _, err := Open(state)
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || !strings.Contains(e.Hint(), c.try) {
				t.Fatalf("%v, hint %q; want %q, hint %q, which is %v", err, e.Hint(), c.says, c.try, c.is)
			}
			if was != nil && !maps.Equal(snapshot(t, state), was) {
				t.Error("something has changed")
			}
			if err := os.Chmod(filepath.Join(state, keysDir), 0o700); err != nil {
				t.Error(err)
			}
		})
	}
}

// stranger is a file of another user.
type stranger struct{ fs.FileInfo }

func (stranger) Mode() fs.FileMode { return 0o600 }
func (stranger) IsDir() bool       { return false }
func (stranger) Sys() any          { return &syscall.Stat_t{Uid: uint32(os.Geteuid()) + 1} }

func TestOwner(t *testing.T) {
	err := private("/x/host.key", stranger{}, fileMode)
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, fs.ErrPermission) || !strings.Contains(e.Error(), "/x/host.key: belongs to user ") ||
		!strings.Contains(e.Hint(), "sudo chown ") {
		t.Errorf("%v", err)
	}
}

func TestUnusable(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "/x: can't be read by user "},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EIO}, "/x: can't be read: input/output error"},
	} {
		err := unusable("/x", c.err)
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.says) || e.Hint() == "" || !errors.Is(err, c.err) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// TestDamage changes each octet of each file with a checksum.
func TestDamage(t *testing.T) {
	state, _ := create(t, newKeys(t, 1))
	for i := range files {
		if files[i].title == "" {
			continue
		}
		path := filepath.Join(state, keysDir, files[i].name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range b {
			x := bytes.Clone(b)
			x[at] ^= 1
			if _, ok := unarmor(files[i].title, files[i].secret, x); ok {
				t.Errorf("%s with octet %d changed was taken", path, at)
			}
			if _, ok := unarmor(files[i].title, files[i].secret, b[:at]); ok {
				t.Errorf("%s cut after %d octets was taken", path, at)
			}
		}
	}
}

func TestPeersEdited(t *testing.T) {
	peers, err := parsePeers("peers", []byte("  10.0.0.7:8145  # the inn\r\n#\n\n[::1]:1"))
	if err != nil || len(peers) != 2 || peers[1].String() != "[::1]:1" {
		t.Errorf("%v, %v", peers, err)
	}
	for _, bad := range []string{"x", "10.0.0.7:0", "0.0.0.0:1", strings.Repeat("10.0.0.7:1\n", MaxPeers+1)} {
		if _, err := parsePeers("peers", []byte(bad)); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if b := formatPeers(make([]netip.AddrPort, MaxPeers+9)); bytes.Count(b, []byte("\n")) != MaxPeers+1 {
		t.Errorf("%d lines", bytes.Count(b, []byte("\n")))
	}
}

func TestSetAsideTwice(t *testing.T) {
	state, _ := create(t, newKeys(t, 1))
	first, err := SetAside(state, start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(state, newKeys(t, 2)); err != nil {
		t.Fatal(err)
	}
	was := snapshot(t, first)
	if to, err := SetAside(state, start); err == nil { // within one second
		t.Errorf("both are in %s", to)
	}
	if !maps.Equal(snapshot(t, first), was) {
		t.Error("the first have changed")
	}
	if _, err := SetAside(state, start.Add(time.Second)); err != nil {
		t.Error(err)
	}
}

func FuzzUnarmor(f *testing.F) {
	f.Add(armor("vsys host key", true, []byte("content")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if content, ok := unarmor("vsys host key", true, b); ok && !bytes.Equal(armor("vsys host key", true, content), b) {
			t.Fatalf("%q", b)
		}
	})
}

func FuzzParsePeers(f *testing.F) {
	f.Add([]byte("10.0.0.7:8145\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		peers, err := parsePeers("peers", b)
		if err != nil {
			return
		}
		again, err := parsePeers("peers", formatPeers(peers))
		if err != nil || len(again) != len(peers) {
			t.Fatalf("%v, again %v, %v", peers, again, err)
		}
	})
}
