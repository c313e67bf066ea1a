package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"vsys/node"
	"vsys/node/command"
	"vsys/node/executive"
	"vsys/node/service"
	"vsys/node/settings"
	"vsys/servers/process"
)

// bootFlags are those of vsys boot that are no settings.
type bootFlags struct {
	settings *settings.Flags

	foreground, quiet, install, print bool
}

func bootVerb() *cobra.Command {
	var f bootFlags
	v := &cobra.Command{
		Use: "boot", Short: "Make this machine a host",
		Long: "Boots the host in the background and returns when it serves; vsys shutdown ends it. The\n" +
			"other programs of this user find it by its socket: vsys ls, vsys exec and the other\n" +
			"verbs. At its first boot a machine makes a V domain of its own, unless it was let into\n" +
			"another by vsys join; what the hosts of a domain say to one another is sealed.\n\n" +
			"The flags are also the keys of a configuration file; vsys config lists them. With\n" +
			"--install a unit file for systemd is written, which boots the host with the machine.",
		Example: "  vsys boot\n  vsys boot --name beta --export work=/srv/work\n  vsys boot --install --print",
		Args:    cobra.NoArgs,
		RunE:    func(v *cobra.Command, _ []string) error { return f.boot(v) },
	}
	f.settings = settings.AddFlags(v.Flags())
	v.Flags().BoolVarP(&f.foreground, "foreground", "f", false, "run here, until interrupted, and log to standard error")
	v.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "say and log only what goes wrong")
	v.Flags().BoolVar(&f.install, "install", false, "write a unit file that lets systemd boot the host")
	v.Flags().BoolVar(&f.print, "print", false, "with --install, only show it")
	return v
}

func (f *bootFlags) boot(v *cobra.Command) error {
	var to io.Writer = v.ErrOrStderr()
	reporter := service.NewReporter()
	if reporter != nil {
		to = reporter
	}
	if f.quiet && !v.Flags().Changed("log-level") {
		if err := v.Flags().Set("log-level", "warn"); err != nil {
			return err
		}
	}
	s, err := f.settings.Load()
	if err != nil {
		return exit(command.Report(to, "vsys boot", err))
	}
	ctx, stop := interruptible(v.Context())
	defer stop()
	switch {
	case f.install || f.print:
		err = f.unit(v, s)
	case reporter != nil:
		err = runInBackground(ctx, s, reporter)
	case f.foreground:
		err = f.run(ctx, s)
	default:
		err = f.background(ctx, v.OutOrStdout(), s, os.Args[1:])
	}
	var failure *service.Failure
	switch {
	case errors.As(err, &failure): // it has said so itself
		fmt.Fprint(to, failure.Text)
		return exit(failure.Status)
	case err != nil:
		return exit(command.Report(to, "vsys boot", err))
	}
	return nil
}

// run is a host in the foreground.
func (f *bootFlags) run(ctx context.Context, s *settings.Settings) error {
	m, err := service.NewManager()
	if err != nil {
		return err
	}
	return service.Run(ctx, service.Job{Settings: s, Manager: m, Ready: func(*service.Record) {}})
}

// runInBackground is a host in the background. It holds no directory but its own.
func runInBackground(ctx context.Context, s *settings.Settings, r *service.Reporter) error {
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return service.Run(ctx, service.Job{Settings: s, Manager: &service.Manager{}, Log: s.Get("log-file"), Ready: r.Ready})
}

// background boots a host in the background, as vsys with args does in the
// foreground, and says what a user has to know.
func (f *bootFlags) background(ctx context.Context, out io.Writer, s *settings.Settings, args []string) error {
	if err := service.Occupied(s.Get("state")); err != nil {
		return err
	}
	r, err := service.Background(ctx, args, s.Get("log-file"))
	if err != nil || f.quiet {
		return err
	}
	fmt.Fprintf(out, "%v is up.\nlog: %s, and /log/%s/kernel for all hosts\n", r, r.Log, r.Name)
	if socket := r.Socket; socket == "" {
		fmt.Fprintln(out, "no program can join it: it has no socket")
	} else if socket != node.DefaultSocket() {
		fmt.Fprintf(out, "its programs: export VSYS_HOST_SOCKET=%s\n", socket)
	}
	fmt.Fprintf(out, "vsys shutdown%s ends it.\n", which(s))
	return alone(ctx, out, r)
}

// alone says how to add a machine, if the host is the only one of its domain, or
// that the domain is clear.
func alone(ctx context.Context, out io.Writer, r *service.Record) error {
	if r.Socket == "" {
		return nil
	}
	session, err := executive.Join(ctx, r.Socket)
	if err != nil {
		return err
	}
	defer session.Close()
	var s process.Security
	if err := process.Ask(ctx, session.Names, process.OpSecurity, nil, &s); err != nil {
		return err
	}
	if s.Clear {
		_, err := fmt.Fprintln(out, "CLEAR: nothing that this host says to others is sealed; whoever is on the network can read and forge it.")
		return err
	}
	for _, t := range s.Troubles {
		fmt.Fprintln(out, "TROUBLE: "+t.Text)
	}
	hosts, err := session.Names.Hosts(ctx)
	if err != nil || len(hosts) > 1 || !slices.Contains(s.Keepers, r.Name) {
		return err
	}
	var i process.Invitation
	if err := process.Ask(ctx, session.Names, process.OpInvite, process.InviteRequest{}, &i); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "It is the only host of its domain. To add a machine:\n%s", command.Invitation(&i))
	return err
}

// which returns the flags that say which host is meant, for a verb that is to be
// typed.
func which(s *settings.Settings) string {
	switch {
	case s.Source("state") == settings.SourceFlag:
		return " --state " + s.Get("state")
	case s.User && os.Geteuid() == 0:
		return " --user"
	}
	return ""
}

// unit writes the unit file, or shows it.
func (f *bootFlags) unit(v *cobra.Command, s *settings.Settings) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	c := service.Command{Program: own, Args: s.Args(), User: s.User || os.Geteuid() != 0}
	if s.User {
		c.Args = append(c.Args, "--user")
	}
	if v.Flags().Changed("config") {
		c.Args = append(c.Args, "--config="+s.File)
	}
	out := v.OutOrStdout()
	if f.print {
		_, err := fmt.Fprint(out, service.Unit(c))
		return err
	}
	path := s.Dirs.UnitFile()
	if err := service.Install(path, service.Unit(c)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is written. To run the host now, and whenever the machine boots:\n", path)
	for _, step := range service.InstallSteps(c.User) {
		fmt.Fprintln(out, "  "+step)
	}
	return nil
}
