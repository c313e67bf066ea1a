package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// copyFlags are what cp can be told.
type copyFlags struct {
	tree     bool // contexts with all that is beneath them
	preserve bool // modes and times
	links    bool // a link that is named is copied as one; those in a tree are always
}

var cp = &Command{
	Name: "cp", Args: "NAME… NAME", Short: "Copy files and trees, between any hosts",
	Long: "The last name is a file, or a context that the others go into. The octets go through\n" +
		"this program. Symbolic links in a tree are copied as links; what is neither file,\n" +
		"context nor link is reported and left out.",
	Example: "  cp /unix/beta/etc/hosts .\n  cp -rp src /unix/gamma/lab",
	New: func(f *pflag.FlagSet) Run {
		var o copyFlags
		f.BoolVarP(&o.tree, "recursive", "r", false, "contexts too, with all that is beneath them")
		f.BoolVarP(&o.preserve, "preserve", "p", false, "keep modes and times")
		archive := f.BoolP("archive", "a", false, "as -rp, and links that are named as links")
		return func(ctx context.Context, e *Env, args []string) int {
			if *archive {
				o = copyFlags{tree: true, preserve: true, links: true}
			}
			worst := 0
			status := e.into(ctx, args, func(from, to string) error {
				worst = max(worst, e.copyTree(ctx, from, to, o))
				return nil
			})
			return max(status, worst)
		}
	},
}

// copiers is how many files of a tree are copied at a time.
const copiers = 8

// copier copies one tree.
type copier struct {
	copyFlags
	e     *Env
	ctx   context.Context // of the one copy; it has no other life
	slots chan struct{}   // one for each file that is being copied
	files sync.WaitGroup
	dirs  []copied // contexts, whose modes and times are set last
	shown *progress

	mu     sync.Mutex // guards below, and the error output
	status int
}

// copied is a context that was made.
type copied struct {
	name string
	from naming.Descriptor
}

// copyTree copies from to to, reports what fails, and returns the worst status.
func (e *Env) copyTree(ctx context.Context, from, to string, o copyFlags) int {
	c := &copier{copyFlags: o, e: e, ctx: ctx, slots: make(chan struct{}, copiers), shown: newProgress(e.Progress)}
	stat := e.Names.Stat
	if o.links {
		stat = e.Names.Lstat
	}
	if d, err := stat(ctx, from); err != nil {
		c.failed(err)
	} else {
		c.copy(&d, from, to)
	}
	c.files.Wait()
	for i := len(c.dirs) - 1; i >= 0; i-- {
		c.describe(c.dirs[i].name, &c.dirs[i].from, c.preserve)
	}
	c.shown.close()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return StatusInterrupted
	case ctx.Err() != nil:
		return StatusTimeout
	}
	return c.status
}

// failed reports err, unless all was interrupted.
func (c *copier) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return // copyTree says so
	}
	c.shown.clear()
	c.status = max(c.status, c.e.fail(err))
}

// copy copies the object that d describes; files in the background.
func (c *copier) copy(d *naming.Descriptor, from, to string) {
	switch {
	case d.IsContext() && !c.tree:
		c.failed(&ipc.OpError{Name: from, Err: ipc.IsAContext})
	case d.IsContext():
		c.context(d, from, to)
	case d.Mode&fs.ModeSymlink != 0 && d.Value("target") != "":
		c.link(d.Value("target"), to)
	case d.Mode.Type() != 0:
		c.failed(&ipc.OpError{Name: from, Err: ipc.RequestUnsupported})
	default:
		c.inBackground(d, from, to)
	}
}

// inBackground copies a file when there is a slot.
func (c *copier) inBackground(d *naming.Descriptor, from, to string) {
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		c.failed(c.ctx.Err())
		return
	}
	c.files.Go(func() { // ends with the file, or with ctx; copyTree waits
		defer func() { <-c.slots }()
		if err := c.file(d, from, to); err != nil {
			c.failed(err)
		}
	})
}

// context makes the context to and copies what from holds.
func (c *copier) context(d *naming.Descriptor, from, to string) {
	err := c.e.Names.Mkdir(c.ctx, to, d.Mode.Perm()|0o700)
	if errors.Is(err, ipc.DuplicateName) {
		there, serr := c.e.Names.Stat(c.ctx, to)
		if err = serr; err == nil && !there.IsContext() {
			err = &ipc.OpError{Name: to, Err: ipc.NotAContext}
		}
	} else if err == nil && d.Mode.Perm()&0o700 != 0o700 || c.preserve {
		c.dirs = append(c.dirs, copied{to, *d})
	}
	var list []naming.Descriptor
	if err == nil {
		list, err = uio.ReadDir(c.ctx, c.e.Names, from)
	}
	if err != nil {
		c.failed(err)
		return
	}
	for i := range list {
		if c.ctx.Err() != nil {
			return
		}
		c.entry(&list[i], from, to)
	}
}

// entry copies one entry of the context from. Of a link its descriptor in the
// context need not say where it leads.
func (c *copier) entry(d *naming.Descriptor, from, to string) {
	source, err := naming.Join(from, d.Name)
	target, terr := naming.Join(to, d.Name)
	if err = errors.Join(err, terr); err == nil && d.Mode&fs.ModeSymlink != 0 && d.Value("target") == "" {
		*d, err = c.e.Names.Lstat(c.ctx, source)
	}
	if err != nil {
		c.failed(err)
		return
	}
	c.copy(d, source, target)
}

// link makes the link to, in place of what is there.
func (c *copier) link(target, to string) {
	err := c.e.Names.Symlink(c.ctx, target, to)
	if errors.Is(err, ipc.DuplicateName) {
		if err = c.e.Names.Remove(c.ctx, to); err == nil {
			err = c.e.Names.Symlink(c.ctx, target, to)
		}
	}
	if err != nil {
		c.failed(err)
	}
}

// file copies one file.
func (c *copier) file(d *naming.Descriptor, from, to string) error {
	if there, err := c.e.Names.Stat(c.ctx, to); err == nil && isSame(d, &there) {
		return fmt.Errorf("%s: it is the same file as %s: %w", from, to, ipc.BadArgs)
	}
	in, err := c.e.open(c.ctx, from, uio.Read, 0)
	if err != nil {
		return err
	}
	defer in.abandon()
	out, err := c.e.open(c.ctx, to, uio.Write|uio.Create|uio.Truncate, d.Mode.Perm())
	if err != nil {
		return err
	}
	if _, err = io.Copy(c.shown.counting(out.File), in.File); err != nil {
		out.abandon()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if c.preserve {
		c.describe(to, d, true)
	}
	c.shown.file()
	return nil
}

// isSame tells whether two descriptors are of one Unix file. Two hosts may number
// alike, but their files don't change at one nanosecond.
func isSame(a, b *naming.Descriptor) bool {
	return a.ID != 0 && a.ID == b.ID && a.Value("device") == b.Value("device") && a.Changed.Equal(b.Changed)
}

// describe sets the mode of what was copied, and with times the times.
func (c *copier) describe(name string, d *naming.Descriptor, times bool) {
	fields := naming.FieldMode
	if times && !d.Modified.IsZero() {
		fields |= naming.FieldModified | naming.FieldAccessed
	}
	if err := c.e.Names.WriteDescriptor(c.ctx, name, *d, fields); err != nil {
		c.failed(err)
	}
}
