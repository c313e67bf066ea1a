package kernel

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/seal/cert"
	"vsys/seal/pair"
)

// What host kernels tell each other about the domain, in Control frames sealed
// for the pair (docs/wire/seal.md): which bulletin each has, the bulletin and the
// keys to who has an older one, and renewed certificates. Nothing is acknowledged
// but by saying again what one has.
const (
	controlHave     = 1 // revision (4), flags (1), first octets of the bulletin's signature (8)
	controlBulletin = 2 // a bulletin
	controlKeys     = 3 // successions, group key
	controlRenew    = 4 // a certificate that is to be renewed
	controlRenewed  = 5 // the new one
	controlKey      = 6 // the domain's newest key (its seed, 32), from keeper to keeper
	controlGoodbye  = 7 // the host ends: a goodbye as in a hello (docs/wire/hello.md)

	hasGroup = 1 // flags of controlHave
	wantsKey = 2 // a keeper without the domain's newest key

	controlEvery = time.Second            // to who has an older bulletin
	controlPause = 100 * time.Millisecond // between two answers of a kind to one host
	renewEvery   = 2 * time.Second        // asking one host for a new certificate
	judgeEvery   = time.Minute            // looking whether one is needed
	retireAfter  = 10 * time.Second       // after a rotation: all that are there have new certificates then
)

// peerTrust is what another host knows of the domain.
type peerTrust struct {
	said     bool
	revision uint32
	group    bool
	wantsKey bool
	mark     [8]byte
	keys     []byte        // the last controlKeys
	asked    time.Duration // for a new certificate
	told     time.Duration // what this host has
	updated  time.Duration // what the peer did not have
}

// peer returns what the other host of a session knows of the domain.
func (r *trust) peer(s *pair.Session) *peerTrust {
	p := r.peers[s.Fingerprint]
	if p == nil {
		p = &peerTrust{}
		r.peers[s.Fingerprint] = p
	}
	return p
}

// behind tells whether the peer has to be told what b and group are.
func (p *peerTrust) behind(b *cert.Bulletin, group bool) bool {
	switch {
	case !p.said:
		return false
	case p.revision != b.Revision:
		return p.revision < b.Revision
	case !bytes.Equal(p.mark[:], b.Signature[:8]):
		return true // each tells the other, and all keep the same
	}
	return group && !p.group
}

var errTaken = fmt.Errorf("two hosts have one key: %w", ipc.DuplicateName)

// controlSendLocked sends a Control frame to the other host of a session.
func (r *trust) controlSendLocked(s *pair.Session, body []byte) {
	k := r.hosts.h.Kernel
	v := seal.NewReceiver(s.PeerID, r.number, s.AES, &s.Send, 0)
	self := seal.Team{Incarnation: k.base.Incarnation()}
	b := newBuffer(len(body) + frame.Overhead)
	b.b = append(frame.Header{Type: frame.Control}.Append(b.b), body...)
	var n seal.Nonce
	out, err := k.keys.seal(seal.NewSealer(v.SendKey(self), self), b.b, &n)
	if err != nil {
		b.free()
		return
	}
	b.b = out
	to := s.Addr
	if at, ok := r.hosts.table.ByNumber(s.Number); ok && at.Addr.IsValid() {
		to = at.Addr
	}
	r.hosts.sendLocked(to, b)
}

// tellLocked tells the other host of a session what this one has, if it was not told
// just now.
func (r *trust) tellLocked(s *pair.Session, p *peerTrust) {
	if p.told > 0 && r.now()-p.told < controlPause {
		return
	}
	p.told = r.now()
	b := &r.member.Trust.Bulletin
	out := binary.BigEndian.AppendUint32([]byte{controlHave}, b.Revision)
	var flags byte
	if r.member.Trust.HasGroup() {
		flags = hasGroup
	}
	if r.isKeeper() && !r.holdsKey() {
		flags |= wantsKey
	}
	r.controlSendLocked(s, append(append(out, flags), b.Signature[:8]...))
}

// isKeeper tells whether this host is meant to have the domain's key, holdsKey
// whether it has the newest.
func (r *trust) isKeeper() bool { return r.member.Identity.Certificate.Roles.Has(cert.RoleKeeper) }

func (r *trust) holdsKey() bool {
	return r.member.Keeper != nil && r.member.Trust.Holds(r.member.Keeper) == nil
}

// updateLocked sends what the other host of a session does not have.
func (r *trust) updateLocked(s *pair.Session, p *peerTrust) {
	if p.updated > 0 && r.now()-p.updated < controlPause {
		return
	}
	p.updated = r.now()
	t := &r.member.Trust
	if p.behind(&t.Bulletin, t.HasGroup()) {
		r.controlSendLocked(s, r.keysBody())
		r.controlSendLocked(s, t.Bulletin.Append([]byte{controlBulletin}))
	}
	if p.wantsKey && s.Roles.Has(cert.RoleKeeper) && r.holdsKey() {
		r.controlSendLocked(s, append([]byte{controlKey}, r.member.Keeper.Seed()...))
	}
}

// spreadLocked sends the bulletin and the keys to all that have older ones.
func (r *trust) spreadLocked() {
	gone := maps.Clone(r.peers)
	for _, s := range r.pairs.Sessions() {
		delete(gone, s.Fingerprint)
		p := r.peer(s)
		if !p.said {
			r.tellLocked(s, p)
		}
		r.updateLocked(s, p)
	}
	for f := range gone {
		delete(r.peers, f)
	}
}

// keysBody returns the body that tells the domain's keys: how many successions,
// each; the group key, if it is the newest.
func (r *trust) keysBody() []byte {
	t := &r.member.Trust
	out := []byte{controlKeys, byte(len(t.Successions))}
	for i := range t.Successions {
		out = t.Successions[i].Append(out)
	}
	if t.HasGroup() {
		out = t.Groups[0].Append(out)
	}
	return out
}

func parseKeys(b []byte) (s []cert.Succession, g []cert.GroupKey, err error) {
	if len(b) < 1 || int(b[0]) > cert.MaxKeys || len(b) < 1+int(b[0])*cert.SuccessionSize {
		return nil, nil, cert.ErrMalformed
	}
	n, b := int(b[0]), b[1:]
	for range n {
		one, err := cert.ParseSuccession(b[:cert.SuccessionSize])
		if err != nil {
			return nil, nil, err
		}
		s, b = append(s, one), b[cert.SuccessionSize:]
	}
	if len(b) == 0 {
		return s, nil, nil
	}
	one, err := cert.ParseGroupKey(b)
	return s, []cert.GroupKey{one}, err
}

// controlLocked takes a Control frame.
func (r *trust) controlLocked(a *arrival) {
	session, _ := seal.SenderOf(&a.head)
	r.pairs.Proven(r.now(), session)
	s := r.pairs.ByID(session)
	if s == nil || a.origin.team.Number != 0 || len(a.body) < 1 {
		return
	}
	p := r.peer(s)
	var err error
	switch body := a.body[1:]; a.body[0] {
	case controlHave:
		r.haveLocked(s, p, body)
	case controlKeys:
		p.keys = body
		if !r.member.Trust.HasGroup() {
			err = r.adoptLocked(s, p, &r.member.Trust.Bulletin)
		}
	case controlBulletin:
		var b cert.Bulletin
		if b, err = cert.ParseBulletin(body); err == nil {
			err = r.adoptLocked(s, p, &b)
		}
	case controlRenew:
		err = r.renewForLocked(s, body)
	case controlRenewed:
		err = r.renewedLocked(body)
	case controlKey:
		r.takeKeyLocked(s, p, body)
	case controlGoodbye:
		err = r.goodbyeLocked(a, s, body)
	}
	if err != nil {
		r.hosts.h.log.Warn("trust", "peer", s.Name, "err", err)
	}
}

func (r *trust) haveLocked(s *pair.Session, p *peerTrust, body []byte) {
	if len(body) < 13 {
		return
	}
	first := !p.said
	p.said, p.revision = true, binary.BigEndian.Uint32(body)
	p.group, p.wantsKey = body[4]&hasGroup != 0, body[4]&wantsKey != 0
	copy(p.mark[:], body[5:13])
	r.updateLocked(s, p)
	t := &r.member.Trust
	if first || p.revision > t.Bulletin.Revision || p.group && !t.HasGroup() {
		r.tellLocked(s, p)
	}
}

// adoptLocked takes what another host says is the newest word of the keepers.
func (r *trust) adoptLocked(s *pair.Session, p *peerTrust, b *cert.Bulletin) error {
	var successions []cert.Succession
	var groups []cert.GroupKey
	var err error
	if p.keys != nil {
		if successions, groups, err = parseKeys(p.keys); err != nil {
			return err
		}
	}
	before := r.member.Trust.Bulletin
	changed, err := r.member.Trust.Adopt(*b, successions, groups)
	if r.member.Keeper != nil && b.Revision > 0 {
		for _, other := range []cert.Bulletin{before, *b} {
			merged, mergeErr := cert.Merge(r.member.Keeper, &r.member.Trust, other, time.Now(), rand.Reader)
			changed = changed || merged
			err = errors.Join(err, ignoreOld(mergeErr))
		}
	}
	if changed {
		r.changedLocked()
	}
	p.told = 0
	r.tellLocked(s, p)
	return err
}

// ignoreOld drops the error that the bulletin or the keeper's key is of before a
// rotation.
func ignoreOld(err error) error {
	var e *cert.Error
	if errors.As(err, &e) && (e.Reason == cert.OldKey || e.Reason == cert.BadSignature) {
		return nil
	}
	return err
}

// renewLocked asks a keeper for a new certificate when that is due.
func (r *trust) renewLocked() {
	m := &r.member
	if c := &m.Identity.Certificate; c.Serial == r.judged && r.now() < r.judgeAt {
		return
	} else if !m.Trust.Due(c, time.Now()) {
		r.judged, r.judgeAt = c.Serial, r.now()+judgeEvery
		return
	}
	if r.holdsKey() {
		if c, err := cert.Renew(m.Keeper, &m.Trust, &m.Identity.Certificate, time.Now()); err == nil {
			r.becomeLocked(c)
		}
		return
	}
	for _, s := range r.pairs.Sessions() {
		p := r.peer(s)
		if !s.Roles.Has(cert.RoleKeeper) || p.asked > 0 && r.now()-p.asked < renewEvery {
			continue
		}
		p.asked = r.now()
		r.controlSendLocked(s, m.Identity.Certificate.Append([]byte{controlRenew}))
	}
}

// renewForLocked renews the certificate of another host, which must be the one
// that it showed.
func (r *trust) renewForLocked(s *pair.Session, body []byte) error {
	m := &r.member
	if m.Keeper == nil {
		return nil
	}
	c, err := cert.ParseCertificate(body)
	if err != nil {
		return err
	}
	if c.Fingerprint() != s.Fingerprint {
		return fmt.Errorf("%s asks to renew the certificate of another host, %s: %w", s.Name, c.Name, ipc.NoPermission)
	}
	c, err = cert.Renew(m.Keeper, &m.Trust, &c, time.Now())
	if err != nil {
		return err
	}
	r.controlSendLocked(s, c.Append([]byte{controlRenewed}))
	return nil
}

// renewedLocked takes this host's new certificate.
func (r *trust) renewedLocked(body []byte) error {
	m := &r.member
	c, err := cert.ParseCertificate(body)
	if err != nil {
		return err
	}
	old := &m.Identity.Certificate
	if c.Key != old.Key || c.Name != old.Name || c.Serial <= old.Serial {
		return nil
	}
	if err := m.Trust.Verify(&c, time.Now()); err != nil {
		return err
	}
	r.becomeLocked(c)
	return nil
}

// becomeLocked gives this host a new certificate, and shows it to all before the old
// one ends.
func (r *trust) becomeLocked(c cert.Certificate) {
	r.member.Identity.Certificate = c
	r.saveLocked()
	for _, s := range r.pairs.Sessions() {
		r.pairs.Rekey(s.Number)
	}
	r.hosts.h.log.Info("trust", "event", fmt.Sprintf("the certificate of this host is renewed until %s", c.NotAfter.Format(time.DateOnly)))
}

// takeKeyLocked takes the domain's key, if this host is to have it.
func (r *trust) takeKeyLocked(s *pair.Session, p *peerTrust, body []byte) {
	m := &r.member
	if len(body) != ed25519.SeedSize || !s.Roles.Has(cert.RoleKeeper) || !r.isKeeper() || r.holdsKey() {
		return
	}
	k := ed25519.NewKeyFromSeed(body)
	if m.Trust.Holds(k) != nil {
		return
	}
	m.Keeper = k
	r.saveLocked()
	r.tellLocked(s, p)
	r.hosts.h.log.Info("trust", "event", "this host has the key of the domain now, from "+s.Name)
}

// goodbyeLocked takes the goodbye of the other host of a session.
func (r *trust) goodbyeLocked(a *arrival, s *pair.Session, body []byte) error {
	p, err := hello.Decode(body)
	if err != nil || p.Kind != hello.Goodbye || p.Host.Number != s.Number || p.Host.Epoch != s.Epoch {
		return err
	}
	out, err := r.hosts.table.HeardSealed(r.now(), hello.Sender{Addr: a.from, Fingerprint: s.Fingerprint}, body, nil)
	r.hosts.heardLocked(a, out, err)
	r.pairs.Drop(s.Number) // it may boot again elsewhere
	r.pairsLocked(nil)
	return nil
}

// sayGoodbyeLocked sends a goodbye of the table's to all others.
func (r *trust) sayGoodbyeLocked(body []byte) {
	for _, s := range r.pairs.Sessions() {
		r.controlSendLocked(s, append([]byte{controlGoodbye}, body...))
	}
}

// retireLocked ends the domain's old keys, if it is time.
func (r *trust) retireLocked() {
	if r.retireAt == 0 || r.now() < r.retireAt || !r.holdsKey() {
		return
	}
	r.retireAt = 0
	if err := cert.Retire(r.member.Keeper, &r.member.Trust, rand.Reader); err != nil {
		r.hosts.h.log.Error("trust", "err", err)
		return
	}
	r.hosts.h.log.Info("trust", "event", "the old keys of the domain are good no more")
	r.changedLocked()
}
