package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"

	"vsys/ipc"
)

// fakeSystem is a domain of three hosts, alpha (here), beta and gamma, on one
// machine: programs of all hosts are real ones of this machine, told apart by
// $VHOST. /unix/HOST/PATH is PATH below a directory of the test's; other names
// are in memory. gone is a host that is lost.
type fakeSystem struct {
	root string // the hosts' file systems: root/HOST
	bin  string // programs of all hosts

	relayed  atomic.Int64 // octets that went through files of the executive
	pipeEnds atomic.Int64 // ends of V pipes that are open
	pipes    atomic.Int64

	mu     sync.Mutex
	memory map[string]*bytes.Buffer // guarded by mu, as the rest
	started,
	signals []string
	named []End
	slow  chan struct{} // what ReadDir of /slow waits for
}

func newFake(t *testing.T) *fakeSystem {
	t.Helper()
	f := &fakeSystem{root: t.TempDir(), memory: map[string]*bytes.Buffer{}, slow: make(chan struct{})}
	f.bin = filepath.Join(f.root, "bin")
	for _, dir := range []string{"bin", "alpha/tmp", "beta/tmp", "gamma/tmp"} {
		if err := os.MkdirAll(filepath.Join(f.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.script(t, "here", "#!/bin/sh\necho ${VHOST:-alpha} \"$@\"\n")
	f.script(t, "args", "#!/bin/sh\nfor a do echo \"<$a>\"; done\n")
	return f
}

func (f *fakeSystem) script(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.bin, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeSystem) unix(name string) (host, file string, ok bool) {
	rest, ok := strings.CutPrefix(name, "/unix/")
	host, file, _ = strings.Cut(rest, "/")
	return host, filepath.Join(f.root, host, file), ok && host != ""
}

func (f *fakeSystem) check(name string) error {
	if strings.HasPrefix(name, "/unix/gone") {
		return &ipc.OpError{Op: "naming.Open", Name: name, Host: "gone", Err: ipc.Unreachable}
	}
	return nil
}

func code(err error) error {
	switch {
	case err == nil:
		return nil
	case os.IsNotExist(err):
		return &ipc.OpError{Op: "unix.Open", Err: ipc.NotFound}
	case os.IsPermission(err):
		return &ipc.OpError{Op: "unix.Open", Err: ipc.NoPermission}
	}
	return err
}

func (f *fakeSystem) Open(_ context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error) {
	if err := f.check(name); err != nil {
		return nil, err
	}
	if host, file, ok := f.unix(name); ok {
		opened, err := os.OpenFile(file, flag, perm)
		if err != nil {
			return nil, code(err)
		}
		if host != "alpha" {
			return struct{ io.ReadWriteCloser }{opened}, nil
		}
		return opened, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if name == "/full" {
		return fullFile{}, nil
	}
	b := f.memory[name]
	if b == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &ipc.OpError{Op: "storage.Open", Err: ipc.NotFound}
		}
		b = &bytes.Buffer{}
		f.memory[name] = b
	}
	if flag&os.O_TRUNC != 0 {
		b.Reset()
	}
	if flag&os.O_WRONLY == 0 {
		return memory{bytes.NewBuffer(bytes.Clone(b.Bytes()))}, nil
	}
	return memory{b}, nil
}

// fullFile is a file on a full disk.
type fullFile struct{}

func (fullFile) Read([]byte) (int, error)  { return 0, io.EOF }
func (fullFile) Write([]byte) (int, error) { return 0, ipc.NoSpace }
func (fullFile) Close() error              { return nil }

func (f *fakeSystem) ReadDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	if err := f.check(name); err != nil {
		return nil, err
	}
	if name == "/slow" {
		select {
		case <-f.slow:
			return []fs.DirEntry{fs.FileInfoToDirEntry(plain("file"))}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if name == "/unix" {
		return []fs.DirEntry{fs.FileInfoToDirEntry(plain("alpha")), fs.FileInfoToDirEntry(plain("beta"))}, nil
	}
	if _, file, ok := f.unix(name); ok {
		entries, err := os.ReadDir(file)
		return entries, code(err)
	}
	return f.tree().ReadDir(strings.TrimPrefix(name, "/"))
}

// tree is what is in memory, as a file system.
func (f *fakeSystem) tree() fstest.MapFS {
	f.mu.Lock()
	defer f.mu.Unlock()
	tree := fstest.MapFS{"home/.": {}}
	for name, b := range f.memory {
		tree[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: bytes.Clone(b.Bytes()), Mode: 0o644}
	}
	return tree
}

func plain(name string) fs.FileInfo {
	info, _ := fs.Stat(fstest.MapFS{name: {Mode: 0o644}}, name)
	return info
}

func (f *fakeSystem) Stat(_ context.Context, name string, follow bool) (fs.FileInfo, error) {
	if err := f.check(name); err != nil {
		return nil, err
	}
	if _, file, ok := f.unix(name); ok {
		stat := os.Stat
		if !follow {
			stat = os.Lstat
		}
		info, err := stat(file)
		return info, code(err)
	}
	name = strings.TrimPrefix(path.Clean(name), "/")
	if name == "" {
		name = "."
	}
	info, err := fs.Stat(f.tree(), name)
	return info, code(err)
}

func (f *fakeSystem) Place(_ context.Context, dir string) (Place, error) {
	if err := f.check(dir); err != nil {
		return Place{}, err
	}
	if host, file, ok := f.unix(dir); ok {
		return Place{host, file}, nil
	}
	return Place{}, nil
}

func (f *fakeSystem) Find(_ context.Context, l Lookup) (string, error) {
	if strings.HasPrefix(l.Name, "/unix/"+l.Host+"/") {
		_, file, _ := f.unix(l.Name)
		return file, nil
	}
	if strings.Contains(l.Name, "/") {
		return l.Name, nil
	}
	for _, dir := range append([]string{f.bin}, filepath.SplitList(l.Path)...) {
		file := filepath.Join(dir, l.Name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", &ipc.OpError{Op: "program.Find", Name: l.Name, Host: l.Host, Err: ipc.NotFound}
}

func (f *fakeSystem) Here() string        { return "alpha" }
func (f *fakeSystem) HostNames() []string { return []string{"alpha", "beta", "gamma"} }

func (f *fakeSystem) Pick(context.Context, Lookup) (host, why string, err error) {
	return "gamma", "least loaded, 0.02", nil
}

// fakePipe is an end of a pipe between programs.
type fakePipe struct {
	*os.File
	f *fakeSystem
}

func (p *fakePipe) Close() error {
	p.f.pipeEnds.Add(-1)
	return p.File.Close()
}

func (f *fakeSystem) NewPipe(_ context.Context, host string) (PipeEnd, PipeEnd, error) {
	r, w, err := os.Pipe()
	f.pipeEnds.Add(2)
	f.pipes.Add(1)
	f.note(&f.started, "pipe@"+host)
	return &fakePipe{r, f}, &fakePipe{w, f}, err
}

func (f *fakeSystem) note(list *[]string, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*list = append(*list, text)
}

// noted returns what was noted in list.
func (f *fakeSystem) noted(list *[]string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(*list, " ")
}

func (f *fakeSystem) Start(ctx context.Context, s Spec) (Program, error) {
	fail := func(c ipc.Code) (Program, error) {
		return nil, &ipc.OpError{Op: "program.Start", Name: s.Name, Host: s.Host, Err: c}
	}
	if !slices.Contains(f.HostNames(), s.Host) {
		return fail(ipc.HostUnknown)
	}
	switch s.Name {
	case "foreign":
		return fail(ipc.NotExecutable)
	case "refused":
		return fail(ipc.NoServerResources)
	case "silent":
		return fail(ipc.RetransTimeout)
	case "late":
		return fail(ipc.UserTimeout)
	case "vanish":
		return &fakeProgram{f: f, host: s.Host, lost: true}, nil
	}
	file, err := f.Find(ctx, s.Lookup)
	if err != nil {
		return nil, err
	}
	p := &fakeProgram{f: f, host: s.Host, cmd: exec.Command(file, s.Args[1:]...)}
	p.cmd.Env = append(s.Env, "VHOST="+s.Host)
	p.cmd.Dir = filepath.Join(f.root, s.Host, "tmp")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.join(ctx, s.Stdio); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for _, c := range p.after {
		c.Close()
	}
	f.note(&f.started, s.Name+"@"+s.Host)
	return p, nil
}

// fakeProgram is a program that "another host" runs.
type fakeProgram struct {
	f     *fakeSystem
	host  string
	lost  bool
	cmd   *exec.Cmd
	after []io.Closer // the parent's copies, closed once the child has its own
	input *Input
	outs  sync.WaitGroup
	ins   sync.WaitGroup
}

func (p *fakeProgram) join(ctx context.Context, ends [3]End) error {
	in, err := p.in(ctx, ends[0])
	if err != nil {
		return err
	}
	p.cmd.Stdin = in
	out, err := p.out(ctx, ends[1])
	if err != nil {
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if ends[2] != ends[1] {
		p.cmd.Stderr, err = p.out(ctx, ends[2])
	}
	return err
}

func (p *fakeProgram) in(ctx context.Context, e End) (*os.File, error) {
	switch {
	case e.Pipe != nil:
		p.after = append(p.after, e.Pipe)
		return e.Pipe.(*fakePipe).File, nil
	case e.Name != "":
		p.f.mu.Lock()
		p.f.named = append(p.f.named, e)
		p.f.mu.Unlock()
		src, err := p.f.Open(ctx, e.Name, e.Flag, 0)
		if err != nil {
			return nil, err
		}
		r, w, err := os.Pipe()
		p.after = append(p.after, r)
		p.ins.Go(func() { io.Copy(w, src); w.Close() })
		return r, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.after = append(p.after, r)
	if p.input, err = NewInput(e); err != nil {
		return nil, err
	}
	p.ins.Go(func() { io.Copy(w, counted{p.input, &p.f.relayed}); w.Close() })
	return r, nil
}

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (p *fakeProgram) out(ctx context.Context, e End) (*os.File, error) {
	if e.Pipe != nil {
		p.after = append(p.after, e.Pipe)
		return e.Pipe.(*fakePipe).File, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.after = append(p.after, w)
	var dst io.Writer = io.Discard
	switch {
	case e.Name != "":
		p.f.mu.Lock()
		p.f.named = append(p.f.named, e)
		p.f.mu.Unlock()
		if dst, err = p.f.Open(ctx, e.Name, e.Flag, 0); err != nil {
			return nil, err
		}
	case e.File != nil:
		dst = e.File
	}
	p.outs.Go(func() {
		n, _ := io.Copy(dst, r)
		r.Close()
		if e.File != nil {
			p.f.relayed.Add(n)
		}
	})
	return w, nil
}

func (p *fakeProgram) Where() string { return "pid 7" }

func (p *fakeProgram) Wait(ctx context.Context) (Status, error) {
	if p.lost {
		return Status{}, &ipc.OpError{Op: "program.Wait", Host: p.host, Err: ipc.Unreachable}
	}
	unwatch := context.AfterFunc(ctx, func() { p.Signal(ctx, syscall.SIGKILL) })
	defer unwatch()
	p.cmd.Wait()
	if p.input != nil {
		p.input.Close()
	}
	p.outs.Wait()
	p.ins.Wait()
	if ctx.Err() != nil {
		return Status{}, ctx.Err()
	}
	return statusOf(p.cmd.ProcessState.Sys().(syscall.WaitStatus)), nil
}

func (p *fakeProgram) Signal(_ context.Context, sig syscall.Signal) error {
	p.f.note(&p.f.signals, fmt.Sprint(signalName(sig), "@", p.host))
	if p.cmd == nil {
		return nil
	}
	return ignoreGone(syscall.Kill(-p.cmd.Process.Pid, sig))
}
