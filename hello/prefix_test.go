package hello

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
)

// alone returns a table whose host has no prefixes and no peers.
func alone() *Table {
	h := host(0, 100)
	h.Prefixes = nil
	return New(Config{Self: h, Rand: rand.New(rand.NewPCG(1, 1))})
}

// server returns a process of team on the i-th host.
func server(i int, team uint16) ipc.PID {
	return ipc.MakePID(ipc.MakeLogicalHost(uint16(i+1), team), 1, 1)
}

// hear lets t hear a hello of h.
func hear(t *testing.T, x *Table, now time.Duration, h Host, kind Kind, revision uint32) []Packet {
	t.Helper()
	p := Body{Kind: kind, Revision: revision, Interval: time.Second, Host: h}
	out, err := x.Heard(now, h.Addr, p.Append(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAddPrefix(t *testing.T) {
	for _, c := range []struct {
		name   string
		server ipc.PID
		want   ipc.Code
	}{
		{"/bin", server(0, 3), ipc.OK},
		{"/bin", server(0, 3), ipc.OK}, // again
		{"/bin", server(0, 3).WithProcess(9), ipc.OK},
		{"/bin", server(0, 4), ipc.DuplicateName},
		{"/home", server(1, 3), ipc.BadArgs},
		{"/home", ipc.DynamicGroup(7), ipc.BadArgs},
		{"home", server(0, 3), ipc.IllegalName},
		{"/home/", server(0, 3), ipc.IllegalName},
		{"/unix/alpha", server(0, 4), ipc.OK},
	} {
		x := shared(t)
		_, err := x.AddPrefix(0, Prefix{Name: c.name, Server: c.server}, nil)
		if ipc.CodeOf(err) != c.want {
			t.Errorf("AddPrefix %s of %v: %v, want %v", c.name, c.server, err, c.want)
		}
	}
}

// shared returns a table in which team 3 serves /bin.
func shared(t *testing.T) *Table {
	x := alone()
	if _, err := x.AddPrefix(0, Prefix{Name: "/bin", Server: server(0, 3)}, nil); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRemovePrefix(t *testing.T) {
	x := shared(t)
	if _, err := x.RemovePrefix(0, "/bin", server(0, 4), nil); !errors.Is(err, ipc.NotFound) {
		t.Errorf("by another team: %v", err)
	}
	if _, err := x.RemovePrefix(0, "/home", server(0, 3), nil); !errors.Is(err, ipc.NotFound) {
		t.Errorf("of none: %v", err)
	}
	if _, err := x.RemovePrefix(0, "/bin", server(0, 3), nil); err != nil || len(x.Prefixes()) != 0 {
		t.Errorf("%v, left %v", err, x.Prefixes())
	}
}

func TestRemoveServer(t *testing.T) {
	x := shared(t)
	for i, team := range []uint16{3, 4, 3} {
		if _, err := x.AddPrefix(0, Prefix{Name: fmt.Sprintf("/p%d", i), Server: server(0, team)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	x.RemoveServer(0, server(0, 3).LogicalHost(), nil)
	if p := x.Self().Prefixes; len(p) != 1 || p[0].Name != "/p1" {
		t.Errorf("left %v", p)
	}
	revision := x.revision
	x.RemoveServer(0, server(0, 3).LogicalHost(), nil)
	if x.revision != revision {
		t.Error("removing nothing is told to the others")
	}
}

func TestHelloIsFull(t *testing.T) {
	x := alone()
	for i := range 100 {
		_, err := x.AddPrefix(0, Prefix{Name: fmt.Sprintf("/unix/host%02d", i), Server: server(0, 2)}, nil)
		if errors.Is(err, ipc.NoServerResources) {
			if i < 30 {
				t.Errorf("only %d prefixes fit", i)
			}
			out := hear(t, x.started0(), 0, host(1, 1), Full, 1)
			for _, p := range out {
				if len(p.Body) > MaxBody {
					t.Errorf("a packet of %d octets", len(p.Body))
				}
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Error("100 prefixes fit")
}

// started0 starts x at time 0.
func (t *Table) started0() *Table {
	t.Start(0, nil)
	return t
}

func TestLookup(t *testing.T) {
	x := alone().started0()
	give := func(i int, epoch uint64, names ...string) Host {
		h := host(i, epoch)
		h.Prefixes = nil
		for _, n := range names {
			h.Prefixes = append(h.Prefixes, Prefix{Name: n, Server: server(i, 1)})
		}
		return h
	}
	for _, n := range []string{"/tmp", "/mine"} {
		if _, err := x.AddPrefix(0, Prefix{Name: n, Server: server(0, 1)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	hear(t, x, 0, give(1, 50, "/tmp", "/both", "/lost", "/lost/deep", "/unix"), Full, 1)
	hear(t, x, 0, give(1, 50), Goodbye, 1)
	hear(t, x, 0, give(2, 30, "/tmp", "/both", "/lost", "/unix/h002"), Full, 1)
	hear(t, x, 0, give(3, 20, "/both"), Full, 1)
	for name, want := range map[string]string{
		"/tmp/x":        "h000 /tmp",  // the own, though it is the youngest
		"/both":         "h003 /both", // the elder live one
		"/lost/x":       "h002 /lost", // live before lost
		"/lost/deep/x":  "h001 /lost/deep",
		"/unix/h002/a":  "h002 /unix/h002",
		"/unix/h0022/a": "h001 /unix",
		"/mine":         "h000 /mine",
		"/miner":        "",
		"/":             "",
	} {
		got := ""
		if m, ok := x.Lookup(name); ok {
			got = m.Host.Name + " " + m.Prefix.Name
		}
		if got != want {
			t.Errorf("Lookup %s: %q, want %q", name, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		prefix, name string
		want         bool
	}{
		{"/", "/a", true}, {"/", "/", true}, {"/a", "/a", true}, {"/a", "/a/b", true},
		{"/a", "/ab", false}, {"/a/b", "/a", false}, {"/a", "", false},
	} {
		if got := Covers(c.prefix, c.name); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.prefix, c.name, got)
		}
	}
}

func TestPrefixConflictIsReportedOnce(t *testing.T) {
	x := shared(t).started0()
	h := host(1, 50)
	h.Prefixes = []Prefix{{Name: "/bin", Server: server(1, 1)}, {Name: "/other", Server: server(1, 1)}}
	for revision := range uint32(3) {
		hear(t, x, 0, h, Full, revision+1)
	}
	var got []string
	for _, e := range x.Events() {
		if e.Kind == PrefixConflict {
			got = append(got, e.String())
		}
	}
	if want := "prefix /bin is served by h001, which counts, and by h000"; strings.Join(got, "\n") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
