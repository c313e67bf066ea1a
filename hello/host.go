package hello

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"vsys/ipc"
)

// State says how a host stands with the one that keeps the table.
type State uint8

const (
	// Self is the host that keeps the table.
	Self State = iota
	// Live is a host that was heard from in time.
	Live
	// Lost is a host that said goodbye, or that was silent for too long.
	Lost
)

// String returns "self", "live" or "lost".
func (s State) String() string {
	switch s {
	case Self:
		return "self"
	case Live:
		return "live"
	}
	return "lost"
}

// Host is what is known of one host. It is a value; the slices in it are shared
// and must not be changed.
type Host struct {
	Number      uint16           // 1..65535 without 0xE000..0xEFFF
	Name        string           // 1..63 octets, see ValidName; or an alias
	Kernel      ipc.PID          // its kernel server
	Addr        netip.AddrPort   // where to send to it
	Addresses   []netip.AddrPort // that it says it has, at most 8; none if it does not say
	Fingerprint [16]byte         // of its key; zero in a clear domain
	Epoch       uint64           // of this boot; larger than that of any boot before
	Version     string           // of the program, 0..255 octets
	Processor   string           // processor type as Go's GOARCH, 0..255 octets
	Processors  int              // 0..65535
	Load        uint32           // runnable programs, hundredths
	MemoryTotal uint64           // octets
	MemoryFree  uint64           // octets that a new program could have
	Prefixes    []Prefix         // the names it serves, in the order they were added
	State       State
	Heard       time.Duration // when it was last heard from; 0 for Self
}

// Prefix says that the names that begin with Name are served by Server, in its
// context Context.
type Prefix struct {
	Name    string // as "/unix/beta"; see ValidPrefix
	Server  ipc.PID
	Context uint32
}

// limits of what a hello carries, in octets
const (
	maxName   = 63
	maxPrefix = 255
	maxText   = 255
)

// ValidName tells whether name can be a host's name: 1 to 63 letters, digits,
// hyphens, underscores and dots, the first a letter or a digit.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && (c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return true
}

// ValidPrefix tells whether name can be a prefix: "/", or at most 255 octets of
// components that each follow a '/' and are neither empty nor hold a NUL.
func ValidPrefix(name string) bool {
	return name == "/" || strings.HasPrefix(name, "/") && len(name) <= maxPrefix &&
		!strings.HasSuffix(name, "/") && !strings.Contains(name, "//") && !strings.Contains(name, "\x00")
}

// ValidNumber tells whether n can be a host's number: not 0, and not in the
// range where a logical host would look like a multicast address.
func ValidNumber(n uint16) bool {
	return n != 0 && (n < ipc.MulticastHostsFirst || n > ipc.MulticastHostsLast)
}

// PickNumber returns a random valid host number, for a host's first boot and
// for one that has lost its number to an elder host.
func PickNumber(r *rand.Rand) uint16 {
	for {
		if n := uint16(r.Uint32()); ValidNumber(n) {
			return n
		}
	}
}
