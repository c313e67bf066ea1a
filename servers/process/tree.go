package process

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// root is the context /proc/HOST.
type root struct{ s *Server }

// Stat describes the context.
func (root) Stat(context.Context) (naming.Descriptor, error) {
	return naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o555}, nil
}

// Lookup returns the file called component.
func (r root) Lookup(_ context.Context, component string) (uio.Node, error) {
	name, asJSON := strings.CutSuffix(component, jsonSuffix)
	if files[name] == nil {
		return nil, ipc.NotFound
	}
	return file{r.s, name, asJSON}, nil
}

// List describes all files, by name.
func (r root) List(context.Context) ([]naming.Descriptor, error) {
	var all []naming.Descriptor
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, asJSON := range []bool{false, true} {
			all = append(all, file{r.s, name, asJSON}.descriptor())
		}
	}
	return all, nil
}

// file is a listing, in one of its two forms.
type file struct {
	s      *Server
	name   string // key of files
	asJSON bool
}

// descriptor describes the file. Its size is not known before it is opened.
func (f file) descriptor() naming.Descriptor {
	name := f.name
	if f.asJSON {
		name += jsonSuffix
	}
	return naming.Descriptor{Tag: naming.TagRecord, Name: name, Mode: 0o444}
}

// Stat describes the file.
func (f file) Stat(context.Context) (naming.Descriptor, error) { return f.descriptor(), nil }

// Open opens the file as it is now, to be read.
func (f file) Open(_ context.Context, r *uio.OpenRequest) (uio.Object, error) {
	switch {
	case r.Mode&uio.Write != 0:
		return nil, ipc.ReadOnly
	case r.Mode&uio.Execute != 0:
		return nil, ipc.NotExecutable
	}
	l := files[f.name](f.s)
	if !f.asJSON {
		return uio.NewBytes(l.text(), f.descriptor()), nil
	}
	data, err := l.json()
	if err != nil {
		return nil, err
	}
	return uio.NewBytes(data, f.descriptor()), nil
}
