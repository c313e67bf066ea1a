package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/reeflective/readline"
	"github.com/reeflective/readline/inputrc"
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

// chooseEditor returns the editor for an interactive executive.
func (s *Shell) chooseEditor(c *completer) Editor {
	switch {
	case s.config.Editor != nil:
		return s.config.Editor
	case s.term != nil && s.stdin == os.Stdin && os.Getenv("TERM") != "dumb":
		return newLineEditor(s, c)
	}
	in := s.stdin
	if s.keys != nil {
		in = s.keys
	}
	return &plainEditor{in: in, out: s.output(s.config.Stdout), incomplete: s.incomplete}
}

// incomplete tells whether more text is needed to make text a command.
func (s *Shell) incomplete(text string) bool {
	_, err := s.plan.parse(strings.NewReader(text), "", false)
	var bad *SyntaxError
	return errors.As(err, &bad) && bad.Incomplete || strings.HasSuffix(text, "\\")
}

// lineEditor is the full editor, on the process's own terminal.
type lineEditor struct {
	rl     *readline.Shell
	prompt string
}

func newLineEditor(s *Shell, c *completer) *lineEditor {
	e := &lineEditor{rl: readline.NewShell(inputrc.WithApp("vsys"))}
	e.rl.Config.Set("enable-bracketed-paste", true)
	e.rl.Prompt.Primary(func() string { return e.prompt })
	e.rl.Prompt.Secondary(func() string { return morePrompt })
	e.rl.AcceptMultiline = func(line []rune) bool { return !s.incomplete(string(line)) }
	e.rl.History.Delete()
	e.rl.History.Add("commands", s.history)
	e.rl.Completer = func(line []rune, cursor int) readline.Completions {
		return readline.CompleteValues(c.complete(string(line[:cursor]))...).NoSpace('/')
	}
	return e
}

// ReadLine can't be cancelled while it waits for a key.
func (e *lineEditor) ReadLine(_ context.Context, prompt string) (string, error) {
	e.prompt = prompt
	line, err := e.rl.Readline()
	if errors.Is(err, readline.ErrInterrupt) {
		return "", ErrInterrupt
	}
	return line, err
}

// plainEditor reads lines as they come, for a dumb terminal or a pipe. It takes
// no more than the line, because what follows may be a command's input.
type plainEditor struct {
	in         *os.File
	out        io.Writer
	incomplete func(text string) bool
}

// ReadLine returns early when ctx is done, if its file is a terminal or a pipe.
func (e *plainEditor) ReadLine(ctx context.Context, prompt string) (string, error) {
	unwatch := context.AfterFunc(ctx, func() { e.in.SetReadDeadline(time.Now()) })
	defer unwatch()
	text := ""
	for {
		fmt.Fprint(e.out, prompt)
		line, err := readLine(e.in)
		text += line
		switch {
		case err != nil && text == "":
			return "", err
		case err != nil || !e.incomplete(text):
			return text, nil
		}
		text += "\n"
		prompt = morePrompt
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
