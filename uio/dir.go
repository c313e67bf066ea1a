package uio

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"vsys/ipc"
	"vsys/naming"
)

// maxDirectory bounds what a context directory may have, in octets.
const maxDirectory = 1 << 28

// dirReader is where the reading of a context directory is.
type dirReader struct {
	merge bool                // prefixes beneath the name belong to it, too
	read  bool                // list is there
	list  []naming.Descriptor // what is left, by name
}

// ReadDir returns what the context holds, by name, without paths: what its
// server has and the prefixes beneath it. It is that of the time of its first
// call. n is as in [fs.ReadDirFile]. NotAContext: the file is none.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := f.Descriptors(context.Background(), n)
	return entries(f.c, f.name, list), err
}

// entries returns what is in the context name as io/fs wants it.
func entries(c *naming.Client, name string, list []naming.Descriptor) []fs.DirEntry {
	entries := make([]fs.DirEntry, len(list))
	for i := range list {
		entries[i] = list[i].Info()
		if list[i].Tag == naming.TagPrefix {
			entries[i] = prefixEntry{fs.DirEntry(list[i].Info()), c, name + "/" + list[i].Name}
		}
	}
	return entries
}

// prefixEntry is the entry of a context that is served elsewhere. Its Info asks
// there, unless that host is lost.
type prefixEntry struct {
	fs.DirEntry // as it is known from here
	c           *naming.Client
	name        string
}

// Info describes the context, or what is known of it from here.
func (e prefixEntry) Info() (fs.FileInfo, error) {
	d, err := e.c.Stat(context.Background(), e.name)
	if errors.Is(err, ipc.Unreachable) {
		return e.DirEntry.Info()
	}
	if err != nil {
		return nil, err
	}
	d.Name = e.Name()
	return d.Info(), nil
}

// Descriptors is ReadDir that returns descriptors, and ends with ctx.
func (f *File) Descriptors(ctx context.Context, n int) ([]naming.Descriptor, error) {
	ctx, release := f.reads.within(ctx)
	defer release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, f.fail("uio.ReadDir", errClosed)
	}
	if !f.dir.read {
		list, err := f.directory(ctx)
		if err != nil {
			return nil, f.fail("uio.ReadDir", err)
		}
		f.dir.list, f.dir.read = list, true
	}
	if n > 0 && len(f.dir.list) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.dir.list) {
		n = len(f.dir.list)
	}
	list := f.dir.list[:n:n]
	f.dir.list = f.dir.list[n:]
	return list, nil
}

// directory reads the whole directory.
func (f *File) directory(ctx context.Context) ([]naming.Descriptor, error) {
	if !f.is(DirectoryFile) {
		return nil, ipc.NotAContext
	}
	var data []byte
	for err := error(nil); err != io.EOF; {
		var n int
		data = slices.Grow(data, maxWindow*chunkSize)
		n, err = f.readBatch(ctx, data[len(data):len(data)+maxWindow*chunkSize], int64(len(data)))
		if data = data[:len(data)+n]; err != nil && err != io.EOF {
			return nil, err
		}
		if n == 0 {
			err = io.EOF
		}
		if len(data) > maxDirectory {
			return nil, ipc.BadByteCount
		}
	}
	list, err := naming.DecodeDescriptors(data)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if !naming.IsComponent(list[i].Name) {
			return nil, ipc.IllegalName
		}
	}
	if f.dir.merge {
		beneath, err := f.c.Beneath(ctx, f.name)
		if err != nil {
			return nil, err
		}
		list = merge(list, beneath)
	}
	slices.SortFunc(list, byName)
	return list, nil
}

// merge adds what prefixes put into a context to what its server has; prefixes
// win.
func merge(list, beneath []naming.Descriptor) []naming.Descriptor {
	if len(beneath) == 0 {
		return list
	}
	all := make(map[string]naming.Descriptor, len(list)+len(beneath))
	for _, d := range slices.Concat(list, beneath) {
		all[d.Name] = d
	}
	return slices.Collect(maps.Values(all))
}

// ReadDir returns what the context name holds, by name: what its server has and
// the prefixes beneath it. Codes as Open.
func ReadDir(ctx context.Context, c *naming.Client, name string) ([]naming.Descriptor, error) {
	f, err := Open(ctx, c, name, Read|Directory, 0)
	if err != nil {
		return nil, err
	}
	list, err := f.Descriptors(ctx, -1)
	return list, errors.Join(err, f.Close())
}

// byName orders descriptors by name.
func byName(a, b naming.Descriptor) int { return strings.Compare(a.Name, b.Name) }
