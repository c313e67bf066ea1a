package unix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

func TestPlace(t *testing.T) {
	all, lab := &export{Export: Export{Path: "/"}}, &export{Export: Export{Name: "lab"}}
	with := &Server{exports: map[string]*export{"": all, "lab": lab}}
	without := &Server{exports: map[string]*export{"lab": lab}}
	for _, test := range []struct {
		s    *Server
		name string
		want place
		err  error
	}{
		{with, "", place{all, "", "."}, nil},
		{with, "lab", place{lab, "lab", "."}, nil},
		{with, "lab/a/b", place{lab, "lab/a/b", "a/b"}, nil},
		{with, "labs/a", place{all, "labs/a", "labs/a"}, nil},
		{with, "a/lab", place{all, "a/lab", "a/lab"}, nil},
		{without, "", place{}, nil},
		{without, "lab/a", place{lab, "lab/a", "a"}, nil},
		{without, "a", place{}, ipc.NotFound},
	} {
		if got, err := test.s.place(test.name); got != test.want || err != test.err {
			t.Errorf("%q: %+v, %v; want %+v, %v", test.name, got, err, test.want, test.err)
		}
	}
}

// TestLinks follows symbolic links as far as they stay inside.
func TestLinks(t *testing.T) {
	secret := t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.put(t, "dir/file", "inside")
	for name, target := range map[string]string{
		"relative": "dir/file", "absolute": "/dir/file", "twice": "relative", "dirlink": "dir",
		"clamped": "../../../../dir/file", "dir/up": "../dir/file", "slashes": "//dir//./file",
		"out": "../../../../../../../../" + secret + "/secret", "absout": secret + "/secret",
		"outdir": secret, "upmost": "..", "dangling": "nothing", "loop": "loop", "ring": "ring2", "ring2": "ring",
		"long": strings.Repeat("x/", 2000),
	} {
		w.symlink(t, target, name)
	}
	for _, name := range []string{
		"relative", "absolute", "twice", "dirlink/file", "clamped", "dir/up", "slashes", "upmost/dir/file", "dirlink/up",
	} {
		if got, err := w.read(name); got != "inside" || err != nil {
			t.Errorf("%s leads to %q, %v", name, got, err)
		}
	}
	for name, code := range map[string]ipc.Code{
		"out": ipc.NotFound, "absout": ipc.NotFound, "outdir/secret": ipc.NotFound, "dangling": ipc.NotFound,
		"loop": ipc.IllegalName, "ring": ipc.IllegalName, "long": ipc.NotFound, "relative/x": ipc.NotAContext,
	} {
		_, err := w.read(name)
		want(t, "read "+name, err, code)
		if strings.Contains(errText(err), secret) {
			t.Errorf("%s: the error tells what is outside: %v", name, err)
		}
	}
	create := w.open(t, "dangling", uio.Write|uio.Create)
	if _, err := create.Write([]byte("made")); err != nil || create.Close() != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(w.dir, "nothing")); string(got) != "made" {
		t.Errorf("what a dangling link leads to is made: %q, %v", got, err)
	}
	_, err := uio.Open(w.ctx, w.client, "/unix/alpha/absout", uio.Write|uio.Create, 0o644)
	want(t, "make what a link leads out to", err, ipc.NotFound)
	_, err = uio.Open(w.ctx, w.client, "/unix/alpha/relative", uio.Read|uio.NoFollow, 0)
	want(t, "open a link itself", err, ipc.RequestUnsupported)
	_, err = uio.Open(w.ctx, w.client, "/unix/alpha/loop", uio.Write|uio.Create|uio.Exclusive, 0)
	if err == nil {
		t.Error("a loop can be opened")
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestLinkItself: what changes names does not follow the link at their end.
func TestLinkItself(t *testing.T) {
	w := newWorld(t)
	w.put(t, "file", "text")
	name := "/unix/alpha/"
	if err := w.client.Symlink(w.ctx, "file", name+"link"); err != nil {
		t.Fatal(err)
	}
	d, err := w.client.Lstat(w.ctx, name+"link")
	if err != nil || d.Tag != naming.TagLink || d.Value("target") != "file" {
		t.Errorf("the link is %+v, %v", d, err)
	}
	if d := w.stat(t, "link"); d.Tag != naming.TagFile || d.Size != 4 {
		t.Errorf("it leads to %+v", d)
	}
	want(t, "make it again", w.client.Symlink(w.ctx, "x", name+"link"), ipc.DuplicateName)
	if err := w.client.Rename(w.ctx, name+"link", name+"renamed"); err != nil {
		t.Error(err)
	}
	if err := w.client.Link(w.ctx, name+"renamed", name+"twice"); err != nil {
		t.Error(err)
	}
	for _, link := range []string{"renamed", "twice"} {
		if err := w.client.Remove(w.ctx, name+link); err != nil {
			t.Error(err)
		}
	}
	if got, err := w.read("file"); got != "text" || err != nil {
		t.Errorf("what it led to is %q, %v", got, err)
	}
}

// TestRace moves directories while names lead through them and links of ".."
// are followed: nothing outside is ever found.
func TestRace(t *testing.T) {
	outside := t.TempDir()
	export := filepath.Join(outside, "export")
	if err := os.MkdirAll(filepath.Join(export, "a/b/c"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := serve(t, Export{Path: export, Writable: true})
	w.symlink(t, "../../../../secret", "a/b/c/link")
	done := make(chan struct{})
	moved := make(chan struct{})
	go func() { // ends when done is closed; waited for below
		defer close(moved)
		for {
			select {
			case <-done:
				return
			default:
				_ = os.Rename(filepath.Join(export, "a/b"), filepath.Join(export, "b")) // the way back undoes it
				_ = os.Rename(filepath.Join(export, "b"), filepath.Join(export, "a/b"))
			}
		}
	}()
	for range 2000 {
		for _, name := range []string{"a/b/c/link", "b/c/link"} {
			got, err := w.read(name)
			if err == nil {
				t.Fatalf("%s leads out to %q", name, got)
			}
			if c := ipc.CodeOf(err); c != ipc.NotFound && c != ipc.Busy {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	close(done)
	<-moved
}

func TestOddNames(t *testing.T) {
	w := newWorld(t)
	names := []string{
		strings.Repeat("n", 255), "\xff\xfe not UTF-8", "new\nline", " ", ".hidden", "...", "trailing.", "..x", "*?[", "ü", "\x01",
	}
	for _, name := range names {
		if err := uio.WriteFile(w.ctx, w.client, "/unix/alpha/"+name, []byte(name), 0o644); err != nil {
			t.Errorf("write %q: %v", name, err)
		}
		if got, err := w.read(name); got != name || err != nil {
			t.Errorf("%q holds %q, %v", name, got, err)
		}
		if d := w.stat(t, name); d.Size != uint64(len(name)) {
			t.Errorf("%q is %+v", name, d)
		}
	}
	list, err := uio.ReadDir(w.ctx, w.client, "/unix/alpha")
	if err != nil || len(list) != len(names) {
		t.Errorf("%d names, %v; want %d", len(list), err, len(names))
	}
	for _, name := range names {
		if err := w.client.Remove(w.ctx, "/unix/alpha/"+name); err != nil {
			t.Errorf("remove %q: %v", name, err)
		}
	}
	_, err = w.read(strings.Repeat("n", 256))
	want(t, "a name of 256 octets", err, ipc.IllegalName)
	err = w.client.Mkdir(w.ctx, "/unix/alpha/"+strings.Repeat("n", 256), 0o755)
	want(t, "make a name of 256 octets", err, ipc.IllegalName)
}

// TestComponents: a failure says which component it was.
func TestComponents(t *testing.T) {
	w := serve(t, Export{Path: t.TempDir(), Writable: true}, Export{Name: "lab", Path: t.TempDir(), Writable: true})
	w.put(t, "a/b/file", "")
	name := "/unix/alpha/"
	for _, test := range []struct {
		what      string
		err       error
		code      ipc.Code
		component string // "": the last one, or the whole
	}{
		{"no such directory", w.client.Mkdir(w.ctx, name+"a/none/c", 0o755), ipc.NotFound, "none"},
		{"a file on the way", w.client.Remove(w.ctx, name+"a/b/file/c/d"), ipc.NotAContext, "c"},
		{"the last one", w.client.Remove(w.ctx, name+"a/b/none"), ipc.NotFound, ""},
		{"in another export", w.client.Remove(w.ctx, name+"lab/none/c"), ipc.NotFound, "none"},
		{"of the second name", w.client.Rename(w.ctx, name+"a/b/file", name+"none/file"), ipc.NotFound, ""},
		{"into another export", w.client.Rename(w.ctx, name+"a/b/file", name+"lab/file"), ipc.CrossServer, ""},
		{"a link into another export", w.client.Link(w.ctx, name+"a/b/file", name+"lab/file"), ipc.CrossServer, ""},
		{"onto an export", w.client.Rename(w.ctx, name+"a/b/file", name+"lab"), ipc.NoPermission, ""},
		{"a directory into itself", w.client.Rename(w.ctx, name+"a", name+"a/b/c"), ipc.BadArgs, ""},
		{"onto a directory that is not empty", w.client.Rename(w.ctx, name+"lab/..", name+"a"), ipc.NoPermission, ""},
		{"the root", w.client.Rename(w.ctx, name, name+"x"), ipc.NoPermission, ""},
	} {
		want(t, test.what, test.err, test.code)
		var c *naming.ComponentError
		switch is := errors.As(test.err, &c); {
		case is && c.Component != test.component, !is && test.component != "":
			t.Errorf("%s: %v; want to be told of %q", test.what, test.err, test.component)
		}
	}
}

// TestContextGone: a number of a context that is removed is stale, and good for
// whatever gets the name next.
func TestContextGone(t *testing.T) {
	w := newWorld(t)
	w.put(t, "dir/file", "")
	c, err := w.client.Resolve(w.ctx, "/unix/alpha/dir")
	if err != nil {
		t.Fatal(err)
	}
	ask := func() ipc.Code {
		var m ipc.Message
		naming.PutRequest(&m, naming.OpReadDescriptor, c.ID, 0, len("file"))
		buf := make([]byte, 4096)
		if _, err := w.client.Send(w.ctx, &m, c.Server, ipc.Segment{Read: []byte("file"), Write: buf}); err != nil {
			t.Fatal(err)
		}
		return m.Code()
	}
	want(t, "in the context", ask().Err(), ipc.OK)
	if err := os.RemoveAll(filepath.Join(w.dir, "dir")); err != nil {
		t.Fatal(err)
	}
	want(t, "when it is removed", ask().Err(), ipc.InvalidContext)
	w.put(t, "dir/other", "")
	want(t, "when there is another", ask().Err(), ipc.NotFound)
}

func TestContextsAreBounded(t *testing.T) {
	c := contexts{names: make([]string, maxContexts)}
	if _, err := c.id("one more"); err != ipc.NoServerResources {
		t.Errorf("one context too many: %v", err)
	}
	if id, err := c.id(""); id != naming.DefaultContext || err != nil {
		t.Errorf("the root: %d, %v", id, err)
	}
}
