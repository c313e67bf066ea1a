package ipc

import (
	"fmt"
	"strconv"
	"strings"
)

// PID names a process or a process group: an entity identifier of RFC 1045
// (§2.1), 64 bits, unique in its V domain.
//
//	 63   62   61   60   59 ... 48     47 ... 32   31 ... 16   15 ... 0
//	+----+----+----+----+-------------+-----------+-----------+----------+
//	|RAE |GRP |LEE |RES | incarnation |  process  |   host    |   team   |
//	+----+----+----+----+-------------+-----------+-----------+----------+
//	 \_____ type _____/                            \__ logical host ____/
//
// The last 32 bits are the logical host, which owns the identifiers of a team;
// where its host is on the network is kept elsewhere and may change. The
// incarnation counts the uses of the team number, so an identifier whose
// process has gone stays invalid for a long time (T-stability).
//
// With GRP set the PID names a group; see [StaticGroup]. The zero PID names
// nothing. Incarnation, Process, Host and Team mean something only where
// IsGroup is false.
type PID uint64

// The four type bits of an entity identifier (RFC 1045 §2.1).
const (
	TypeRAE PID = 1 << 63 // remote alias: not used by V
	TypeGRP PID = 1 << 62 // a group
	TypeLEE PID = 1 << 61 // single entity: sends its user data in little-endian order
	TypeUGP PID = 1 << 61 // group: unrestricted, anyone may join
	TypeRES PID = 1 << 60 // reserved, 0
)

// Ranges of the fields of a PID.
const (
	MaxIncarnation = 1<<12 - 1
	// MulticastHosts is the range of host numbers that is never used, because
	// such a logical host would look like an IP multicast address.
	MulticastHostsFirst uint16 = 0xE000
	MulticastHostsLast  uint16 = 0xEFFF
)

// LogicalHost is what owns the identifiers of a team: host number in the high,
// team number in the low 16 bits. Team 0 is the host kernel. The number of a
// team is also the slot of its socket (docs/wire/frame.md).
type LogicalHost uint32

// MakeLogicalHost joins a host number and a team number.
func MakeLogicalHost(host, team uint16) LogicalHost {
	return LogicalHost(host)<<16 | LogicalHost(team)
}

// Host returns the host number.
func (l LogicalHost) Host() uint16 { return uint16(l >> 16) }

// Team returns the team number, 0 for the host kernel.
func (l LogicalHost) Team() uint16 { return uint16(l) }

// MakePID makes the identifier of a process. Only the low 12 bits of
// incarnation count.
func MakePID(l LogicalHost, incarnation, process uint16) PID {
	return PID(incarnation&MaxIncarnation)<<48 | PID(process)<<32 | PID(l)
}

// IsGroup tells whether p names a group.
func (p PID) IsGroup() bool { return p&TypeGRP != 0 }

// LogicalHost returns the logical host that owns p.
func (p PID) LogicalHost() LogicalHost { return LogicalHost(p) }

// Host returns the number of the host that p's team runs on.
func (p PID) Host() uint16 { return uint16(p >> 16) }

// Team returns the number of p's team on its host.
func (p PID) Team() uint16 { return uint16(p) }

// Process returns the number of p within its team.
func (p PID) Process() uint16 { return uint16(p >> 32) }

// Incarnation returns which use of the team number p belongs to, 0 to 4095.
func (p PID) Incarnation() uint16 { return uint16(p>>48) & MaxIncarnation }

// SameTeam tells whether p and q are processes of one team, in one incarnation.
func (p PID) SameTeam(q PID) bool {
	const team = PID(MaxIncarnation)<<48 | 0xFFFFFFFF
	return p&team == q&team && !p.IsGroup() && !q.IsGroup()
}

// WithProcess returns the identifier of another process of p's team.
func (p PID) WithProcess(process uint16) PID {
	return p&^(0xFFFF<<32) | PID(process)<<32
}

// String prints p in hex, two words of 32 bits: 0x00050029-0007000c. ParsePID
// reads it back.
func (p PID) String() string {
	return fmt.Sprintf("0x%08x-%08x", uint32(p>>32), uint32(p))
}

// Name prints p as people read it: host.team:process, as beta.12:41, where host
// is the name of p's host, and as String where host is empty or p is a group.
// The incarnation is left out, so whoever reads it back asks the host for it.
func (p PID) Name(host string) string {
	if host == "" || p.IsGroup() {
		return p.String()
	}
	return fmt.Sprintf("%s.%d:%d", host, p.Team(), p.Process())
}

// ParsePID reads what String prints.
func ParsePID(s string) (PID, error) {
	hi, lo, ok := strings.Cut(strings.TrimPrefix(s, "0x"), "-")
	if !ok || len(hi) != 8 || len(lo) != 8 || !strings.HasPrefix(s, "0x") {
		return 0, fmt.Errorf("%q is not a process identifier like 0x00050029-0007000c", s)
	}
	h, err := strconv.ParseUint(hi, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("process identifier %q: %w", s, err)
	}
	l, err := strconv.ParseUint(lo, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("process identifier %q: %w", s, err)
	}
	return PID(h<<32 | l), nil
}
