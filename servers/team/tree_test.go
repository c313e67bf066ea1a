package team

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"vsys/ipc"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/program"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// sleeper starts a program on a new host that runs until the test ends.
func sleeper(t *testing.T) (*host, *program.Cmd) {
	h := newWorld(t, 1).hosts[0]
	cmd, _ := h.sh(tree)
	cmd.Dir = h.unix("/")
	startTree(t, h, cmd)
	return h, cmd
}

func TestNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		h, cmd := sleeper(t)
		return namingtest.Target{Client: h.names, Root: "/team/alpha", Object: fmt.Sprint(cmd.State.ID)}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		h, cmd := sleeper(t)
		name := fmt.Sprint(cmd.State.ID)
		if err := cmd.Signal(within(t), syscall.SIGTSTP); err != nil { // so that it says the same every time
			t.Fatal(err)
		}
		var text []byte
		for !strings.Contains(string(text), "stopped") {
			var err error
			if text, err = uio.ReadFile(within(t), h.names, "/team/alpha/"+name); err != nil {
				t.Fatal(err)
			}
		}
		return uiotest.Target{Client: h.names, Root: "/team/alpha", Object: name, Contents: text}
	})
}

func TestListing(t *testing.T) {
	h, cmd := sleeper(t)
	name := fmt.Sprintf("/team/alpha/%d", cmd.State.ID)
	list, err := uio.ReadDir(within(t), h.names, "/team/alpha")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	asked, err := h.client.Query(within(t), "alpha", cmd.State.ID)
	if err != nil {
		t.Fatal(err)
	}
	named, err := h.names.Stat(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []naming.Descriptor{list[0], asked, named} {
		want := map[string]string{
			"argv": "sh -c " + tree, "dir": "/unix/alpha/", "job": fmt.Sprintf("alpha/%d", cmd.State.ID),
			"pid": fmt.Sprint(cmd.State.Unix), "origin": "alpha", "guest": "false", "keep": "false",
			"state": "running", "processes": "2",
		}
		for key, value := range want {
			if d.Value(key) != value {
				t.Errorf("%s is %q, want %q", key, d.Value(key), value)
			}
		}
		if d.Tag != naming.TagProgram || d.Owner != "alpha" || d.Value("memory_bytes") == "0" {
			t.Errorf("%+v", d)
		}
	}
	text, err := uio.ReadFile(within(t), h.names, name)
	if err != nil || !strings.Contains(string(text), "argv          sh -c "+tree+"\n") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := uio.Open(within(t), h.names, name, uio.Write, 0); !errors.Is(err, ipc.ReadOnly) {
		t.Errorf("to write: %v", err)
	}
}

// Removing its name terminates a program.
func TestRemove(t *testing.T) {
	h, cmd := sleeper(t)
	name := fmt.Sprintf("/team/alpha/%d", cmd.State.ID)
	if err := h.names.Remove(within(t), name); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(within(t)); program.Status(err) != 128+int(syscall.SIGTERM) {
		t.Error(err)
	}
	if err := h.names.Remove(within(t), name); !errors.Is(err, ipc.NotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := h.client.Query(within(t), "alpha", cmd.State.ID); !errors.Is(err, ipc.NotFound) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestQueryHost(t *testing.T) {
	w := newWorld(t, 2)
	cmd, _ := w.hosts[0].sh(tree)
	cmd.Host = "beta"
	startTree(t, w.hosts[0], cmd)
	h, err := w.hosts[0].client.QueryHost(within(t), "beta")
	if err != nil || h.Name != "beta" || h.Programs != 1 || h.State != naming.HostSelf {
		t.Errorf("%+v, %v", h, err)
	}
}

// All team servers answer to their group. Here it is one.
func TestGroup(t *testing.T) {
	h := newWorld(t, 1).hosts[0]
	p, err := h.k.NewProcess(t.Context(), "client")
	if err != nil {
		t.Fatal(err)
	}
	var m ipc.Message
	m.SetOp(program.OpQueryHost)
	buf := make([]byte, ipc.MaxAppended)
	if _, err := p.Send(&m, ipc.TeamServerGroup, ipc.Segment{Write: buf}); err != nil {
		t.Fatal(err)
	}
	d, _, err := naming.DecodeDescriptor(buf[:m.SegmentSize()])
	if err != nil || d.Name != "alpha" {
		t.Errorf("%+v, %v", d, err)
	}
}

// Any goes to the least loaded host, and says which hosts refused.
func TestAny(t *testing.T) {
	w := newWorld(t, 2)
	cmd, out := w.hosts[1].sh("echo $VSYS_HOST")
	cmd.Host = program.Any
	if err := cmd.Run(within(t)); err != nil || out.String() != "alpha\n" {
		t.Errorf("%q, %v", out, err)
	}
	if want := "least loaded: alpha 0.50, beta 1.00"; cmd.State.Why != want {
		t.Errorf("%q, want %q", cmd.State.Why, want)
	}
	cmd, out = w.hosts[1].sh("echo $VSYS_HOST")
	cmd.Host, cmd.Dir = program.Any, "/unix/beta/"
	if err := cmd.Run(within(t)); err != nil || out.String() != "beta\n" {
		t.Errorf("%q, %v", out, err)
	}
	if want := "least loaded: alpha 0.50, beta 1.00; alpha refused: the working directory is not on that host"; cmd.State.Why != want {
		t.Errorf("%q, want %q", cmd.State.Why, want)
	}
	none := w.hosts[1].client.Command("no-such-program")
	none.Host = program.Any
	if err := none.Run(within(t)); program.Status(err) != 127 || !strings.Contains(err.Error(), "beta refused: no such program") {
		t.Errorf("%v", err)
	}
}

func TestUsages(t *testing.T) {
	use := map[int]usage{}
	addStat(use, "12 (a) b) S 1 10 10 0 -1 4194304 1 2 3 4 50 50 100 0 20 0 1 0 5 6000 7 8")
	addStat(use, "13 (c) T 12 10 10 0 -1 4194304 1 2 3 4 0 0 0 0 20 0 1 0 5 6000 3 8")
	addStat(use, "14 (short) T 12 11")
	addStat(use, "")
	want := usage{cpu: 2e9, memory: uint64(10 * os.Getpagesize()), processes: 2}
	if len(use) != 1 || use[10] != want {
		t.Errorf("%+v, want %+v", use, want)
	}
	if own := usages()[syscall.Getpgrp()]; own.processes == 0 || own.memory == 0 {
		t.Errorf("this program's group: %+v", own)
	}
}

func TestUsers(t *testing.T) {
	record := func(kind byte) []byte { return append([]byte{kind, 0}, make([]byte, utmpSize-2)...) }
	utmp := append(append(append(record(2), record(7)...), record(8)...), record(7)...)
	if n := countUsers(utmp); n != 2 {
		t.Errorf("%d users", n)
	}
	if n := countUsers(utmp[:len(utmp)-1]); n != 1 {
		t.Errorf("%d users in a file that is cut off", n)
	}
}

func TestArgvText(t *testing.T) {
	long := strings.Repeat("x", maxArgvText)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""}, {[]string{"a", "", "b"}, "a  b"}, {[]string{long, "b"}, long},
		{[]string{"a", long}, "a " + long[2:]},
	} {
		if got := argvText(c.args); got != c.want {
			t.Errorf("%d arguments: %d octets, want %d", len(c.args), len(got), len(c.want))
		}
	}
}
