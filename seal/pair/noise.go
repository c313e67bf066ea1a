package pair

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/flynn/noise"

	"vsys/seal"
	"vsys/seal/cert"
)

// The handshake is Noise_IX_25519_ChaChaPoly_SHA256 (Noise revision 34 §7.5):
//
//	Initiate  -> e, s
//	Respond   <- e, ee, se, s, es
//
// Whoever answers proves its key by the Respond; whoever began proves its own by
// the first thing that it says under the session, the Confirm.
var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256)

const prologue = "vsys pair 1"

// newState begins the Noise part of a handshake. The ephemeral key is drawn from
// rand.
func newState(key *cert.HostKey, domain cert.DomainID, initiator bool, rand io.Reader) (*noise.HandshakeState, error) {
	return noise.NewHandshakeState(noise.Config{
		CipherSuite:   suite,
		Pattern:       noise.HandshakeIX,
		Prologue:      append([]byte(prologue), domain[:]...),
		Initiator:     initiator,
		StaticKeypair: noise.DHKey{Private: key.Private[:], Public: key.Public[:]},
		Random:        rand,
	})
}

// keys is what a handshake leaves behind.
type keys struct {
	toResponder, toInitiator [32]byte // the roots
	confirm, acknowledge     [32]byte
}

// newKeys derives them from the keys of both directions that Noise makes at the
// end.
func newKeys(toResponder, toInitiator *noise.CipherState) keys {
	a, b := toResponder.UnsafeKey(), toInitiator.UnsafeKey()
	secret := append(a[:], b[:]...)
	derive := func(label string) [32]byte {
		out, err := hkdf.Key(sha256.New, secret, nil, prologue+" "+label, 32)
		if err != nil {
			panic(err) // only for a length that this is not
		}
		return [32]byte(out)
	}
	return keys{
		toResponder: derive("root to responder"), toInitiator: derive("root to initiator"),
		confirm: derive("confirm"), acknowledge: derive("acknowledge"),
	}
}

// confirmation makes a Confirm or an Acknowledge for the peer's session id.
func confirmation(k kind, key *[32]byte, id uint32, v Verdict) []byte {
	b := append(appendHead(make([]byte, 0, confirmBody), k, id), byte(v))
	h := hmac.New(sha256.New, key[:])
	h.Write(b)
	return append(b, h.Sum(nil)[:tagSize]...)
}

// confirmed tells whether b, of the right length, is a confirmation under key.
func confirmed(b []byte, key *[32]byte) bool {
	want := confirmation(kind(b[0]), key, headID(b), confirmVerdict(b))
	return hmac.Equal(want, b)
}

func confirmVerdict(b []byte) Verdict { return Verdict(b[headSize+idSize]) }

// randomID draws a session identifier.
func randomID(rand io.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(rand, b[:])
	return binary.BigEndian.Uint32(b[:]) & seal.MaxSession, err
}
