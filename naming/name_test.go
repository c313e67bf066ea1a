package naming

import (
	"errors"
	"strings"
	"testing"

	"vsys/ipc"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"/", "/"}, {"//", "/"}, {"/a", "/a"}, {"/a/", "/a"}, {"/a//./b", "/a/b"},
		{"/a/../b", "/b"}, {"/..", "/"}, {"/../../a", "/a"}, {"/a/..", "/"}, {"/...", "/..."},
		{"/\xff\xfe", "/\xff\xfe"}, {"/" + strings.Repeat("x", MaxName-1), "/" + strings.Repeat("x", MaxName-1)},
		{strings.Repeat("/", 5000) + "a", "/a"},
		{"", ""}, {"a", ""}, {"./a", ""}, {"/a\x00b", ""}, {"/" + strings.Repeat("x", MaxName), ""},
	} {
		got, err := Clean(test.in)
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("Clean(%.20q) = %.20q, %v; want %.20q", test.in, got, err, test.want)
		}
		if err != nil && !errors.Is(err, ipc.IllegalName) {
			t.Errorf("Clean(%.20q): %v, want %v", test.in, err, ipc.IllegalName)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, test := range []struct{ dir, name, want string }{
		{"/a", "b", "/a/b"}, {"/", "b", "/b"}, {"/a", "/b", "/b"}, {"/a/b", "..", "/a"},
		{"/a", "../../..", "/"}, {"/a", ".", "/a"}, {"/a", "", ""}, {"", "", ""},
	} {
		if got, _ := Join(test.dir, test.name); got != test.want {
			t.Errorf("Join(%q, %q) = %q, want %q", test.dir, test.name, got, test.want)
		}
	}
}

func TestCoversAndBeneath(t *testing.T) {
	for _, test := range []struct {
		prefix, name string
		covers       bool
		beneath      string
	}{
		{"/", "/", true, ""}, {"/", "/a/b", true, "a"}, {"/a", "/a", true, ""},
		{"/a", "/a/b/c", true, "b"}, {"/a", "/ab", false, ""}, {"/a/b", "/a", false, ""},
	} {
		if got := Covers(test.prefix, test.name); got != test.covers {
			t.Errorf("Covers(%q, %q) = %v", test.prefix, test.name, got)
		}
		if got := Beneath(test.prefix, test.name); got != test.beneath {
			t.Errorf("Beneath(%q, %q) = %q, want %q", test.prefix, test.name, got, test.beneath)
		}
	}
}

func TestIsComponent(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "...": true, " ": true, "\xff": true, "": false, ".": false, "..": false,
		"a/b": false, "/": false, "a\x00": false, strings.Repeat("x", MaxName+1): false,
	} {
		if got := IsComponent(s); got != want {
			t.Errorf("IsComponent(%.20q) = %v", s, got)
		}
	}
}
