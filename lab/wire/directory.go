package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// prefix is how the directories of wires begin.
const prefix = "vsys-wire-"

// lockFile is in each of them, locked while its wire's process lives.
const lockFile = "lock"

// directory is where a wire keeps its files: bin/ for programs, and for each machine
// a directory that its user owns.
type directory struct {
	path string
	lock *os.File
}

func makeDirectory() (*directory, error) {
	path, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path}
	if d.lock, err = lock(path, os.O_CREATE); err == nil {
		err = errors.Join(os.Chmod(path, 0o755), os.Mkdir(filepath.Join(path, "bin"), 0o755))
	}
	if err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// lock takes a directory for this process, and for as long as it lives.
func lock(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (d *directory) remove() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		d.lock.Close()
	}
	return err
}

func (d *directory) program(name string) string { return filepath.Join(d.path, "bin", name) }

// own makes a directory below, for the machines' user alone.
func (d *directory) own(name ...string) (string, error) {
	path := filepath.Join(append([]string{d.path}, name...)...)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	return path, os.Chown(path, user, user)
}

// mark is what tells the programs of this wire from all others: it is in their
// environment.
func (d *directory) mark() string { return markName + "=" + filepath.Base(d.path) }

// markName is the variable in the environment of the machines' programs.
const markName = "VSYS_WIRE"

// sweep removes what wires of killed processes left: programs first, then the
// directory. One that is being made has no lock file yet, and is left alone.
func sweep() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // the pattern is good
	for _, path := range all {
		l, err := lock(path, 0)
		if err != nil {
			continue // its process lives, or it is not a wire's
		}
		d := &directory{path, l}
		killAll(func(pid int) bool { return hasMark(pid, d.mark()) })
		_ = d.remove() // what stays is swept next time
	}
}

// hasMark tells whether a process has the mark in its environment.
func hasMark(pid int, mark string) bool {
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // gone: nothing
	return strings.Contains("\x00"+string(env), "\x00"+mark+"\x00")
}
