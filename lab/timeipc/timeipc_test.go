package timeipc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary serve when it is started as a server.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := Serve(context.Background(), os.Args[2], os.Args[3], os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	rows, err := Measure(context.Background(), Config{Rounds: 2, Calls: 50, Pairs: 2, Serve: []string{"serve"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Print(&out, rows); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", out.String())
	for _, want := range []string{
		"channel", "same team", "same host", "clear same host", "two hosts", "clear two hosts",
		"first request", "clear first request",
	} {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Case == want }) {
			t.Errorf("no row for %q", want)
		}
	}
	for _, r := range rows {
		if strings.HasSuffix(r.Case, "first request") {
			continue // a difference: of so few it may be anything
		}
		if r.Median <= 0 || r.P99 < r.Median || r.Low > r.Median || r.High < r.Median {
			t.Errorf("impossible row %+v", r)
		}
		var to []string
		for _, v := range r.Ratios {
			to = append(to, v.To)
			if v.Low <= 0 || v.Low > v.Median || v.High < v.Median {
				t.Errorf("impossible ratio %+v of %s", v, r.Case)
			}
		}
		if want := compared[r.Case]; !slices.Equal(to, want) {
			t.Errorf("%s is compared with %q, want %q", r.Case, to, want)
		}
	}
}

// compared are the yardsticks of each case.
var compared = map[string][]string{
	"same team":       {"channel"},
	"clear same host": {"unix"},
	"same host":       {"unix", "clear same host"},
	"clear two hosts": {"udp"},
	"two hosts":       {"udp", "clear two hosts"},
}

// TestInterval: the ranks are those of the usual tables of the sign test.
func TestInterval(t *testing.T) {
	for _, c := range []struct{ n, low, high int }{
		{1, 1, 1}, {2, 1, 2}, {5, 1, 5}, {6, 1, 6}, {8, 1, 8}, {9, 2, 8}, {12, 3, 10}, {21, 6, 16}, {30, 10, 21},
	} {
		var v []float64
		for i := range c.n {
			v = append(v, float64(c.n-i))
		}
		low, median, high := interval(v)
		if int(low) != c.low || int(high) != c.high || int(median) != c.n/2+1 {
			t.Errorf("of %d values: %v, %v, %v, want %d, %d, %d", c.n, low, median, high, c.low, c.n/2+1, c.high)
		}
	}
}

func TestPercentile(t *testing.T) {
	var d []time.Duration
	for i := range 200 {
		d = append(d, time.Duration(199-i))
	}
	if got := [2]time.Duration{percentile(d, 50), percentile(d, 99)}; got != [2]time.Duration{100, 198} {
		t.Errorf("%d", got)
	}
}

// TestServeRefuses: what is not known, and a host that is not told what it is.
func TestServeRefuses(t *testing.T) {
	for _, c := range []struct{ what, said string }{{"nothing", ""}, {"host", ""}, {"host", "no parameters\n"}} {
		if err := Serve(context.Background(), c.what, "@nowhere", strings.NewReader(c.said)); err == nil {
			t.Errorf("%q was served, told %q", c.what, c.said)
		}
	}
}
