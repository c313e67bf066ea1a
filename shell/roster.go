package shell

import (
	"sync"
	"time"
)

// roster is the jobs that have members, done or not: what a statement started in
// the background may outlive it. It owns the goroutines that send signals. It may
// be used by any goroutine.
type roster struct {
	mu     sync.Mutex
	jobs   map[*job]int  // how many members each has; guarded by mu, as the rest
	idle   chan struct{} // closed when there are none, nil while there are
	closed bool
	asks   sync.WaitGroup
}

func newRoster() *roster {
	idle := make(chan struct{})
	close(idle)
	return &roster{jobs: map[*job]int{}, idle: idle}
}

// add counts n more members of j.
func (r *roster) add(j *job, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.jobs) == 0 {
		r.idle = make(chan struct{})
	}
	if r.jobs[j] += n; r.jobs[j] == 0 {
		delete(r.jobs, j)
	}
	if len(r.jobs) == 0 {
		close(r.idle)
	}
}

// ask runs f, which must end soon, in a goroutine that close waits for. After
// close it does not, and returns false.
func (r *roster) ask(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.asks.Go(f)
	}
	return !r.closed
}

// all returns the jobs that have members.
func (r *roster) all() (jobs []*job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for j := range r.jobs {
		jobs = append(jobs, j)
	}
	return jobs
}

// await waits until no job has members, at most for d, and tells whether it is so.
func (r *roster) await(d time.Duration) bool {
	r.mu.Lock()
	idle := r.idle
	r.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}

// open and close let signals be sent, and end that.
func (r *roster) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = false
}

func (r *roster) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.asks.Wait()
}
