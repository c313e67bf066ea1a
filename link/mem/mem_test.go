package mem_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/linktest"
	"vsys/link/mem"
)

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:8145")
	addrB = netip.MustParseAddrPort("10.0.0.2:8145")
)

func TestLink(t *testing.T) {
	linktest.Test(t, func(t *testing.T) (a, b link.Link) {
		n := mem.NewNetwork()
		return n.Link(addrA), n.Link(addrB)
	})
}

// Waiting in a bubble is durable: time passes only when all wait.
func TestSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mem.NewNetwork()
		a, b := n.Link(addrA), n.Link(addrB)
		start := time.Now()
		a.Sleep(time.Hour)
		a.Park(time.Hour)
		if d := time.Since(start); d != 2*time.Hour {
			t.Fatalf("two waits of an hour took %v", d)
		}
		time.AfterFunc(time.Minute, func() { b.Send(addrA, []byte("x")) })
		a.Sleep(time.Hour)
		if d := time.Since(start); d != 2*time.Hour+time.Minute {
			t.Fatalf("a datagram after a minute ended the wait after %v", d)
		}
		if n := a.TryReceive(link.NewBatch(1, 8)); n != 1 {
			t.Fatalf("TryReceive = %d after Sleep ended, want 1", n)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	n := mem.NewNetwork()
	n.Queue = 3
	a, b := n.Link(addrA), n.Link(addrB)
	for range 5 {
		if err := a.Send(addrB, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.TryReceive(link.NewBatch(8, 8)); got != 3 {
		t.Errorf("received %d, want the 3 that fit", got)
	}
	if s := b.Stats(); s.OverrunPackets != 2 {
		t.Errorf("%d overruns, want 2", s.OverrunPackets)
	}
}

func TestMTU(t *testing.T) {
	n := mem.NewNetwork()
	n.MTU = 1000
	a := n.Link(addrA)
	if got := a.MTU(addrB); got != 1000 {
		t.Errorf("MTU = %d, want 1000", got)
	}
	if err := a.Send(addrB, make([]byte, 1001)); ipc.CodeOf(err) != ipc.BadByteCount {
		t.Errorf("Send of 1001 octets: %v, want %v", err, ipc.BadByteCount)
	}
}

// Nobody there is a loss, as on a network; a closed address can be used again.
func TestAddressesComeAndGo(t *testing.T) {
	n := mem.NewNetwork()
	a := n.Link(addrA)
	if err := a.Send(addrB, []byte("x")); err != nil {
		t.Fatalf("Send to nobody: %v", err)
	}
	n.Link(addrB).Close()
	b := n.Link(addrB)
	if err := a.Send(addrB, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := b.TryReceive(link.NewBatch(1, 8)); got != 1 {
		t.Errorf("the second link of an address received %d, want 1", got)
	}
}

func TestSendDoesNotAllocate(t *testing.T) {
	n := mem.NewNetwork()
	a, b := n.Link(addrA), n.Link(addrB)
	batch, data := link.NewBatch(1, 64), make([]byte, 64)
	got := testing.AllocsPerRun(100, func() {
		a.Send(addrB, data)
		b.TryReceive(batch)
	})
	if got != 0 {
		t.Errorf("%v allocations for a datagram, want 0", got)
	}
}
