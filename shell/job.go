package shell

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/interp"
)

// How long an interrupted job may take before its context is cancelled, and a
// host to pass a signal on. All end within the second that a user may wait.
const (
	grace         = 100 * time.Millisecond // if it has no programs
	programGrace  = 700 * time.Millisecond // if the caller gave up, for its programs to clean up
	signalTimeout = 500 * time.Millisecond
)

// errInterrupted ends a statement whose job was interrupted. Its handlers
// return it, the interpreter takes it for fatal.
var errInterrupted = errors.New("interrupted")

// jobState is where a job is in its life.
//
//	running <----> stopped
//	   |             |
//	   +--> done <---+
type jobState int

const (
	running jobState = iota // its statement runs
	stopped                 // its programs are stopped, and the statement waits for them
	done                    // its statement has ended; status is final
)

// member is what a job consists of: a local program, a remote one, or another
// job that the foreground was given to.
type member interface {
	// signal sends sig. It may block, at most until ctx is done.
	signal(ctx context.Context, sig syscall.Signal) error
}

// job is one statement that runs, or one script. It may be used by any goroutine.
// Its lock comes before the roster's.
type job struct {
	text    string
	runner  *interp.Runner // the statement's own, while it runs
	ctx     context.Context
	cancel  context.CancelFunc
	unwatch func() bool // ends the interest in the caller's context
	roster  *roster

	mu      sync.Mutex // guards below
	id      int        // its number in the table, 0 while it is only in the foreground
	state   jobState
	status  int
	exited  bool           // the statement ended the shell
	front   bool           // it has the terminal, if there is one
	killed  syscall.Signal // what interrupted it, 0 if nothing did
	members map[member]struct{}
	local   *group        // its programs on this host
	gate    gate          // to the terminal, for its programs elsewhere
	changed chan struct{} // closed and replaced whenever state changes
	sent    chan struct{} // closed when the last signal to programs elsewhere is sent
}

// newJob makes a job that runs. With control its programs on this host form a
// process group of their own. It is not cancelled with ctx, but interrupted.
func (s *Shell) newJob(ctx context.Context, text string, r *interp.Runner, control bool) *job {
	j := &job{text: text, runner: r, roster: s.roster, local: newGroup(control),
		members: map[member]struct{}{}, changed: make(chan struct{})}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j.ctx, j.cancel = context.WithValue(life, jobKey{}, j), cancel
	j.unwatch = context.AfterFunc(ctx, func() { j.kill(syscall.SIGINT); time.AfterFunc(programGrace, cancel) })
	return j
}

type jobKey struct{}

// jobOf returns the job that a handler works for.
func jobOf(ctx context.Context) *job { return ctx.Value(jobKey{}).(*job) }

func (j *job) becomeLocked(s jobState) {
	if j.state == s || j.state == done {
		return
	}
	j.state = s
	close(j.changed)
	j.changed = make(chan struct{})
}

// look returns the state, and a channel that is closed when it changes.
func (j *job) look() (jobState, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state, j.changed
}

// finish makes the job done. Its context lives on, since what the statement
// itself started in the background may.
func (j *job) finish(status int, exited bool) {
	j.mu.Lock()
	if j.killed != 0 {
		status, exited = statusSignal+int(j.killed), false
	}
	j.status, j.exited = status, exited
	j.becomeLocked(done)
	j.mu.Unlock()
	j.unwatch()
}

// add makes m a member, until remove. A job that was interrupted takes none.
func (j *job) add(m member) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.killed != 0 {
		return errInterrupted
	}
	if _, ok := j.members[m]; !ok {
		j.members[m] = struct{}{}
		j.roster.add(j, 1)
	}
	return nil
}

// remove ends m's membership. A member that an interrupt killed takes the rest
// of the job with it, as the terminal does with a local pipeline.
func (j *job) remove(m member, died syscall.Signal) {
	j.mu.Lock()
	if _, ok := j.members[m]; ok {
		delete(j.members, m)
		j.roster.add(j, -1)
	}
	j.mu.Unlock()
	if died == syscall.SIGINT || died == syscall.SIGQUIT {
		j.kill(died)
	}
}

// killedBy returns what interrupted the job, 0 if nothing did.
func (j *job) killedBy() syscall.Signal {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.killed
}

// interrupted returns errInterrupted once the job was interrupted.
func (j *job) interrupted() error {
	if j.killedBy() != 0 {
		return errInterrupted
	}
	return nil
}

// interrupt sends sig to the members, who may think what they like of it; one
// that can't be told is given up. What has no members, a loop of builtins, ends.
// It tells whether the job was done already, so that sig was for what follows.
func (j *job) interrupt(sig syscall.Signal) (late bool) {
	j.mu.Lock()
	n := len(j.members)
	late = j.state == done
	_, local := j.members[j.local]
	j.mu.Unlock()
	// The terminal sends it to programs here: if it came to us, none had the
	// terminal yet, and the next one must not start.
	if n == 0 || local && j.local.control {
		j.kill(sig)
		return late
	}
	j.send(sig, j.cancel)
	return late
}

// kill ends the statement: its members get sig and its handlers return, and if
// it has no members, so computes, it is cancelled after the grace.
func (j *job) kill(sig syscall.Signal) {
	j.mu.Lock()
	first := j.killed == 0 && j.state != done
	if first {
		j.killed = sig
	}
	j.mu.Unlock()
	if first {
		j.send(sig, j.cancel)
		time.AfterFunc(grace, j.cancelIdle)
	}
}

func (j *job) cancelIdle() {
	j.mu.Lock()
	n := len(j.members)
	j.mu.Unlock()
	if n == 0 {
		j.cancel()
	}
}

// stop suspends the members. A job without members can't be stopped, and one that
// passes on is not.
func (j *job) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopLocked(nil)
}

// memberStopped suspends the others after the child pid has stopped, unless it was
// continued meanwhile.
func (j *job) memberStopped(pid int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if isStopped(pid) {
		j.stopLocked(j.local)
	}
}

func (j *job) stopLocked(except member) {
	passesOn := false
	for m := range j.members {
		_, is := m.(delegate)
		passesOn = passesOn || is
	}
	if len(j.members) > 0 && !passesOn {
		j.becomeLocked(stopped)
	}
	j.sendLocked(syscall.SIGTSTP, except, nil)
}

// resume lets the members go on.
func (j *job) resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.becomeLocked(running)
	j.sendLocked(syscall.SIGCONT, nil, nil)
}

// deliver does what the user's kill asks for.
func (j *job) deliver(sig syscall.Signal) {
	switch sig {
	case syscall.SIGCONT:
		j.resume()
	case syscall.SIGTSTP, syscall.SIGSTOP:
		j.stop()
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGKILL:
		j.kill(sig)
		if state, _ := j.look(); state == stopped {
			j.resume()
		}
	default:
		j.send(sig, nil)
	}
}

// send sends sig to the members; lost, if not nil, is called where one can't be
// reached.
func (j *job) send(sig syscall.Signal, lost func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sendLocked(sig, nil, lost)
}

// sendLocked is send to all members but one. Programs here get sig at once, so it
// agrees with the state under the lock; others from a goroutine of the roster's,
// one signal after the other, each within signalTimeout.
func (j *job) sendLocked(sig syscall.Signal, except member, lost func()) {
	var others []member
	for m := range j.members {
		switch {
		case m == except:
		case m == j.local:
			_ = j.local.signal(j.ctx, sig) // a child that is gone needs no signal
		default:
			others = append(others, m)
		}
	}
	if len(others) == 0 {
		return
	}
	before, sent := j.sent, make(chan struct{})
	j.sent = sent
	if !j.roster.ask(func() { j.sendAll(others, sig, lost, before); close(sent) }) {
		close(sent)
	}
}

// sendAll sends sig to ms, once what was sent before has arrived.
func (j *job) sendAll(ms []member, sig syscall.Signal, lost func(), before <-chan struct{}) {
	if before != nil {
		<-before
	}
	ctx, cancel := context.WithTimeout(j.ctx, signalTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, m := range ms {
		all.Go(func() {
			if m.signal(ctx, sig) != nil && lost != nil {
				lost()
			}
		})
	}
	all.Wait()
}

// delegate is the member by which a job passes what it gets on to another: fg's
// own job to the one it brought back.
type delegate struct{ to *job }

func (d delegate) signal(_ context.Context, sig syscall.Signal) error {
	switch sig {
	case syscall.SIGTSTP:
		d.to.stop()
	case syscall.SIGCONT:
	default:
		d.to.interrupt(sig)
	}
	return nil
}
