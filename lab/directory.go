package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"vsys/node"
)

// prefix is how the directories of labs begin.
const prefix = "vsys-lab-"

// directory is where a lab keeps its files. It is locked as long as the lab's
// process lives:
//
//	lock         of node.LockDir
//	vsys-lab     says that it is one
//	HOST/lock    of the host, as long as it lives
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
	d := &directory{path, lock}
	if err := os.WriteFile(filepath.Join(path, markFile), []byte(markText), 0o600); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// The file that tells the directory of a lab from one of somebody who likes the
// name. It is written once the directory is locked.
const (
	markFile = "vsys-lab"
	markText = "The directory of a lab of V: it is removed when the lab has ended.\n"
)

// isLab tells whether path is the directory of a lab.
func isLab(path string) bool {
	if info, err := os.Lstat(path); err != nil || !info.IsDir() {
		return false
	}
	text, err := os.ReadFile(filepath.Join(path, markFile))
	return err == nil && string(text) == markText
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

// sweep removes the directories of labs that were killed with all their hosts. It
// touches nothing that is not marked as one.
func sweep() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // the pattern is good
	for _, path := range all {
		if !isLab(path) {
			continue
		}
		lock, err := node.TryLock(path)
		if err != nil {
			continue // it runs, or is another user's
		}
		_ = removeAll(path) // what stays is swept next time
		lock.Close()
	}
}

// removeAbandoned removes the directory of a lab that was killed, unless a host
// lives that will do so. A host calls it when it has given back its own lock: of
// several that end at a time, the one that finds another in here leaves, and that
// one looks again.
func removeAbandoned(root string) {
	for !inhabited(root) {
		lock, err := node.TryLock(root)
		if err != nil {
			return // the lab lives, or another host is here, or it is gone
		}
		empty := !inhabited(root)
		if empty {
			_ = removeAll(root) // what stays is removed by the next lab
		}
		lock.Close()
		if empty {
			return
		}
	}
}

// inhabited tells whether a host lives in the directory of a lab. One that has no
// lock yet may be booting.
func inhabited(root string) bool {
	entries, err := os.ReadDir(root)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		lock, err := node.TryLock(filepath.Join(root, e.Name()))
		if err != nil {
			return true
		}
		lock.Close()
	}
	return false
}
