package enroll

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

const (
	diskVersion    = 1
	invitationHead = 4 + 3*8 + 32
	// MaxInvitations is more than the octets of any Invitations.
	MaxInvitations = 2 + MaxNumber*(invitationHead+1+cert.MaxName+32+32+BodySize)
)

// errDisk is wrapped by the errors of ParseInvitations.
var errDisk = fmt.Errorf("enroll: damaged invitations: %w", ipc.BadArgs)

// Append appends the invitations to b, as ParseInvitations takes them. They are
// secret:
//
//	0  version 1, 1  how many; then of each:
//	0  number, 1  state, 2  roles (2), 4  made, s (8), 12  ends, s (8),
//	20  closed, s (8), 28  pre-shared key (32); of those that were used then:
//	60  length n of the name, 61  name (n), key (32), hash of the request (32),
//	    answer (1,168)
func (v *Invitations) Append(b []byte) []byte {
	b = append(b, diskVersion, byte(len(v.all)))
	for i := range v.all {
		x := &v.all[i]
		b = append(b, x.Number, byte(x.State))
		b = binary.BigEndian.AppendUint16(b, uint16(x.Roles))
		for _, t := range []time.Time{x.Made, x.Ends, x.Closed} {
			b = binary.BigEndian.AppendUint64(b, seconds(t))
		}
		b = append(b, x.psk[:]...)
		if x.State == Spent {
			b = append(append(b, byte(len(x.User))), x.User...)
			b = append(append(b, x.Key[:]...), x.asked[:]...)
			b = append(b, x.answer...)
		}
	}
	return b
}

// seconds is a time on the disk; the zero time is 0.
func seconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}

// ParseInvitations reads what Append wrote, all of b. The result shares no memory
// with b. Errors wrap ipc.BadArgs.
func ParseInvitations(b []byte) (Invitations, error) {
	if len(b) < 2 || b[0] != diskVersion || b[1] > MaxNumber {
		return Invitations{}, errDisk
	}
	r := reader{b: b[2:]}
	var v Invitations
	for range b[1] {
		x := r.invitation()
		if n := len(v.all); r.bad || n > 0 && v.all[n-1].Number >= x.Number {
			return Invitations{}, errDisk
		}
		v.all = append(v.all, x)
	}
	if len(r.b) != 0 {
		return Invitations{}, errDisk
	}
	return v, nil
}

// reader takes octets from the front of b, and remembers if there were too few.
type reader struct {
	b   []byte
	bad bool
}

// take returns the next n octets, or as many zeros.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

// time reads a time.
func (r *reader) time() time.Time {
	s := binary.BigEndian.Uint64(r.take(8))
	if s == 0 {
		return time.Time{}
	}
	r.bad = r.bad || s > math.MaxInt32<<8 // the year 19391
	return time.Unix(int64(s), 0).UTC()
}

// invitation reads one.
func (r *reader) invitation() (x Invitation) {
	head := r.take(4)
	x = Invitation{Number: head[0], State: State(head[1]), Roles: cert.Roles(binary.BigEndian.Uint16(head[2:]))}
	x.Made, x.Ends, x.Closed = r.time(), r.time(), r.time()
	x.psk = [32]byte(r.take(32))
	r.bad = r.bad || x.Number < 1 || x.Number > MaxNumber || x.State > Revoked ||
		x.Ends.IsZero() || x.Closed.IsZero() != (x.State == Open)
	if x.State == Spent && !r.bad {
		x.User = string(r.take(int(r.take(1)[0])))
		x.Key, x.asked = [32]byte(r.take(32)), [32]byte(r.take(32))
		x.answer = append([]byte(nil), r.take(BodySize)...)
		r.bad = r.bad || !cert.ValidName(x.User)
	}
	return x
}
