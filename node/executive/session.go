package executive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/node"
	"vsys/node/command"
	"vsys/program"
)

// Session is this program as a team of a host. Its methods may be called by any
// goroutine.
type Session struct {
	team     *kernel.Kernel
	Names    *naming.Client
	Programs *program.Client
}

// Join joins the host behind socket, as "vsys" in listings. It waits for the host
// until ctx is done. Unreachable, with advice: there is no host.
func Join(ctx context.Context, socket string) (*Session, error) {
	team, err := kernel.Join(ctx, socket, "vsys")
	if err != nil {
		if errors.Is(err, ipc.Unreachable) {
			err = &node.Refusal{
				Err: fmt.Errorf("no host of V runs here: nobody listens on %s: %w", socket, ipc.Unreachable),
				Try: "vsys boot, or vsys lab for several hosts on this machine",
			}
		}
		return nil, err
	}
	names := naming.NewClient(team)
	return &Session{team: team, Names: names, Programs: program.NewClient(names)}, nil
}

// Close leaves the host. Programs that were started end, unless they were to be
// kept.
func (s *Session) Close() {
	s.Programs.Close()
	s.Names.Close()
	s.team.Close()
}

// Host returns the name of the host.
func (s *Session) Host() string { return s.team.Host() }

// dirVariable is the environment variable with the V name of the context that the
// team server started a program in.
const dirVariable = "VSYS_DIR"

// Dir returns the V name of a directory of the host's Unix file system. Where the
// team server started this program there under a name of its own, as of a
// directory that may be written, it is that name.
func (s *Session) Dir(ctx context.Context, unix string) string {
	if name := os.Getenv(dirVariable); name != "" {
		d, err := s.Names.Stat(ctx, name)
		if err == nil && d.Value("path") == unix {
			return name
		}
	}
	name, err := naming.Join("/unix/"+s.Host(), "./"+unix)
	if err != nil {
		return "/"
	}
	return name
}

// Env returns what a command runs in that was called from Unix: with this
// process's standard input and output, in its working directory.
func (s *Session) Env(ctx context.Context) (*command.Env, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &command.Env{
		Names: s.Names, Programs: s.Programs, Dir: s.Dir(ctx, dir), Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Progress: terminal(os.Stderr),
	}, nil
}

// SocketVariable is the environment variable that says which host a program
// joins.
const SocketVariable = "VSYS_HOST_SOCKET"

// Socket returns where the host of this program listens: what the variable says,
// or node.DefaultSocket.
func Socket() string {
	return cmp.Or(os.Getenv(SocketVariable), node.DefaultSocket())
}
