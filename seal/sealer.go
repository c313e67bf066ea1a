package seal

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"time"

	"vsys/ipc"
	"vsys/link/frame"
)

// Errors of sealing and opening.
var (
	ErrExhausted = fmt.Errorf("seal: the team has sent all the frames that it may: %w", ipc.NoServerResources)
	ErrForged    = fmt.Errorf("seal: not sealed by this key: %w", ipc.VMTPError)
	ErrReplayed  = fmt.Errorf("seal: seen before, or too old to tell: %w", ipc.VMTPError)
)

// Nonce is memory for one nonce of a pair's key. The ciphers are called through an
// interface, so a nonce of their caller's own would be allocated each time.
type Nonce [chacha20Nonce]byte

const chacha20Nonce = 12 // octets, GCM's too

func (n *Nonce) set(counter uint64) []byte {
	binary.BigEndian.PutUint64(n[4:], counter)
	return n[:]
}

// Sealer seals the frames of one team for another. It may be used by many
// goroutines.
type Sealer struct {
	SendKey
	cipher cipher.AEAD
	key    uint32 // of the headers
	team   uint64 // in the place that it has in counters
}

// NewSealer returns the sealer of a team for the owner of the key's receiver.
func NewSealer(k SendKey, sender Team) *Sealer {
	return &Sealer{
		SendKey: k, cipher: k.aead(),
		key:  k.Session<<incarnationBits | uint32(sender.Incarnation),
		team: uint64(sender.Number) << countBits,
	}
}

// Seal makes b a sealed frame: b has a header, of which type and slot count, and
// the body in clear, and room for a tag behind it in its capacity. count must be
// new for the sending team; n is memory. ErrExhausted: it is too large.
func (s *Sealer) Seal(b []byte, count uint64, n *Nonce) ([]byte, error) {
	if count > maxCount {
		return nil, ErrExhausted
	}
	counter := s.team | count
	binary.BigEndian.PutUint32(b[4:], s.key)
	binary.BigEndian.PutUint64(b[8:], counter)
	const h = frame.HeaderSize
	body := s.cipher.Seal(b[h:h], n.set(counter), b[h:], b[:h])
	return b[:h+len(body)], nil
}

// SenderOf returns by which session and from which team the frame with the header h
// says that it comes.
func SenderOf(h *frame.Header) (session uint32, sender Team) {
	return h.Key >> incarnationBits, Team{uint16(h.Counter >> countBits), uint16(h.Key & (1<<incarnationBits - 1))}
}

// Opener opens the frames of one sender. Its calls must not overlap.
type Opener struct {
	cipher cipher.AEAD
	window Window

	floor, next uint64 // counts below floor are too old; next is the floor after it
	aged        time.Duration
}

// OpenFor is how long a frame is good for at least after a later one of its sender was
// opened; at most twice that. It is less than VMTP remembers a transaction for.
const OpenFor = 4 * time.Second

// Age forgets, as time goes on, the frames that did not come when those after them did:
// who holds one back can't have it opened when nobody remembers any more what became of
// its transaction.
func (o *Opener) Age(now time.Duration) {
	switch since := now - o.aged; {
	case since >= 2*OpenFor:
		o.floor, o.next, o.aged = o.window.first, o.window.first, now
	case since >= OpenFor:
		o.floor, o.next, o.aged = o.next, o.window.first, now
	}
}

// NewOpener returns the opener for what sender sends to the receiver.
func NewOpener(r *Receiver, sender Team) *Opener {
	k := r.SendKey(sender)
	return &Opener{cipher: k.aead()}
}

// Open decrypts the frame b, whose header is h, in its own memory and returns the
// body. ErrForged: b is not by this sender, and its memory is spoilt. ErrReplayed.
func (o *Opener) Open(h *frame.Header, b []byte, n *Nonce) ([]byte, error) {
	count := h.Counter & maxCount
	if count < o.floor || !o.window.New(count) {
		return nil, ErrReplayed
	}
	const size = frame.HeaderSize
	body, err := o.cipher.Open(b[size:size], n.set(h.Counter), b[size:], b[:size])
	if err != nil {
		return nil, ErrForged
	}
	o.window.Note(count)
	return body, nil
}
