package shell

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxJobs bounds the jobs that are remembered after they have ended.
const maxJobs = 1000

// jobTable holds the jobs that have a number: those that were started in the
// background or stopped. It may be used by any goroutine.
type jobTable struct {
	mu   sync.Mutex
	jobs []*job // in the order of their numbers; guarded by mu
	last string // the job that was started last, as %1; guarded by mu
}

// add gives j a number.
func (t *jobTable) add(j *job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.jobs, j) {
		return
	}
	if len(t.jobs) >= maxJobs {
		t.forgetLocked(func(k *job) bool { return k.isDone() })
	}
	j.id = 1
	if n := len(t.jobs); n > 0 {
		j.id = t.jobs[n-1].id + 1
	}
	t.jobs = append(t.jobs, j)
	t.last = "%" + strconv.Itoa(j.id)
}

func (j *job) isDone() bool {
	state, _ := j.look()
	return state == done
}

// forget removes the jobs that f says.
func (t *jobTable) forget(f func(*job) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetLocked(f)
}

func (t *jobTable) forgetLocked(f func(*job) bool) { t.jobs = slices.DeleteFunc(t.jobs, f) }

func (t *jobTable) all() []*job {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.jobs)
}

// lastStarted returns what $! is.
func (t *jobTable) lastStarted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// find returns the job that spec names: %n, %text (how it begins), %%, %+ or ""
// for the current one, %- for the one before. It returns nil if there is none.
func (t *jobTable) find(spec string) *job {
	jobs := t.all()
	slices.Reverse(jobs)
	spec = strings.TrimPrefix(spec, "%")
	back := 0
	switch spec {
	case "-":
		back = 1
		fallthrough
	case "", "+", "%":
		// The current job is the youngest that is stopped, else the youngest.
		slices.SortStableFunc(jobs, func(a, b *job) int { return rank(a) - rank(b) })
		if back < len(jobs) {
			return jobs[back]
		}
		return nil
	}
	id, err := strconv.Atoi(spec)
	for _, j := range jobs {
		if err == nil && j.id == id || err != nil && strings.HasPrefix(j.text, spec) {
			return j
		}
	}
	return nil
}

func rank(j *job) int {
	switch state, _ := j.look(); state {
	case stopped:
		return 0
	case running:
		return 1
	}
	return 2
}

// print prints a job as jobs does.
func (t *jobTable) print(w io.Writer, j *job) {
	mark := " "
	switch j {
	case t.find("+"):
		mark = "+"
	case t.find("-"):
		mark = "-"
	}
	fmt.Fprintf(w, "[%d]%s  %-20s %s\n", j.id, mark, j.stateText(), j.text)
}

// stateText returns the state in words.
func (j *job) stateText() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.state == running:
		return "Running"
	case j.state == stopped:
		return "Stopped"
	case j.killed != 0:
		return "Killed by " + signalName(j.killed)
	case j.status != 0:
		return fmt.Sprintf("Exit %d", j.status)
	}
	return "Done"
}
