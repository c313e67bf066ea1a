package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// Interact reads commands and runs them until the user leaves, and returns the
// exit status of the last. On a terminal it has job control, so it must be in
// the terminal's foreground, and its jobs end with it. Where standard input is no
// terminal there are no prompts, and a line runs before the next one is read.
// Cancelling ctx interrupts what runs and ends it.
func (s *Shell) Interact(ctx context.Context) int {
	s.script = "vsys"
	s.typed = s.config.Editor != nil || isTerminal(s.stdin)
	s.verbose, s.warned = s.verbose || s.typed, !s.typed
	s.begin()
	if s.term = openTerminal(s.stdin, s.keys); s.term != nil {
		defer s.closeTerminal()
	}
	// Ctrl-C and Ctrl-Z reach the executive where no program has the terminal.
	sigs := make(chan os.Signal, 8)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP)
	defer signal.Stop(sigs)
	c := newCompleter(ctx, s, func() string { return s.runner.Dir })
	defer c.close()
	editor, end := s.chooseEditor(c, sigs)
	defer end()
	for ctx.Err() == nil {
		s.report()
		line, err := editor.ReadLine(ctx, s.prompt())
		switch {
		case errors.Is(err, ErrInterrupt):
			s.last, s.stale = statusSignal+int(syscall.SIGINT), true
		case err != nil:
			if err != io.EOF || s.mayLeave() {
				return s.last
			}
		default:
			s.history.Write(strings.TrimSpace(line))
			if s.line(ctx, line, sigs); s.exited && s.mayLeave() {
				return s.last
			}
		}
	}
	return s.last
}

// closeTerminal gives the terminal up, after the jobs, which may be reading it.
func (s *Shell) closeTerminal() {
	s.Close()
	s.term.close()
	s.term = nil
}

func (s *Shell) prompt() string {
	if s.config.Prompt != nil {
		return s.config.Prompt(s.here, s.runner.Dir)
	}
	return s.here + ":" + s.runner.Dir + "$ "
}

// line runs the statements of a line, up to the first that is interrupted or
// stopped.
func (s *Shell) line(ctx context.Context, line string, sigs <-chan os.Signal) {
	sc, err := s.plan.parse(strings.NewReader(line), "", true)
	if err != nil {
		complain(s.stderr, err.Error(), "")
		s.last = statusUsage
		return
	}
	for len(sigs) > 0 { // what the terminal sent is over
		<-sigs
	}
	for i, st := range sc.Stmts {
		s.refresh(ctx)
		if st.Background {
			j := s.background(ctx, st, sc.texts[i])
			if s.typed {
				fmt.Fprintf(s.stderr, "[%d] %s\n", j.id, j.text)
			}
			continue
		}
		if !s.foreground(ctx, st, sc.texts[i], sigs) || s.exited {
			return
		}
	}
}

// foreground runs st with the terminal and waits until it has ended or stopped;
// false means that the line ends here. A stopped statement keeps its interpreter,
// and the prompt goes on with a copy from before it began.
func (s *Shell) foreground(ctx context.Context, st *syntax.Stmt, text string, sigs <-chan os.Signal) bool {
	before := s.runner.Subshell()
	j := s.newJob(ctx, text, s.runner, s.term != nil)
	s.enterFront(j)
	// It ends with the statement; Close sees to that.
	s.pending.Go(func() {
		err := j.runner.Run(j.ctx, st)
		j.finish(s.statusOf(j, err), j.runner.Exited())
	})
	state, late := j.attend(sigs)
	s.leaveFront(j)
	if state == stopped {
		s.table.add(j)
		fmt.Fprintln(s.stderr)
		s.table.print(s.stderr, j)
		s.runner, s.stale = before, true
		s.traps.restore(ctx, s)
		s.last = statusSignal + int(syscall.SIGTSTP)
		return false
	}
	s.last, s.exited = j.status, j.exited
	s.stale = s.stale || j.killed != 0
	if j.status == statusSignal+int(syscall.SIGINT) { // after the ^C that the terminal shows
		fmt.Fprintln(s.stderr)
	}
	return j.killed == 0 && !late
}

// refresh sets the variables that environ works out in an interpreter that is a
// copy, which environ no longer reaches, and $?, which a copy has from before and
// an interrupted one not at all.
func (s *Shell) refresh(ctx context.Context) {
	if !s.stale {
		return
	}
	status := substitution(syntax.Pos{}, wordAt(syntax.Pos{}, "exit"), wordAt(syntax.Pos{}, strconv.Itoa(s.last)))
	set := &syntax.CallExpr{}
	for _, name := range workedOut {
		value := &syntax.SglQuoted{Value: s.env.Get(name).String()}
		set.Assigns = append(set.Assigns, &syntax.Assign{Name: &syntax.Lit{Value: name},
			Value: &syntax.Word{Parts: []syntax.WordPart{value, status}}})
	}
	s.quietly(ctx, set)
}

// quietly runs node for its effect on the interpreter only.
func (s *Shell) quietly(ctx context.Context, node syntax.Node) {
	j := s.newJob(ctx, "", s.runner, false)
	j.runner.Run(j.ctx, node)
	j.finish(0, false)
}

// attend passes on what the terminal sends to the executive, until j has ended or
// stopped. late means that an interrupt came when it had just ended.
func (j *job) attend(sigs <-chan os.Signal) (state jobState, late bool) {
	for {
		state, changed := j.look()
		if state != running {
			return state, late
		}
		select {
		case <-changed:
		case sig := <-sigs:
			if sig == syscall.SIGTSTP {
				j.stop()
			} else {
				late = j.interrupt(sig.(syscall.Signal))
			}
		}
	}
}

// enterFront gives j the terminal: at once if it has programs here, else when it
// starts one.
func (s *Shell) enterFront(j *job) {
	j.mu.Lock()
	j.front = true
	j.mu.Unlock()
	j.gate.set(true)
	s.front(j)
}

// leaveFront takes the terminal back. A program that ended well may have changed
// its modes for good (stty), any other may not.
func (s *Shell) leaveFront(j *job) {
	j.mu.Lock()
	j.front = false
	well := j.state == done && j.killed == 0 && j.status < statusSignal
	j.mu.Unlock()
	j.gate.set(false)
	if s.term == nil {
		return
	}
	s.term.take()
	if well {
		s.term.save()
	} else {
		s.term.restore()
	}
}

// report tells of the jobs in the background that have ended, and forgets them.
func (s *Shell) report() {
	for _, j := range s.table.all() {
		if j.isDone() {
			if s.typed {
				s.table.print(s.stderr, j)
			}
			s.table.forget(func(k *job) bool { return k == j })
		}
	}
}

// mayLeave tells whether the executive may end. The first time that there are
// jobs it says so instead, because they end with it.
func (s *Shell) mayLeave() bool {
	left := 0
	for _, j := range s.table.all() {
		if !j.isDone() {
			left++
		}
	}
	if left == 0 || s.warned {
		return true
	}
	s.warned, s.exited = true, false
	complain(s.stderr, fmt.Sprintf("there are %d jobs, which end with the executive", left), "jobs lists them; leave again to end them")
	return false
}
