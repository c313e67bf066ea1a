package faulty_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/faulty"
	"vsys/link/linktest"
	"vsys/link/mem"
)

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:8145")
	addrB = netip.MustParseAddrPort("10.0.0.2:8145")
)

// pair returns a faulty link and a good one that hears it.
func pair(c faulty.Config) (*faulty.Link, *mem.Link) {
	n := mem.NewNetwork()
	n.Queue = 4096
	return faulty.New(n.Link(addrA), c), n.Link(addrB)
}

func TestLink(t *testing.T) {
	linktest.Test(t, func(t *testing.T) (a, b link.Link) {
		n := mem.NewNetwork()
		return faulty.New(n.Link(addrA), faulty.Config{}), faulty.New(n.Link(addrB), faulty.Config{})
	})
}

// sequence sends the numbers 0 to n-1 and returns which came, as they came.
func sequence(t *testing.T, f *faulty.Link, b link.Link, n int) []int {
	t.Helper()
	for i := range n {
		if err := f.Send(addrB, binary.BigEndian.AppendUint16(nil, uint16(i))); err != nil {
			t.Fatal(err)
		}
	}
	return drain(b)
}

func drain(b link.Link) (got []int) {
	for batch := link.NewBatch(16, 8); b.TryReceive(batch) > 0; {
		for _, p := range batch.Packets {
			got = append(got, int(binary.BigEndian.Uint16(p.Data)))
		}
	}
	return got
}

func TestLoss(t *testing.T) {
	f, b := pair(faulty.Config{Seed: 1, Loss: 0.2})
	got := sequence(t, f, b, 1000)
	if len(got) < 750 || len(got) > 850 {
		t.Errorf("%d of 1000 came at 20 %% loss", len(got))
	}
	if !slices.IsSorted(got) {
		t.Error("loss alone changed the order")
	}
	if lost := f.Counts().Lost; int(lost) != 1000-len(got) {
		t.Errorf("%d counted as lost, %d are", lost, 1000-len(got))
	}
	f, b = pair(faulty.Config{Loss: 1})
	if got := sequence(t, f, b, 10); got != nil {
		t.Errorf("%v came at 100 %% loss", got)
	}
}

func TestDuplicate(t *testing.T) {
	f, b := pair(faulty.Config{Seed: 1, Duplicate: 0.2})
	got := sequence(t, f, b, 1000)
	doubled := int(f.Counts().Duplicated)
	if len(got) != 1000+doubled || doubled < 150 || doubled > 250 {
		t.Errorf("%d came, %d counted as doubled, of 1000 at 20 %%", len(got), doubled)
	}
	if u := slices.Compact(slices.Clone(got)); len(u) != 1000 {
		t.Errorf("%d different ones, want 1000", len(u))
	}
}

// Nothing is lost or doubled, all come, some later than up to four others.
func TestReorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := pair(faulty.Config{Seed: 1, Reorder: 0.2})
		defer f.Close()
		got := sequence(t, f, b, 1000)
		b.Sleep(time.Hour) // what is held leaves by its timer
		synctest.Wait()
		got = append(got, drain(b)...)
		if slices.IsSorted(got) {
			t.Error("the order is unchanged")
		}
		for i, n := range got {
			if n > i+64 || n < i-64 {
				t.Errorf("number %d came at place %d", n, i)
			}
		}
		slices.Sort(got)
		for i := range 1000 {
			if got[i] != i {
				t.Fatalf("number %d is missing or double", i)
			}
		}
	})
}

// The last datagram of a conversation is delayed, not lost.
func TestHeldLeavesByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := pair(faulty.Config{Reorder: 1, Delay: 3 * time.Millisecond})
		defer f.Close()
		start := time.Now()
		if got := sequence(t, f, b, 1); got != nil {
			t.Fatalf("%v came at once", got)
		}
		b.Sleep(time.Hour)
		if d := time.Since(start); d != 3*time.Millisecond {
			t.Errorf("it came after %v, want 3 ms", d)
		}
		if got := drain(b); len(got) != 1 {
			t.Errorf("%v came, want one", got)
		}
	})
}

// What is held is bounded: with everything reordered, the 65th leaves.
func TestHeldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := pair(faulty.Config{Reorder: 1})
		defer f.Close()
		if got := sequence(t, f, b, 64); got != nil {
			t.Errorf("%v came of 64 that are all held", got)
		}
		if got := sequence(t, f, b, 1); len(got) == 0 {
			t.Error("the 65th was held, too")
		}
	})
}

// One seed, one fate.
func TestSeed(t *testing.T) {
	run := func(seed uint64) []int {
		f, b := pair(faulty.Config{Seed: seed, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Delay: time.Hour})
		defer f.Close()
		return sequence(t, f, b, 300)
	}
	if !slices.Equal(run(5), run(5)) {
		t.Error("one seed made two sequences")
	}
	if slices.Equal(run(5), run(6)) {
		t.Error("two seeds made one sequence")
	}
}

func TestGroup(t *testing.T) {
	f, b := pair(faulty.Config{Seed: 3, Loss: 0.5})
	group := make([][]byte, 16)
	for i := range group {
		group[i] = []byte{0, byte(i)}
	}
	if err := f.SendGroup(addrB, group); err != nil {
		t.Fatal(err)
	}
	if got := drain(b); len(got) == 0 || len(got) == 16 {
		t.Errorf("%d of a group of 16 came at 50 %% loss", len(got))
	}
	f.Close()
	if err := f.SendGroup(addrB, group); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("SendGroup after Close: %v, want %v", err, ipc.Aborted)
	}
}
