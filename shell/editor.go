package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrInterrupt is what ReadLine returns when the user gave the line up.
var ErrInterrupt = errors.New("interrupt")

// Editor reads commands from a person. It is for one goroutine.
type Editor interface {
	// ReadLine shows the prompt and returns one command, which may have several
	// lines. It returns ErrInterrupt after Ctrl-C and io.EOF at the end.
	ReadLine(ctx context.Context, prompt string) (string, error)
}

// morePrompt is shown where a command goes on.
const morePrompt = "> "

// chooseEditor returns the editor for an interactive executive, and what ends it.
// sigs is where Ctrl-C arrives, if the terminal makes a signal of it.
func (s *Shell) chooseEditor(c *completer, sigs <-chan os.Signal) (Editor, func()) {
	if s.config.Editor != nil {
		return s.config.Editor, func() {}
	}
	if s.term != nil && os.Getenv("TERM") != "dumb" {
		if e, err := newLineEditor(s, c); err == nil {
			return e, e.close
		}
	}
	e := &plainEditor{in: s.stdin, out: io.Discard, incomplete: s.incomplete}
	if s.keys != nil {
		e.in, e.sigs = s.keys, sigs
	}
	if s.typed {
		e.out = s.output(s.config.Stdout)
	}
	return e, func() {}
}

// incomplete tells whether more text is needed to make text a command.
func (s *Shell) incomplete(text string) bool {
	_, err := s.plan.parse(strings.NewReader(text+"\n"), "", false)
	var bad *SyntaxError
	return errors.As(err, &bad) && bad.Incomplete || strings.HasSuffix(text, "\\")
}

// readCommand calls read with the prompt, then with morePrompt for as long as the
// command goes on.
func readCommand(prompt string, incomplete func(string) bool, read func(prompt string) (string, error)) (string, error) {
	for text := ""; ; prompt = morePrompt {
		line, err := read(prompt)
		text += line
		switch {
		case errors.Is(err, ErrInterrupt), err != nil && text == "":
			return "", err
		case err != nil || !incomplete(text):
			return text, nil
		}
		text += "\n"
	}
}

// plainEditor reads lines as they come, for a dumb terminal or a pipe. It takes
// no more than the line, because what follows may be a command's input.
type plainEditor struct {
	in         *os.File
	out        io.Writer
	sigs       <-chan os.Signal // nil if in can't be interrupted
	incomplete func(text string) bool
}

// ReadLine returns early when ctx is done, if its file is a terminal or a pipe.
func (e *plainEditor) ReadLine(ctx context.Context, prompt string) (string, error) {
	return readCommand(prompt, e.incomplete, func(prompt string) (string, error) {
		fmt.Fprint(e.out, prompt)
		interrupted, end := e.watch(ctx)
		line, err := readLine(e.in)
		end()
		if *interrupted {
			fmt.Fprintln(e.out)
			return "", ErrInterrupt
		}
		return line, err
	})
}

// watch ends the reading of e.in when ctx is done and at an interrupt. When end
// has returned, interrupted tells whether there was one.
func (e *plainEditor) watch(ctx context.Context) (interrupted *bool, end func()) {
	interrupted = new(bool)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // it ends when end is called
		defer close(done)
		for !*interrupted {
			select {
			case sig := <-e.sigs:
				*interrupted = sig == syscall.SIGINT
			case <-ctx.Done():
				e.in.SetReadDeadline(time.Now())
				return
			case <-stop:
				return
			}
		}
		e.in.SetReadDeadline(time.Now())
	}()
	return interrupted, func() {
		close(stop)
		<-done
		if *interrupted {
			e.in.SetReadDeadline(time.Time{})
		}
	}
}

// readLine reads to the end of the line, one octet at a time.
func readLine(in *os.File) (string, error) {
	if in == nil {
		return "", io.EOF
	}
	var line []byte
	for b := make([]byte, 1); ; {
		n, err := in.Read(b)
		switch {
		case n == 1 && b[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, b[0])
		case err != nil:
			return string(line), err
		}
	}
}
