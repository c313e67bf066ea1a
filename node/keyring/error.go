package keyring

import (
	"fmt"
	"io/fs"

	"vsys/ipc"
)

// ErrNone says that there are no keys: the machine has no domain yet. It wraps
// fs.ErrNotExist.
var ErrNone = fmt.Errorf("keyring: no domain yet: %w", fs.ErrNotExist)

// Error says why the keys can't be used. It unwraps to the error of the operating
// system, or to ipc.NoPermission where mode or owner are wrong, ipc.BadArgs where
// a file is damaged or does not belong to the others.
type Error struct {
	Path string // of the file or directory
	What string // is wrong with it
	Try  string // what may mend it
	Err  error
}

// Error says which file, and what is wrong.
func (e *Error) Error() string { return e.Path + ": " + e.What }

// Hint says what may mend it.
func (e *Error) Hint() string { return e.Try }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// damaged says that a file is not as it was written.
func damaged(path, what string) error {
	return &Error{
		Path: path, What: what, Err: ipc.BadArgs,
		Try: "put the file back from a copy; or move the directory away and join again (vsys join CODE)",
	}
}
