package packet

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// number is a field of a Header that is printed as key=number, unless it has
// its default value.
type number struct {
	key  string
	bits int
	def  uint64
	base int // 10 or 16
	get  func(*Header) uint64
	set  func(*Header, uint64)
}

var numbers = []number{
	{"delivery", 32, 0, 16,
		func(h *Header) uint64 { return uint64(h.Delivery) },
		func(h *Header, v uint64) { h.Delivery = uint32(v) }},
	{"retrans", 3, 0, 10,
		func(h *Header) uint64 { return uint64(h.RetransmitCount) },
		func(h *Header, v uint64) { h.RetransmitCount = uint8(v) }},
	{"forward", 4, 0, 10,
		func(h *Header) uint64 { return uint64(h.ForwardCount) },
		func(h *Header, v uint64) { h.ForwardCount = uint8(v) }},
	{"gap", 8, 0, 10,
		func(h *Header) uint64 { return h.gapIf(false) },
		func(h *Header, v uint64) { h.Gap = uint8(v) }},
	{"pgcount", 8, 0, 10,
		func(h *Header) uint64 { return h.gapIf(true) },
		func(h *Header, v uint64) { h.Gap = uint8(v) }},
	{"priority", 4, 0, 10,
		func(h *Header) uint64 { return uint64(h.Priority) },
		func(h *Header, v uint64) { h.Priority = uint8(v) }},
	{"version", 3, Version, 10,
		func(h *Header) uint64 { return uint64(h.Version) },
		func(h *Header, v uint64) { h.Version = uint8(v) }},
	{"domain", 13, Domain, 10,
		func(h *Header) uint64 { return uint64(h.Domain) },
		func(h *Header, v uint64) { h.Domain = uint16(v) }},
}

// gapIf returns Gap if h is a Response or not, as told; else 0.
func (h *Header) gapIf(response bool) uint64 {
	if h.Response != response {
		return 0
	}
	return uint64(h.Gap)
}

// flagNames holds the names of the packet flags and of the control flags.
var flagNames = []struct {
	name    string
	flag    Flags
	control Control
}{
	{"HCO", HCO, 0}, {"EPG", EPG, 0}, {"MPG", MPG, 0},
	{"NRS", 0, NRS}, {"APG", 0, APG}, {"NSR", 0, NSR}, {"NER", 0, NER}, {"NRT", 0, NRT},
	{"MDG", 0, MDG}, {"CMG", 0, CMG}, {"STI", 0, STI}, {"DRT", 0, DRT},
}

// String prints h in one line that Parse reads back, if its fields are within
// their ranges. Numbers that are zero, or V's, are left out:
//
//	request 0x000063f9-24080031 42 0x40000001-e0000100 domain=1 MPG 05000101-…
//
// that is the function, Client, Transaction, Server, numbers, flags, nosum where
// there is no checksum, and the eight words of the message.
func (h Header) String() string {
	f := []string{"request", h.Client.String(), strconv.FormatUint(uint64(h.Transaction), 10), h.Server.String()}
	if h.Response {
		f[0] = "response"
	}
	for _, n := range numbers {
		v := n.get(&h)
		switch {
		case v == n.def:
		case n.base == 16:
			f = append(f, fmt.Sprintf("%s=%#x", n.key, v))
		default:
			f = append(f, fmt.Sprintf("%s=%d", n.key, v))
		}
	}
	for _, n := range flagNames {
		if h.Flags&n.flag != 0 || h.Control&n.control != 0 {
			f = append(f, n.name)
		}
	}
	if h.NoChecksum {
		f = append(f, noChecksum)
	}
	return strings.Join(append(f, h.Message.String()), " ")
}

const noChecksum = "nosum"

// LogValue makes a Header print in logs as String does, and only when logged.
func (h Header) LogValue() slog.Value { return slog.StringValue(h.String()) }
