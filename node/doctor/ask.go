package doctor

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"vsys/ipc"
	"vsys/naming"
	"vsys/node/executive"
	"vsys/node/service"
	"vsys/servers/process"
)

// askTime bounds how long a host is asked.
const askTime = 3 * time.Second

// Ask asks the host with that state directory or, if none runs with it, the one
// behind a socket. It blocks for five seconds at most. A host that does not answer
// has a Problem, one that answers another user only is Foreign.
func Ask(ctx context.Context, state, socket string) Host {
	s, err := service.Ask(ctx, state)
	switch {
	case err != nil: // of another user, perhaps: the socket decides
	case s.Running && s.Problem != "":
		return Host{Running: true, Name: s.Name, Address: s.Address, Version: s.Version, Problem: s.Problem}
	case s.Running:
		socket = s.Socket
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	h := Host{}
	switch err := h.ask(ctx, socket); {
	case err == nil:
		h.Running = true
	case errors.Is(err, ipc.NoPermission) || errors.Is(err, fs.ErrPermission):
		return Host{Foreign: true}
	case !errors.Is(err, ipc.Unreachable) || s != nil && s.Running:
		h.Running, h.Problem = true, "it does not answer: "+err.Error()
	}
	return h
}

// ask joins the host and reads what it knows.
func (h *Host) ask(ctx context.Context, socket string) error {
	session, err := executive.Join(ctx, socket)
	if err != nil {
		return err
	}
	defer session.Close()
	h.Name = session.Host()
	if h.Hosts, err = session.Names.Hosts(ctx); err != nil {
		return err
	}
	for i := range h.Hosts {
		if o := &h.Hosts[i]; o.State == naming.HostSelf {
			h.Address, h.Version = o.Address, o.Version
		}
	}
	// A host that does not tell how its domain is kept can be examined, too.
	var s process.Security
	if err := process.Ask(ctx, session.Names, process.OpSecurity, nil, &s); err == nil {
		h.Security = &s
	}
	return nil
}
