package process

import (
	"testing"
	"time"

	"vsys/ipc"
)

func TestOctets(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 kiB", 1536: "1.5 kiB", 8 << 30: "8.0 GiB",
		3 << 50: "3.0 PiB", 1<<64 - 1: "16.0 EiB",
	} {
		if got := octets(n); got != want {
			t.Errorf("octets(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 1234 * time.Microsecond: "1ms", 1234 * time.Millisecond: "1.2s",
		100*time.Minute + 300*time.Millisecond: "1h40m0s",
	} {
		if got := ago(now, now.Add(-d)); got != want {
			t.Errorf("ago %v: %q, want %q", d, got, want)
		}
	}
	if got := ago(now, time.Time{}); got != "-" {
		t.Errorf("never: %q", got)
	}
}

func TestPIDs(t *testing.T) {
	n := names{2: "beta"}
	p := ipc.MakePID(ipc.MakeLogicalHost(2, 12), 5, 41)
	for _, c := range []struct {
		pid  ipc.PID
		want string
	}{
		{p, "beta.12:41"}, {0, "-"}, {ipc.CSNHGroup, ipc.CSNHGroup.String()},
		{ipc.MakePID(ipc.MakeLogicalHost(3, 1), 0, 1), "0x00000001-00030001"},
	} {
		if got := n.pid(c.pid); got != c.want {
			t.Errorf("%v: %q, want %q", c.pid, got, c.want)
		}
	}
	if hex(0) != "" || hex(p) != p.String() {
		t.Errorf("%q, %q", hex(0), hex(p))
	}
}

func TestEmptyListing(t *testing.T) {
	if j, err := (listing{}).json(); err != nil || len(j) != 0 || len(listing{}.text()) != 0 {
		t.Errorf("%q, %v", j, err)
	}
	if _, err := pairs(make(chan int)).json(); err == nil {
		t.Error("what JSON can't say is said")
	}
}
