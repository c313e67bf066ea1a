package executive

import (
	"cmp"
	"context"
	"os"
	"os/user"
	"strings"
	"syscall"
	"time"

	"vsys/servers/exec"
)

// listPatience bounds what the exec server may take. An executive works without
// being listed.
const listPatience = time.Second

// list makes the executive known to the exec server of its host, where others see
// it and may interrupt it. The results are a function that says where it is now,
// and one that ends it; both do nothing where that fails.
func (s *Session) list(c *Config, dir string) (at func(dir string), end func()) {
	ctx, cancel := context.WithTimeout(context.Background(), listPatience)
	defer cancel()
	command := cmp.Or(c.Text, c.File)
	r, err := exec.Register(ctx, s.Names, exec.Executive{
		User: userName(), Terminal: terminalName(c.Stdin), Directory: dir, Command: firstLine(command),
	}, interrupt)
	if err != nil {
		return func(string) {}, func() {}
	}
	at = func(dir string) {
		ctx, cancel := context.WithTimeout(context.Background(), listPatience)
		defer cancel()
		_ = r.Update(ctx, dir, "") // it is listed where it was
	}
	end = func() {
		ctx, cancel := context.WithTimeout(context.Background(), listPatience)
		defer cancel()
		_ = r.Close(ctx) // the server finds out that it is gone
	}
	return at, end
}

// interrupt does what Ctrl-C does.
func interrupt() { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) } // this process is there

func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// terminalName returns the name of a terminal below /dev, "" for none.
func terminalName(f *os.File) string {
	if terminal(f) == nil {
		return ""
	}
	name, err := os.Readlink("/proc/self/fd/0")
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(name, "/dev/")
}

// maxListed is how much of a script is shown, in octets.
const maxListed = 80

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s[:min(len(s), maxListed)]
}
