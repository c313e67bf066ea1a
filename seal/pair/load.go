package pair

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"net/netip"
	"time"
)

// bucket lets through so many things a second, and so many at once after a
// silence: a token bucket.
type bucket struct {
	rate  int // a second
	burst int
	full  time.Duration // when it is full again
}

// take tells whether one more may be done at now.
func (b *bucket) take(now time.Duration) bool {
	each := time.Second / time.Duration(b.rate)
	full := max(b.full, now) + each
	if full-now > each*time.Duration(b.burst) {
		return false
	}
	b.full = full
	return true
}

// cookieJar makes and knows cookies: a cookie is a MAC over an address, so who
// has one receives what is sent to it. The secret changes every minute, and the
// one before still counts.
type cookieJar struct {
	rand      io.Reader
	now, old  [32]byte
	change    time.Duration // when to change it, 0 at first
	addresses map[netip.Addr]int
	second    time.Duration // in which addresses counts
}

type cookie = [cookieSize]byte

// turn changes the secret when it is time. It fails only if there is no
// randomness.
func (j *cookieJar) turn(now time.Duration) error {
	if now < j.change {
		return nil
	}
	var next [32]byte
	if _, err := io.ReadFull(j.rand, next[:]); err != nil {
		return err
	}
	j.old = j.now
	if now >= j.change+cookieTime || j.change == 0 {
		j.old = next // the last one is older than what counts, or there is none
	}
	j.now, j.change = next, now+cookieTime
	return nil
}

// bake returns the cookie for an address.
func (j *cookieJar) bake(now time.Duration, to netip.AddrPort) (cookie, error) {
	if err := j.turn(now); err != nil {
		return cookie{}, err
	}
	return mac(&j.now, to), nil
}

// know tells whether c was baked for an address, one or two minutes ago at most.
func (j *cookieJar) know(now time.Duration, c cookie, from netip.AddrPort) bool {
	if c == (cookie{}) || j.turn(now) != nil {
		return false
	}
	a, b := mac(&j.now, from), mac(&j.old, from)
	return hmac.Equal(a[:], c[:]) || hmac.Equal(b[:], c[:])
}

// admit counts the handshakes that an address begins in a second, of not too many
// addresses, and tells whether it may.
func (j *cookieJar) admit(now time.Duration, from netip.Addr) bool {
	if s := now.Truncate(time.Second); s != j.second || j.addresses == nil {
		j.second, j.addresses = s, map[netip.Addr]int{}
	}
	n := j.addresses[from]
	if n >= addressRate || n == 0 && len(j.addresses) >= maxAddresses {
		return false
	}
	j.addresses[from] = n + 1
	return true
}

func mac(secret *[32]byte, a netip.AddrPort) (c cookie) {
	h := hmac.New(sha256.New, secret[:])
	ip := a.Addr().As16()
	h.Write(ip[:])
	h.Write([]byte{byte(a.Port() >> 8), byte(a.Port())})
	copy(c[:], h.Sum(nil))
	return c
}
