package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vsys/servers/process"
)

var invite = &Command{
	Name: "invite", Short: "Let another machine into the domain",
	Long: "Prints a code that is good once, for an hour unless --for says otherwise. Who has it gets a\n" +
		"machine into the domain: say it to nobody else. With --keeper the machine keeps the domain's\n" +
		"key, too: it may invite and expel.",
	Example: "  invite\n  invite --keeper --for 10m",
	New: func(f *pflag.FlagSet) Run {
		var r process.InviteRequest
		f.BoolVar(&r.Keeper, "keeper", false, "the machine is to keep the domain's key, too")
		f.DurationVar(&r.Term, "for", time.Hour, "how long the code is good")
		json := f.Bool("json", false, "as a JSON object")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) > 0 {
				return e.usage("%s: it takes no arguments", args[0])
			}
			var i process.Invitation
			if err := process.Ask(ctx, e.Names, process.OpInvite, r, &i); err != nil {
				return e.fail(err)
			}
			if *json {
				return e.written(e.object(i))
			}
			_, err := fmt.Fprint(e.Stdout, Invitation(&i))
			return e.written(err)
		}
	},
}

// Invitation returns what a user is told about an invitation.
func Invitation(i *process.Invitation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "On the machine that is to join, once, before %s:\n  vsys join %s\n", i.Ends.Local().Format("15:04"), i.Code)
	if len(i.Addresses) > 0 {
		fmt.Fprintf(&b, "If it does not find this one:\n  vsys join %s@%s\n", i.Code, strings.Join(i.Addresses, ","))
	}
	return b.String()
}

var expel = &Command{
	Name: "expel", Args: "HOST", Short: "Take a host out of the domain",
	Long: "All hosts that can be reached refuse HOST within seconds, the others as soon as they are\n" +
		"there. HOST is a name as hosts shows it, or a fingerprint as status does. A host that had the domain's\n" +
		"key, or whose disk was stolen with it, takes vsys rotate --retire, too.",
	New: func(*pflag.FlagSet) Run {
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) != 1 {
				return e.usage("one host is expelled at a time")
			}
			var out any
			if err := process.Ask(ctx, e.Names, process.OpExpel, strings.TrimPrefix(args[0], "@"), &out); err != nil {
				return e.fail(err)
			}
			return 0
		}
	},
}

var rotate = &Command{
	Name: "rotate", Short: "Give the domain a new key",
	Long: "Certificates by the old key are good until their end, and are renewed meanwhile. With\n" +
		"--retire they are good no more, which is for a key that was stolen: hosts that are not there\n" +
		"now have to join again.",
	New: func(f *pflag.FlagSet) Run {
		retire := f.Bool("retire", false, "certificates by older keys are good no more")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) > 0 {
				return e.usage("%s: it takes no arguments", args[0])
			}
			var out any
			if err := process.Ask(ctx, e.Names, process.OpRotate, *retire, &out); err != nil {
				return e.fail(err)
			}
			return 0
		}
	},
}
