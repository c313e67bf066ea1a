package kernel

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"vsys/hello"
	"vsys/ipc"
	"vsys/seal"
	"vsys/seal/cert"
)

// Security is what a host says about its domain.
type Security struct {
	Clear       bool // nothing is sealed, and nothing below counts
	Domain      cert.DomainID
	Fingerprint cert.Fingerprint // of this host
	Roles       cert.Roles
	NotAfter    time.Time // the end of this host's certificate, if it is not renewed
	Revision    uint32    // of the bulletin
	Keepers     []string  // live hosts that are keepers, this one included
	Away        []string  // keepers that were here since this host booted, and are lost
	Expelled    int       // hosts that are expelled and whose certificates have not ended
	Troubles    []Trouble // of late

	Conflicts []Conflict // of late; of a clear domain, too
}

// Conflict is that two hosts want the same: a NameTaken, NumberTaken, KeyTaken or
// PrefixConflict.
type Conflict struct {
	At time.Time
	hello.Event
}

// maxKeepers bounds the keepers that are remembered.
const maxKeepers = 64

// noteKeepersLocked remembers the keepers that are here.
func (t *hosts) noteKeepersLocked() {
	if t.keepers == nil {
		t.keepers = map[cert.Fingerprint]string{}
	}
	for _, p := range t.trust.pairs.Sessions() {
		if p.Roles.Has(cert.RoleKeeper) && len(t.keepers) < maxKeepers {
			t.keepers[p.Fingerprint] = p.Name
		}
	}
}

// noteConflictLocked keeps e if it is a conflict.
func (t *hosts) noteConflictLocked(e *hello.Event) {
	switch e.Kind {
	case hello.NameTaken, hello.NumberTaken, hello.KeyTaken, hello.PrefixConflict:
		if len(t.conflicts) >= maxTroubles {
			t.conflicts = t.conflicts[1:]
		}
		t.conflicts = append(t.conflicts, Conflict{time.Now(), *e})
	}
}

// Security says how this host's domain is kept.
func (h *Host) Security() Security {
	t := &h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.trust
	if r == nil {
		return Security{Clear: true, Conflicts: slices.Clone(t.conflicts)}
	}
	c := &r.member.Identity.Certificate
	s := Security{
		Domain: c.Domain, Fingerprint: c.Fingerprint(), Roles: c.Roles, NotAfter: c.NotAfter,
		Revision: r.member.Trust.Bulletin.Revision, Expelled: len(r.member.Trust.Bulletin.Revoked),
		Troubles: slices.Clone(r.troubles), Conflicts: slices.Clone(t.conflicts),
	}
	if r.isKeeper() {
		s.Keepers = append(s.Keepers, h.config.Name)
	}
	t.noteKeepersLocked()
	for _, p := range r.pairs.Sessions() {
		other, _ := t.table.ByNumber(p.Number)
		if p.Roles.Has(cert.RoleKeeper) && other.State == hello.Live && other.Epoch == p.Epoch {
			s.Keepers = append(s.Keepers, p.Name)
		}
	}
	for f, name := range t.keepers {
		known := slices.Contains(s.Keepers, name) || slices.Contains(s.Away, name)
		if !known && !r.member.Trust.Bulletin.Revokes(f) {
			s.Away = append(s.Away, name)
		}
	}
	slices.Sort(s.Keepers)
	slices.Sort(s.Away)
	return s
}

// Member returns what this host is and knows in its domain; the zero value in a
// clear one. It is secret.
func (h *Host) Member() Member {
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	if h.hosts.trust == nil {
		return Member{}
	}
	return h.hosts.trust.member
}

// errClear and errNoKeeper are why a host can't change its domain.
var (
	errClear    = fmt.Errorf("the domain is clear, it has no keys: %w", ipc.BadArgs)
	errNoKeeper = fmt.Errorf("this host does not keep the domain's key: %w", ipc.NoPermission)
)

// keep changes the domain as a keeper.
func (h *Host) keep(change func(r *trust) error) error {
	t := &h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return errClosed
	case t.trust == nil:
		return errClear
	case !t.trust.holdsKey():
		return errNoKeeper
	}
	if err := change(t.trust); err != nil {
		return err
	}
	t.trust.changedLocked()
	return nil
}

// Expel takes a host, live or lost, out of the domain: all others refuse it as
// soon as they hear of it. Codes: NotFound (no host of that name or fingerprint is
// known), NoPermission (this host is no keeper), BadArgs (it is this one, or the
// domain is clear), NoServerResources.
func (h *Host) Expel(name string) error {
	return h.keep(func(r *trust) error {
		for _, other := range h.hosts.table.Hosts() {
			f := cert.Fingerprint(other.Fingerprint)
			if name != other.Name && name != f.String() {
				continue
			}
			if other.State == hello.Self {
				return fmt.Errorf("%s is this host itself: %w", name, ipc.BadArgs)
			}
			wall := time.Now()
			return cert.Expel(r.member.Keeper, &r.member.Trust, cert.Revocation{
				// A keeper that has not heard of it may have renewed the certificate.
				Fingerprint: f, Until: wall.Add(2 * cert.Term).Unix(),
			}, wall, rand.Reader)
		}
		return fmt.Errorf("no host %s is known: %w", name, ipc.NotFound)
	})
}

// Rotate gives the domain a new key and a new group key. With retire, ten seconds
// later, when all hosts that are here have new certificates, those by the older keys
// count no more: other hosts have to join again. Codes: NoPermission, BadArgs, Busy (a
// host that is here has no certificate by the present key yet).
func (h *Host) Rotate(retire bool) error {
	return h.keep(func(r *trust) error {
		for _, s := range r.pairs.Sessions() {
			if r.member.Trust.Due(&s.Certificate, time.Now()) {
				return fmt.Errorf("%s has no certificate by the domain's present key yet, and would be shut out; try again in some seconds: %w", s.Name, ipc.Busy)
			}
		}
		m := r.member // which stays as it is if anything fails
		k, err := cert.Rotate(m.Keeper, &m.Trust, rand.Reader)
		if err != nil {
			return err
		}
		m.Keeper = k
		c, err := cert.Renew(k, &m.Trust, &m.Identity.Certificate, time.Now())
		if err != nil {
			return err
		}
		m.Identity.Certificate = c
		// The new key goes to the disk before anybody hears of it: a domain whose only
		// keeper has lost it is without.
		if m.Save != nil {
			if err := m.Save(m); err != nil {
				return err
			}
		}
		r.member = m
		r.becomeLocked(c)
		if retire {
			r.retireAt = r.now() + retireAfter
		}
		return nil
	})
}

// joinArrival is a frame of a machine that wants to join.
type joinArrival struct {
	from  netip.AddrPort
	frame []byte
}

// Frames of strangers that want to join: as many wait, and as many are looked at in
// a second.
const (
	maxJoins  = 16
	joinEvery = 20 * time.Millisecond
)

// joinLocked takes a frame of a machine that wants to join; one that comes while
// too many wait is dropped, and comes again.
func (r *trust) joinLocked(a *arrival) {
	select {
	case r.joins <- joinArrival{a.from, a.body}:
	default:
	}
}

// joinLoop answers machines that want to join. It ends with the host.
func (r *trust) joinLoop(ctx context.Context) {
	h := r.hosts.h
	defer h.loops.Done()
	pause := time.NewTicker(joinEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-r.joins:
			if out := r.member.Join(JoinFrame{j.frame, j.from, h.Member()}); out != nil {
				if err := h.Kernel.config.Link.Send(j.from, out); err != nil {
					h.log.Debug("join", "peer", j.from, "err", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// Receivers implements Keys.
func (d hostDomain) Receivers(generation uint64) (all []seal.Receiver, current uint64, unchanged bool) {
	t := &d.h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	if generation == t.generation {
		return nil, generation, true
	}
	return t.trust.receivers(d.team.Number), t.generation, false
}

// SendKey implements Keys.
func (d hostDomain) SendKey(host, team uint16) (seal.SendKey, netip.AddrPort, bool) {
	t := &d.h.hosts
	addr, _ := t.locate(host)
	t.mu.Lock()
	defer t.mu.Unlock()
	key, ok := t.trust.sendKey(seal.Team{Number: d.team.Number, Incarnation: d.team.Incarnation}, d.team.after, host, team)
	return key, addr, ok
}

// Renew implements Keys.
func (d hostDomain) Renew(session uint32) {
	t := &d.h.hosts
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.trust
	if session == 0 || seal.IsSelf(session) {
		r.renewSelf()
	}
	for _, s := range r.pairs.Sessions() {
		if session == 0 || s.ID == session {
			r.pairs.Rekey(s.Number)
		}
	}
	r.pairsLocked(r.pairs.Tick(r.now(), time.Now(), nil))
}

// renewKeys makes all sessions anew, because a team number comes again in an
// incarnation that it had since they were made: a key must not be dealt to two
// teams. It returns from when on sessions are good for new teams.
func (t *hosts) renewKeys() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.trust
	if r == nil {
		return 0
	}
	// Both sessions of the host with itself: the keys of the one before may be dealt
	// again, too.
	r.renewSelf()
	r.renewSelf()
	for _, s := range r.pairs.Sessions() {
		r.pairs.Rekey(s.Number)
	}
	now := r.now()
	r.pairsLocked(r.pairs.Tick(now, time.Now(), nil))
	return now
}
