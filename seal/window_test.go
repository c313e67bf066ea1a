package seal

import (
	"math/rand/v2"
	"testing"
)

// oracle is a window that remembers everything.
type oracle struct {
	seen  map[uint64]bool
	first uint64
}

func (o *oracle) new(count uint64) bool {
	return !o.seen[count] && count+WindowSize >= o.first
}

func (o *oracle) note(count uint64) {
	o.seen[count] = true
	o.first = max(o.first, count+1)
}

func TestWindowAsOracle(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var w Window
		o := oracle{seen: map[uint64]bool{}}
		step := uint64(1) << r.IntN(14)
		for range 20000 {
			var count uint64
			switch r.IntN(4) {
			case 0:
				count = o.first + r.Uint64N(step)
			case 1:
				count = o.first
			case 2:
				count = o.first - min(o.first, r.Uint64N(2*WindowSize))
			default:
				count = o.first - min(o.first, WindowSize-1+r.Uint64N(3))
			}
			got, want := w.New(count), o.new(count)
			if got != want {
				t.Fatalf("seed %d: New(%d) = %v with %d the highest, want %v", seed, count, got, o.first-1, want)
			}
			if want && r.IntN(4) > 0 {
				w.Note(count)
				o.note(count)
			}
		}
	}
}

func TestWindowAtTheEnds(t *testing.T) {
	var w Window
	for _, count := range []uint64{0, 63, 64, 65, 4096, maxCount} {
		if !w.New(count) {
			t.Errorf("%d is new, and refused", count)
		}
		w.Note(count)
		if w.New(count) {
			t.Errorf("%d is taken twice", count)
		}
	}
	if w.New(0) || w.New(maxCount-WindowSize) {
		t.Error("what is too old to tell is taken")
	}
	if !w.New(maxCount - WindowSize + 1) {
		t.Error("the oldest of the window is refused")
	}
}
