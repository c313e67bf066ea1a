package program

import (
	"context"
	"reflect"
	"time"

	"vsys/ipc"
	"vsys/uio"
)

// Lent is a File that a program may use as its standard input or output, and
// that stays the caller's: a terminal, a file that several programs write one
// after the other. Such a file should be AppendOnly, or a stream: to any other a
// program writes from the beginning.
type Lent struct{ *uio.File }

// Lend makes a Lent of f.
func Lend(f *uio.File) Lent { return Lent{f} }

// Named is a V name that the program's host opens itself, as its standard input
// or output. It is a reader and a writer so that it can stand in a [Cmd]; both
// return RequestUnsupported here.
type Named struct {
	Name string // absolute and clean
	Mode uio.Mode
}

// Read returns RequestUnsupported.
func (Named) Read([]byte) (int, error) { return 0, ipc.RequestUnsupported }

// Write returns RequestUnsupported.
func (Named) Write([]byte) (int, error) { return 0, ipc.RequestUnsupported }

// stdio returns the streams of the Spec, and serves those that are served from
// here. Codes: BadArgs (an instance that can't be passed on), NoServerResources.
func (c *Cmd) stdio(ctx context.Context) (all [3]Stdio, err error) {
	if all[0], err = c.reading(ctx); err != nil {
		return all, err
	}
	if all[1], err = c.writing(ctx, 1); err != nil {
		return all, err
	}
	if c.Stderr != nil && same(c.Stdout, c.Stderr) {
		all[2] = all[1]
		return all, nil
	}
	all[2], err = c.writing(ctx, 2)
	return all, err
}

// same tells whether two writers are one.
func same(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}

func (c *Cmd) reading(ctx context.Context) (Stdio, error) {
	if s, ok, err := passed(c.Stdin); ok {
		return s, err
	}
	return c.serve(ctx, &input{r: c.Stdin})
}

func (c *Cmd) writing(ctx context.Context, i int) (Stdio, error) {
	w := c.Stdout
	if i == 2 {
		w = c.Stderr
	}
	if s, ok, err := passed(w); ok {
		return s, err
	}
	return c.serve(ctx, output{w})
}

// passed returns the stream for a reader or writer that is not served from here.
func passed(end any) (s Stdio, ok bool, err error) {
	switch e := end.(type) {
	case nil:
		return Stdio{}, true, nil
	case *uio.File:
		s = Stdio{Kind: StdioGiven, Instance: e.ID()}
	case Lent:
		s = Stdio{Kind: StdioLent, Instance: e.ID()}
	case Named:
		s = Stdio{Kind: StdioName, Name: e.Name, Mode: e.Mode}
	default:
		return Stdio{}, false, nil
	}
	return s, true, s.check()
}

func (c *Cmd) serve(ctx context.Context, o uio.Object) (Stdio, error) {
	id, err := c.c.streams.add(ctx, o)
	if err != nil {
		return Stdio{}, err
	}
	c.served = append(c.served, id)
	return Stdio{Kind: StdioGiven, Instance: id}, nil
}

// served are the instances that are served from here for one program.
type served []uio.InstanceID

// releasePatience bounds how long it takes to release instances of this program.
const releasePatience = time.Second

// release releases what the team server has not.
func (s *served) release(c *Client) {
	ctx, cancel := context.WithTimeout(context.Background(), releasePatience)
	defer cancel()
	for _, id := range *s {
		c.streams.release(ctx, id)
	}
	*s = nil
}
