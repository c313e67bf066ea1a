package uio

import (
	"context"
	"errors"
	"io/fs"

	"vsys/ipc"
	"vsys/naming"
)

// fileSystem is a part of V's tree as an fs.FS.
type fileSystem struct {
	c    *naming.Client
	root string
}

// FS returns the tree beneath root as an [fs.FS], to be read; it also is an
// [fs.StatFS], [fs.ReadDirFS], [fs.ReadFileFS] and [fs.SubFS]. Its operations
// block as long as a server takes; a silent host ends them. Errors are
// [*fs.PathError].
func FS(c *naming.Client, root string) fs.FS { return &fileSystem{c, root} }

// name returns the absolute name for a path of the fs.FS.
func (s *fileSystem) name(verb, path string) (string, error) {
	if !fs.ValidPath(path) {
		return "", &fs.PathError{Op: verb, Path: path, Err: fs.ErrInvalid}
	}
	name, err := naming.Clean(s.root + "/" + path)
	return name, pathError(verb, path, err)
}

// pathError returns err as io/fs wants it.
func pathError(verb, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: verb, Path: path, Err: err}
}

// Open opens a file or a directory.
func (s *fileSystem) Open(path string) (fs.File, error) {
	name, err := s.name("open", path)
	if err != nil {
		return nil, err
	}
	f, err := openAny(name, s.c)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return f, nil
}

// openAny opens an object to read it, a context too.
func openAny(name string, c *naming.Client) (*File, error) {
	f, err := Open(context.Background(), c, name, Read, 0)
	if errors.Is(err, ipc.IsAContext) {
		return Open(context.Background(), c, name, Read|Directory, 0)
	}
	return f, err
}

func (s *fileSystem) Stat(path string) (fs.FileInfo, error) {
	name, err := s.name("stat", path)
	if err != nil {
		return nil, err
	}
	d, err := s.c.Stat(context.Background(), name)
	if err != nil {
		return nil, pathError("stat", path, err)
	}
	d.Name = naming.Base(name)
	return d.Info(), nil
}

func (s *fileSystem) ReadDir(path string) ([]fs.DirEntry, error) {
	name, err := s.name("readdir", path)
	if err != nil {
		return nil, err
	}
	list, err := ReadDir(context.Background(), s.c, name)
	return entries(s.c, name, list), pathError("readdir", path, err)
}

func (s *fileSystem) ReadFile(path string) ([]byte, error) {
	name, err := s.name("readfile", path)
	if err != nil {
		return nil, err
	}
	data, err := ReadFile(context.Background(), s.c, name)
	return data, pathError("readfile", path, err)
}

func (s *fileSystem) Sub(path string) (fs.FS, error) {
	name, err := s.name("sub", path)
	if err != nil {
		return nil, err
	}
	return &fileSystem{s.c, name}, nil
}
