package naming

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"vsys/ipc"
)

// request makes a message for a name and the segment that goes with it.
func request(op ipc.Op, context uint32, index int, name, rest string) (*ipc.Message, []byte) {
	var m ipc.Message
	PutRequest(&m, op, context, index, len(name))
	return &m, []byte(name + rest)
}

func TestRequestLayout(t *testing.T) {
	m, segment := request(OpReadDescriptor, 0x01020304, 5, "/abc/def", "data")
	copy(m[atArgs:], "twelveoctets")
	const want = "\x01\x02\x03\x04\x00\x05\x00\x08twelveoctets"
	if got := string(m.User()); got != want {
		t.Errorf("user data is %q, want %q", got, want)
	}
	r, err := ParseRequest(m, segment)
	if err != nil {
		t.Fatal(err)
	}
	if r.Op != OpReadDescriptor || r.Context != 0x01020304 || r.Name != "/abc/def" || r.Index != 5 ||
		string(r.Data) != "data" || string(r.Args[:]) != "twelveoctets" || r.Second != nil {
		t.Errorf("parsed %+v", r)
	}
	if r.Arg16(0) != 'w'|'t'<<8 || r.Arg32(0) != 0x7477656C {
		t.Errorf("arguments %#x, %#x", r.Arg16(0), r.Arg32(0))
	}
}

func TestRequestComponents(t *testing.T) {
	for _, test := range []struct {
		name  string
		index int
		rest  string
		all   []string
		at    []int
	}{
		{"", 0, ".", nil, nil},
		{"/unix", 5, ".", nil, nil},
		{"/unix/a/b", 5, "a/b", []string{"a", "b"}, []int{6, 8}},
		{"/unix//./a/./b/", 5, "a/b", []string{"a", "b"}, []int{9, 13}},
		{"...", 0, "...", []string{"..."}, []int{0}},
		{".a./.b", 0, ".a./.b", []string{".a.", ".b"}, []int{0, 4}},
		{"././.", 0, ".", nil, nil},
	} {
		m, segment := request(OpRemove, 0, test.index, test.name, "")
		r, err := ParseRequest(m, segment)
		if err != nil {
			t.Fatalf("%q: %v", test.name, err)
		}
		if got := r.Rest(); got != test.rest {
			t.Errorf("the rest of %q from %d is %q, want %q", test.name, test.index, got, test.rest)
		}
		for i, want := range test.all {
			if got := r.Peek(); got != want || r.Index != test.at[i] {
				t.Errorf("component %d of %q is %q at %d, want %q at %d", i, test.name, got, r.Index, want, test.at[i])
			}
			r.Advance()
		}
		if got := r.Peek(); got != "" {
			t.Errorf("%q has one more: %q", test.name, got)
		}
	}
}

func TestRequestTwoNames(t *testing.T) {
	m, segment := request(OpRename, 1, 2, "/a/old", "/b/newdata")
	m.PutUint32(12, 7)
	m.PutUint16(16, 2)
	m.PutUint16(18, 6)
	r, err := ParseRequest(m, segment)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Second; s.Context != 7 || s.Name != "/b/new" || s.Rest() != "new" || string(r.Data) != "data" {
		t.Errorf("second name %+v, data %q", s, r.Data)
	}
	m.PutUint16(18, 200)
	if _, err := ParseRequest(m, segment); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("a second name beyond the segment: %v", err)
	}
	m.PutUint16(16, 0)
	m.PutUint16(18, 2)
	if _, err := ParseRequest(m, []byte("/a/old..")); !errors.Is(err, ipc.IllegalName) {
		t.Errorf("a second name with ..: %v", err)
	}
}

// tree is a Tree of which contexts are strings that end in a slash.
type tree map[string]bool

func (tr tree) Context(id uint32) (string, error) {
	if id != 0 {
		return "", ipc.InvalidContext
	}
	return "/", nil
}

func (tr tree) Step(n, component string) (string, error) {
	switch {
	case !strings.HasSuffix(n, "/"):
		return "", ipc.NotAContext
	case component == "away":
		return "", &Elsewhere{Server: 9, Context: 8}
	case tr[n+component+"/"]:
		return n + component + "/", nil
	case tr[n+component]:
		return n + component, nil
	}
	return "", ipc.NotFound
}

func TestWalk(t *testing.T) {
	tr := tree{"/dir/": true, "/dir/file": true}
	for _, test := range []struct {
		name   string
		want   string
		code   ipc.Code
		index  int
		parent string
		last   string
	}{
		{"", "/", ipc.OK, 0, "/", ""},
		{"dir", "/dir/", ipc.OK, 3, "/", "dir"},
		{"dir/./file", "/dir/file", ipc.OK, 10, "/dir/", "file"},
		{"dir/none", "", ipc.NotFound, 4, "/dir/", "none"},
		{"none/file", "", ipc.NotFound, 0, "", ""},
		{"dir/file/x", "", ipc.NotAContext, 9, "/dir/file", "x"},
	} {
		m, segment := request(OpRemove, 0, 0, test.name, "")
		r, _ := ParseRequest(m, segment)
		again := *r
		got, err := Walk[string](tr, r)
		if ipc.CodeOf(err) != test.code || err == nil && got != test.want || r.Index != test.index {
			t.Errorf("%q leads to %q at %d, %v; want %q at %d, %v", test.name, got, r.Index, err, test.want, test.index, test.code)
		}
		parent, last, err := WalkParent[string](tr, &again)
		if err == nil && (parent != test.parent || last != test.last) || err != nil && test.parent != "" {
			t.Errorf("%q is %q in %q, %v; want %q in %q", test.name, last, parent, err, test.last, test.parent)
		}
	}
	m, segment := request(OpRemove, 0, 0, "away/file", "")
	r, _ := ParseRequest(m, segment)
	_, err := Walk[string](tr, r)
	var e *Elsewhere
	if !errors.As(err, &e) || e.Server != 9 || r.Rest() != "file" {
		t.Errorf("elsewhere: %v, the rest is %q", err, r.Rest())
	}
	m, segment = request(OpRemove, 3, 0, "dir", "")
	r, _ = ParseRequest(m, segment)
	if _, err := Walk[string](tr, r); !errors.Is(err, ipc.InvalidContext) {
		t.Errorf("a context that is none: %v", err)
	}
}

// FuzzParseRequest checks that no request leads a server out of its context.
func FuzzParseRequest(f *testing.F) {
	m, segment := request(OpRename, 1, 2, "/a/../b", "second")
	f.Add(m[:], segment)
	m, segment = request(OpReadDescriptor, 1, 2, "/a/b/./c", "data")
	f.Add(m[:], segment)
	f.Fuzz(func(t *testing.T, message, segment []byte) {
		var m ipc.Message
		copy(m[:], message)
		r, err := ParseRequest(&m, segment)
		if r.Index > max(len(r.Name), int(m.Uint16(atIndex))) {
			t.Fatalf("index %d of a name of %d octets", r.Index, len(r.Name))
		}
		if err != nil {
			return
		}
		for _, r := range []*Request{r, r.Second} {
			if r == nil {
				continue
			}
			rest := r.Rest()
			if strings.ContainsRune(rest, 0) || len(rest) > MaxName {
				t.Fatalf("the rest is %q", rest)
			}
			for _, c := range strings.Split(rest, "/") {
				if rest != "." && !IsComponent(c) {
					t.Fatalf("%q is a component of %q", c, rest)
				}
			}
			if strings.ToValidUTF8(rest, "") == rest && !fs.ValidPath(rest) {
				t.Fatalf("%q is no path", rest)
			}
		}
	})
}
