package link

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"vsys/ipc"
)

// ErrClosed is the reason inside the error of a call on a closed Link.
var ErrClosed = fmt.Errorf("link is closed: %w", ipc.Aborted)

// Error makes the error of a Link's operation, as "link.Send", about an
// address: an *ipc.OpError around reason and the Code that says the same.
func Error(op string, addr netip.AddrPort, reason error) error {
	if !errors.As(reason, new(ipc.Code)) {
		reason = fmt.Errorf("%w: %w", codeOf(reason), reason)
	}
	return &ipc.OpError{Op: op, Name: addr.String(), Err: reason}
}

// codeOf says what Linux says in a Code.
func codeOf(err error) ipc.Code {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ipc.DeviceError
	}
	switch errno {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN,
		syscall.EADDRNOTAVAIL:
		return ipc.Unreachable
	case syscall.EPERM, syscall.EACCES:
		return ipc.NoPermission
	case syscall.EMSGSIZE:
		return ipc.BadByteCount
	case syscall.EINVAL, syscall.EAFNOSUPPORT, syscall.EDESTADDRREQ:
		return ipc.BadArgs
	case syscall.EADDRINUSE:
		return ipc.DuplicateName
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS:
		return ipc.NoServerResources
	}
	return ipc.DeviceError
}
