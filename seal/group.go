package seal

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"vsys/link/frame"
)

// GroupNonce is the octets of nonce in a group-sealed frame's body. With the header's
// counter they are XChaCha20-Poly1305's 24.
const GroupNonce = chacha20poly1305.NonceSizeX - 8

// GroupOverhead is what sealing for all hosts adds to a body: a frame and the nonce.
const GroupOverhead = frame.Overhead + GroupNonce

// Group is the key that all hosts of a domain share. It may be used by many
// goroutines.
type Group struct {
	ID     uint32 // names the key in headers; not 0
	cipher cipher.AEAD
}

// NewGroup returns the group key with that secret.
func NewGroup(secret *Secret) *Group {
	a, err := chacha20poly1305.NewX(secret[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	return &Group{GroupID(secret), a}
}

// GroupID returns by which number headers name the group key with that secret. An
// observer sees it, and so which frames are of one domain.
func GroupID(secret *Secret) uint32 {
	sum := sha256.Sum256(append([]byte("vsys group key id"), secret[:]...))
	return max(binary.BigEndian.Uint32(sum[:]), 1)
}

// Seal appends to dst, which must be empty, a frame of that type for the host
// kernel, with body sealed in it. The nonce is drawn from rand.
func (g *Group) Seal(dst []byte, t frame.Type, body []byte, rand io.Reader) ([]byte, error) {
	var nonce [chacha20poly1305.NonceSizeX]byte
	if _, err := io.ReadFull(rand, nonce[:]); err != nil {
		return nil, err
	}
	dst = frame.Header{Type: t, Key: g.ID, Counter: binary.BigEndian.Uint64(nonce[:])}.Append(dst)
	dst = append(dst, nonce[8:]...)
	return g.cipher.Seal(dst, nonce[:], body, dst[:frame.HeaderSize]), nil
}

// Open decrypts the frame b, whose header is h, and returns its body in b's memory.
// frame.ErrShort, ErrForged.
func (g *Group) Open(h *frame.Header, b []byte) ([]byte, error) {
	if len(b) < GroupOverhead {
		return nil, frame.ErrShort
	}
	var nonce [chacha20poly1305.NonceSizeX]byte
	binary.BigEndian.PutUint64(nonce[:], h.Counter)
	const at = frame.HeaderSize + GroupNonce
	copy(nonce[8:], b[frame.HeaderSize:at])
	body, err := g.cipher.Open(b[at:at], nonce[:], b[at:], b[:frame.HeaderSize])
	if err != nil {
		return nil, ErrForged
	}
	return body, nil
}
