package program

import (
	"context"
	"io"
	"sync"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// maxStreamWorkers bounds the reads and writes of the caller's streams that wait
// at once.
const maxStreamWorkers = 1024

// streams serves readers and writers of this program to programs elsewhere, as
// UIO instances. Its server is started when the first is wanted.
type streams struct {
	names *naming.Client

	mu     sync.Mutex
	closed bool        // guarded by mu, like what follows
	p      ipc.Process // of the server; nil until it is started
	server *uio.Server
	ended  chan struct{} // closed when the server has ended
}

// add serves o and returns the instance; it belongs to this program until
// somebody takes it over. Codes: Aborted (closed), NoServerResources.
func (s *streams) add(ctx context.Context, o uio.Object) (uio.InstanceID, error) {
	owner, err := s.names.Owner()
	if err != nil {
		return uio.InstanceID{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.startLocked(ctx); err != nil {
		return uio.InstanceID{}, err
	}
	id, err := s.server.Adopt(o, owner)
	return uio.InstanceID{Server: s.p.PID(), ID: id}, err
}

// startLocked starts the server, if that is still to be done, and waits until it
// serves. The caller holds mu.
func (s *streams) startLocked(ctx context.Context) error {
	switch {
	case s.closed:
		return ipc.Aborted
	case s.server != nil:
		return nil
	}
	p, err := s.names.Team().NewProcess(context.Background(), "stdio")
	if err != nil {
		return err
	}
	s.p, s.server = p, &uio.Server{MaxWorkers: maxStreamWorkers}
	s.ended = make(chan struct{})
	go func() { // ends when p is destroyed, by close, which waits for it
		defer close(s.ended)
		_ = s.server.Serve(context.Background(), p) // it ends by being destroyed
	}()
	var m ipc.Message
	m.SetOp(uio.OpQueryInstance) // of instance 0, which there never is
	_, err = s.names.Send(ctx, &m, p.PID(), ipc.Segment{})
	return err
}

// release ends an instance that nobody may have taken over.
func (s *streams) release(ctx context.Context, id uio.InstanceID) {
	var m ipc.Message
	m.SetOp(uio.OpReleaseInstance)
	m.PutUint32(4, id.ID)
	_, _ = s.names.Send(ctx, &m, id.Server, ipc.Segment{}) // it may be gone, which is well
}

func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	p, ended := s.p, s.ended
	s.mu.Unlock()
	if p != nil {
		p.Destroy()
		<-ended
	}
}

// input is a reader as a stream.
type input struct {
	r    io.Reader
	wait chan read // a Read under way or done, that nobody has taken; nil: none
}

// read is what a Read has yielded.
type read struct {
	data []byte
	err  error
}

func (*input) Info() uio.Info { return uio.Info{Attributes: uio.Stream | uio.Readable} }

// ReadStream reads. A Read can't be ended from outside, so it has a goroutine of
// its own, which ends when it returns; when the instance ends before, what it
// yields is lost. One ReadStream is under way at a time.
func (in *input) ReadStream(ctx context.Context, p []byte) (int, error) {
	if in.wait == nil {
		in.wait = make(chan read, 1)
		go func(size int, done chan<- read) {
			b := make([]byte, size)
			n, err := in.r.Read(b)
			done <- read{b[:n], err}
		}(len(p), in.wait)
	}
	select {
	case got := <-in.wait:
		in.wait = nil
		n := copy(p, got.data)
		if rest := got.data[n:]; len(rest) > 0 || n > 0 && got.err != nil {
			in.wait = make(chan read, 1)
			in.wait <- read{rest, got.err}
			return n, nil
		}
		if n == 0 && got.err == nil {
			return in.ReadStream(ctx, p) // a Read may yield nothing
		}
		return n, got.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (*input) Release(bool) error { return nil }

// output is a writer as a stream.
type output struct{ w io.Writer }

func (output) Info() uio.Info                                         { return uio.Info{Attributes: uio.Stream | uio.Writeable} }
func (o output) WriteStream(_ context.Context, p []byte) (int, error) { return o.w.Write(p) }
func (output) Release(bool) error                                     { return nil }
