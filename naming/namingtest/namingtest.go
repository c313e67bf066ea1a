package namingtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// Target is a server to be tested, at work, and what the suite may rely on.
type Target struct {
	Client *naming.Client
	Root   string // an absolute name of one of its contexts, a prefix it has announced
	// Object and Context name, from Root, one that is there; "" if there is none.
	Object  string
	Context string
	// Writeable says that contexts can be made, renamed and removed in Root.
	Writeable bool
}

// Test holds a server to docs/wire/naming.md. newServer is called once for each
// of the tests.
func Test(t *testing.T, newServer func(t *testing.T) Target) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"root", testRoot}, {"descriptor", testDescriptor}, {"absence", testAbsence},
		{"names that can't be", testBadNames}, {"index", testIndex},
		{"stale context", testStaleContext}, {"context", testContext},
		{"requests that can't be", testBadRequests}, {"changes", testChanges},
		{"unknown operation", testUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			test.run(t, &suite{Target: newServer(t), ctx: ctx})
		})
	}
}

type suite struct {
	Target
	ctx context.Context
}

// name returns the absolute name of one beneath Root.
func (s *suite) name(rest string) string { return strings.TrimSuffix(s.Root, "/") + "/" + rest }

// raw sends a CSname request for name to the server of Root, just as it is, and
// returns the reply.
func (s *suite) raw(t *testing.T, op ipc.Op, contextID uint32, name []byte, index, length int, args ...byte) ipc.Message {
	t.Helper()
	root, err := s.Client.Resolve(s.ctx, s.Root)
	if err != nil {
		t.Fatalf("resolve %s: %v", s.Root, err)
	}
	if contextID == sameContext {
		contextID = root.ID
	}
	var m ipc.Message
	naming.PutRequest(&m, op, contextID, index, length)
	copy(m[12:24], args)
	buf := make([]byte, ipc.MaxAppended)
	if _, err := s.Client.Send(s.ctx, &m, root.Server, ipc.Segment{Read: name, Write: buf}); err != nil {
		t.Fatalf("%s: %v", opName(op), err)
	}
	return m
}

// sameContext stands for the context id of Root.
const sameContext = 0xFFFFFFFF

// opName prints an operation for messages.
func opName(op ipc.Op) string { return fmt.Sprintf("operation %#06x", uint32(op)) }

func wantCode(t *testing.T, what string, got, want ipc.Code) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func testRoot(t *testing.T, s *suite) {
	d, err := s.Client.Stat(s.ctx, s.Root)
	if err != nil {
		t.Fatalf("describe %s: %v", s.Root, err)
	}
	if !d.IsContext() {
		t.Errorf("%s is %v with mode %v, want a context", s.Root, d.Tag, d.Mode)
	}
	c, err := s.Client.Resolve(s.ctx, s.Root)
	if err != nil || c.Server == 0 {
		t.Errorf("resolve %s: %+v, %v", s.Root, c, err)
	}
}

func testDescriptor(t *testing.T, s *suite) {
	if s.Object == "" {
		return
	}
	plain, err := s.Client.Stat(s.ctx, s.name(s.Object))
	if err != nil {
		t.Fatalf("describe %s: %v", s.Object, err)
	}
	if plain.IsContext() || plain.Tag == 0 {
		t.Errorf("%s is %v with mode %v, want an object", s.Object, plain.Tag, plain.Mode)
	}
	odd := s.name("./") + "/./" + strings.ReplaceAll(s.Object, "/", "//./")
	r := s.raw(t, naming.OpReadDescriptor, sameContext, []byte(odd), len(s.Root), len(odd))
	wantCode(t, "the same with empty and \".\" components", r.Code(), ipc.OK)
	below := s.name(s.Object) + "/below"
	_, err = s.Client.Stat(s.ctx, below)
	if c := ipc.CodeOf(err); c != ipc.NotAContext && c != ipc.NotFound {
		t.Errorf("describe a name beneath an object: %v, want %v", err, ipc.NotAContext)
	}
}

func testAbsence(t *testing.T, s *suite) {
	_, err := s.Client.Stat(s.ctx, s.name("no-such-name"))
	if !errors.Is(err, ipc.NotFound) {
		t.Errorf("describe what is not there: %v, want %v", err, ipc.NotFound)
	}
	_, err = s.Client.Resolve(s.ctx, s.name("no-such-name"))
	if !errors.Is(err, ipc.NotFound) {
		t.Errorf("resolve what is not there: %v, want %v", err, ipc.NotFound)
	}
	if err := s.Client.Remove(s.ctx, s.name("no-such-name")); err == nil {
		t.Error("what is not there can be removed")
	}
}

// badNames are names that no server may take, with where they go wrong.
var badNames = []struct {
	what  string
	name  string
	index int // -1: anywhere
}{
	{"a NUL", "a\x00b", 1},
	{"only a NUL", "\x00", 0},
	{"..", "..", 0},
	{".. further on", "a/../../etc", 2},
	{".. at the end", "a/..", 2},
	{".. behind slashes", "///..", 3},
	{"4,096 octets", strings.Repeat("x", naming.MaxName+1), -1},
	{"4,096 octets of slashes", strings.Repeat("/", naming.MaxName+1), -1},
}

// byName are the operations that every server may be asked.
var byName = []ipc.Op{
	naming.OpGetContextID, naming.OpReadDescriptor, naming.OpWriteDescriptor, naming.OpRemove,
	naming.OpCreateContext, naming.OpSymlink, naming.OpRename, naming.OpLink,
	ipc.MakeOp(ipc.InterfaceUIO, 1), // uio.OpCreateInstance
}

func testBadNames(t *testing.T, s *suite) {
	for _, op := range byName {
		for _, bad := range badNames {
			r := s.raw(t, op, sameContext, []byte(bad.name), 0, len(bad.name))
			wantCode(t, opName(op)+" of "+bad.what, r.Code(), ipc.IllegalName)
			if at := int(r.Uint16(8)); bad.index >= 0 && at != bad.index {
				t.Errorf("%s of %s: index %d, want %d", opName(op), bad.what, at, bad.index)
			}
		}
	}
	long := []byte(strings.Repeat("x", naming.MaxName))
	r := s.raw(t, naming.OpReadDescriptor, sameContext, long, 0, len(long))
	if c := r.Code(); c != ipc.NotFound && c != ipc.IllegalName {
		t.Errorf("describe a name of 4,095 octets: %v, want %v or %v", c, ipc.NotFound, ipc.IllegalName)
	}
	if _, err := s.Client.Stat(s.ctx, ""); !errors.Is(err, ipc.IllegalName) {
		t.Errorf("describe the empty name: %v, want %v", err, ipc.IllegalName)
	}
	out := s.name("../../../../../../etc/passwd")
	if d, err := s.Client.Stat(s.ctx, out); err == nil && !d.IsContext() {
		t.Errorf("%s leads out to %v", out, d)
	}
}

func testIndex(t *testing.T, s *suite) {
	name := []byte("gone/no-such/name")
	r := s.raw(t, naming.OpReadDescriptor, sameContext, name, 5, len(name))
	wantCode(t, "describe no-such/name", r.Code(), ipc.NotFound)
	if at := r.Uint16(8); at != 5 {
		t.Errorf("it stopped at octet %d of %q, want 5", at, name)
	}
	_, err := s.Client.Stat(s.ctx, s.name("no-such/name"))
	var c *naming.ComponentError
	if !errors.As(err, &c) || c.Component != "no-such" {
		t.Errorf("%v: does not say that it was no-such", err)
	}
	if s.Context == "" {
		return
	}
	within := s.Context + "/no-such"
	r = s.raw(t, naming.OpReadDescriptor, sameContext, []byte(within), 0, len(within))
	wantCode(t, "describe "+within, r.Code(), ipc.NotFound)
	if at := int(r.Uint16(8)); at != len(s.Context)+1 {
		t.Errorf("it stopped at octet %d of %q, want %d", at, within, len(s.Context)+1)
	}
}

func testStaleContext(t *testing.T, s *suite) {
	for _, op := range byName[:2] {
		r := s.raw(t, op, 0xFFFFFFF0, []byte("x"), 0, 1)
		wantCode(t, opName(op)+" in a context that is none", r.Code(), ipc.InvalidContext)
	}
}

func testContext(t *testing.T, s *suite) {
	if s.Context == "" {
		return
	}
	c, err := s.Client.Resolve(s.ctx, s.name(s.Context))
	if err != nil {
		t.Fatalf("resolve %s: %v", s.Context, err)
	}
	again, err := s.Client.Resolve(s.ctx, s.name(s.Context)+"/.")
	if err != nil || again != c {
		t.Errorf("%s is %+v, and then %+v, %v", s.Context, c, again, err)
	}
	r := s.raw(t, naming.OpReadDescriptor, c.ID, nil, 0, 0)
	wantCode(t, "describe a context by its id alone", r.Code(), ipc.OK)
	if s.Object != "" {
		_, err := s.Client.Resolve(s.ctx, s.name(s.Object))
		if !errors.Is(err, ipc.NotAContext) {
			t.Errorf("resolve an object: %v, want %v", err, ipc.NotAContext)
		}
	}
}

func testBadRequests(t *testing.T, s *suite) {
	for _, op := range byName {
		for _, bad := range []struct {
			what          string
			index, length int
		}{
			{"an index beyond the name", 5, 4},
			{"a name beyond the segment", 0, 5},
			{"an index of 65,535", 0xFFFF, 4},
			{"both", 0xFFFF, 0xFFF},
		} {
			r := s.raw(t, op, sameContext, []byte("name"), bad.index, bad.length)
			wantCode(t, opName(op)+" with "+bad.what, r.Code(), ipc.BadArgs)
		}
	}
	for _, op := range []ipc.Op{naming.OpRename, naming.OpLink} {
		args := bytes.Repeat([]byte{0xFF}, naming.ArgsSize)
		r := s.raw(t, op, sameContext, []byte("name"), 0, 4, args...)
		if c := r.Code(); c != ipc.BadArgs && c != ipc.IllegalName {
			t.Errorf("%s with a second name that is not there: %v", opName(op), c)
		}
	}
	r := s.raw(t, naming.OpWriteDescriptor, sameContext, []byte("namejunk"), 0, 4)
	if r.Code() == ipc.OK {
		t.Error("junk is taken for a descriptor")
	}
}

func testUnknown(t *testing.T, s *suite) {
	for _, op := range []ipc.Op{
		ipc.MakeOp(ipc.InterfaceNaming, 0xFF), ipc.MakeOp(ipc.InterfaceUIO, 0xFF), ipc.MakeOp(0x7FFF, 1),
	} {
		r := s.raw(t, op, sameContext, []byte("name"), 0, 4)
		wantCode(t, opName(op), r.Code(), ipc.IllegalRequest)
	}
}

func testChanges(t *testing.T, s *suite) {
	if !s.Writeable {
		for _, err := range []error{
			s.Client.Mkdir(s.ctx, s.name("new-context"), 0o755),
			s.Client.Remove(s.ctx, s.Root),
		} {
			if err == nil {
				t.Error("a server that can't be written lets itself be changed")
			}
		}
		return
	}
	a, b := s.name("context-a"), s.name("context-b")
	if err := s.Client.Mkdir(s.ctx, a, 0o755); err != nil {
		t.Fatalf("make a context: %v", err)
	}
	if err := s.Client.Mkdir(s.ctx, a, 0o755); !errors.Is(err, ipc.DuplicateName) {
		t.Errorf("make it again: %v, want %v", err, ipc.DuplicateName)
	}
	if err := s.Client.Mkdir(s.ctx, a+"/inner", 0o755); err != nil {
		t.Errorf("make one in it: %v", err)
	}
	if err := s.Client.Remove(s.ctx, a); !errors.Is(err, ipc.ContextNotEmpty) {
		t.Errorf("remove it with one in it: %v, want %v", err, ipc.ContextNotEmpty)
	}
	if err := s.Client.Rename(s.ctx, a, b); err != nil {
		t.Errorf("rename it: %v", err)
	}
	if _, err := s.Client.Stat(s.ctx, a); !errors.Is(err, ipc.NotFound) {
		t.Errorf("describe the old name: %v, want %v", err, ipc.NotFound)
	}
	for _, name := range []string{b + "/inner", b} {
		if err := s.Client.Remove(s.ctx, name); err != nil {
			t.Errorf("remove %s: %v", name, err)
		}
	}
	if err := s.Client.Remove(s.ctx, b); !errors.Is(err, ipc.NotFound) {
		t.Errorf("remove it again: %v, want %v", err, ipc.NotFound)
	}
	if err := s.Client.Mkdir(s.ctx, s.name("no-such/inner"), 0o755); !errors.Is(err, ipc.NotFound) {
		t.Errorf("make a context in one that is not there: %v, want %v", err, ipc.NotFound)
	}
}
