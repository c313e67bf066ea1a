package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// Session identifiers are of 20 bits; the host that receives by one chooses it.
// 0 is none.
const (
	MaxSession  = 0xFFFFF
	SelfSession = MaxSession - 1 // this and the next: of a host's frames to itself, never of a pair's

	incarnationBits = 12
	countBits       = 48
	maxCount        = 1<<countBits - 1
)

// IsSelf tells whether a session is a host's with itself.
func IsSelf(session uint32) bool { return session >= SelfSession }

// Secret is a root, or what is derived from one: 32 octets.
type Secret = [32]byte

// Team is a team of one host in one use of its number.
type Team struct {
	Number      uint16
	Incarnation uint16 // 12 bits
}

// Receiver is what a team needs to open frames of one session.
type Receiver struct {
	Session uint32 // as the frames' headers have it, 20 bits
	Host    uint16 // number of the sending host
	AES     bool   // the cipher: AES-128-GCM, else ChaCha20-Poly1305
	Secret  Secret // of this receiving team
}

// SendKey is what a team needs to seal frames for one other team.
type SendKey struct {
	Session uint32
	AES     bool
	Secret  Secret
}

// NewReceiver derives what the team with that number (its slot) needs from the
// root of the direction to its host.
func NewReceiver(session uint32, host uint16, aes bool, root *Secret, slot uint16) Receiver {
	label := binary.BigEndian.AppendUint16([]byte("vsys slot "), slot)
	return Receiver{session, host, aes, derive(root, label)}
}

// SendKey derives the key by which sender seals for the receiver.
func (r *Receiver) SendKey(sender Team) SendKey {
	label := binary.BigEndian.AppendUint16([]byte("vsys sender "), sender.Number)
	label = binary.BigEndian.AppendUint16(label, sender.Incarnation)
	return SendKey{r.Session, r.AES, derive(&r.Secret, label)}
}

// derive is the one step of HKDF-Expand that makes 32 octets (RFC 5869 §2.3).
func derive(from *Secret, label []byte) (out Secret) {
	h := hmac.New(sha256.New, from[:])
	h.Write(label)
	h.Write([]byte{1})
	h.Sum(out[:0])
	return out
}

// aead returns the cipher of a key.
func (k *SendKey) aead() cipher.AEAD {
	if !k.AES {
		a, err := chacha20poly1305.New(k.Secret[:])
		if err != nil {
			panic(err) // only for a key of another length
		}
		return a
	}
	block, err := aes.NewCipher(k.Secret[:16])
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return a
}
