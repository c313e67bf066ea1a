package wire

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/vishvananda/netlink"
)

// machineInterface is the name of a machine's interface, in the machine.
const machineInterface = "eth0"

// user is whom a machine's programs run as, and their group: nobody.
const user = 65534

// Machine is one end of the wire.
type Machine struct {
	Name string     // also its host name
	Addr netip.Addr // of its interface

	wire   *Wire
	index  int
	subnet int
	net    *namespace
	home   string

	unplugged bool // the wire's mutex guards it
}

func (w *Wire) newMachine(i int) (*Machine, error) {
	m := &Machine{Name: fmt.Sprint("machine", i), wire: w, index: i, subnet: i % w.config.subnets()}
	m.Addr = addrIn(m.subnet, firstOctet+i).Addr()
	for _, dir := range machineDirs {
		if _, err := w.dir.own(m.Name, dir); err != nil {
			return nil, err
		}
	}
	m.home = filepath.Join(w.dir.path, m.Name)
	var err error
	m.net, err = newNamespace(m.Name)
	return m, err
}

// machineDirs are the directories of a machine's user, below one of the machine's
// own, by the variables that name them.
var machineDirs = map[string]string{
	"HOME": "", "TMPDIR": "tmp", "XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state",
	"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data",
}

// configure gives the machine its address, and the router as the way to the other
// subnets.
func (m *Machine) configure(h *netlink.Handle) error {
	if err := address(h, machineInterface, addrIn(m.subnet, firstOctet+m.index)); err != nil {
		return err
	}
	if m.wire.config.subnets() == 1 {
		return nil
	}
	return route(h, allSubnets, addrIn(m.subnet, routerOctet).Addr())
}

// Home returns the directory of the machine's user.
func (m *Machine) Home() string { return m.home }

// Command returns the command that runs a program on the machine, as its user, in
// its directory and with an environment of its own; the process is the program's.
// ctx kills it, and so does the end of this process. A name without slash is looked
// for among the wire's programs first.
func (m *Machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	who := []string{"--reuid", fmt.Sprint(user), "--regid", fmt.Sprint(user), "--clear-groups"}
	return m.command(ctx, who, name, args)
}

// Root is Command as root: for what the machine's administrator does.
func (m *Machine) Root(ctx context.Context, name string, args ...string) *exec.Cmd {
	return m.command(ctx, nil, name, args)
}

func (m *Machine) command(ctx context.Context, who []string, name string, args []string) *exec.Cmd {
	all := append(m.net.enter(), "setpriv", "--pdeathsig", "KILL")
	all = append(append(append(all, who...), "--", name), args...)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Dir, cmd.Env = m.home, m.env()
	return cmd
}

func (m *Machine) env() []string {
	env := []string{
		"PATH=" + filepath.Join(m.wire.dir.path, "bin") + ":" + os.Getenv("PATH"),
		"LANG=C.UTF-8", "TERM=dumb", m.wire.dir.mark(),
	}
	for variable, dir := range machineDirs {
		env = append(env, variable+"="+filepath.Join(m.home, dir))
	}
	return env
}

// ListenUDP opens a UDP socket on the machine. Port 0 is any.
func (m *Machine) ListenUDP(port uint16) (conn *net.UDPConn, err error) {
	err = m.net.do(func() error {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: int(port)})
		return err
	})
	return conn, err
}

// ListenMulticast opens a UDP socket on the machine that gets what is sent to a
// group.
func (m *Machine) ListenMulticast(group netip.AddrPort) (conn *net.UDPConn, err error) {
	err = m.net.do(func() error {
		eth, err := net.InterfaceByName(machineInterface)
		if err != nil {
			return err
		}
		conn, err = net.ListenMulticastUDP("udp4", eth, net.UDPAddrFromAddrPort(group))
		return err
	})
	return conn, err
}

// Firewall gives the machine the firewall that many have: in comes only what
// belongs to something that went out. It is the chain input of the table filter.
func (m *Machine) Firewall() error {
	return m.net.nft(`table inet filter {
		chain input {
			type filter hook input priority 0; policy drop;
			iif lo accept
			ct state established,related accept
			meta l4proto { icmp, ipv6-icmp } accept
		}
	}`)
}

// MTU sets what the machine's own interface takes, in octets; the machine knows.
func (m *Machine) MTU(n int) error {
	return m.net.links(func(h *netlink.Handle) error {
		return change(h, machineInterface, func(l netlink.Link) error { return h.LinkSetMTU(l, n) })
	})
}
