package team

import (
	"slices"
	"sync"

	"vsys/ipc"
	"vsys/program"
)

// maxEnded is how many programs that have ended are remembered.
const maxEnded = 1024

// table holds the programs of the server: those that run, and the last that
// ended, for those who ask late how.
type table struct {
	limit int
	life  sync.WaitGroup // the programs' goroutines

	mu      sync.Mutex // guards below
	taken   int        // places of programs that run or are being started
	last    uint32     // the id given last
	running map[uint32]*running
	ended   map[uint32]program.Ending
	order   []uint32 // ids in ended, oldest first
}

func (t *table) init(limit int) {
	t.limit = limit
	t.running = make(map[uint32]*running)
	t.ended = make(map[uint32]program.Ending)
}

// reserve takes a place and an id for a program. NoServerResources.
func (t *table) reserve() (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken >= t.limit {
		return 0, ipc.NoServerResources
	}
	t.taken++
	t.last++
	return t.last, nil
}

// giveUp gives back the place of a program that did not start.
func (t *table) giveUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
}

// add puts a program in its place.
func (t *table) add(g *running) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running[g.id] = g
}

// finish notes how a program has ended, and gives back its place.
func (t *table) finish(g *running, e program.Ending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
	delete(t.running, g.id)
	if len(t.order) == maxEnded {
		delete(t.ended, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
	t.ended[g.id] = e
	t.order = append(t.order, g.id)
}

// get returns a program that runs. NotFound.
func (t *table) get(id uint32) (*running, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.running[id]; g != nil {
		return g, nil
	}
	return nil, ipc.NotFound
}

// ending returns how a program has ended that is remembered.
func (t *table) ending(id uint32) (e program.Ending, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok = t.ended[id]
	return e, ok
}

// list returns the programs that run, by id.
func (t *table) list() []*running {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*running, 0, len(t.running))
	for _, g := range t.running {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *running) int { return int(a.id) - int(b.id) })
	return list
}

// endAll ends all programs and waits for them. None is started any more.
func (t *table) endAll() {
	for _, g := range t.list() {
		g.terminate()
	}
	t.life.Wait()
}
