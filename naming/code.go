package naming

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"syscall"

	"vsys/ipc"
)

// fromUnix are the codes for what Unix and the standard library report, most
// telling first.
var fromUnix = []struct {
	err  error
	code ipc.Code
}{
	{syscall.ENOTDIR, ipc.NotAContext}, {syscall.EISDIR, ipc.IsAContext},
	{syscall.ENOTEMPTY, ipc.ContextNotEmpty}, {syscall.ENOSPC, ipc.NoSpace},
	{syscall.EDQUOT, ipc.NoSpace}, {syscall.EFBIG, ipc.NoSpace}, {syscall.EROFS, ipc.ReadOnly},
	{syscall.EXDEV, ipc.CrossServer}, {syscall.ENAMETOOLONG, ipc.IllegalName},
	{syscall.ELOOP, ipc.IllegalName}, {syscall.EIO, ipc.DeviceError}, {syscall.ENXIO, ipc.DeviceError},
	{syscall.EMFILE, ipc.NoServerResources}, {syscall.ENFILE, ipc.NoServerResources},
	{syscall.ENOMEM, ipc.NoServerResources}, {syscall.ENOEXEC, ipc.NotExecutable},
	{syscall.EBUSY, ipc.Busy}, {syscall.ETXTBSY, ipc.Busy}, {syscall.EPIPE, ipc.Aborted},
	{syscall.ENOTSUP, ipc.RequestUnsupported}, {syscall.ENOSYS, ipc.RequestUnsupported},
	{syscall.EBADF, ipc.InvalidInstance}, {fs.ErrNotExist, ipc.NotFound},
	{fs.ErrExist, ipc.DuplicateName}, {fs.ErrPermission, ipc.NoPermission},
	{fs.ErrInvalid, ipc.BadArgs}, {syscall.EINVAL, ipc.BadArgs}, {fs.ErrClosed, ipc.InvalidInstance},
	{io.EOF, ipc.EndOfFile}, {io.ErrClosedPipe, ipc.Aborted}, {context.Canceled, ipc.Aborted},
	{context.DeadlineExceeded, ipc.UserTimeout}, {errors.ErrUnsupported, ipc.RequestUnsupported},
}

// CodeOf returns what a server replies for err: the Code in it, or else the one
// that says the same as the error of Unix or of the standard library; OK for
// nil, InternalError where nothing fits.
func CodeOf(err error) ipc.Code {
	if c := ipc.CodeOf(err); c != ipc.InternalError {
		return c
	}
	for _, u := range fromUnix {
		if errors.Is(err, u.err) {
			return u.code
		}
	}
	return ipc.InternalError
}
