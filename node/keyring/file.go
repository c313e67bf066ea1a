package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	// maxFile is more than any of the files has: 256 KiB.
	maxFile = 256 << 10
	// newSuffix ends the name of what is not complete yet.
	newSuffix = ".new"
)

// read returns the content of a file that is the user's alone. A missing one is
// fs.ErrNotExist as it is, everything else an *Error.
func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unusable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := private(path, info, fileMode); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unusable(path, err)
	}
	if len(b) > maxFile {
		return nil, damaged(path, "is too long to be what it should be")
	}
	return b, nil
}

// unusable says what the operating system said; of what is not there, just that.
func unusable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case errors.Is(err, fs.ErrPermission):
		return &Error{
			Path: path, What: fmt.Sprintf("can't be read by user %d", os.Geteuid()), Err: err,
			Try: fmt.Sprintf("run vsys as the user that it belongs to, or: chmod u+rwX %s", path),
		}
	case errors.Is(err, syscall.ELOOP):
		return &Error{Path: path, What: "is a symbolic link", Err: err, Try: "put the file itself there"}
	}
	return &Error{Path: path, What: fmt.Sprintf("can't be read: %v", cause(err)), Err: err, Try: "look at the disk (dmesg)"}
}

// cause leaves out the path, which is said already.
func cause(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// private checks that what is at path is a regular file, or for dirMode a
// directory, of this user, and that no other can use it.
func private(path string, info fs.FileInfo, mode fs.FileMode) error {
	if isDir := mode == dirMode; info.IsDir() != isDir || !isDir && !info.Mode().IsRegular() {
		kind := map[bool]string{true: "directory", false: "regular file"}[isDir]
		return damaged(path, "is not a "+kind)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return &Error{
			Path: path, What: fmt.Sprintf("belongs to user %d, and vsys runs as user %d", owner.Uid, os.Geteuid()),
			Try: fmt.Sprintf("run vsys as that user, or: sudo chown %d %s", os.Geteuid(), path), Err: fs.ErrPermission,
		}
	}
	got := info.Mode().Perm()
	what, try := "", fmt.Sprintf("chmod %o %s", mode, path)
	switch {
	case got&0o077 != 0:
		what, try = "is open to other users", try+"; if others may have read it, join again with a new key"
	case info.IsDir() && got != mode:
		what = "is closed to its own user"
	default:
		return nil
	}
	return &Error{Path: path, What: fmt.Sprintf("%s (mode %04o)", what, got), Try: try, Err: fs.ErrPermission}
}

// write puts b into the file, whole or not at all, and returns when it is on the
// disk.
func write(path string, b []byte) (err error) {
	f, err := os.OpenFile(path+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, fileMode)
	if err != nil {
		return unwritten(path, err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) // what it left behind; the first error is said
		return unwritten(path, err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir puts the names in a directory on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return unwritten(dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return unwritten(dir, err)
	}
	return nil
}

// unwritten says that a file could not be written; it is as it was.
func unwritten(path string, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e // said already
	}
	return &Error{
		Path: path, What: fmt.Sprintf("can't be written: %v", cause(err)), Err: err,
		Try: "is the disk full or read-only? (df, mount)",
	}
}
