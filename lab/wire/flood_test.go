package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/link/frame"
)

// Of TestFlood.
const (
	floodRate = 50000 // packets a second
	floodTime = 4 * time.Second
)

// TestFlood floods a host with frames that look like a handshake's under the right
// group key, while another one works with it. The host may spend half a processor on
// them.
func TestFlood(t *testing.T) {
	a := newAssault(t)
	handshakes := a.byType()[frame.Handshake]
	if len(handshakes) == 0 {
		t.Fatal("no handshake was captured")
	}
	honest := a.start(1, "exec", "-c", "while :; do stat /unix/"+a.Machine(0).Name+"/etc/passwd >/dev/null; echo; done")
	if !wait(time.Now().Add(bootPatience), func() bool { return len(honest.printed()) > 100 }) {
		t.Fatalf("the honest traffic does not begin: %q", honest.printed())
	}
	calm := a.measure(honest, func() { <-time.After(floodTime) })
	var sent int
	flooded := a.measure(honest, func() { sent = a.flood(handshakes[len(handshakes)-1]) })
	rate := float64(sent) / flooded.seconds
	extra := flooded.processors - calm.processors
	t.Logf("flood: %.0f frames a second of %d octets; the host used %.2f processors, before %.2f: %.2f more; honest transactions %.0f a second, before %.0f: ratio %.2f",
		rate, len(handshakes[len(handshakes)-1].Payload), flooded.processors, calm.processors, extra, flooded.transactions, calm.transactions,
		flooded.transactions/calm.transactions)
	if extra > 0.5 {
		t.Errorf("the flood costs %.2f processors", extra)
	}
	if flooded.transactions < 1 || calm.processors == 0 {
		t.Error("no honest work is done, or the processors' time is not measured")
	}
	if rate < floodRate*0.8 {
		t.Errorf("only %.0f packets a second were sent", rate)
	}
	_ = honest.cmd.Process.Kill()
	a.unmoved("flood", a.entries())
}

// load is what machine 0 does for a while.
type load struct{ seconds, processors, transactions float64 }

// measure measures what machine 0 does meanwhile.
func (a *assault) measure(honest *job, f func()) load {
	start, ticks, lines := time.Now(), a.ticks(0), len(honest.printed())
	f()
	s := time.Since(start).Seconds()
	return load{s, float64(a.ticks(0)-ticks) / ticksPerSecond / s, float64(len(honest.printed())-lines) / s}
}

// ticksPerSecond is in what Linux counts processors' time in /proc.
const ticksPerSecond = 100

// ticks returns the processors' time of all programs on a machine.
func (w *world) ticks(i int) (sum int) {
	for _, pid := range osProcesses() {
		if !isInside(pid, []uint64{w.Machine(i).net.inode}) {
			continue
		}
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone: nothing
		fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
		for _, field := range fields[min(11, len(fields)):min(13, len(fields))] { // in the program, in Linux
			n, _ := strconv.Atoi(field)
			sum += n
		}
	}
	return sum
}

// flood sends made-up frames with the header of a captured one, at floodRate for
// floodTime, and returns how many.
func (a *assault) flood(like Packet) (sent int) {
	bodies := make([][]byte, 64)
	for i := range bodies {
		bodies[i] = append(slices.Clone(like.Payload[:8]), a.octets(len(like.Payload)-8)...)
	}
	for start := time.Now(); time.Since(start) < floodTime; {
		for due := int(time.Since(start).Seconds() * floodRate); sent < due; sent++ {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 81, 0, byte(100 + sent%100)}), uint16(1024+sent%60000))
			if err := a.in.Send(from, a.targets[0], bodies[sent%len(bodies)]); err != nil && err != unix.ENOBUFS {
				a.t.Fatal(err)
			}
		}
		<-time.After(time.Millisecond)
	}
	return sent
}
