package vmtp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The heap against a list that is looked through: whatever is set, moved and
// stopped, each timer fires once, at its time.
func TestTimersAgainstList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var heap timers
	list := make([]*timer, 100)
	want := map[*timer]time.Duration{}
	for i := range list {
		list[i] = &timer{at: never, index: -1}
	}
	now := time.Duration(0)
	for range 20000 {
		x := list[r.IntN(len(list))]
		switch r.IntN(5) {
		case 0, 1, 2:
			at := now + time.Duration(r.IntN(1000))
			heap.set(x, at)
			want[x] = at
		case 3:
			if r.IntN(2) == 0 {
				x.stop()
			} else {
				heap.remove(x)
			}
			delete(want, x)
		case 4:
			now += time.Duration(r.IntN(30))
			fire(t, &heap, want, now)
		}
		if len(heap) > 0 && len(want) > 0 {
			for _, at := range want {
				if heap.next() > at {
					t.Fatalf("next is %d, one is due at %d", heap.next(), at)
				}
			}
		}
	}
	fire(t, &heap, want, now+1000)
	if len(want) > 0 || heap.next() != never {
		t.Errorf("%d timers never fired; next %d", len(want), heap.next())
	}
}

// fire takes what is due out of the heap, and out of want.
func fire(t *testing.T, heap *timers, want map[*timer]time.Duration, now time.Duration) {
	t.Helper()
	for x := heap.due(now); x != nil; x = heap.due(now) {
		if at, ok := want[x]; !ok || at > now {
			t.Fatalf("fired at %d: due %d, %v", now, at, ok)
		}
		delete(want, x)
	}
	for _, at := range want {
		if at <= now {
			t.Fatalf("at %d, one that was due at %d did not fire", now, at)
		}
	}
}

// A timer that moves to later times does not move in the heap.
func TestTimerMovesLater(t *testing.T) {
	var heap timers
	x := &timer{at: never, index: -1}
	heap.set(x, 10)
	heap.set(x, 20)
	if heap.next() != 10 || len(heap) != 1 {
		t.Errorf("next %d, %d in the heap", heap.next(), len(heap))
	}
	if heap.due(15) != nil {
		t.Error("fired before its time")
	}
	if heap.next() != 20 || heap.due(20) != x || heap.due(100) != nil {
		t.Error("did not fire at its time, or twice")
	}
}
