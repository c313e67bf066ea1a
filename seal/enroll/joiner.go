package enroll

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/flynn/noise"

	"vsys/ipc"
	"vsys/seal/cert"
)

const (
	// DefaultLimit is how long a Joiner tries.
	DefaultLimit = 8 * time.Second
	// interval is the time between two requests.
	interval = 300 * time.Millisecond
)

// Packet is the body of a Join frame to be sent.
type Packet struct {
	To     netip.AddrPort // the zero value: by multicast on every interface
	Number uint32         // header.key
	Body   []byte         // not to be changed
}

// Joining says how a machine joins.
type Joining struct {
	Code      Code
	Key       cert.HostKey
	Name      string        // wished, as cert.ValidName has it
	Version   string        // of the program
	Processor string        // as Go's GOARCH
	Port      uint16        // for addresses in the code that have none; 0 is not one
	Limit     time.Duration // how long to try; 0: DefaultLimit
}

// Joiner asks to be let in until it is granted, refused, or its limit is reached.
type Joiner struct {
	how     Joining
	psk     [32]byte
	seed    [32]byte // of the ephemeral key, which each answer is tried with
	payload []byte   // of the request
	request []byte
	started time.Duration
	next    time.Duration // when the next request goes out
	hint    Reason        // NoAnswer, or WrongCode if somebody said so
	grant   *Grant
	err     error
}

// NewJoiner begins to join. wall goes into the request; now is on the clock of
// Tick and Heard. BadArgs: the name, the number or the port can't be; or rand
// fails.
func NewJoiner(how Joining, now time.Duration, wall time.Time, rand io.Reader) (*Joiner, error) {
	if !cert.ValidName(how.Name) || how.Code.Number < 1 || how.Code.Number > MaxNumber || how.Port == 0 {
		return nil, fmt.Errorf("enroll: join as %q with code %d-… at port %d: %w",
			how.Name, how.Code.Number, how.Port, ipc.BadArgs)
	}
	if how.Limit == 0 {
		how.Limit = DefaultLimit
	}
	j := &Joiner{how: how, psk: how.Code.psk(), started: now, next: now, hint: NoAnswer}
	if _, err := io.ReadFull(rand, j.seed[:]); err != nil {
		return nil, fmt.Errorf("enroll: random octets for a key: %w", err)
	}
	w := Wish{how.Key.Public, how.Name, wall, how.Version, how.Processor}
	j.payload = w.append(nil)
	var err error
	_, j.request, err = j.ask()
	return j, err
}

// ask makes the request: always the same.
func (j *Joiner) ask() (*noise.HandshakeState, []byte, error) {
	h, err := handshake(true, j.how.Code.Number, &j.psk, bytes.NewReader(j.seed[:]))
	if err != nil {
		return nil, nil, err
	}
	body, err := write(h, request, j.payload)
	return h, body, err
}

// Tick appends to out what has to be sent at now, and ends the attempt when its
// limit is reached.
func (j *Joiner) Tick(now time.Duration, out []Packet) []Packet {
	switch {
	case j.Done():
		return out
	case now-j.started >= j.how.Limit:
		j.fail(j.hint)
		return out
	case now < j.next:
		return out
	}
	j.next = now + interval
	p := Packet{Number: uint32(j.how.Code.Number), Body: j.request}
	out = append(out, p)
	for _, p.To = range j.how.Code.Addresses {
		if p.To.Port() == 0 {
			p.To = netip.AddrPortFrom(p.To.Addr(), j.how.Port)
		}
		out = append(out, p)
	}
	return out
}

// Deadline returns when Tick has something to do.
func (j *Joiner) Deadline() time.Duration { return min(j.next, j.started+j.how.Limit) }

// Done tells whether the attempt has ended; Result says how.
func (j *Joiner) Done() bool { return j.grant != nil || j.err != nil }

// Result returns the grant, or the *Error with which the attempt ended, or
// neither before that.
func (j *Joiner) Result() (*Grant, error) { return j.grant, j.err }

// Heard takes the body of a Join frame that came from there. What is not an
// answer of somebody who knows the code ends nothing. body is only read.
func (j *Joiner) Heard(wall time.Time, from netip.AddrPort, body []byte) {
	kind, rest, err := open(body)
	if err != nil || j.Done() {
		return
	}
	if kind == rejection && rejects(rest, j.request) {
		j.hint = WrongCode
	}
	if kind != answer {
		return
	}
	// A state that has failed once may not work again (it may be that of the
	// forger's key), so each answer gets a new one.
	h, _, err := j.ask()
	if err != nil {
		return
	}
	payload, _, _, err := h.ReadMessage(nil, rest)
	if err != nil {
		return
	}
	g, r, err := parseAnswer(payload)
	switch {
	case err != nil:
		j.garbled(err)
	case r.reason != 0:
		j.fail(r.reason)
		j.err.(*Error).Skew, j.err.(*Error).User = r.skew, r.user
	default:
		j.take(&g, wall, from)
	}
}

// take checks a grant and takes it.
func (j *Joiner) take(g *Grant, wall time.Time, from netip.AddrPort) {
	c := &g.Certificate
	if err := g.Trust.Verify(c, wall); err != nil {
		j.garbled(err)
		return
	}
	if c.Key != j.how.Key.Public || c.Name != j.how.Name || len(g.Trust.Groups) == 0 {
		j.garbled(fmt.Errorf("a certificate for %s, %s: %w", c.Name, c.Fingerprint(), ipc.BadArgs))
		return
	}
	addresses := []netip.AddrPort{from}
	for _, a := range g.Addresses {
		if a != from {
			addresses = append(addresses, a)
		}
	}
	g.Addresses = addresses
	j.grant = g
}

// fail ends the attempt for that reason.
func (j *Joiner) fail(r Reason) {
	j.err = &Error{Reason: r, Number: j.how.Code.Number, Name: j.how.Name, After: j.how.Limit, Port: j.how.Port}
}

// garbled ends the attempt because of what the keeper said.
func (j *Joiner) garbled(err error) {
	j.fail(Garbled)
	j.err.(*Error).Err = err
}
