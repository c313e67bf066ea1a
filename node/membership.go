package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/kernel"
	"vsys/link/frame"
	"vsys/link/nic"
	"vsys/node/keyring"
	"vsys/seal/cert"
	"vsys/seal/enroll"
	"vsys/seal/pair"
	"vsys/servers/process"
)

// membership is a host's place in its domain: its keys on disk, and the
// invitations. It implements process.Keeper.
type membership struct {
	n *Node

	mu          sync.Mutex // guards what follows
	ring        *keyring.Ring
	founded     bool // the domain is of now
	invitations enroll.Invitations
	saved       kernel.Member // what is on the disk
	peers       []netip.AddrPort
}

// openKeys reads the host's keys; a machine that has none makes a domain of its
// own. It returns what the host kernel needs of them, nil in a clear domain.
func (n *Node) openKeys() (*kernel.Member, error) {
	c := &n.config
	if c.Clear {
		n.config.logger().Warn("THIS DOMAIN IS CLEAR: nothing is sealed; whoever is on the network can read and forge all of it")
		return nil, nil
	}
	if err := kernel.CheckName(c.name()); err != nil {
		return nil, err
	}
	m := &membership{n: n}
	n.member = m
	if c.Member != nil {
		own := *c.Member
		own.Join = m.join
		return &own, nil
	}
	ring, keys, err := keyring.Open(c.state())
	if errors.Is(err, keyring.ErrNone) {
		ring, keys, err = foundDomain(c)
		m.founded = true
	}
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", c.name(), err)
	}
	if c.Name != "" {
		if err := rename(ring, keys, c.Name); err != nil {
			return nil, err
		}
	}
	n.config.Name = keys.Identity.Certificate.Name
	n.config.Peers = append(slices.Clone(c.Peers), keys.Peers...)
	m.ring, m.invitations, m.peers = ring, keys.Invitations, keys.Peers
	m.saved = kernel.Member{Identity: keys.Identity, Trust: keys.Trust, Keeper: keys.DomainKey}
	own := m.saved
	own.Save, own.Join = m.save, m.join
	return &own, nil
}

// giveUp removes the keys of a domain that was made for a boot that failed.
func (m *membership) giveUp() error {
	if m == nil || !m.founded {
		return nil
	}
	return keyring.Discard(m.n.config.state())
}

// foundDomain makes a domain of one.
func foundDomain(c *Config) (*keyring.Ring, *keyring.Keys, error) {
	key, trust, id, err := cert.NewDomain(rand.Reader, time.Now(), c.name())
	if err != nil {
		return nil, nil, fmt.Errorf("a new domain: %w", err)
	}
	keys := &keyring.Keys{Identity: id, Trust: trust, DomainKey: key}
	ring, err := keyring.Create(c.state(), keys)
	return ring, keys, err
}

// rename gives the host another name, which only a keeper can give itself.
func rename(ring *keyring.Ring, keys *keyring.Keys, name string) error {
	old := &keys.Identity.Certificate
	if name == old.Name {
		return nil
	}
	if keys.DomainKey == nil || keys.Trust.Holds(keys.DomainKey) != nil {
		return &Refusal{
			Err: fmt.Errorf("host %s: its certificate is for the name %s: %w", name, old.Name, ipc.BadArgs),
			Try: "vsys boot --name " + old.Name + "; another name takes another invitation: vsys invite there, vsys join --again here",
		}
	}
	*old = cert.Issue(keys.DomainKey, cert.New(old.Domain, old.Key, name, old.Roles, time.Now()))
	return ring.SetCertificate(old)
}

// save keeps what has changed. The host kernel calls it, one call at a time.
func (m *membership) save(now kernel.Member) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	if now.Keeper != nil && !now.Keeper.Equal(m.saved.Keeper) {
		errs = append(errs, m.ring.SetDomainKey(now.Keeper))
	}
	errs = append(errs, m.ring.SetTrust(&now.Trust))
	if now.Identity.Certificate.Serial != m.saved.Identity.Certificate.Serial {
		errs = append(errs, m.ring.SetCertificate(&now.Identity.Certificate))
	}
	err := errors.Join(errs...)
	if err == nil {
		m.saved = now
	}
	return err
}

// savePeers keeps where the other hosts are, if that has changed. In a clear domain,
// m nil, it is not kept.
func (m *membership) savePeers() {
	if m == nil {
		return
	}
	peers := m.n.host.Learned()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ring == nil || len(peers) == 0 || slices.Equal(peers, m.peers) {
		return
	}
	if err := m.ring.SetPeers(peers[:min(len(peers), keyring.MaxPeers)]); err != nil {
		m.n.config.logger().Warn("where other hosts are is not kept", "err", err)
		return
	}
	m.peers = peers
}

// join answers a machine that wants to join. The host kernel calls it.
func (m *membership) join(f kernel.JoinFrame) []byte {
	h, body, err := frame.Decode(f.Frame)
	if err != nil || f.Member.Keeper == nil {
		return nil
	}
	log := m.n.config.logger()
	m.mu.Lock()
	defer m.mu.Unlock()
	out, err := m.invitations.Heard(&enroll.Keeper{
		Key: f.Member.Keeper, Trust: &f.Member.Trust, Name: m.n.Name(), Addresses: m.n.addresses(),
		Taken: m.n.nameTaken, Rand: rand.Reader,
	}, time.Now(), h.Key, body)
	if err != nil {
		log.Debug("join", "peer", f.From, "err", err)
		return nil
	}
	if out.Changed {
		if err := m.keepInvitations(); err != nil {
			log.Error("join", "peer", f.From, "err", err)
			return nil
		}
	}
	switch {
	case out.Joined != nil:
		log.Info("join", "host", out.Joined.Name, "peer", f.From, "key", out.Joined.Fingerprint().String(), "roles", out.Joined.Roles.String())
	case out.Refused != 0:
		log.Info("join refused", "peer", f.From, "why", (&enroll.Error{Reason: out.Refused, Number: out.Number, Name: out.Wish.Name, Skew: out.Skew}).Error())
	}
	if out.Answer == nil {
		return nil
	}
	b := frame.Header{Type: frame.Join, Key: h.Key}.Append(nil)
	return frame.AppendNullTag(append(b, out.Answer...))
}

// keepInvitations writes the invitations to the disk. m.mu is held.
func (m *membership) keepInvitations() error {
	if m.ring == nil {
		return nil
	}
	return m.ring.SetInvitations(&m.invitations)
}

// nameTaken tells whether another host than the one with that key has the name. One
// that was expelled has it no more.
func (n *Node) nameTaken(name string, f cert.Fingerprint) bool {
	trust := n.host.Member().Trust
	return slices.ContainsFunc(n.host.Hosts(), func(h hello.Host) bool {
		return h.Name == name && h.Fingerprint != f && !trust.Bulletin.Revokes(h.Fingerprint)
	})
}

// addresses returns where other machines reach this host.
func (n *Node) addresses() []netip.AddrPort {
	own := n.Addr()
	if !own.Addr().IsUnspecified() {
		return []netip.AddrPort{own}
	}
	list, err := nic.Read()
	if err != nil {
		return nil
	}
	var all []netip.AddrPort
	for _, i := range list {
		for _, p := range i.Addrs {
			if a := p.Addr(); i.Sane && a.Is4() == own.Addr().Is4() && !a.IsLinkLocalUnicast() {
				all = append(all, netip.AddrPortFrom(a, own.Port()))
			}
		}
	}
	return all
}

// Invite makes an invitation.
func (m *membership) Invite(r process.InviteRequest) (process.Invitation, error) {
	if m.n.host.Member().Keeper == nil {
		s := m.n.host.Security()
		return process.Invitation{}, fmt.Errorf("%s does not keep the domain's key, so it can't invite; these do: %v: %w", m.n.Name(), s.Keepers, ipc.NoPermission)
	}
	roles := cert.RoleHost
	if r.Keeper {
		roles |= cert.RoleKeeper
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	wall := time.Now()
	code, err := m.invitations.New(wall, roles, r.Term, rand.Reader)
	if err != nil {
		return process.Invitation{}, err
	}
	if err := m.keepInvitations(); err != nil {
		return process.Invitation{}, err
	}
	out := process.Invitation{Code: code.String()}
	for _, i := range m.invitations.List(wall) {
		if i.Number == code.Number {
			out.Ends = i.Ends
		}
	}
	for _, a := range m.n.addresses() {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out, nil
}

// Expel takes a host out of the domain.
func (m *membership) Expel(host string) error { return m.n.host.Expel(host) }

// Rotate gives the domain a new key.
func (m *membership) Rotate(retire bool) error { return m.n.host.Rotate(retire) }

// kinds are the words for what went wrong.
var kinds = map[pair.EventKind]process.TroubleKind{
	pair.Refused: process.Refused, pair.RefusedBy: process.RefusedBy, pair.OwnKey: process.OwnKey, pair.Skew: process.Skew,
}

// conflicts are the words for what two hosts want.
var conflicts = map[hello.EventKind]process.TroubleKind{
	hello.NameTaken: process.SameName, hello.NumberTaken: process.SameNumber,
	hello.KeyTaken: process.SameKey, hello.PrefixConflict: process.SamePrefix,
}

// troubles returns what a host kernel knows to have gone wrong.
func troubles(s *kernel.Security) []process.Trouble {
	var all []process.Trouble
	for _, t := range s.Troubles {
		all = append(all, process.Trouble{
			At: t.At, Kind: kinds[t.Kind], Host: t.Name, Addr: t.Addr, Text: t.Text, Skew: t.Skew,
		})
	}
	for _, c := range s.Conflicts {
		all = append(all, process.Trouble{
			At: c.At, Kind: conflicts[c.Kind], Host: c.Host.Name, Addr: c.Host.Addr.String(), Text: c.String(),
			By: c.By.Name, ByAddr: c.By.Addr.String(), Prefix: c.Prefix,
		})
	}
	return process.Latest(all)
}

// Security says how the domain is kept.
func (m *membership) Security() process.Security {
	s := m.n.host.Security()
	return process.Security{
		Domain: s.Domain.String(), Fingerprint: s.Fingerprint.String(), Roles: s.Roles.String(),
		NotAfter: s.NotAfter, Revision: s.Revision, Keepers: s.Keepers, Away: s.Away, Expelled: s.Expelled,
		Troubles: troubles(&s),
	}
}

// clearKeeper is the process.Keeper of a clear domain.
type clearKeeper struct{ h *kernel.Host }

var errClear = fmt.Errorf("the domain is clear: it has no keys, and any host may join it: %w", ipc.BadArgs)

// Security says what goes wrong.
func (k clearKeeper) Security() process.Security {
	s := k.h.Security()
	return process.Security{Clear: true, Troubles: troubles(&s)}
}

func (clearKeeper) Expel(string) error { return errClear }
func (clearKeeper) Rotate(bool) error  { return errClear }
func (clearKeeper) Invite(process.InviteRequest) (process.Invitation, error) {
	return process.Invitation{}, errClear
}
