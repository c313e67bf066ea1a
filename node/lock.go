package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
)

// Lock is a directory that belongs to one process. Linux gives it back when the
// process ends, however it does.
type Lock struct{ f *os.File }

// lockFile is in each locked directory, and holds its owner's process id.
const lockFile = "lock"

// LockDir makes dir, if it is not there, and takes it for this process.
// DuplicateName: another process has it.
func LockDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return lock(dir, os.O_RDWR|os.O_CREATE)
}

// TryLock takes a directory that was locked once. It fails with fs.ErrNotExist
// where none was, and with DuplicateName where it is locked still.
func TryLock(dir string) (*Lock, error) { return lock(dir, os.O_RDWR) }

// lookTime is about how long LockOwner takes to look.
const lookTime = 5 * time.Millisecond

// LockOwner returns the process that has the directory, 0 if none has.
func LockOwner(dir string) (process int, err error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close() // gives back the lock
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return 0, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func lock(dir string, flag int) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), flag, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) { // somebody may only have looked
		time.Sleep(lookTime)
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		owner, _ := os.ReadFile(f.Name()) // for the message only
		err = fmt.Errorf("%s: process %s has it: %w", dir, strings.TrimSpace(string(owner)), ipc.DuplicateName)
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), func() error { _, err := fmt.Fprintln(f, os.Getpid()); return err }())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Close gives the directory back.
func (l *Lock) Close() { l.f.Close() }
