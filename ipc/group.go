package ipc

// The system's groups: static identifiers that every host knows (paper §2.6).
var (
	// ManagerGroup is RFC 1045's VMTP_MANAGER_GROUP: the management module of
	// every team. Management requests are addressed to it with a co-resident
	// entity that says whose module is meant (RFC 1045 §2.10, appendix III).
	ManagerGroup = PID(0x40000001_E0000100)
	// CSNHGroup is the group of those who handle character-string names: the
	// kernel servers of all hosts, which know the prefixes of their servers.
	CSNHGroup = StaticGroup(1)
	// TeamServerGroup is the group of the team servers of all hosts.
	TeamServerGroup = StaticGroup(2)
)

// groupNet is 239.81.0.0, the administratively scoped block for V's groups.
// Differs from RFC 1045 §IV.1, whose 232.X.X.X has since become
// source-specific multicast (RFC 4607).
const groupNet PID = 239<<24 | 81<<16

// groupAddresses is the number of multicast addresses that dynamic groups share.
const groupAddresses = 16

// StaticGroup returns the well-known unrestricted group with the given number,
// 1 to 255; its multicast address is 239.81.1.number.
func StaticGroup(number uint8) PID {
	return TypeGRP | TypeUGP | PID(number)<<32 | groupNet | 1<<8 | PID(number)
}

// DynamicGroup returns the unrestricted group whose discriminator is the low 28
// bits of random; its multicast address is one of 16, 239.81.0.0 to .15.
func DynamicGroup(random uint32) PID {
	d := PID(random & 0x0FFFFFFF)
	return TypeGRP | TypeUGP | d<<32 | groupNet | d%groupAddresses
}
