package unix

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
)

// world is a host alpha with a kernel server, a client and a V server.
type world struct {
	client *naming.Client
	server *Server
	dir    string       // of the first export
	stop   func() error // ends the server and returns what Serve did
	ctx    context.Context
}

// newWorld exports a new directory for writing as /unix/alpha, with more beside
// it.
func newWorld(t testing.TB, more ...Export) *world {
	t.Helper()
	dir := t.TempDir()
	return serve(t, append([]Export{{Path: dir, Writable: true}}, more...)...)
}

// serve exports what it is given.
func serve(t testing.TB, exports ...Export) *world {
	t.Helper()
	team := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(team.Close)
	p, err := team.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	self := naming.Host{Number: p.PID().Host(), Name: "alpha", Server: p.PID(), State: naming.HostSelf}
	namingtest.NewDomain(self).Serve(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	w := &world{
		client: naming.NewClient(team), server: &Server{Exports: exports},
		dir: exports[0].Path, ctx: ctx,
	}
	t.Cleanup(w.client.Close)
	w.server.uio.ProbeInterval = 10 * time.Millisecond
	w.start(t, team)
	return w
}

// start lets the server serve until the test ends, and waits until it does.
func (w *world) start(t testing.TB, team *kernel.Kernel) {
	t.Helper()
	p, err := team.NewProcess(context.Background(), "unix")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, p) }() // ends with ctx; stop waits for it
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	for {
		if _, err = w.client.Resolve(w.ctx, "/unix/alpha"); !errors.Is(err, ipc.NotFound) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// put makes a file of the first export, past the server, with the directories
// above it.
func (w *world) put(t testing.TB, name, data string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(data), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// symlink makes a symbolic link, past the server.
func (w *world) symlink(t testing.TB, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(w.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) read(name string) (string, error) {
	data, err := uio.ReadFile(w.ctx, w.client, "/unix/alpha/"+name)
	return string(data), err
}

func (w *world) open(t testing.TB, name string, mode uio.Mode) *uio.File {
	t.Helper()
	f, err := uio.Open(w.ctx, w.client, "/unix/alpha/"+name, mode, 0o644)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(func() { f.Close() }) // closed before, mostly
	return f
}

func (w *world) stat(t testing.TB, name string) naming.Descriptor {
	t.Helper()
	d, err := w.client.Stat(w.ctx, "/unix/alpha/"+name)
	if err != nil {
		t.Fatalf("describe %s: %v", name, err)
	}
	return d
}

func want(t *testing.T, what string, err error, code ipc.Code) {
	t.Helper()
	if ipc.CodeOf(err) != code {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

// openFiles counts the descriptors of this OS process, but for the one that it
// takes to count.
func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list) - 1
}

// pattern returns n octets of which no two parts are alike.
func pattern(n int) []byte {
	var b bytes.Buffer
	for i := uint32(0); b.Len() < n; i++ {
		b.Write([]byte{byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return b.Bytes()[:n]
}
