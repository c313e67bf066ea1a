package naming

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"

	"vsys/ipc"
)

func TestCodeOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want ipc.Code
	}{
		{nil, ipc.OK}, {ipc.NoSpace, ipc.NoSpace}, {fmt.Errorf("x: %w", ipc.Busy), ipc.Busy},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT}, ipc.NotFound},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, ipc.NoPermission},
		{syscall.ENOTEMPTY, ipc.ContextNotEmpty}, {syscall.EEXIST, ipc.DuplicateName},
		{syscall.ENOTDIR, ipc.NotAContext}, {syscall.EISDIR, ipc.IsAContext},
		{syscall.EXDEV, ipc.CrossServer}, {syscall.ENAMETOOLONG, ipc.IllegalName},
		{syscall.EROFS, ipc.ReadOnly}, {syscall.EDQUOT, ipc.NoSpace}, {syscall.EMFILE, ipc.NoServerResources},
		{syscall.EINVAL, ipc.BadArgs}, {io.EOF, ipc.EndOfFile}, {io.ErrClosedPipe, ipc.Aborted},
		{context.Canceled, ipc.Aborted}, {context.DeadlineExceeded, ipc.UserTimeout},
		{errors.ErrUnsupported, ipc.RequestUnsupported}, {errors.New("x"), ipc.InternalError},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
	}
}
