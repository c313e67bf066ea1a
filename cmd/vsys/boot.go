package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"vsys/ipc"
	"vsys/node"
	"vsys/node/command"
	"vsys/servers/unix"
)

func bootVerb() *cobra.Command {
	var c node.Config
	var addr string
	var peers []string
	var exports map[string]string
	var user, quiet bool
	v := &cobra.Command{
		Use: "boot", Short: "Make this machine a host, until interrupted",
		Long: "Runs in the foreground. Other programs of this user join the host by its socket: so\n" +
			"vsys ls, vsys exec and the other verbs find it. What hosts say to one another is not\n" +
			"sealed yet, so only loopback addresses are taken.",
		Example: "  vsys boot\n  vsys boot --name beta --addr 127.0.0.2:8145 --peer 127.0.0.1:8145 \\\n" +
			"            --socket /tmp/beta.sock --state /tmp/beta",
		Args: cobra.NoArgs,
		RunE: func(v *cobra.Command, _ []string) error {
			if err := addresses(&c, addr, peers); err != nil {
				return err
			}
			c.Exports = []unix.Export{{Path: "/"}}
			for name, path := range exports {
				c.Exports = append(c.Exports, unix.Export{Name: name, Path: path, Writable: true})
			}
			level := slog.LevelInfo
			if quiet {
				level = slog.LevelWarn
			}
			c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
			ctx, stop := interruptible(v.Context())
			defer stop()
			n, err := node.Start(ctx, c)
			if errors.Is(err, ipc.IllegalName) {
				err = &node.Refusal{Err: err, Try: "vsys boot --name beta"}
			}
			if err != nil {
				return exit(command.Report(v.ErrOrStderr(), "vsys boot", err))
			}
			defer n.Close()
			<-ctx.Done()
			return nil
		},
	}
	f := v.Flags()
	f.StringVar(&c.Name, "name", "", "of the host (default: the machine's)")
	f.StringVar(&addr, "addr", "", "address and UDP port (default 127.0.0.1:8145)")
	f.StringArrayVar(&peers, "peer", nil, "address and port of another host; may be repeated")
	f.StringVar(&c.State, "state", "", "directory for what outlives the host\n(default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)")
	f.StringVar(&c.Socket, "socket", "", "socket for programs that join: a path, @NAME, or - for none\n(default /run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock)")
	f.StringToStringVar(&exports, "export", nil, "NAME=DIRECTORY: let all hosts write to it, as /unix/HOST/NAME")
	f.BoolVar(&user, "user", true, "for the programs of this user only, as it is in any case for now")
	f.BoolVarP(&quiet, "quiet", "q", false, "say only what goes wrong")
	return v
}

// addresses reads the flags that are addresses.
func addresses(c *node.Config, addr string, peers []string) error {
	for i, text := range append([]string{addr}, peers...) {
		if text == "" {
			continue
		}
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			return fmt.Errorf("%q is not an address and port like 127.0.0.1:8145: %w", text, ipc.BadArgs)
		}
		if i == 0 {
			c.Addr = a
		} else {
			c.Peers = append(c.Peers, a)
		}
	}
	return nil
}
