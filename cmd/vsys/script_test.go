package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"vsys/node"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"vsys": main}) }

// TestScripts runs the sessions in testdata, each a text that is a test and an
// example at once.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup:         emptyHome,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"until": until, "name": name, "signal": signalHost},
	})
}

// emptyHome gives a script directories of its own, and ends what hosts it leaves.
func emptyHome(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	for _, v := range []string{"STATE_HOME", "CACHE_HOME", "RUNTIME_DIR", "CONFIG_HOME"} {
		env.Setenv("XDG_"+v, filepath.Join(home, strings.ToLower(v)))
	}
	env.Defer(func() {
		_ = filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "lock" {
				if host, _ := node.LockOwner(filepath.Dir(path)); host > 0 {
					_ = syscall.Kill(host, syscall.SIGKILL) // it may end just now
				}
			}
			return nil
		})
	})
	return nil
}

// patience is how long until waits.
const patience = 10 * time.Second

// until runs a command again and again until it succeeds, as after a boot.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: until command [arg...]")
	}
	limit := time.After(patience)
	for ts.Exec(args[0], args[1:]...) != nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			ts.Fatalf("waited in vain for %s", strings.Join(args, " "))
		}
	}
}

// name sets a variable to a name of so many octets.
func name(ts *testscript.TestScript, neg bool, args []string) {
	sizes := map[string]int{"4095": 4095, "4096": 4096}
	if neg || len(args) != 2 || sizes[args[1]] == 0 {
		ts.Fatalf("usage: name variable size")
	}
	ts.Setenv(args[0], "/"+strings.Repeat("n", sizes[args[1]]-1))
}

// signalHost sends a signal to the host of a state directory. One that is killed is
// waited for.
func signalHost(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "KILL": syscall.SIGKILL}
	if neg || len(args) != 2 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal STOP|CONT|KILL directory")
	}
	host, err := node.LockOwner(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(syscall.Kill(host, signals[args[0]]))
	limit := time.After(patience)
	for left := host; args[0] == "KILL" && left == host; {
		select {
		case <-time.After(time.Millisecond):
			left, err = node.LockOwner(ts.MkAbs(args[1]))
			ts.Check(err)
		case <-limit:
			ts.Fatalf("process %d does not die", host)
		}
	}
}
