package enroll

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/flynn/noise"

	"vsys/seal/cert"
)

// Keeper is what a keeper needs to let hosts in.
type Keeper struct {
	Key       cert.DomainKey // the domain's newest
	Trust     *cert.Trust
	Name      string           // of the keeper's host
	Addresses []netip.AddrPort // where hosts are, the likeliest first; as many are told as fit
	// Taken tells whether a host with another key has that name. nil: none has.
	Taken func(name string, f cert.Fingerprint) bool
	Rand  io.Reader
}

// Outcome is what became of a message from a machine that wants to join.
type Outcome struct {
	Answer []byte            // the body to send back, as large as the message at most
	Number uint8             // of the invitation; 0 if the code is wrong
	Wish   Wish              // if the code is right
	Joined *cert.Certificate // of the host that has joined now
	// Refused says why not: WrongCode, whose answer anybody could have caused, so
	// that the caller limits their rate; or another, of who knows the code. 0: no.
	Refused Reason
	Skew    time.Duration // Refused for Clock: the machine's clock less this one's
	// Changed: an invitation was used. Write the Invitations to the disk before
	// the answer goes out, or a crash lets the code be used again.
	Changed bool
}

// Heard takes the body of a Join frame, whose header.key is number. A body that
// is no request is an error that wraps ipc.BadArgs, and nothing is to be sent; so
// is, with its cause, a keeper that can't sign. The same body again has the same
// answer; another with a code that was used is refused. body is only read.
func (v *Invitations) Heard(k *Keeper, wall time.Time, number uint32, body []byte) (Outcome, error) {
	kind, message, err := open(body)
	if err != nil || kind != request {
		return Outcome{}, errBody
	}
	v.sweep(wall)
	wrong := Outcome{Refused: WrongCode, Answer: reject(body)}
	i := v.find(number)
	if i == nil {
		return wrong, nil
	}
	h, err := handshake(false, i.Number, &i.psk, k.Rand)
	if err != nil {
		return Outcome{}, err
	}
	payload, _, _, err := h.ReadMessage(nil, message)
	if err != nil {
		return wrong, nil
	}
	wish, err := parseWish(payload)
	if err != nil {
		return Outcome{}, err
	}
	asked := sha256.Sum256(body)
	if i.State == Spent && asked == i.asked {
		return Outcome{Number: i.Number, Wish: wish, Answer: bytes.Clone(i.answer)}, nil
	}
	out, err := i.decide(k, wall, &wish, h)
	if err == nil && out.Joined != nil {
		i.spend(wall, &out, asked)
	}
	return out, err
}

// decide makes the certificate for a wish, or says why there is none, and seals
// the answer.
func (i *Invitation) decide(k *Keeper, wall time.Time, w *Wish, h *noise.HandshakeState) (Outcome, error) {
	out := Outcome{Number: i.Number, Wish: *w}
	c, r, err := i.certify(k, wall, w)
	if err != nil {
		return Outcome{}, err
	}
	said := r.append(nil)
	if r.reason == 0 {
		g := Grant{Certificate: c, Trust: k.Trust.ForNewcomer(), Inviter: k.Name, Addresses: k.Addresses}
		out.Joined, said = &c, g.append(nil)
	} else {
		out.Refused, out.Skew = r.reason, r.skew
	}
	if out.Answer, err = write(h, answer, said); err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// spend closes the invitation: it was answered so to what asked is the hash of.
func (i *Invitation) spend(wall time.Time, o *Outcome, asked [sha256.Size]byte) {
	i.State, i.Closed = Spent, wall.UTC().Truncate(time.Second)
	i.User, i.Key = o.Wish.Name, o.Wish.Key
	i.asked, i.answer = asked, bytes.Clone(o.Answer)
	o.Changed = true
}

// refuse returns why a wish can't be granted; its reason is 0 if it can.
func (i *Invitation) refuse(k *Keeper, wall time.Time, w *Wish) refusal {
	skew := w.Wall.Sub(wall).Truncate(time.Millisecond)
	switch {
	case i.State == Spent:
		return refusal{reason: Used, user: i.User}
	case i.State == Revoked:
		return refusal{reason: Withdrawn}
	case !wall.Before(i.Ends):
		return refusal{reason: Ended}
	case skew.Abs() > MaxSkew:
		return refusal{reason: Clock, skew: skew}
	case k.Taken != nil && k.Taken(w.Name, cert.FingerprintOf(w.Key)):
		return refusal{reason: NameTaken}
	}
	return refusal{}
}

// certify issues the certificate for a wish, or refuses it. It fails where the
// keeper can't sign.
func (i *Invitation) certify(k *Keeper, wall time.Time, w *Wish) (cert.Certificate, refusal, error) {
	if r := i.refuse(k, wall, w); r.reason != 0 {
		return cert.Certificate{}, r, nil
	}
	if err := k.Trust.Holds(k.Key); err != nil {
		return cert.Certificate{}, refusal{}, err
	}
	c := cert.Issue(k.Key, cert.New(k.Trust.Domain, w.Key, w.Name, i.Roles, wall))
	err := k.Trust.Verify(&c, wall)
	if e := (*cert.Error)(nil); errors.As(err, &e) && e.Reason == cert.Revoked {
		return cert.Certificate{}, refusal{reason: Expelled}, nil
	}
	return c, refusal{}, err
}
