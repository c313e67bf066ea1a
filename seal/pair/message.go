package pair

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

// Size is what an Initiate and a Respond have, in octets, whatever they say: so
// neither answer is larger than what it answers.
const Size = 600

// The layouts, docs/wire/handshake.md.
const (
	version = 1

	headSize      = 2 // kind, version
	cookieSize    = 16
	digestSize    = 16
	tagSize       = 16
	idSize        = 4
	initiateHead  = headSize + cookieSize
	respondHead   = headSize + idSize
	initiateRoom  = Size - initiateHead - 32 - 32       // payload, behind e and s
	respondRoom   = Size - respondHead - 32 - 48 - 16   // payload, behind e and sealed s, before its tag
	payloadOffset = initiateHead + 32 + 32              // in an Initiate
	cookieBody    = headSize + idSize + cookieSize + 16 // id, cookie, digest
	confirmBody   = headSize + idSize + 1 + tagSize     // id, verdict, tag
	payloadFixed  = 1 + 1 + idSize + 2 + 8 + 8 + 8      // flags to wall clock
)

// kind is the first octet of a body.
type kind uint8

const (
	kindInitiate kind = 1 + iota
	kindRespond
	kindConfirm
	kindCookie
	kindAcknowledge
)

const flagAES = 1 << 0

// ErrBody is in the errors of Heard about octets that are no handshake message of
// this version.
var ErrBody = fmt.Errorf("not a handshake message: %w", ipc.VMTPError)

func malformed(what string) error { return fmt.Errorf("pair: %w: %s", ErrBody, what) }

// payload is what a host says of itself in an Initiate and in a Respond.
//
//	0  flags (1)  1  verdict (1)  2  session (4)  6  number (2)  8  epoch (8)
//	16 sequence (8)  24  wall clock (8)  32  certificate, successions
type payload struct {
	aes         bool
	verdict     Verdict // of a Respond: what its sender thinks of the receiver
	id          uint32  // by which the sender wants to be written to
	number      uint16
	epoch       uint64
	sequence    uint64 // of the first hello that the receiver may believe
	wall        time.Time
	certificate cert.Certificate
	successions []cert.Succession // oldest first
}

// append adds p to b, and zeros, so that there are size octets more. Of the
// successions the newest that fit are taken.
func (p *payload) append(b []byte, size int) []byte {
	end := len(b) + size
	var flags byte
	if p.aes {
		flags |= flagAES
	}
	b = append(b, flags, byte(p.verdict))
	b = binary.BigEndian.AppendUint32(b, p.id)
	b = binary.BigEndian.AppendUint16(b, p.number)
	b = binary.BigEndian.AppendUint64(b, p.epoch)
	b = binary.BigEndian.AppendUint64(b, p.sequence)
	b = binary.BigEndian.AppendUint64(b, uint64(p.wall.UnixMilli()))
	b = appendCounted(b, p.certificate.Append(nil))
	n := min(len(p.successions), (end-len(b)-1)/cert.SuccessionSize)
	b = append(b, byte(n))
	for _, s := range p.successions[len(p.successions)-n:] {
		b = s.Append(b)
	}
	return append(b, make([]byte, end-len(b))...)
}

// parsePayload reads what append wrote. What follows the successions is ignored.
func parsePayload(b []byte) (*payload, error) {
	if len(b) < payloadFixed {
		return nil, malformed("short payload")
	}
	p := &payload{
		aes: b[0]&flagAES != 0, verdict: Verdict(b[1]), id: payloadID(b),
		number: binary.BigEndian.Uint16(b[6:]), epoch: binary.BigEndian.Uint64(b[8:]),
		sequence: binary.BigEndian.Uint64(b[16:]), wall: time.UnixMilli(int64(binary.BigEndian.Uint64(b[24:]))),
	}
	if !validID(p.id) || p.number == 0 || p.number>>12 == 0xE {
		return nil, malformed("no session or host number")
	}
	c, b, err := counted(b[payloadFixed:])
	if err != nil {
		return nil, err
	}
	if p.certificate, err = cert.ParseCertificate(c); err != nil {
		return nil, fmt.Errorf("pair: %w: %w", ErrBody, err)
	}
	if len(b) < 1 {
		return nil, malformed("no successions")
	}
	n, b := int(b[0]), b[1:]
	if len(b) < n*cert.SuccessionSize {
		return nil, malformed("fewer successions than announced")
	}
	for range n {
		s, err := cert.ParseSuccession(b[:cert.SuccessionSize])
		if err != nil {
			return nil, fmt.Errorf("pair: %w: %w", ErrBody, err)
		}
		p.successions, b = append(p.successions, s), b[cert.SuccessionSize:]
	}
	return p, nil
}

// payloadID returns the session in the payload b.
func payloadID(b []byte) uint32 { return binary.BigEndian.Uint32(b[2:]) }

func appendCounted(b, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(value))), value...)
}

// counted splits b behind the value that begins it with its length.
func counted(b []byte) (value, rest []byte, err error) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return nil, nil, malformed("a value is longer than what is there")
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	return b[2:n], b[n:], nil
}

// digest names the Noise message of an Initiate.
func digest(noiseMessage []byte) (d [digestSize]byte) {
	sum := sha256.Sum256(noiseMessage)
	copy(d[:], sum[:])
	return d
}

// appendHead begins a body of those kinds that name a session of the receiver.
func appendHead(b []byte, k kind, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(k), version), id)
}

// headID returns the session that a body with such a head names.
func headID(b []byte) uint32 { return binary.BigEndian.Uint32(b[headSize:]) }

// check tells whether b has a head and the length that its kind has.
func check(b []byte) error {
	if len(b) < headSize || b[1] != version {
		return malformed("another version")
	}
	want := Size
	switch kind(b[0]) {
	case kindInitiate, kindRespond:
	case kindConfirm, kindAcknowledge:
		want = confirmBody
	case kindCookie:
		want = cookieBody
	default:
		return malformed(fmt.Sprintf("unknown kind %d", b[0]))
	}
	if len(b) != want {
		return malformed(fmt.Sprintf("%d octets where %d are due", len(b), want))
	}
	return nil
}
