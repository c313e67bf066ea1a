package timeipc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain makes the test binary serve when it is started as a server.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := Serve(context.Background(), os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	rows, err := Measure(context.Background(), Config{Rounds: 2, Calls: 50, Serve: []string{"serve"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Print(&out, rows); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", out.String())
	for _, want := range []string{"channel", "same team", "same host", "two hosts"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no row for %q", want)
		}
	}
	for _, r := range rows {
		if r.Median <= 0 || r.P99 < r.Median || r.Yardstick != "" && r.Ratio <= 0 {
			t.Errorf("impossible row %+v", r)
		}
	}
}

func TestServeUnknown(t *testing.T) {
	if err := Serve(context.Background(), "nothing", ""); err == nil {
		t.Error("an unknown server was accepted")
	}
}
