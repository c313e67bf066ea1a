package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"vsys": main}) }

// TestScripts runs the sessions in testdata, each a text that is a test and an
// example at once.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"until": until, "name": name},
	})
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
