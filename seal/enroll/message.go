package enroll

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/flynn/noise"

	"vsys/ipc"
	"vsys/link/frame"
)

// The wire format, docs/wire/join.md.
const (
	// Version is that of the handshake that this package speaks.
	Version = 1
	// BodySize is the octets of a request and of an answer, so that no answer is
	// larger than what caused it and their length tells nothing: the body of a
	// frame that is 1,200 octets in all.
	BodySize = 1200 - frame.Overhead

	headSize    = 2                                                // version, kind
	payloadSize = BodySize - headSize - noise25519 - frame.TagSize // of each Noise message
	noise25519  = 32                                               // a public key
	echoSize    = 16                                               // of a request, in a rejection
	rejectSize  = headSize + echoSize
	prologue    = "vsys join 1"
)

// kind says what the body of a Join frame is.
type kind uint8

const (
	request   kind = 1 + iota // the first Noise message: let me in
	answer                    // the second: a grant or a refusal
	rejection                 // no Noise message: the code is wrong, says somebody
)

var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256)

// errBody is wrapped where octets are not what they should be.
var errBody = fmt.Errorf("enroll: not a join message: %w", ipc.BadArgs)

// open checks the head of a body and returns what is behind it. Bodies of other
// versions and lengths are refused.
func open(body []byte) (k kind, rest []byte, err error) {
	if len(body) < headSize || body[0] != Version {
		return 0, nil, errBody
	}
	k, rest = kind(body[1]), body[headSize:]
	switch {
	case (k == request || k == answer) && len(body) == BodySize, k == rejection && len(body) == rejectSize:
		return k, rest, nil
	}
	return 0, nil, errBody
}

// handshake begins a Noise handshake under the code with that number. rand gives
// the ephemeral key.
func handshake(initiator bool, number uint8, psk *[32]byte, rand io.Reader) (*noise.HandshakeState, error) {
	return noise.NewHandshakeState(noise.Config{
		CipherSuite: suite, Random: rand, Pattern: noise.HandshakeNN, Initiator: initiator,
		Prologue:     append([]byte(prologue), Version, number),
		PresharedKey: psk[:], PresharedKeyPlacement: 0,
	})
}

// write appends a Noise message with the payload, filled up, behind the head.
func write(h *noise.HandshakeState, k kind, payload []byte) ([]byte, error) {
	if len(payload) > payloadSize {
		return nil, fmt.Errorf("enroll: a message of %d octets, %d fit: %w", len(payload), payloadSize, ipc.BadArgs)
	}
	full := make([]byte, payloadSize)
	copy(full, payload)
	body, _, _, err := h.WriteMessage([]byte{Version, byte(k)}, full)
	return body, err
}

// reject makes the body that says, without a seal, that the code of a request is
// wrong. It repeats octets of the request, so that only who saw it can say so.
func reject(request []byte) []byte {
	return append([]byte{Version, byte(rejection)}, request[headSize:rejectSize]...)
}

// rejects tells whether rest, of a rejection, repeats octets of request.
func rejects(rest, request []byte) bool { return bytes.Equal(rest, request[headSize:rejectSize]) }

// The fields of a payload: type (1), length (2), value. A field of type 0 is the
// end; what is behind it is padding.
const (
	fieldEnd       = 0
	fieldKey       = 1  // request: public key of the host (32)
	fieldName      = 2  // request: name that it wishes
	fieldWall      = 3  // request: its wall clock, ms since 1970 (8)
	fieldVersion   = 4  // request: version of its program, text
	fieldProcessor = 5  // request: processor type, as Go's GOARCH
	fieldCert      = 16 // grant: certificate
	fieldTrust     = 17 // grant: domain keys, group key, bulletin
	fieldInviter   = 18 // grant: the keeper's host name
	fieldAddress   = 19 // grant: where a host is: address (4 or 16), port (2); any number
	fieldRefusal   = 32 // refusal: the reason (1)
	fieldSkew      = 33 // refusal: by how much the joiner's clock is ahead, ms, signed (8)
	fieldUser      = 34 // refusal: name of the host that used the invitation

	fieldHead = 3
	maxText   = 64 // octets of version and processor; longer ones are cut
)

// appendField appends a field.
func appendField(b []byte, typ byte, v []byte) []byte {
	b = append(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

// eachField calls f for each field of a payload until it returns false. Of what
// it doesn't know, f returns true: that is for later versions.
func eachField(b []byte, f func(typ byte, v []byte) bool) error {
	for len(b) > 0 && b[0] != fieldEnd {
		if len(b) < fieldHead {
			return errBody
		}
		n := int(binary.BigEndian.Uint16(b[1:]))
		if fieldHead+n > len(b) || !f(b[0], b[fieldHead:fieldHead+n]) {
			return fmt.Errorf("%w: field %d of %d octets", errBody, b[0], n)
		}
		b = b[fieldHead+n:]
	}
	return nil
}
