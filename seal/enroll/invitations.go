package enroll

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

const (
	// DefaultTerm is how long an invitation is good.
	DefaultTerm = time.Hour
	// MaxTerm is the longest for which one can be made.
	MaxTerm = 7 * 24 * time.Hour
	// MaxSkew is by how much the clocks of keeper and new host may differ.
	MaxSkew = 5 * time.Minute

	// remembered is how long after its end or use an invitation is known, so that
	// the refusal can be said.
	remembered = 24 * time.Hour
)

// State is what has become of an invitation.
type State uint8

const (
	// Open: it can be used. It may have ended: see Invitation.Ends.
	Open State = iota
	// Spent: a host joined with it.
	Spent
	// Revoked: the keeper took it back.
	Revoked
)

// Invitation is one, as a keeper knows it.
type Invitation struct {
	Number uint8
	Roles  cert.Roles // of the host that uses it
	Made   time.Time  // whole seconds, as the others
	Ends   time.Time
	State  State
	Closed time.Time // when it was used or taken back; zero while open
	User   string    // Spent: name of the host
	Key    [32]byte  // Spent: its public key

	psk    [32]byte
	asked  [sha256.Size]byte // Spent: hash of the request that used it
	answer []byte            // Spent: what that was answered
}

// String returns "open until 14:05", "ended", "used by beta", "taken back", as of
// wall and in its time zone.
func (i *Invitation) String(wall time.Time) string {
	switch {
	case i.State == Spent:
		return "used by " + i.User
	case i.State == Revoked:
		return "taken back"
	case !wall.Before(i.Ends):
		return "ended"
	}
	return "open until " + i.Ends.In(wall.Location()).Format("15:04")
}

// forget tells whether nobody need know of i any more at wall.
func (i *Invitation) forget(wall time.Time) bool {
	end := i.Ends
	if i.State != Open {
		end = i.Closed
	}
	return wall.After(end.Add(remembered))
}

// Invitations are those of one keeper. The zero value has none. They are secret.
type Invitations struct{ all []Invitation } // ascending by number

// New makes an invitation that ends after term (DefaultTerm if 0) for a host of
// those roles, and returns the code that its user needs; nobody can learn it
// later. It fails with BadArgs for a term that is not within MaxTerm or roles
// without RoleHost, with NoServerResources if all numbers are in use, or if rand
// fails. Write the Invitations to the disk before the code is told.
func (v *Invitations) New(wall time.Time, roles cert.Roles, term time.Duration, rand io.Reader) (Code, error) {
	if term == 0 {
		term = DefaultTerm
	}
	if term < time.Second || term > MaxTerm || !roles.Has(cert.RoleHost) {
		return Code{}, fmt.Errorf("enroll: an invitation for %v, for a %v: %w", term, roles, ipc.BadArgs)
	}
	v.sweep(wall)
	number := v.free()
	if number > MaxNumber {
		return Code{}, fmt.Errorf("enroll: %d invitations are known, those of the last day included: %w",
			MaxNumber, ipc.NoServerResources)
	}
	c, err := newCode(number, rand)
	if err != nil {
		return Code{}, err
	}
	wall = wall.UTC().Truncate(time.Second)
	v.all = slices.Insert(v.all, int(number-1), Invitation{
		Number: number, Roles: roles, Made: wall, Ends: wall.Add(term).Truncate(time.Second), psk: c.psk(),
	})
	return c, nil
}

// free returns the least number that no invitation has.
func (v *Invitations) free() uint8 {
	for i := range v.all {
		if int(v.all[i].Number) != i+1 {
			return uint8(i + 1)
		}
	}
	return uint8(len(v.all) + 1)
}

// sweep forgets what is long past.
func (v *Invitations) sweep(wall time.Time) {
	v.all = slices.DeleteFunc(v.all, func(i Invitation) bool { return i.forget(wall) })
}

// List returns those that are known at wall, by number: open ones, and for a day
// those that are not any more.
func (v *Invitations) List(wall time.Time) []Invitation {
	v.sweep(wall)
	return slices.Clone(v.all)
}

// Revoke takes an invitation back. NotFound: there is none of that number that
// could be used.
func (v *Invitations) Revoke(number uint8, wall time.Time) error {
	i := v.find(uint32(number))
	if i == nil || i.State != Open || !wall.Before(i.Ends) {
		return fmt.Errorf("enroll: no open invitation has number %d: %w", number, ipc.NotFound)
	}
	i.State, i.Closed = Revoked, wall.UTC().Truncate(time.Second)
	return nil
}

// find returns the invitation with that number, or nil.
func (v *Invitations) find(number uint32) *Invitation {
	for i := range v.all {
		if uint32(v.all[i].Number) == number {
			return &v.all[i]
		}
	}
	return nil
}
