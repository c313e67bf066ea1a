package node

import (
	"errors"
	"net/netip"
	"testing"

	"vsys/ipc"
	"vsys/node/keyring"
	"vsys/seal/enroll"
	"vsys/servers/process"
)

// sealed returns the configuration of a host with keys of its own.
func sealed(t *testing.T, name string) Config {
	c := config(t, name)
	c.Clear = false
	return c
}

// TestFirstBoot: a machine makes a domain of its own, and keeps it. A first boot that
// fails leaves none.
func TestFirstBoot(t *testing.T) {
	c := sealed(t, "alpha")
	n := start(t, c)
	domain := n.Domain()
	second := sealed(t, "beta")
	second.Addr = n.Addr()
	if _, err := Start(t.Context(), second); !errors.Is(err, ipc.DuplicateName) {
		t.Fatalf("the port is taken: %v", err)
	}
	if _, _, err := keyring.Open(second.State); !errors.Is(err, keyring.ErrNone) {
		t.Errorf("a boot that failed leaves keys: %v", err)
	}
	n.Close()
	c.Name = ""
	n = start(t, c)
	if n.Domain() != domain || n.Name() != "alpha" {
		t.Errorf("%s of %s, before alpha of %s", n.Name(), n.Domain(), domain)
	}
	n.Close()
	c.Name = "omega"
	if n = start(t, c); n.Name() != "omega" || n.Domain() != domain {
		t.Errorf("the keeper did not rename itself: %s", n.Name())
	}
}

// TestInvite: what a keeper is asked by a program on its host, and what it refuses.
func TestInvite(t *testing.T) {
	c := sealed(t, "alpha")
	n := start(t, c)
	names := client(t, c.Socket)
	var i process.Invitation
	if err := process.Ask(t.Context(), names, process.OpInvite, process.InviteRequest{}, &i); err != nil || i.Code == "" || len(i.Addresses) != 1 {
		t.Errorf("%+v, %v", i, err)
	}
	var s process.Security
	if err := process.Ask(t.Context(), names, process.OpSecurity, nil, &s); err != nil || s.Clear || s.Domain != n.Domain() || len(s.Keepers) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	var out any
	if err := process.Ask(t.Context(), names, process.OpExpel, "nobody", &out); !errors.Is(err, ipc.NotFound) {
		t.Errorf("expel nobody: %v", err)
	}
	if err := process.Ask(t.Context(), names, process.OpRotate, "perhaps", &out); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("rotate perhaps: %v", err)
	}
}

// TestJoinOverLoopback: a machine joins by a code, keeps its keys, and is a host of the
// domain from then on; the code is good once.
func TestJoinOverLoopback(t *testing.T) {
	c := sealed(t, "alpha")
	n := start(t, c)
	i, err := n.member.Invite(process.InviteRequest{Keeper: true})
	if err != nil {
		t.Fatal(err)
	}
	code := mustCode(t, i.Code+"@"+n.Addr().String())
	other := sealed(t, "beta")
	other.Addr = netip.MustParseAddrPort("127.0.0.2:0")
	j := Joining{Code: code, Name: "beta", Addr: other.Addr, State: other.State}
	grant, err := Join(t.Context(), j)
	if err != nil || grant.Inviter != "alpha" || grant.Certificate.Name != "beta" {
		t.Fatalf("%+v, %v", grant, err)
	}
	if _, err := Join(t.Context(), j); !errors.Is(err, ipc.DuplicateName) {
		t.Errorf("joining twice: %v", err)
	}
	b := start(t, other)
	if b.Domain() != n.Domain() {
		t.Errorf("domain %s, want %s", b.Domain(), n.Domain())
	}
	names := client(t, other.Socket)
	if _, err := names.Stat(t.Context(), "/proc/alpha"); err != nil {
		t.Error(err)
	}
	third := sealed(t, "gamma")
	_, err = Join(t.Context(), Joining{Code: code, Name: "gamma", Addr: netip.MustParseAddrPort("127.0.0.3:0"), State: third.State})
	if !errors.Is(err, ipc.NoPermission) {
		t.Errorf("a code that was used: %v", err)
	}
	if _, _, err := keyring.Open(third.State); !errors.Is(err, keyring.ErrNone) {
		t.Errorf("who was refused has keys: %v", err)
	}
}

func mustCode(t *testing.T, text string) enroll.Code {
	t.Helper()
	code, err := enroll.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
