package doctor

import (
	"net/netip"
	"time"

	"vsys/link/nic"
	"vsys/naming"
	"vsys/servers/process"
)

// Facts is what Examine judges.
type Facts struct {
	Group   netip.AddrPort // where hosts say hello
	Version string         // of this program
	Root    bool           // it may do everything
	Wall    time.Time      // when this was
	Host    Host
	Keys    error // why the key files can't be read; nil: they can, or there are none
	Member  Member

	Interfaces    []nic.Interface
	InterfacesErr error
	Loops         []Loop  // by interface
	Probes        []Probe // by other host
	Firewall      Firewall
	Clock         Clock
	Fuse          Fuse
	Buffers       Buffers
	Namespaces    Namespaces
}

// Host is what the host of this machine says.
type Host struct {
	Running bool
	Foreign bool // one of another user runs, whom alone it answers; nothing below is set
	Name    string
	Address string        // that it listens on
	Version string        // that it runs
	Problem string        // why it could not be asked; "": it was
	Hosts   []naming.Host // that it knows, itself among them

	Security *process.Security // how its domain is kept; nil: it was not told
}

// Member is what the files of this machine say of its place in a domain.
type Member struct {
	Keys     bool      // there are keys: it is a host of a domain, running or not
	Keeper   bool      // the domain's key is among them
	Clear    bool      // it is to be a host of a clear domain
	NotAfter time.Time // the end of its certificate, if it has keys that can be read
}

// Loop is the multicast test of one interface.
type Loop struct {
	Interface string
	Err       error            // why nothing could be sent
	Own       bool             // what was sent came back
	Others    []netip.AddrPort // who else was heard
	Deaf      string           // why others could not be heard; "": they could
}

// Answer is what came back from an address.
type Answer string

// The answers.
const (
	Silent      Answer = "silent"      // nothing
	Refused     Answer = "refused"     // nobody has the port (ICMP 3/3)
	Filtered    Answer = "filtered"    // a firewall says no (ICMP 3/9, 3/10, 3/13)
	Unreachable Answer = "unreachable" // no such network or machine
	Forbidden   Answer = "forbidden"   // this machine lets nothing out
	NoRoute     Answer = "no route"    // this machine knows no way
)

// Probe is the unicast test of one address.
type Probe struct {
	Addr   netip.AddrPort
	Asked  bool // by the user; else it is of a configuration, or known to the host
	Answer Answer
	Closed Answer     // what a port of that machine says on which nobody listens
	By     netip.Addr // who answered, if somebody did
	MTU    int        // octets in an IP packet that the path carries, 0 if not known
}

// Clock is the state of this machine's clock.
type Clock struct {
	Err          error
	Synchronized bool
}

// Fuse is what a mount needs.
type Fuse struct {
	Device error  // why /dev/fuse can't be opened; nil: it can
	Helper string // path of fusermount3, "" if there is none
}

// Buffers are the limits of a socket's queues, octets; 0: not known.
type Buffers struct{ Receive, Send int }

// Namespaces is what Linux says of users' own namespaces.
type Namespaces struct {
	Max        int  // user.max_user_namespaces; -1: not known
	Cloning    bool // kernel.unprivileged_userns_clone, a switch of Debian's; true where there is none
	AppArmored bool // kernel.apparmor_restrict_unprivileged_userns
}

// Firewall is the rules for what comes in, as far as they could be read.
type Firewall struct {
	Rules    []Rules
	Err      error // why they could not be read; nil: they could, or there are none
	UFW      bool  // ufw is active
	Firewall bool  // firewalld runs
	NFT      bool  // nft is here; else, if the rules can't be read, iptables is
}

// Rules is what one tool says of the rules.
type Rules struct {
	Tool string // "nft", "iptables" or "ip6tables"
	Text string // the output of nft -j list ruleset, or of iptables-save
}

// listenTime is how long the multicast test listens for others: hosts of a small
// domain say hello every second.
const listenTime = 2500 * time.Millisecond
