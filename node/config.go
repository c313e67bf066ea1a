package node

import (
	"cmp"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"vsys/hello"
	"vsys/kernel"
	"vsys/link/faulty"
	"vsys/servers/unix"
)

// DefaultPort is V's UDP port.
const DefaultPort = 8145

// NoSocket, as Config.Socket, is a host that no other program can join.
const NoSocket = "-"

// Config says what a host is. The zero value of each field is good.
type Config struct {
	Name  string           // "": the machine's, up to its first dot
	Addr  netip.AddrPort   // of the one UDP port; zero: 0.0.0.0:8145. Port 0: a free one
	Peers []netip.AddrPort // where other hosts may be
	// Clear is a host of a domain in which nothing is sealed. Else the host has the keys
	// in its state directory, and if there are none, makes a domain of its own.
	Clear  bool
	Member *kernel.Member // instead of keys in the state directory; nil: those
	// Interfaces are the network interfaces to look for other hosts on; nil: all that
	// are fit for it.
	Interfaces []string
	Socket     string // for programs that join: a path, "@name", NoSocket; "": DefaultSocket
	// Listener, if set, is the socket for programs, open already; the host closes it.
	Listener *net.UnixListener
	State    string // directory for what outlives the host; "": DefaultState
	// Exports are the Unix files that V sees; nil: the whole tree of the machine,
	// for reading.
	Exports []unix.Export
	Version string // of the program; "": Version

	MTU    int           // octets in a datagram; 0: what the network has
	Faults faulty.Config // to be done to what is sent
	Logger *slog.Logger  // nil: discard
}

// DefaultName returns the machine's name as far as it may be a host's, up to its
// first dot.
func DefaultName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	for i := range len(name) {
		if name[i] == '.' || !hello.ValidName(name[:i+1]) {
			return cmp.Or(name[:i], "localhost")
		}
	}
	return cmp.Or(name, "localhost")
}

// DefaultAddr returns where a host listens if nobody says: on all its addresses.
func DefaultAddr() netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv4Unspecified(), DefaultPort)
}

func (c *Config) name() string {
	if c.Name != "" {
		return c.Name
	}
	return DefaultName()
}

func (c *Config) addr() netip.AddrPort {
	if c.Addr.IsValid() {
		return c.Addr
	}
	return DefaultAddr()
}

func (c *Config) state() string   { return cmp.Or(c.State, DefaultState()) }
func (c *Config) version() string { return cmp.Or(c.Version, Version()) }

// socket returns where programs join, "" for nowhere.
func (c *Config) socket() string {
	if c.Socket == NoSocket {
		return ""
	}
	return cmp.Or(c.Socket, DefaultSocket())
}

func (c *Config) exports() []unix.Export {
	if c.Exports != nil {
		return c.Exports
	}
	return []unix.Export{{Path: "/"}}
}

func (c *Config) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// Refusal is an error with advice.
type Refusal struct {
	Err error
	Try string // what may help, in a few words
}

// Error says what was refused and why.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Err }

// Hint returns the advice.
func (r *Refusal) Hint() string { return r.Try }
