package vmtp

import "time"

// timer belongs to one record. It may be moved to a later time without touching
// the heap: what the heap is ordered by, armed, is never later than at, and is
// put right when it comes up. So a transaction that is answered at once costs
// no heap operation.
type timer struct {
	at     time.Duration // when to fire; never if not set
	armed  time.Duration // where it stands in the heap
	index  int           // in the heap; -1 if not there
	client *Client       // whose it is: one of the two
	remote *Remote
}

// timers is a binary heap of the timers that may fire, by armed.
type timers []*timer

// set makes t fire at the given time instead of any earlier setting.
func (h *timers) set(t *timer, at time.Duration) {
	t.at = at
	switch {
	case t.index < 0:
		t.armed, t.index = at, len(*h)
		*h = append(*h, t)
		h.up(t.index)
	case at < t.armed:
		t.armed = at
		h.up(t.index)
	}
}

// stop makes t not fire.
func (t *timer) stop() { t.at = never }

// next returns the earliest time at which due may yield something.
func (h timers) next() time.Duration {
	if len(h) == 0 {
		return never
	}
	return h[0].armed
}

// due removes and returns a timer that fires at or before now, nil if there is
// none.
func (h *timers) due(now time.Duration) *timer {
	for len(*h) > 0 && (*h)[0].armed <= now {
		t := (*h)[0]
		if t.at == never || t.at <= now {
			h.remove(t)
			if t.at == never {
				continue
			}
			t.at = never
			return t
		}
		t.armed = t.at
		h.down(0)
	}
	return nil
}

// remove takes t out of the heap, if it is there.
func (h *timers) remove(t *timer) {
	i := t.index
	if i < 0 {
		return
	}
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = -1
	if i < last {
		h.up(i)
		h.down(i)
	}
}

func (h timers) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].armed <= h[i].armed {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h timers) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].armed < h[child].armed {
			child++
		}
		if h[i].armed <= h[child].armed {
			return
		}
		h.swap(i, child)
		i = child
	}
}
