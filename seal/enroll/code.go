package enroll

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"vsys/ipc"
)

const (
	// MaxNumber is the greatest number of an invitation; the least is 1.
	MaxNumber = 99
	// Words is how many words a code has.
	Words = 8

	secretSize   = 10
	wordBits     = 11
	maxAddresses = 8
	codeLabel    = "vsys code 1"
	pskLabel     = "vsys join 1"
)

// Code is an invitation as people pass it on.
type Code struct {
	Number    uint8            // 1 to MaxNumber
	Secret    [secretSize]byte // 80 random bits
	Addresses []netip.AddrPort // where the inviter may be found; port 0: the usual one. At most 8
}

// newCode draws a secret.
func newCode(number uint8, rand io.Reader) (Code, error) {
	c := Code{Number: number}
	if _, err := io.ReadFull(rand, c.Secret[:]); err != nil {
		return Code{}, fmt.Errorf("enroll: random octets for a code: %w", err)
	}
	return c, nil
}

// checksum finds slips of the hand, in the number too.
func (c *Code) checksum() byte {
	sum := sha256.Sum256(append(append([]byte(codeLabel), c.Number), c.Secret[:]...))
	return sum[0]
}

// psk is what the code is in the handshake.
func (c *Code) psk() [32]byte {
	k, err := hkdf.Key(sha256.New, c.Secret[:], nil, pskLabel, 32)
	if err != nil {
		panic(err) // only for a length that the hash can't make
	}
	return [32]byte(k)
}

// indices returns the numbers of the words: the secret and its checksum, 11 bits
// each, the first the highest.
func (c *Code) indices() (w [Words]int) {
	bits := append(c.Secret[:], c.checksum())
	for i := range Words * wordBits {
		bit := bits[i/8] >> (7 - i%8) & 1
		w[i/wordBits] = w[i/wordBits]<<1 | int(bit)
	}
	return w
}

// fromIndices is the inverse of indices; ok is false if the checksum is wrong.
func fromIndices(number uint8, w [Words]int) (c Code, ok bool) {
	var bits [secretSize + 1]byte
	for i := range Words * wordBits {
		bit := w[i/wordBits] >> (wordBits - 1 - i%wordBits) & 1
		bits[i/8] |= byte(bit) << (7 - i%8)
	}
	c = Code{Number: number, Secret: [secretSize]byte(bits[:])}
	return c, c.checksum() == bits[secretSize]
}

// String returns the code as ParseCode takes it: 7-purple-otter-…@10.0.0.1.
func (c Code) String() string {
	parts := []string{strconv.Itoa(int(c.Number))}
	for _, i := range c.indices() {
		parts = append(parts, words[i])
	}
	s := strings.Join(parts, "-")
	for i, a := range c.Addresses {
		s += string("@,"[min(i, 1)])
		if a.Port() == 0 {
			s += a.Addr().String()
		} else {
			s += a.String()
		}
	}
	return s
}

// ParseCode reads a code as people write it: in upper or lower case, with blanks
// or hyphens between the words, which may be cut to no less than four letters.
// Its errors wrap ipc.BadArgs and name the word that is wrong, and the one that
// was probably meant.
func ParseCode(s string) (Code, error) {
	text, addresses, _ := strings.Cut(s, "@")
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune("- \t\r\n", r) })
	if len(fields) == 0 {
		return Code{}, badCode("no code: it begins with a number")
	}
	number, err := strconv.ParseUint(fields[0], 10, 8)
	if err != nil || number < 1 || number > MaxNumber {
		return Code{}, badCode("%q is not a number from 1 to %d, with which a code begins", fields[0], MaxNumber)
	}
	if len(fields) != 1+Words {
		return Code{}, badCode("the code has %d words after its number, not %d", len(fields)-1, Words)
	}
	var w [Words]int
	for i, f := range fields[1:] {
		if w[i], err = findWord(f); err != nil {
			return Code{}, err
		}
	}
	c, ok := fromIndices(uint8(number), w)
	if !ok {
		return Code{}, badCode("%s", whichWord(uint8(number), w))
	}
	c.Addresses, err = parseAddresses(addresses)
	return c, err
}

// parseAddresses reads a list of ADDRESS or ADDRESS:PORT with commas.
func parseAddresses(list string) (all []netip.AddrPort, err error) {
	for f := range strings.SplitSeq(list, ",") {
		f = strings.TrimSpace(f)
		if f == "" {
			continue
		}
		ap, err := netip.ParseAddrPort(f)
		if err != nil {
			var a netip.Addr
			a, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(f, "["), "]"))
			ap = netip.AddrPortFrom(a, 0)
		}
		if err != nil || ap.Addr().IsUnspecified() {
			return nil, badCode("%q is not an address as 10.0.0.7, 10.0.0.7:8145 or [fe80::1%%eth0]:8145", f)
		}
		all = append(all, ap)
	}
	if len(all) > maxAddresses {
		return nil, badCode("%d addresses, %d are enough", len(all), maxAddresses)
	}
	return all, nil
}

// badCode says what is wrong with a code.
func badCode(format string, args ...any) error {
	return &ipc.OpError{Op: "enroll.ParseCode", Err: fmt.Errorf(format+": %w", append(args, ipc.BadArgs)...)}
}
