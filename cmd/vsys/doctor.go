package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"vsys/node"
	"vsys/node/doctor"
	"vsys/node/keyring"
	"vsys/node/settings"
)

// doctorFlags are those of vsys doctor.
type doctorFlags struct {
	settings *settings.Flags
	peers    []string
	json     bool
}

func doctorVerb() *cobra.Command {
	var f doctorFlags
	v := &cobra.Command{
		Use: "doctor", Short: "Find out why machines don't see each other",
		Long: "Looks at this machine, its network and, if one runs here, its host, and says what is wrong\n" +
			"and which command mends it. It changes nothing. It takes some four seconds. A host answers\n" +
			"its own user; reading the rules of a firewall takes root. The exit status is 0, 1 with\n" +
			"warnings, 2 with errors.",
		Example: "  vsys doctor\n  vsys doctor --peer 192.168.1.7\n  sudo vsys doctor --json",
		Args:    cobra.NoArgs,
		RunE:    func(v *cobra.Command, _ []string) error { return f.run(v) },
	}
	f.settings = settings.AddFlags(v.Flags(), "addr", "state")
	v.Flags().StringArrayVar(&f.peers, "peer", nil, "another machine, as ADDRESS or ADDRESS:PORT; may be repeated")
	v.Flags().BoolVar(&f.json, "json", false, "one JSON object a line")
	return v
}

func (f *doctorFlags) run(v *cobra.Command) error {
	ctx, stop := interruptible(v.Context())
	defer stop()
	c, err := f.config()
	if err != nil {
		return err
	}
	socket, err := v.Flags().GetString("host-socket")
	if err != nil {
		return err
	}
	c.Host = doctor.Ask(ctx, c.State, socket)
	list := doctor.Examine(doctor.Gather(ctx, c))
	if err := ctx.Err(); err != nil {
		return err
	}
	if !f.json {
		err = doctor.Print(v.OutOrStdout(), list)
	}
	for i := range list {
		if f.json && err == nil {
			err = json.NewEncoder(v.OutOrStdout()).Encode(&list[i])
		}
	}
	if err != nil {
		return err
	}
	return exit(doctor.Exit(list))
}

// config returns what is to be looked at, as flags and configuration say.
func (f *doctorFlags) config() (c doctor.Config, err error) {
	set, err := f.settings.Load()
	if err != nil {
		return c, err
	}
	n := set.Config()
	c = doctor.Config{Addr: n.Addr, Known: n.Peers, State: n.State, Use: n.Interfaces, Version: node.Version()}
	c.Member.Clear = n.Clear
	if !c.Addr.IsValid() {
		c.Addr = node.DefaultAddr()
	}
	for _, p := range f.peers {
		a, err := netip.ParseAddrPort(p)
		if err != nil {
			ip, ipErr := netip.ParseAddr(p)
			if ipErr != nil {
				return c, fmt.Errorf("--peer %q is not an address, with a port or without", p)
			}
			a = netip.AddrPortFrom(ip, c.Addr.Port())
		}
		c.Asked = append(c.Asked, a)
	}
	switch _, keys, err := keyring.Open(n.State); {
	case err == nil:
		c.Known = append(c.Known, keys.Peers...)
		c.Member.Keys, c.Member.Keeper = true, keys.DomainKey != nil
		c.Member.NotAfter = keys.Identity.Certificate.NotAfter
	case !errors.Is(err, keyring.ErrNone):
		c.Keys = err
	}
	return c, nil
}
