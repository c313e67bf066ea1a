package wire

import (
	"fmt"
	"net/netip"
)

// MaxMachines is how many machines a wire may have.
const MaxMachines = 64

// Config says what a wire is.
type Config struct {
	Machines int // 1 to MaxMachines
	Subnets  int // 0: one. Machine i is in subnet i modulo Subnets
}

func (c *Config) subnets() int { return max(c.Subnets, 1) }

func (c *Config) check() error {
	if c.Machines < 1 || c.Machines > MaxMachines || c.subnets() > c.Machines {
		return fmt.Errorf("wire: %d machines in %d subnets; it has 1 to %d, and at most one subnet each",
			c.Machines, c.subnets(), MaxMachines)
	}
	return nil
}

// All addresses are in 10.81.0.0/16; each subnet has a /24 of it.
var allSubnets = netip.MustParsePrefix("10.81.0.0/16")

// The last octet of an address in its subnet.
const (
	routerOctet = 1
	firstOctet  = 10 // machine i has firstOctet + i
)

func addrIn(subnet, octet int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 81, byte(subnet), byte(octet)}), 24)
}

// Names of interfaces in the wire's own namespace.
func bridgeName(subnet int) string { return fmt.Sprint("br", subnet) }
func portName(machine int) string  { return fmt.Sprint("m", machine) }
func routerPort(subnet int) string { return fmt.Sprint("r", subnet) }
