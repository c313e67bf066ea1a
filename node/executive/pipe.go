package executive

import (
	"context"
	"errors"
	"fmt"

	"vsys/ipc"
	"vsys/shell"
	"vsys/uio"
)

// pipeEnd is one end of a V pipe: a shell.PipeEnd.
type pipeEnd struct{ *uio.File }

// NewPipe makes a pipe in the pipe server of host; see shell.Programs. Its name is
// made of the identifier of a process of this program's, and is gone again when
// both ends are open.
func (s *system) NewPipe(ctx context.Context, host string) (r, w shell.PipeEnd, err error) {
	owner, err := s.names.Owner()
	if err != nil {
		return nil, nil, err
	}
	name := fmt.Sprintf("/pipe/%s/%v-%d", host, owner, s.pipes.Add(1))
	in, err := uio.Open(ctx, s.names, name, uio.Write|uio.Create|uio.Exclusive, 0)
	if errors.Is(err, ipc.NotFound) {
		err = &ipc.OpError{Op: "executive.NewPipe", Name: name, Host: host, Err: ipc.HostUnknown}
	}
	if err != nil {
		return nil, nil, err
	}
	out, err := uio.Open(ctx, s.names, name, uio.Read, 0)
	if err != nil {
		_ = in.Abandon() // nobody has written to it
		return nil, nil, err
	}
	_ = s.names.Remove(ctx, name) // a name that stays does no harm
	return &pipeEnd{out}, &pipeEnd{in}, nil
}
