package command

import (
	"context"
	"io"
)

// stdinReader reads standard input, and ends with a context: a Read of a terminal
// or pipe can't be ended from outside.
type stdinReader struct {
	ctx context.Context // of the command that reads; it has no other life
	r   io.Reader
	buf []byte
}

// stdinBuffer is how much is read at a time, octets.
const stdinBuffer = 64 << 10

// Read reads, in a goroutine of its own that ends when the Read of r does. What
// that yields after the context's end is lost.
func (s *stdinReader) Read(p []byte) (int, error) {
	type got struct {
		n   int
		err error
	}
	if s.buf == nil {
		s.buf = make([]byte, stdinBuffer)
	}
	done := make(chan got, 1)
	buf := s.buf[:min(len(s.buf), len(p))]
	go func() {
		n, err := s.r.Read(buf)
		done <- got{n, err}
	}()
	select {
	case g := <-done:
		return copy(p, buf[:g.n]), g.err
	case <-s.ctx.Done():
		s.buf = nil // the Read that is left behind has it
		return 0, s.ctx.Err()
	}
}
