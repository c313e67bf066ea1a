package uio

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"vsys/ipc"
)

// instance is one opening of an object.
type instance struct {
	id     uint32
	object Object
	info   Info            // as it was opened
	life   context.Context // ends when it is released
	end    context.CancelFunc

	owner  ipc.PID // guarded by the table's mu
	visits int     // guarded by the streams' mu: reads and writes of the stream under way

	// reading holds an element while somebody reads the stream, and so may
	// change what follows.
	reading chan struct{}
	next    atomic.Uint64 // the block to read next
	pending []byte        // what was read of the object and not delivered
}

// has tells whether all of the given attributes are set.
func (in *instance) has(a Attributes) bool { return in.info.Attributes.Has(a) }

// table holds the instances of a server. Numbers are given in a circle of 2^32
// that begins anywhere, so that one is not used again soon, and a number of the
// server's predecessor hardly means anything.
type table struct {
	once   sync.Once
	filled chan struct{} // holds an element after an instance was added

	mu     sync.Mutex // guards below
	all    map[uint32]*instance
	last   uint32 // the number given last
	closed bool   // the server has ended
}

// init makes the table usable.
func (t *table) init() {
	t.once.Do(func() {
		t.filled = make(chan struct{}, 1)
		t.all = make(map[uint32]*instance)
		t.last = rand.Uint32()
	})
}

// add makes an instance, unless there are limit. NoServerResources; Aborted: the
// server has ended.
func (t *table) add(o Object, owner ipc.PID, limit int) (*instance, error) {
	t.init()
	info := o.Info()
	info.BlockSize = cmp.Or(info.BlockSize, DefaultBlockSize)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, ipc.Aborted
	}
	if len(t.all) >= limit {
		return nil, ipc.NoServerResources
	}
	for t.last++; t.last == 0 || t.all[t.last] != nil; t.last++ {
	}
	in := &instance{id: t.last, object: o, info: info, owner: owner, reading: make(chan struct{}, 1)}
	in.life, in.end = context.WithCancel(context.Background())
	t.all[in.id] = in
	post(t.filled)
	return in, nil
}

// room returns NoServerResources if there are limit instances.
func (t *table) room(limit int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= limit {
		return ipc.NoServerResources
	}
	return nil
}

// get returns the instance with that number. InvalidInstance.
func (t *table) get(id uint32) (*instance, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if in := t.all[id]; in != nil {
		return in, nil
	}
	return nil, ipc.InvalidInstance
}

// setOwner gives the instance to another process. InvalidInstance.
func (t *table) setOwner(id uint32, owner ipc.PID) error {
	t.mu.Lock()
	in := t.all[id]
	if in != nil {
		in.owner = owner
	}
	t.mu.Unlock()
	if in == nil {
		return ipc.InvalidInstance
	}
	if object, ok := in.object.(Owned); ok {
		object.SetOwner(owner)
	}
	return nil
}

// release takes the instance out of the table and ends it. InvalidInstance; what
// the object says.
func (t *table) release(id uint32, keep bool) error {
	t.mu.Lock()
	in := t.all[id]
	delete(t.all, id)
	t.mu.Unlock()
	if in == nil {
		return ipc.InvalidInstance
	}
	in.end()
	return in.object.Release(keep)
}

// releaseOf releases the instances of a process that is gone, and returns how
// many.
func (t *table) releaseOf(owner ipc.PID) int {
	n := 0
	for _, in := range t.list() {
		if in.owner == owner && !errors.Is(t.release(in.id, false), ipc.InvalidInstance) {
			n++
		}
	}
	return n
}

// close releases all instances, and lets none be added any more.
func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, in := range t.list() {
		_ = t.release(in.id, false) // the server ends: nobody asks how it went
	}
}

// owned is an instance's number with its owner at the time.
type owned struct {
	id    uint32
	owner ipc.PID
}

// list returns the instances there are.
func (t *table) list() []owned {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]owned, 0, len(t.all))
	for id, in := range t.all {
		list = append(list, owned{id, in.owner})
	}
	return list
}

// owners returns the processes that instances belong to, in ascending order.
func (t *table) owners() []ipc.PID {
	var pids []ipc.PID
	for _, in := range t.list() {
		pids = append(pids, in.owner)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// post puts an element into c unless there is one.
func post(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
