package doctor

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vsys/link/nic"
	"vsys/link/udp"
	"vsys/naming"
)

// Config says what to look at.
type Config struct {
	Addr    netip.AddrPort   // that the host listens on, or would
	Asked   []netip.AddrPort // addresses that the user asks about
	Known   []netip.AddrPort // of other hosts, from a configuration
	State   string           // directory of the host
	Host    Host             // what the host here says
	Keys    error            // as in Facts
	Member  Member           // as in Facts
	Use     []string         // names of the interfaces to use; empty: those that are sane
	Version string           // of this program
}

// maxProbes bounds the addresses that are probed.
const maxProbes = 32

// Gather looks at this machine. It blocks for three to four seconds, or until ctx
// is done. What can't be looked at is an error in the facts.
func Gather(ctx context.Context, c Config) *Facts {
	if a, err := netip.ParseAddrPort(c.Host.Address); err == nil {
		c.Addr = a
	}
	f := &Facts{
		Group:   netip.AddrPortFrom(udp.HelloGroup6, c.Addr.Port()),
		Version: c.Version, Root: os.Geteuid() == 0, Wall: time.Now(),
		Host: c.Host, Keys: c.Keys, Member: c.Member,
		Clock: clock(), Fuse: fuse(), Buffers: buffers("/proc/sys"), Namespaces: namespaces("/proc/sys"),
	}
	if c.Addr.Addr().Unmap().Is4() {
		f.Group = netip.AddrPortFrom(udp.HelloGroup4, c.Addr.Port())
	}
	f.Interfaces, f.InterfacesErr = nic.Read()
	c.choose(f.Interfaces)
	var both sync.WaitGroup // ends when both tests do; Gather waits
	both.Go(func() { f.Loops = loops(ctx, f.Group, f.Interfaces) })
	both.Go(func() { f.Probes = probes(ctx, c.targets(f.Interfaces)) })
	f.Firewall = firewall(ctx)
	both.Wait()
	return f
}

// choose leaves to the configuration which interfaces carry the domain, if it says
// so.
func (c *Config) choose(list []nic.Interface) {
	for i := range list {
		if n := &list[i]; len(c.Use) > 0 {
			n.Sane, n.Why = slices.Contains(c.Use, n.Name), ""
			if !n.Sane {
				n.Why = "not named in the configuration"
			}
		}
	}
}

// targets returns the addresses to probe: those asked for first, none that is of
// this machine.
func (c *Config) targets(own []nic.Interface) (list []Probe) {
	add := func(a netip.AddrPort, asked bool) {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		mine := slices.ContainsFunc(own, func(i nic.Interface) bool {
			return slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == a.Addr().WithZone("") })
		})
		there := slices.ContainsFunc(list, func(p Probe) bool { return p.Addr == a })
		if len(list) < maxProbes && a.IsValid() && (asked || !mine) && !there {
			list = append(list, Probe{Addr: a, Asked: asked})
		}
	}
	for _, a := range c.Asked {
		add(a, true)
	}
	for _, a := range c.Known {
		add(a, false)
	}
	for i := range c.Host.Hosts {
		h := &c.Host.Hosts[i]
		if a, err := netip.ParseAddrPort(h.Address); err == nil && h.State != naming.HostSelf {
			add(a, false)
		}
	}
	return list
}

// clock asks Linux whether something keeps the clock right.
func clock() Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return Clock{Err: err, Synchronized: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0}
}

func fuse() (f Fuse) {
	dev, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err == nil {
		dev.Close()
	}
	f.Device = err
	f.Helper, _ = exec.LookPath("fusermount3")
	return f
}

// buffers reads the limits below a directory like /proc/sys.
func buffers(sys string) Buffers {
	return Buffers{
		Receive: number(filepath.Join(sys, "net/core/rmem_max"), 0),
		Send:    number(filepath.Join(sys, "net/core/wmem_max"), 0),
	}
}

func namespaces(sys string) Namespaces {
	return Namespaces{
		Max:        number(filepath.Join(sys, "user/max_user_namespaces"), -1),
		Cloning:    number(filepath.Join(sys, "kernel/unprivileged_userns_clone"), 1) != 0,
		AppArmored: number(filepath.Join(sys, "kernel/apparmor_restrict_unprivileged_userns"), 0) != 0,
	}
}

// number reads a file that holds one, or returns what else it is.
func number(path string, otherwise int) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return otherwise
	}
	return n
}

// indexOf returns the number of an interface from its number or name, 0 if there
// is none.
func indexOf(name string) int {
	if n, err := strconv.Atoi(name); err == nil {
		return n
	}
	list, err := nic.Read()
	if err != nil {
		return 0
	}
	for _, i := range list {
		if i.Name == name {
			return i.Index
		}
	}
	return 0
}
