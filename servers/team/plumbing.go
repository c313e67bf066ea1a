package team

import (
	"context"
	"errors"
	"os"
	"sync"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
	"vsys/uio"
)

// plumbing is what joins a program's standard streams to UIO instances: the
// openings, Linux's pipes, and the pumps between.
type plumbing struct {
	openings [3]*opening // equal streams have the same one; nil: /dev/null
	child    [3]*os.File // the program's ends, until it has them
	pumps    []*pump

	feeders sync.WaitGroup // pumps of input
	drains  sync.WaitGroup // pumps of output

	mu    sync.Mutex
	wrong ipc.Code // guarded by mu: what went wrong first
}

// opening is an instance that streams of the program are joined to.
type opening struct {
	f     *uio.File
	given bool // the program's from its start on

	mu   sync.Mutex
	uses int // guarded by mu: pumps that use it
}

// release ends one use, and the last one the opening.
func (o *opening) release() error {
	o.mu.Lock()
	o.uses--
	last := o.uses == 0
	o.mu.Unlock()
	if !last {
		return nil
	}
	return o.f.Close()
}

// open opens the streams of spec, makes the pipes, and on failure undoes it all:
// the instances stay whose they were. It blocks.
func (pl *plumbing) open(ctx context.Context, c *naming.Client, spec *program.Spec) *program.Refusal {
	for i := range spec.Stdio {
		if err := pl.openOne(ctx, c, spec, i); err != nil {
			pl.undo()
			return refuse(program.PartStdin+program.Part(i), err)
		}
	}
	return nil
}

func (pl *plumbing) openOne(ctx context.Context, c *naming.Client, spec *program.Spec, i int) error {
	o, err := pl.opening(ctx, c, spec, i)
	if err != nil {
		return err
	}
	if o == nil {
		pl.child[i], err = os.OpenFile(os.DevNull, os.O_RDWR, 0)
		return err
	}
	pl.openings[i] = o
	if i == 0 && !o.f.Attributes().Has(uio.Readable) {
		return ipc.NotReadable
	}
	if i > 0 && !o.f.Attributes().Has(uio.Writeable) {
		return ipc.NotWriteable
	}
	if i == 2 && o == pl.openings[1] { // the same pipe, so that the order is kept
		pl.child[2] = pl.child[1]
		return nil
	}
	return pl.pipe(o, i)
}

// opening returns the instance for a stream, one that is open already if it is
// the same.
func (pl *plumbing) opening(ctx context.Context, c *naming.Client, spec *program.Spec, i int) (*opening, error) {
	s := spec.Stdio[i]
	for j := range i {
		if spec.Stdio[j] == s {
			return pl.openings[j], nil
		}
	}
	var f *uio.File
	var err error
	switch s.Kind {
	case program.StdioNone:
		return nil, nil
	case program.StdioName:
		f, err = uio.Open(ctx, c, s.Name, s.Mode, 0o666)
	default:
		f, err = uio.OpenInstance(ctx, c, s.Instance)
	}
	if err != nil {
		return nil, err
	}
	return &opening{f: f, given: s.Kind == program.StdioGiven}, nil
}

// pipe makes the pipe and the pump between it and o.
func (pl *plumbing) pipe(o *opening, i int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p := &pump{plumbing: pl, opening: o, input: i == 0}
	pl.child[i], p.pipe = w, r
	if p.input {
		pl.child[i], p.pipe = r, w
	}
	o.uses++
	pl.pumps = append(pl.pumps, p)
	return nil
}

// undo closes what open opened. Files that a name stands for are closed with
// nothing in them; instances stay open.
func (pl *plumbing) undo() {
	pl.closeChild()
	for _, p := range pl.pumps {
		p.pipe.Close()
	}
	closed := make(map[*opening]bool)
	for _, o := range pl.openings {
		if o != nil && !closed[o] {
			closed[o] = true
			_ = o.f.Close() // the error that counts is why it is undone
		}
	}
}

// closeChild closes the program's ends of the pipes, when it has them.
func (pl *plumbing) closeChild() {
	for i, f := range pl.child {
		if f != nil && !(i == 2 && f == pl.child[1]) {
			f.Close()
		}
	}
	pl.child = [3]*os.File{}
}

// files returns the program's ends, as descriptors that block.
func (pl *plumbing) files() []uintptr {
	list := make([]uintptr, len(pl.child))
	for i, f := range pl.child {
		list[i] = f.Fd()
	}
	return list
}

// run takes over the instances that are the program's from now on, and starts
// the pumps, which end with ctx, or as drain says.
func (pl *plumbing) run(ctx context.Context) {
	taken := make(map[*opening]bool)
	for _, o := range pl.openings {
		if o != nil && o.given && !taken[o] {
			taken[o] = true
			pl.note(o.f.Adopt(ctx))
		}
	}
	for _, p := range pl.pumps {
		p.start(ctx)
	}
}

// drain ends the input, and returns when all of the output is written. It is
// called when the program has ended.
func (pl *plumbing) drain() {
	for _, p := range pl.pumps {
		p.finish()
	}
	pl.feeders.Wait()
	pl.drains.Wait()
}

// note notes an error of a stream. That nobody reads the output any more is none
// of those.
func (pl *plumbing) note(err error) {
	code := naming.CodeOf(err)
	if err == nil || code == ipc.Aborted || errors.Is(err, ipc.EndOfFile) {
		return
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.wrong == ipc.OK {
		pl.wrong = code
	}
}

// failure returns what went wrong first, OK if nothing.
func (pl *plumbing) failure() ipc.Code {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.wrong
}
