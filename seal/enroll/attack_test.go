package enroll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/seal/cert"
)

func TestWrongCode(t *testing.T) {
	w := newWorld(t)
	c := w.invite()
	guess := c
	guess.Secret[9] ^= 1
	unknown := c
	unknown.Number = 2
	var answers [][]byte
	for _, x := range []Code{guess, unknown} {
		j := w.joiner(x, "beta")
		p := w.ask(j)
		o := w.hear(p)
		if o.Refused != WrongCode || len(o.Answer) != rejectSize || o.Number != 0 {
			t.Fatalf("outcome %+v", o)
		}
		answers = append(answers, o.Answer[:headSize])
		j.Heard(w.wall, inn, o.Answer)
		if j.Done() {
			t.Fatal("anybody can end an attempt")
		}
		j.Tick(DefaultLimit, nil)
		_, err := j.Result()
		if e := (*Error)(nil); !errors.As(err, &e) || e.Reason != WrongCode || !errors.Is(err, ipc.NoPermission) {
			t.Errorf("%v", err)
		}
	}
	if !bytes.Equal(answers[0], answers[1]) {
		t.Error("a stranger can tell which invitations there are")
	}
	if len(w.inv.List(w.wall)) != 1 || w.inv.all[0].State != Open {
		t.Error("a guess has changed the invitation")
	}
}

// TestHintOnly lets a liar on the wire answer first; the right answer counts.
func TestHintOnly(t *testing.T) {
	w := newWorld(t)
	j := w.joiner(w.invite(), "beta")
	p := w.ask(j)
	o := w.hear(p)
	lowOrder := bytes.Clone(o.Answer)
	clear(lowOrder[headSize : headSize+32]) // a public key with which no secret can be made
	for _, lie := range [][]byte{reject(p.Body), lowOrder, p.Body, nil, {Version}, {Version, byte(answer)}, make([]byte, BodySize)} {
		j.Heard(w.wall, other, lie)
	}
	j.Heard(w.wall, inn, o.Answer)
	if g, err := j.Result(); g == nil {
		t.Fatal(err)
	}
}

func TestNoAnswer(t *testing.T) {
	w := newWorld(t)
	j := w.joiner(w.invite(), "beta")
	sent := 0
	var now time.Duration
	for ; !j.Done(); now = j.Deadline() {
		sent += len(j.Tick(now, nil))
		j.Heard(w.wall, other, reject(make([]byte, BodySize))) // of another request
	}
	_, err := j.Result()
	var e *Error
	if !errors.As(err, &e) || e.Reason != NoAnswer || e.Error() != "no host answered within 8s" || !errors.Is(err, ipc.UserTimeout) {
		t.Errorf("%v", err)
	}
	for _, says := range []string{"vsys doctor", "UDP port 8145", "@ADDRESS"} {
		if e != nil && !strings.Contains(e.Hint(), says) {
			t.Errorf("the hint does not say %q: %s", says, e.Hint())
		}
	}
	if sent != 27 {
		t.Errorf("%d requests within 8 s, one every 300 ms", sent)
	}
}

// TestTampered changes each octet of the request and of the answer.
func TestTampered(t *testing.T) {
	w := newWorld(t)
	j := w.joiner(w.invite(), "beta")
	p := w.ask(j)
	for i := range p.Body {
		x := bytes.Clone(p.Body)
		x[i] ^= 1 << (i % 8)
		o, err := w.inv.Heard(&w.keep, w.wall, p.Number, x)
		if err == nil && o.Refused != WrongCode || o.Joined != nil || o.Changed {
			t.Fatalf("request with octet %d changed: %+v, %v", i, o, err)
		}
	}
	o := w.hear(p)
	for i := range o.Answer {
		x := bytes.Clone(o.Answer)
		x[i] ^= 1 << (i % 8)
		j.Heard(w.wall, other, x)
		if j.Done() {
			t.Fatalf("an answer with octet %d changed is taken: %v", i, j.err)
		}
	}
	j.Heard(w.wall, inn, o.Answer)
	if j.grant == nil {
		t.Errorf("after all that: %v", j.err)
	}
}

// TestOtherNumber lets a request be sent under another invitation's number.
func TestOtherNumber(t *testing.T) {
	w := newWorld(t)
	w.invite()
	p := w.ask(w.joiner(w.invite(), "beta"))
	p.Number = 1
	if o := w.hear(p); o.Refused != WrongCode {
		t.Errorf("outcome %+v", o)
	}
	p.Number = 2 | 1<<8
	if o := w.hear(p); o.Refused != WrongCode {
		t.Errorf("number %d: outcome %+v", p.Number, o)
	}
}

// TestBadGrants lets a keeper, who knows the code, grant what can't be used.
func TestBadGrants(t *testing.T) {
	for what, spoil := range map[string]func(*Grant, *Joiner){
		"of another domain": func(g *Grant, _ *Joiner) { g.Trust.Domain[0] ^= 1; g.Trust.Bulletin = cert.Bulletin{} },
		"for another key":   func(_ *Grant, j *Joiner) { j.how.Key.Public[0] ^= 1 },
		"for another name":  func(_ *Grant, j *Joiner) { j.how.Name = "other" },
		"without group key": func(g *Grant, _ *Joiner) { g.Trust.Groups = nil },
		"without signature": func(g *Grant, _ *Joiner) { g.Certificate.Signature = [64]byte{} },
	} {
		w := newWorld(t)
		j := w.joiner(w.invite(), "beta")
		o := w.hear(w.ask(j))
		g := Grant{Certificate: *o.Joined, Trust: w.keep.Trust.ForNewcomer(), Inviter: "alpha"}
		spoil(&g, j)
		parsed, r, err := parseAnswer(g.append(nil))
		if err != nil || r.reason != 0 {
			t.Fatalf("%s: %v", what, err)
		}
		j.take(&parsed, w.wall, inn)
		if e := (*Error)(nil); !errors.As(j.err, &e) || e.Reason != Garbled || j.grant != nil || e.Hint() == "" {
			t.Errorf("%s: %v", what, j.err)
		}
	}
}

func TestPayloadsRefused(t *testing.T) {
	key := appendField(nil, fieldKey, make([]byte, 32))
	for what, b := range map[string][]byte{
		"empty":        {},
		"cut":          {fieldName, 0},
		"cut value":    {fieldName, 0, 9, 'a'},
		"short key":    appendField(nil, fieldKey, make([]byte, 31)),
		"zero key":     appendField(key, fieldName, []byte("beta")),
		"long key":     appendField(nil, fieldKey, make([]byte, 33)),
		"no name":      key,
		"a bad name":   appendField(nil, fieldName, []byte("a/b")),
		"a short time": appendField(nil, fieldWall, []byte{1}),
		"a long text":  appendField(nil, fieldVersion, make([]byte, maxText+1)),
		"a long type":  appendField(nil, fieldProcessor, make([]byte, maxText+1)),
	} {
		if w, err := parseWish(b); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("wish, %s: %+v, %v", what, w, err)
		}
	}
	for what, b := range map[string][]byte{
		"empty":             {},
		"bad certificate":   appendField(nil, fieldCert, nil),
		"bad trust":         appendField(nil, fieldTrust, nil),
		"bad inviter":       appendField(nil, fieldInviter, nil),
		"bad address":       appendField(nil, fieldAddress, make([]byte, 7)),
		"address, no port":  appendField(nil, fieldAddress, make([]byte, 6)),
		"short address":     appendField(nil, fieldAddress, []byte{1}),
		"no reason":         appendField(nil, fieldRefusal, []byte{0}),
		"a joiner's reason": appendField(nil, fieldRefusal, []byte{byte(WrongCode)}),
		"short skew":        appendField(nil, fieldSkew, []byte{1}),
		"bad user":          appendField(nil, fieldUser, []byte("a b")),
	} {
		if g, r, err := parseAnswer(b); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("answer, %s: %+v, %+v, %v", what, g, r, err)
		}
	}
	later := appendField(appendField(nil, fieldRefusal, []byte{77}), 200, []byte("?"))
	if _, r, err := parseAnswer(later); err != nil || r.reason != 77 || (&Error{Reason: 77}).Error() != "refused for reason 77" {
		t.Errorf("a later version's answer: %+v, %v", r, err)
	}
}

func FuzzHeard(f *testing.F) {
	w := newWorld(&testing.T{})
	p := w.ask(w.joiner(w.invite(), "beta"))
	good := bytes.Clone(p.Body)
	f.Add(uint32(1), good)
	f.Add(uint32(2), []byte{Version, 2})
	f.Fuzz(func(t *testing.T, number uint32, body []byte) {
		inv := Invitations{all: []Invitation{w.inv.all[0]}}
		o, err := inv.Heard(&w.keep, start, number, body)
		if len(o.Answer) > len(body) {
			t.Fatal("amplified")
		}
		if o.Joined != nil && !bytes.Equal(body, good) {
			t.Fatal("forged")
		}
		if err != nil && !errors.Is(err, ipc.BadArgs) {
			t.Fatal(err)
		}
	})
}

func FuzzJoiner(f *testing.F) {
	w := newWorld(&testing.T{})
	c := w.invite()
	f.Add([]byte{Version, 3})
	f.Fuzz(func(t *testing.T, body []byte) {
		w.t = t
		j := w.joiner(c, "beta")
		j.Heard(start, inn, body)
		if j.Done() {
			t.Fatal("forged")
		}
	})
}

func FuzzParseWish(f *testing.F) {
	f.Add((&Wish{[32]byte{1}, "beta", start, "1", "amd64"}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := parseWish(b)
		if err != nil {
			return
		}
		if again, err := parseWish(w.append(nil)); err != nil || again != w {
			t.Fatalf("%+v, again %+v, %v", w, again, err)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	w := newWorld(&testing.T{})
	o := w.hear(w.ask(w.joiner(w.invite(), "beta")))
	g := Grant{*o.Joined, w.keep.Trust.ForNewcomer(), "alpha", w.keep.Addresses}
	f.Add(g.append(nil))
	f.Add((&refusal{Clock, time.Hour, "beta"}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > payloadSize {
			return
		}
		g, r, err := parseAnswer(b)
		if err == nil && r.reason == 0 && len(g.append(nil)) > payloadSize {
			t.Fatal("larger than it was")
		}
	})
}

func FuzzParseInvitations(f *testing.F) {
	w := newWorld(&testing.T{})
	w.try(w.invite(), "beta")
	w.invite()
	b := w.inv.Append(nil)
	f.Add(b)
	f.Add(binary.BigEndian.AppendUint16(nil, Version<<8))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseInvitations(b)
		if err != nil {
			return
		}
		if out := v.Append(nil); !bytes.Equal(out, b) {
			t.Fatalf("%x became %x", b, out)
		}
	})
}

// BenchmarkHeard is what a request costs a keeper: one with a wrong code, of which
// a flood may come, and one that is granted.
func BenchmarkHeard(b *testing.B) {
	w := newWorld(&testing.T{})
	c := w.invite()
	good := w.ask(w.joiner(c, "beta"))
	c.Secret[0] ^= 1
	wrong := w.ask(w.joiner(c, "beta"))
	open := w.inv.all[0]
	for name, p := range map[string]Packet{"wrong": wrong, "granted": good} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.inv.all[0] = open
				if _, err := w.inv.Heard(&w.keep, start, p.Number, p.Body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
