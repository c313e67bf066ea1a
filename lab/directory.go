package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vsys/ipc"
	"vsys/node"
)

// prefix is how the directories of labs begin.
const prefix = "vsys-lab-"

// directory is where a lab keeps its files. It is locked as long as the lab's
// process lives:
//
//	lock         of node.LockDir
//	HOST/state   the state of a host
//	HOST/files   what it exports as /unix/HOST/lab
//	HOST/log     what it had to say
type directory struct {
	path string
	lock *node.Lock
}

// makeDirectory makes the directory of a lab, below that for temporary files: it
// holds what users copy, which may be more than fits into a directory in memory.
func makeDirectory() (*directory, error) {
	path, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	lock, err := node.LockDir(path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &directory{path, lock}, nil
}

// remove removes all of it.
func (d *directory) remove() error {
	err := removeAll(d.path)
	d.lock.Close()
	return err
}

// removeAll is os.RemoveAll that also removes what programs made unwritable.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700) // RemoveAll reports what still can't be
		}
		return nil
	})
	return os.RemoveAll(path)
}

// fresh is how young a directory without a lock may be: it is just being made.
const fresh = time.Minute

// sweep removes the directories of labs that were killed with all their hosts.
func sweep() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // the pattern is good
	for _, path := range all {
		lock, err := node.TryLock(path)
		switch {
		case err == nil:
			_ = removeAll(path) // another user's stays, and is swept by them
			lock.Close()
		case errors.Is(err, fs.ErrNotExist):
			if info, err := os.Lstat(path); err == nil && info.IsDir() && time.Since(info.ModTime()) > fresh {
				_ = removeAll(path)
			}
		case errors.Is(err, ipc.DuplicateName): // a lab that runs
		}
	}
}
