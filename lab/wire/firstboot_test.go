package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFirstBoot is machines that become one computer, on networks of many kinds:
// from the start of the first boot to the first look at another machine no more
// than ten seconds go by, or doctor names the cause.
func TestFirstBoot(t *testing.T) {
	for _, c := range []scenario{
		{name: "2 machines", machines: 2},
		{name: "3 machines", machines: 3},
		{name: "8 machines", machines: 8},
		{name: "snooping without querier", machines: 3, spoil: (*Wire).SnoopWithoutQuerier, cause: "multicast"},
		{name: "snooping without querier, told the address", machines: 3, spoil: (*Wire).SnoopWithoutQuerier, addressed: true},
		{name: "multicasts lost", machines: 3, spoil: lose(Loss{From: All, To: All, Percent: 100, Multicast: true}), cause: "multicast"},
		{name: "multicasts lost, one way", machines: 2, spoil: lose(Loss{From: 0, To: 1, Percent: 100, Multicast: true}), cause: "multicast"},
		{name: "30 % lost, one way", machines: 2, spoil: lose(Loss{From: 0, To: 1, Percent: 30}), cause: "unicast"},
		{name: "30 % lost, the other way", machines: 2, spoil: lose(Loss{From: 1, To: 0, Percent: 30}), cause: "unicast"},
		{name: "two subnets", machines: 2, subnets: 2, addressed: true, cause: "unicast"},
		{name: "two subnets, three machines", machines: 3, subnets: 2, addressed: true, cause: "unicast"},
		{name: "MTU 1280", machines: 2, spoil: smallMTU, cause: "mtu"},
		{name: "MTU 1280 on the way only", machines: 2, spoil: func(w *Wire) error { return w.Narrow(1280) }, cause: "mtu"},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

// scenario is a first boot.
type scenario struct {
	name      string
	machines  int
	subnets   int
	addressed bool // the machines are told where the first is
	spoil     func(*Wire) error
	cause     string // the check of doctor that is not content, if it does not work in time
}

func lose(l Loss) func(*Wire) error { return func(w *Wire) error { return w.Lose(l) } }

func smallMTU(w *Wire) error {
	for i := range w.Machines() {
		if err := w.Machine(i).MTU(1280); err != nil {
			return err
		}
	}
	return nil
}

func (c *scenario) run(t *testing.T) {
	w := newWorld(t, Config{Machines: c.machines, Subnets: c.subnets})
	if c.spoil != nil {
		if err := c.spoil(w.Wire); err != nil {
			t.Fatal(err)
		}
	}
	addresses := ""
	if c.addressed {
		addresses = "@" + w.Machine(0).Addr.String()
	}
	var all []int
	for i := range c.machines {
		all = append(all, i)
	}
	start := time.Now()
	var mu sync.Mutex // guards times
	var times []time.Duration
	err := w.makeDomain(all, start.Add(bootPatience), addresses, func(int) {
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Since(start))
	})
	if err == nil {
		t.Logf("%s: first remote ls after %v, on all machines after %v", c.name,
			slices.Min(times).Round(time.Millisecond), slices.Max(times).Round(time.Millisecond))
		c.everybodySees(t, w)
		c.copies(t, w)
		return
	}
	findings := w.complaints(1, w.Machine(0).Addr)
	t.Logf("%s: not in %v; doctor on %s: %v", c.name, bootPatience, w.Machine(1).Name, findings)
	if _, named := findings[c.cause]; !named {
		t.Errorf("%v, and doctor does not name the cause (%q)", err, c.cause)
	}
}

// everybodySees checks that all machines see one another, soon: also those that
// were not told of one another.
func (c *scenario) everybodySees(t *testing.T, w *world) {
	start := time.Now()
	var all sync.WaitGroup
	for i := range c.machines {
		all.Go(func() { // ends in time
			for of := range c.machines {
				if err := w.see(i, of, start.Add(bootPatience)); err != nil {
					t.Errorf("%s does not see %s: %v", w.Machine(i).Name, w.Machine(of).Name, err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%s: everybody sees everybody after %v more", c.name, time.Since(start).Round(time.Millisecond))
}

// copies reads a file of several packet groups over the wire: an ls fits into any
// packet.
func (c *scenario) copies(t *testing.T, w *world) {
	path := filepath.Join(w.Machine(0).Home(), "large")
	text := bytes.Repeat([]byte("much of the same\n"), 20000)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	out, err := w.try(2*bootPatience, 1, "cat", "/unix/"+w.Machine(0).Name+path)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil || out != string(text) {
		t.Errorf("%s: cat of %d octets: %d after %v, %v", c.name, len(text), len(out), took, err)
		return
	}
	t.Logf("%s: cat of %d octets takes %v", c.name, len(text), took)
}

// rule is the line that opens the firewall of the wire's machines.
var rule = regexp.MustCompile(`(?m)\b(?:sudo )?(nft [^\n]*\b8145\b[^\n]*)$`)

// TestFirewall boots behind a firewall that lets nobody in. Where it does not work,
// doctor names it and prints the line that opens it, and then it works.
func TestFirewall(t *testing.T) {
	for name, behind := range map[string][]int{"first machine": {0}, "second machine": {1}, "both machines": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Config{Machines: 2})
			for _, i := range behind {
				if err := w.Machine(i).Firewall(); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			err := w.makeDomain([]int{0, 1}, start.Add(bootPatience), "", w.found)
			if err == nil {
				t.Logf("%s: first remote ls after %v in spite of the firewall", name, time.Since(start).Round(time.Millisecond))
				return
			}
			for _, i := range behind {
				w.openFirewall(i)
			}
			start = time.Now()
			if err := w.joinAgain(start.Add(bootPatience)); err != nil {
				t.Errorf("with the firewall open as doctor says: %v", err)
			}
			t.Logf("%s: doctor's line works; remote ls after %v", name, time.Since(start).Round(time.Millisecond))
		})
	}
}

// openFirewall runs the line that doctor prints, as it is: doctor of the machine's
// user, or of root if the user may not know.
func (w *world) openFirewall(i int) {
	w.t.Helper()
	said := w.doctor(i)
	line := rule.FindStringSubmatch(said)
	if line == nil {
		said += w.rootDoctor(i)
		line = rule.FindStringSubmatch(said)
	}
	if !strings.Contains(strings.ToLower(said), "firewall") || line == nil {
		w.t.Fatalf("doctor on %s does not name the firewall, or prints no line:\n%s", w.Machine(i).Name, said)
	}
	if out, err := w.Machine(i).Root(w.t.Context(), "sh", "-c", line[1]).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v: %s", line[1], err, out)
	}
	w.t.Logf("doctor on %s: %s", w.Machine(i).Name, line[1])
}

// joinAgain makes machine 1 a host with a new code, if it is none yet, and waits
// until it sees machine 0.
func (w *world) joinAgain(end time.Time) error {
	if !w.isHost(1) {
		code, err := w.invite(0, end)
		if err == nil {
			err = w.join(1, code, end)
		}
		if err != nil {
			return err
		}
	}
	return w.see(1, 0, end)
}
