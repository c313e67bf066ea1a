package program

import (
	"encoding/binary"
	"fmt"
	"strings"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

// MaxSpec is the most octets an encoded Spec has.
const MaxSpec = 1 << 20

// Own is the Path of V's own program, which each host has: its verbs are V's
// commands.
const Own = "vsys"

// Spec says what is to be started.
type Spec struct {
	// Path names the program. Without a slash it is searched along Search. With
	// one it is a V name relative to Dir; an absolute one that is no V name of
	// the host is a path of the host's Unix file system.
	Path string
	// Search is the search path, directories of the host's Unix file system with
	// colons between. "": that of Env, or else of the host.
	Search string
	Args   []string // Args[0] is the program's own name; none: Path
	Env    []string // NAME=value; none: the environment of the team server
	Dir    string   // the working directory, a V name; "": the user's home there
	Stdio  [3]Stdio // standard input, output, error
	// Keep says that the program outlives its owner, and what it leaves running
	// outlives it.
	Keep bool
}

// StdioKind says what a standard stream is joined to. Numbers are frozen.
type StdioKind uint8

const (
	StdioNone  StdioKind = iota // nothing: /dev/null
	StdioGiven                  // an instance, from now on the program's
	StdioLent                   // an instance, which stays its owner's
	StdioName                   // a V name, opened by the program's host
)

// Stdio is what a standard stream is joined to. Two that are equal, and not
// None, are one opening, shared.
type Stdio struct {
	Kind     StdioKind
	Instance uio.InstanceID // with StdioGiven and StdioLent
	Name     string         // with StdioName
	Mode     uio.Mode       // with StdioName: how to open it
}

// Encoding of a Spec.
const (
	specVersion = 1
	specKeep    = 1 << 0
	specFixed   = 4 // octets before the stdio
)

// Append appends the encoding of s to b:
//
//	offset  size
//	 0      1     version, 1
//	 1      1     flags: 1 keep
//	 2      2     0
//	 4            three times, standard input, output, error:
//	        1       kind
//	        1       0
//	        2       mode
//	        8+4     instance: server, number
//	        4+n     name
//	        4+n   path
//	        4+n   search path
//	        4+n   working directory
//	        4     number of arguments, then each: 4+n
//	        4     number of environment strings, then each: 4+n
//
// BadArgs: it is longer than MaxSpec, or what Check finds.
func (s *Spec) Append(b []byte) ([]byte, error) {
	if err := s.Check(); err != nil {
		return b, err
	}
	start := len(b)
	flags := byte(0)
	if s.Keep {
		flags |= specKeep
	}
	b = append(b, specVersion, flags, 0, 0)
	for i := range s.Stdio {
		b = s.Stdio[i].append(b)
	}
	for _, t := range []string{s.Path, s.Search, s.Dir} {
		b = appendString(b, t)
	}
	for _, list := range [][]string{s.Args, s.Env} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
		for _, t := range list {
			b = appendString(b, t)
		}
	}
	if len(b)-start > MaxSpec {
		return b[:start], fmt.Errorf("arguments and environment have more than %d octets: %w", MaxSpec, ipc.BadArgs)
	}
	return b, nil
}

func (s *Stdio) append(b []byte) []byte {
	b = append(b, byte(s.Kind), 0)
	b = binary.BigEndian.AppendUint16(b, uint16(s.Mode))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Instance.Server))
	b = binary.BigEndian.AppendUint32(b, s.Instance.ID)
	return appendString(b, s.Name)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// Check returns BadArgs where s can't be: no program, a NUL in a string, a
// working directory that is no absolute name, or a stream of an unknown kind or
// one that lacks what its kind needs.
func (s *Spec) Check() error {
	texts := append(append([]string{s.Path, s.Search, s.Dir}, s.Args...), s.Env...)
	for _, t := range texts {
		if strings.IndexByte(t, 0) >= 0 {
			return fmt.Errorf("a NUL in %q: %w", t, ipc.BadArgs)
		}
	}
	if s.Path == "" {
		return fmt.Errorf("no program: %w", ipc.BadArgs)
	}
	if s.Dir != "" && s.Dir[0] != '/' {
		return fmt.Errorf("working directory %q is not absolute: %w", s.Dir, ipc.BadArgs)
	}
	for i := range s.Stdio {
		if err := s.Stdio[i].check(); err != nil {
			return fmt.Errorf("%v: %w", PartStdin+Part(i), err)
		}
	}
	return nil
}

func (s *Stdio) check() error {
	ok := false
	switch s.Kind {
	case StdioNone:
		ok = *s == Stdio{}
	case StdioGiven, StdioLent:
		ok = s.Instance.Server != 0 && !s.Instance.Server.IsGroup() && s.Name == "" && s.Mode == 0
	case StdioName:
		clean, err := naming.Clean(s.Name)
		ok = err == nil && clean == s.Name && s.Mode.Check() == nil && s.Instance == uio.InstanceID{}
	}
	if !ok {
		return ipc.BadArgs
	}
	return nil
}

// DecodeSpec reads a Spec that fills b, of which it keeps nothing. BadArgs: it
// is none, or not all there. A later version may only add to the end.
func DecodeSpec(b []byte) (*Spec, error) {
	bad := fmt.Errorf("program specification: %w", ipc.BadArgs)
	if len(b) < specFixed || len(b) > MaxSpec || b[0] < specVersion {
		return nil, bad
	}
	version := b[0]
	if version == specVersion && (b[1]&^specKeep != 0 || b[2]|b[3] != 0) {
		return nil, bad
	}
	s := &Spec{Keep: b[1]&specKeep != 0}
	r := reader{b: b[specFixed:]}
	for i := range s.Stdio {
		s.Stdio[i] = r.stdio()
	}
	s.Path, s.Search, s.Dir = r.string(), r.string(), r.string()
	s.Args, s.Env = r.list(), r.list()
	if r.bad || version == specVersion && len(r.b) > 0 {
		return nil, bad
	}
	return s, s.Check()
}

// reader takes what Append wrote from the front of b; bad says that something
// was not there.
type reader struct {
	b   []byte
	bad bool
}

// take returns the next n octets, or zeroes.
func (r *reader) take(n int) []byte {
	if r.bad = r.bad || n > len(r.b); r.bad {
		return make([]byte, min(n, 16))
	}
	t := r.b[:n]
	r.b = r.b[n:]
	return t
}

func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }

func (r *reader) string() string {
	n := r.uint32()
	if r.bad = r.bad || uint64(n) > uint64(len(r.b)); r.bad {
		return ""
	}
	return string(r.take(int(n)))
}

// list reads strings; each takes 4 octets at least, which bounds their number.
func (r *reader) list() []string {
	n := r.uint32()
	if r.bad = r.bad || uint64(n) > uint64(len(r.b)/4); r.bad || n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.string()
	}
	return list
}

func (r *reader) stdio() Stdio {
	head := r.take(4)
	s := Stdio{Kind: StdioKind(head[0]), Mode: uio.Mode(binary.BigEndian.Uint16(head[2:]))}
	r.bad = r.bad || head[1] != 0
	s.Instance.Server = ipc.PID(binary.BigEndian.Uint64(r.take(8)))
	s.Instance.ID = r.uint32()
	s.Name = r.string()
	return s
}
