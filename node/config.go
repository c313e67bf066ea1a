package node

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"vsys/hello"
	"vsys/ipc"
	"vsys/link/faulty"
	"vsys/servers/unix"
)

// DefaultPort is V's UDP port.
const DefaultPort = 8145

// NoSocket, as Config.Socket, is a host that no other program can join.
const NoSocket = "-"

// Config says what a host is. The zero value of each field is good.
type Config struct {
	Name   string           // "": the machine's, up to its first dot
	Addr   netip.AddrPort   // of the one UDP port; zero: 127.0.0.1:8145. Port 0: a free one
	Peers  []netip.AddrPort // where other hosts may be
	Socket string           // for programs that join: a path, "@name", NoSocket; "": DefaultSocket
	State  string           // directory for what outlives the host; "": DefaultState
	// Exports are the Unix files that V sees; nil: the whole tree of the machine,
	// for reading.
	Exports []unix.Export
	Version string // of the program; "": Version

	MTU    int           // octets in a datagram; 0: what the network has
	Faults faulty.Config // to be done to what is sent
	Logger *slog.Logger  // nil: discard
}

// DefaultSocket returns where programs of this user find the host of this
// machine: in /run for root, else in the user's directory for such things.
func DefaultSocket() string {
	if os.Geteuid() == 0 {
		return "/run/vsys/vsys.sock"
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "vsys-"+strconv.Itoa(os.Geteuid()))
	}
	return filepath.Join(dir, "vsys", "vsys.sock")
}

// DefaultState returns where a host of this user keeps what outlives it.
func DefaultState() string {
	if os.Geteuid() == 0 {
		return "/var/lib/vsys"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "vsys")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "vsys")
}

// name returns the host's name. A machine's name may have what a host's may not.
func (c *Config) name() string {
	if c.Name != "" {
		return c.Name
	}
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

func (c *Config) addr() netip.AddrPort {
	if c.Addr.IsValid() {
		return c.Addr
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), DefaultPort)
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

// check refuses addresses beyond this machine: NoPermission.
func (c *Config) check() error {
	for _, a := range append([]netip.AddrPort{c.addr()}, c.Peers...) {
		if !a.Addr().IsLoopback() {
			return &Refusal{
				Err: fmt.Errorf("host %s: %v is not a loopback address, and what hosts say to one another is not sealed yet, so that anybody on the network could read and forge it: %w",
					c.name(), a, ipc.NoPermission),
				Try: "an address of this machine's own, as 127.0.0.1:8145; or: vsys lab",
			}
		}
	}
	return nil
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
