package lab

import (
	"fmt"
	"os"

	"vsys/ipc"
	"vsys/link/faulty"
	"vsys/node"
)

// names are those of the hosts, in the order of boot.
var names = []string{
	"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta",
	"iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi",
	"rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
}

// MaxHosts is how many hosts a lab may have.
var MaxHosts = len(names)

// defaultHosts is how many it has if nobody says.
const defaultHosts = 3

// Config says what a lab is. Of Text and File at most one is set; without either
// the executive reads lines from Stdin.
type Config struct {
	Hosts int      // 1 to MaxHosts; 0: three
	Text  string   // a script
	File  string   // the Unix name of one
	Args  []string // $1, $2, …

	Clear  bool          // nothing is sealed
	MTU    int           // octets in a datagram; 0: what loopback has, or with Faults Ethernet
	Faults faulty.Config // done to what every host and team sends

	Stdin, Stdout, Stderr *os.File
	History               string // the file that lines are remembered in, "" for none
}

func (c *Config) hosts() int {
	if c.Hosts == 0 {
		return defaultHosts
	}
	return c.Hosts
}

// ethernetMTU is what a datagram has room for on Ethernet, so that the packet
// groups that faults are done to have several packets.
const ethernetMTU = 1472

func (c *Config) mtu() int {
	if f := c.Faults; c.MTU == 0 && (f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0) {
		return ethernetMTU
	}
	return c.MTU
}

// faults returns those of the i-th host: not the same at the same time as others'.
func (c *Config) faults(i int) faulty.Config {
	f := c.Faults
	f.Seed += uint64(i) << 32 // the low bits tell its teams apart
	return f
}

// interactive tells whether there is no script.
func (c *Config) interactive() bool { return c.Text == "" && c.File == "" }

// minMTU is the smallest datagram that a packet of VMTP with its frame and some
// octets of segment fits into.
const minMTU = 576

// check returns BadArgs for what can't be.
func (c *Config) check() error {
	bad := func(try, format string, args ...any) error {
		return &node.Refusal{Err: fmt.Errorf(format+": %w", append(args, ipc.BadArgs)...), Try: try}
	}
	if n := c.hosts(); n < 1 || n > MaxHosts {
		return bad("-n 3", "a lab of %d hosts; it has 1 to %d", n, MaxHosts)
	}
	for _, f := range []float64{c.Faults.Loss, c.Faults.Duplicate, c.Faults.Reorder} {
		if !(f >= 0 && f <= maxFault) { // NaN is neither
			return bad("--loss 5", "faults in %g %% of the packets", f*100)
		}
	}
	if c.MTU != 0 && c.MTU < minMTU {
		return bad("--mtu 1472", "datagrams of %d octets", c.MTU)
	}
	return nil
}

// maxFault is the largest fraction of packets that faults may be done to: beyond
// it hosts take one another for lost.
const maxFault = 0.5
