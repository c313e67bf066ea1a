package naming

import (
	"errors"
	"testing"

	"vsys/ipc"
)

// group is a Process whose Send to a group is answered by a list of kernel
// servers.
type group struct {
	ipc.Process
	answers []reply
}

type reply struct {
	host uint16
	m    ipc.Message
}

func (g *group) Send(m *ipc.Message, to ipc.PID, s ipc.Segment) (ipc.PID, error) {
	if to != ipc.CSNHGroup || m.Op() != OpQueryName || !m.Has(ipc.FlagMRD) {
		return 0, ipc.NonexistentEntity
	}
	return g.GetReply(m, nil)
}

func (g *group) GetReply(m *ipc.Message, _ []byte) (ipc.PID, error) {
	if len(g.answers) == 0 {
		return 0, ipc.UserTimeout
	}
	a := g.answers[0]
	g.answers = g.answers[1:]
	*m = a.m
	return ipc.MakePID(ipc.MakeLogicalHost(a.host, 0), 0, 1), nil
}

// says is what the kernel server of a host with these prefixes answers.
func says(host uint16, name string, prefixes ...Prefix) reply {
	r := reply{host: host}
	r.m.SetCode(ipc.NotFound)
	answerQuery(&r.m, fixed(prefixes), name, host)
	return r
}

// fixed is a Domain of three hosts with fixed prefixes.
type fixed []Prefix

func (f fixed) Hosts() []Host                      { return []Host{{State: HostSelf}, {State: HostLive}, {State: HostLive}} }
func (f fixed) Prefixes() []Prefix                 { return f }
func (f fixed) AddPrefix(Prefix) error             { return ipc.NoPermission }
func (f fixed) DeletePrefix(string, ipc.PID) error { return ipc.NoPermission }

func TestGather(t *testing.T) {
	const name = "/a/b"
	beta := Prefix{Name: "/a", Server: 77, Context: 3, Host: 2}
	gone := beta
	gone.Lost = true
	beneath := Prefix{Name: "/a/b/c", Server: 78, Host: 2}
	for _, test := range []struct {
		what    string
		answers []reply
		want    answer
		stale   bool // beta's answer is known to be stale
		heard   int
		left    int
		code    ipc.Code
	}{
		{what: "nobody knows", answers: []reply{says(1, name), says(2, name), says(3, name)}, heard: 3},
		{what: "one answers twice", answers: []reply{says(1, name), says(1, name), says(2, name), says(3, name)}, heard: 3},
		{what: "the first knows", answers: []reply{says(2, name, beta), says(1, name)}, heard: 1, left: 1,
			want: answer{known: true, entry: entry{prefix: "/a", server: 77, context: 3}}},
		{what: "one knows that it is lost", answers: []reply{says(1, name), says(2, name, gone), says(3, name)}, heard: 3,
			want: answer{known: true, lost: true, entry: entry{prefix: "/a", server: 77, context: 3}}},
		{what: "a live one counts more", answers: []reply{says(1, name, gone), says(2, name, beta)}, heard: 2,
			want: answer{known: true, entry: entry{prefix: "/a", server: 77, context: 3}}},
		{what: "there are prefixes beneath", answers: []reply{says(1, name), says(2, name, beneath), says(3, name)}, heard: 3,
			want: answer{beneath: true}},
		{what: "a stale one does not count", stale: true, heard: 2,
			answers: []reply{says(1, name, beta), says(2, name, Prefix{Name: "/a", Server: 79, Host: 2}), says(3, name, beta)}, left: 1,
			want: answer{known: true, entry: entry{prefix: "/a", server: 79}}},
		{what: "one is silent", answers: []reply{says(1, name), says(3, name)}, heard: 2, code: ipc.UserTimeout},
		{what: "all are silent", code: ipc.UserTimeout},
	} {
		g := &group{answers: test.answers}
		q := &inquiry{name: name, live: 3, heard: make(map[uint16]bool)}
		if test.stale {
			q.stale = entry{prefix: beta.Name, server: beta.Server, context: beta.Context}
		}
		err := q.gather(g)
		got := q.best
		if !got.same(test.want.entry) || got.known != test.want.known || got.lost != test.want.lost || got.beneath != test.want.beneath {
			t.Errorf("%s: %+v, want %+v", test.what, got, test.want)
		}
		if len(q.heard) != test.heard || len(g.answers) != test.left || ipc.CodeOf(err) != test.code {
			t.Errorf("%s: heard %v, %d answers are left, %v", test.what, q.heard, len(g.answers), err)
		}
	}
}

func TestAnswerQuery(t *testing.T) {
	on := func(name string, host uint16, lost bool) Prefix {
		return Prefix{Name: name, Server: ipc.PID(host), Host: host, Lost: lost}
	}
	for _, test := range []struct {
		what string
		all  fixed
		want ipc.PID
	}{
		{"the longest", fixed{on("/", 1, false), on("/a/b", 2, false), on("/a", 3, false), on("/a/b/c", 4, false)}, 2},
		{"the longest, though it is lost", fixed{on("/a", 1, false), on("/a/b", 2, true)}, 2},
		{"a live one", fixed{on("/a", 2, true), on("/a", 3, false)}, 3},
		{"the own one", fixed{on("/a", 2, false), on("/a", 1, false), on("/a", 3, false)}, 1},
		{"none", fixed{on("/b", 1, false)}, 0},
	} {
		var m ipc.Message
		m.SetCode(ipc.NotFound)
		answerQuery(&m, test.all, "/a/b", 1)
		a, err := readAnswer(&m, "/a/b")
		if err != nil || a.server != test.want || a.live != 3 {
			t.Errorf("%s: %+v, %v; want %v", test.what, a, err, test.want)
		}
	}
}

// FuzzAnswer checks that nothing a kernel server says breaks a client.
func FuzzAnswer(f *testing.F) {
	r := says(1, "/a/b", Prefix{Name: "/a"})
	f.Add(r.m[:], "/a/b")
	f.Fuzz(func(t *testing.T, message []byte, name string) {
		name, err := Clean(name)
		if err != nil {
			return
		}
		var m ipc.Message
		copy(m[:], message)
		a, err := readAnswer(&m, name)
		if err == nil && a.known && !Covers(a.prefix, name) {
			t.Fatalf("%q covers %q", a.prefix, name)
		}
		if err := failure(&m, name); err == nil && m.Code() != ipc.OK {
			t.Fatal("no failure")
		}
		var c *ComponentError
		if errors.As(failure(&m, name), &c) && name[c.Index:c.Index+len(c.Component)] != c.Component {
			t.Fatalf("%+v is not in %q", c, name)
		}
	})
}
