package shell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// sink is what a redirected output of the executive writes to: a V object, or
// the executive's own output. Programs get its file, or its name, or a pipe.
type sink struct {
	w      io.WriteCloser
	marker marker
	name   string    // the V name, "" for the executive's own output
	flag   int       // how a program on another host opens name
	errs   io.Writer // where a failed write is reported, once

	mu     sync.Mutex
	failed bool // guarded by mu
}

// Write takes markers out of what set -x prints.
func (s *sink) Write(p []byte) (int, error) {
	text := p
	if bytes.Contains(p, []byte(s.marker)) {
		text = []byte(s.marker.strip(string(p)))
	}
	if _, err := s.w.Write(text); err != nil {
		s.fail(err)
		return 0, err
	}
	return len(p), nil
}

// Fd returns the descriptor of the file behind s, for [ -t 1 ]; -1 if there is none.
func (s *sink) Fd() uintptr {
	if f := fileOf(s); f != nil {
		return f.Fd()
	}
	return ^uintptr(0)
}

func (s *sink) Read([]byte) (int, error) { return 0, fs.ErrInvalid }

// Close reports what write-behind could not write.
func (s *sink) Close() error {
	err := s.w.Close()
	if err != nil {
		s.fail(err)
	}
	return err
}

// fail reports the first error, because the interpreter ignores them. A closed
// pipe is how a reader says that it has had enough.
func (s *sink) fail(err error) {
	s.mu.Lock()
	first := !s.failed
	s.failed = true
	s.mu.Unlock()
	if first && s.errs != nil && !errors.Is(err, unix.EPIPE) {
		complain(s.errs, "write "+s.name+": "+reason(err), hint(err))
	}
}

// fileOf returns the file behind w that a program can inherit, nil if there is
// none.
func fileOf(w any) *os.File {
	switch w := w.(type) {
	case *os.File:
		return w
	case *sink:
		return fileOf(w.w)
	case keepOpen:
		return fileOf(w.Writer)
	}
	return nil
}

// keepOpen is a writer of the executive's caller, who closes it.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// open is the open handler: redirections, $(<f) and source. Its errors are
// exactly *os.PathError, because others end the interpreter.
func (s *Shell) open(ctx context.Context, name string, flag int, perm os.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	if f, ok := s.openOwn(ctx, name); ok {
		return f, nil
	}
	switch name {
	case "/dev/null":
		return os.OpenFile(os.DevNull, flag&^os.O_TRUNC, 0)
	case "/dev/tty":
		if s.keys != nil {
			return os.OpenFile("/dev/tty", os.O_RDWR, 0)
		}
	}
	name = absName(hc.Dir, name)
	f, err := s.sys.Open(ctx, name, flag, perm)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: explained{err}}
	}
	if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return s.source(ctx, name, f)
	}
	return &sink{w: f, marker: s.plan.marker, name: name, flag: flag & (os.O_WRONLY | os.O_APPEND), errs: hc.Stderr}, nil
}

// explained prints an error as V does, in two lines.
type explained struct{ err error }

func (e explained) Error() string {
	var b strings.Builder
	complain(&b, reason(e.err), hint(e.err))
	return strings.TrimSuffix(b.String(), "\n")
}

func (e explained) Unwrap() error { return e.err }

// source makes a V object that is read the read end of a pipe of this process,
// since the interpreter takes only files, and remembers its name.
func (s *Shell) source(ctx context.Context, name string, f io.ReadWriteCloser) (io.ReadWriteCloser, error) {
	if file, ok := f.(*os.File); ok {
		s.names.set(file, name)
		return file, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	hc := interp.HandlerCtx(ctx)
	// pump ends with the object, when the reader closes its end, and with the job.
	go pump(ctx, w, f, func(err error) {
		complain(hc.Stderr, "read "+name+": "+reason(err), hint(err))
	})
	s.names.set(r, name)
	return r, nil
}

// pump copies f to the pipe w and closes both. It ends, besides, as soon as
// nobody reads the pipe any more and when ctx is done.
func pump(ctx context.Context, w *os.File, f io.ReadCloser, report func(error)) {
	var once sync.Once
	stop := func() { once.Do(func() { f.Close() }) }
	unwatch := context.AfterFunc(ctx, stop)
	var watcher sync.WaitGroup
	gone := make(chan struct{})
	// The watcher ends when the readers are gone or its deadline is set.
	watcher.Go(func() {
		if waitFor(w, unix.POLLERR) {
			close(gone)
			stop()
		}
	})
	_, err := io.Copy(w, f)
	w.SetReadDeadline(time.Now())
	watcher.Wait()
	unwatch()
	stop()
	w.Close()
	select {
	case <-gone:
	default:
		if err != nil && ctx.Err() == nil && !errors.Is(err, unix.EPIPE) {
			report(err)
		}
	}
}

// waitFor blocks until poll reports one of events or a hang-up on f, which takes
// nothing from it, and tells so; false means that f's read deadline passed.
func waitFor(f *os.File, events int16) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	return conn.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(p, 0)
		return err == nil && n > 0 && p[0].Revents&(events|unix.POLLHUP|unix.POLLERR) != 0
	}) == nil
}

// names is which V name an open file of the interpreter's was opened by. It may
// be used by any goroutine.
type names struct {
	mu sync.Mutex
	m  map[*os.File]string // guarded by mu
}

// maxNames bounds the table, which is cleared when it is full: a program whose
// file's name is gone gets its bytes from the executive.
const maxNames = 256

func (n *names) set(f *os.File, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil || len(n.m) >= maxNames {
		n.m = map[*os.File]string{}
	}
	n.m[f] = name
}

func (n *names) get(f *os.File) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.m[f]
	return name, ok
}

// absName makes name absolute and clean. Names never end in a slash, except /.
func absName(dir, name string) string {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	return path.Clean(name)
}
