package program

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vsys/ipc"
	"vsys/uio"
)

var server = ipc.MakePID(ipc.MakeLogicalHost(7, 12), 5, 41)

func full() *Spec {
	return &Spec{
		Path: "make", Search: "/bin:/usr/bin", Args: []string{"make", "-j4", ""}, Env: []string{"A=1"},
		Dir: "/unix/beta/src", Keep: true,
		Stdio: [3]Stdio{
			{Kind: StdioGiven, Instance: uio.InstanceID{Server: server, ID: 7}},
			{Kind: StdioLent, Instance: uio.InstanceID{Server: server, ID: 8}},
			{Kind: StdioName, Name: "/tmp/log", Mode: uio.Write | uio.Append | uio.Create},
		},
	}
}

func TestSpec(t *testing.T) {
	for name, s := range map[string]*Spec{"full": full(), "least": {Path: "x"}} {
		b, err := s.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSpec(b[len("before"):])
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, s)
		}
		for n := range len(b) - len("before") {
			if got, err := DecodeSpec(b[len("before"):][:n]); !errors.Is(err, ipc.BadArgs) {
				t.Fatalf("%s: the first %d octets are %+v, %v", name, n, got, err)
			}
		}
	}
}

// The layout is that of docs/wire/program.md.
func TestSpecLayout(t *testing.T) {
	s := &Spec{Path: "ab", Args: []string{"c"}, Dir: "/d", Keep: true}
	s.Stdio[0] = Stdio{Kind: StdioGiven, Instance: uio.InstanceID{Server: 0x0102030405060708, ID: 9}}
	want := "\x01\x01\x00\x00" +
		"\x01\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x09\x00\x00\x00\x00" +
		strings.Repeat("\x00", 40) +
		"\x00\x00\x00\x02ab\x00\x00\x00\x00\x00\x00\x00\x02/d" +
		"\x00\x00\x00\x01\x00\x00\x00\x01c\x00\x00\x00\x00"
	if b, err := s.Append(nil); err != nil || string(b) != want {
		t.Errorf("%q, %v\nwant %q", b, err, want)
	}
}

func TestSpecVersions(t *testing.T) {
	b, err := full().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	longer := append(bytes.Clone(b), "what a later version adds"...)
	if _, err := DecodeSpec(longer); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("version 1 with more: %v", err)
	}
	longer[0] = 2
	if got, err := DecodeSpec(longer); err != nil || !reflect.DeepEqual(got, full()) {
		t.Errorf("version 2 with more: %+v, %v", got, err)
	}
	b[0] = 0
	if _, err := DecodeSpec(b); !errors.Is(err, ipc.BadArgs) {
		t.Errorf("version 0: %v", err)
	}
}

func TestSpecCheck(t *testing.T) {
	given := Stdio{Kind: StdioGiven, Instance: uio.InstanceID{Server: server, ID: 7}}
	for name, change := range map[string]func(*Spec){
		"no program":            func(s *Spec) { s.Path = "" },
		"NUL in the program":    func(s *Spec) { s.Path = "a\x00" },
		"NUL in an argument":    func(s *Spec) { s.Args[1] = "\x00" },
		"NUL in a variable":     func(s *Spec) { s.Env[0] = "A=\x00" },
		"relative directory":    func(s *Spec) { s.Dir = "src" },
		"unknown kind":          func(s *Spec) { s.Stdio[0] = Stdio{Kind: 9} },
		"none with an instance": func(s *Spec) { s.Stdio[0] = given; s.Stdio[0].Kind = StdioNone },
		"given by a group":      func(s *Spec) { s.Stdio[0].Instance.Server = ipc.CSNHGroup },
		"given by nobody":       func(s *Spec) { s.Stdio[0].Instance.Server = 0 },
		"given with a mode":     func(s *Spec) { s.Stdio[0].Mode = uio.Read },
		"name with an instance": func(s *Spec) { s.Stdio[2].Instance = given.Instance },
		"name that is not clean": func(s *Spec) {
			s.Stdio[2].Name = "/tmp/../log"
		},
		"name without a mode": func(s *Spec) { s.Stdio[2].Mode = 0 },
		"too long":            func(s *Spec) { s.Args = append(s.Args, strings.Repeat("x", MaxSpec)) },
	} {
		s := full()
		change(s)
		if b, err := s.Append([]byte("b")); !errors.Is(err, ipc.BadArgs) || string(b) != "b" {
			t.Errorf("%s: %d octets, %v", name, len(b), err)
		}
	}
}

func TestSpecRandom(t *testing.T) {
	text := rapid.StringMatching(`[^\x00]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		s := &Spec{
			Path: rapid.StringMatching(`[^\x00]{1,20}`).Draw(t, "path"), Search: text.Draw(t, "search"),
			Keep: rapid.Bool().Draw(t, "keep"),
		}
		if args := rapid.SliceOf(text).Draw(t, "args"); len(args) > 0 {
			s.Args = args
		}
		if env := rapid.SliceOf(text).Draw(t, "env"); len(env) > 0 {
			s.Env = env
		}
		b, err := s.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeSpec(b); err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%+v, %v; want %+v", got, err, s)
		}
	})
}

// What decodes encodes to the same octets.
func FuzzDecodeSpec(f *testing.F) {
	for _, s := range []*Spec{full(), {Path: "x"}} {
		b, err := s.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSpec(b)
		if err != nil {
			return
		}
		again, err := s.Append(nil)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		if b[0] == specVersion && !bytes.Equal(again, b) {
			t.Errorf("%q is encoded as %q", b, again)
		}
	})
}

func TestMachine(t *testing.T) {
	little := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\xb7\x00"
	big := "\x7fELF\x02\x02\x01" + strings.Repeat("\x00", 9) + "\x00\x02\x00\x16"
	for header, want := range map[string]string{little: "arm64", big: "s390x", "#!/bin/sh and more text": "", little[:19]: "", "": ""} {
		m := FileMachine([]byte(header))
		if want == "" && m != 0 || want != "" && m.String() != want {
			t.Errorf("%q is for %v, want %q", header, m, want)
		}
	}
	if Machine(999).Native() || Machine(999).String() != "machine 999" {
		t.Errorf("an unknown machine: %v", Machine(999))
	}
}
