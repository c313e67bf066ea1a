package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ergochat/readline"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// editorHistory is how many commands the arrows reach.
const editorHistory = 1000

// lineEditor is the full editor, on the executive's terminal.
type lineEditor struct {
	rl         *readline.Instance
	screen     *screen
	history    *history
	incomplete func(text string) bool
}

func newLineEditor(s *Shell, c *completer) (*lineEditor, error) {
	scr := &screen{tty: s.keys, term: s.term}
	rl, err := readline.NewFromConfig(&readline.Config{
		HistoryLimit: editorHistory, DisableAutoSaveHistory: true, AutoComplete: c, Undo: true,
		EOFPrompt: "\n", // none
		Stdin:     keyboard{scr}, Stdout: scr, Stderr: scr,
		FuncIsTerminal: func() bool { return true }, FuncGetSize: scr.size,
		FuncMakeRaw: scr.raw, FuncExitRaw: func() error { return nil }, // ReadLine does that
		// Ctrl-Z would stop the executive, which has nobody to go on with.
		FuncFilterInputRune: func(r rune) (rune, bool) { return r, r != readline.CharCtrlZ },
	})
	if err != nil {
		return nil, err
	}
	return &lineEditor{rl, scr, s.history, s.incomplete}, nil
}

func (e *lineEditor) close() { e.rl.Close() }

// ReadLine returns early when ctx is done; the editor is of no use then.
func (e *lineEditor) ReadLine(ctx context.Context, prompt string) (string, error) {
	unwatch := context.AfterFunc(ctx, func() { e.screen.tty.SetReadDeadline(time.Now()) })
	defer unwatch()
	defer e.screen.cooked() // not between the lines of one command, where Ctrl-C would be lost
	e.rl.ResetHistory()
	lines := e.history.Dump().([]string)
	for _, line := range lines[max(0, len(lines)-editorHistory):] {
		e.rl.SaveToHistory(strings.ReplaceAll(line, "\n", lineBreak))
	}
	text, err := readCommand(prompt, e.incomplete, func(prompt string) (string, error) {
		e.screen.freshLine()
		e.rl.SetPrompt(prompt)
		line, err := e.rl.ReadLine()
		if errors.Is(err, readline.ErrInterrupt) {
			err = ErrInterrupt
		}
		return line, err
	})
	return strings.ReplaceAll(text, lineBreak, "\n"), err
}

// lineBreak stands for the end of a line where the editor, which has one line,
// shows a command of several.
const lineBreak = "\u2424"

// screen is the terminal as the editor sees it.
type screen struct {
	tty    *os.File
	term   *terminal
	answer []byte // what the terminal would say next
}

// The editor asks where the cursor is, once a line. It is answered here, because
// the terminal may not answer, and because a prompt always begins a line.
const (
	whereIsCursor = "\x1b[6n"
	cursorIsHome  = "\x1b[1;1R"
)

func (s *screen) Write(p []byte) (int, error) {
	if string(p) == whereIsCursor {
		s.answer = []byte(cursorIsHome)
		return len(p), nil
	}
	return s.tty.Write(p)
}

// keyboard yields the keys one octet at a time: what follows the line may be a
// command's input.
type keyboard struct{ *screen }

func (k keyboard) Read(p []byte) (int, error) {
	if n := copy(p, k.answer); n > 0 {
		k.answer = k.answer[n:]
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := k.tty.Read(p[:1])
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// freshLine goes to the beginning of a line that is empty, without asking where
// the cursor is: as many blanks as a line has stay on it only if it was empty.
func (s *screen) freshLine() {
	if width, _ := s.size(); width > 0 {
		io.WriteString(s.tty, strings.Repeat(" ", width)+"\r\x1b[K")
	}
}

// size returns the columns and lines of the terminal.
func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(s.term.fd)
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// raw has keys come one by one. Enter stays a newline in both modes, so a line
// that was typed in one may be read in the other.
func (s *screen) raw() error {
	modes, err := unix.IoctlGetTermios(s.term.fd, unix.TCGETS)
	if err != nil {
		return err
	}
	modes.Iflag |= unix.ICRNL
	modes.Iflag &^= unix.IXON
	modes.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(s.term.fd, unix.TCSETS, modes)
}

// cooked brings the modes back that the last command left.
func (s *screen) cooked() error {
	if s.term.modes == nil {
		return nil
	}
	return unix.IoctlSetTermios(s.term.fd, unix.TCSETS, s.term.modes)
}
