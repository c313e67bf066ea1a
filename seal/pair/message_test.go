package pair

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flynn/noise"

	"vsys/seal/cert"
)

func TestPayloadRoundTrip(t *testing.T) {
	w := newWorld(t, 50)
	w.rotate()
	w.rotate()
	w.rotate()
	p := &payload{
		aes: true, verdict: Revoked, id: 0x12345, number: 7, epoch: 1 << 63, sequence: 99,
		wall:        time.UnixMilli(1_772_366_400_123),
		certificate: w.identity("beta").Certificate,
		successions: []cert.Succession{w.trust.Successions[1], w.trust.Successions[0]},
	}
	for _, room := range []int{initiateRoom, respondRoom} {
		b := p.append([]byte("x"), room)
		if len(b) != 1+room {
			t.Errorf("%d octets, want %d", len(b)-1, room)
		}
		got, err := parsePayload(b[1:])
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v, %v\nwant %+v", got, err, p)
		}
		if payloadID(b[1:]) != p.id {
			t.Error("another session")
		}
	}
	for n := range 200 {
		if _, err := parsePayload(p.append(nil, respondRoom)[:n]); !errors.Is(err, ErrBody) {
			t.Errorf("the first %d octets: %v", n, err)
		}
	}
	for name, spoil := range map[string]func(*payload){
		"no session":     func(p *payload) { p.id = 0 },
		"a long session": func(p *payload) { p.id = 1 << 20 },
		"no number":      func(p *payload) { p.number = 0 },
		"a wrong number": func(p *payload) { p.number = 0xE001 },
		"no name":        func(p *payload) { p.certificate.Name = "" },
	} {
		bad := *p
		spoil(&bad)
		if _, err := parsePayload(bad.append(nil, respondRoom)); !errors.Is(err, ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The newest successions are those that go out, the elder of them first.
func TestNewestSuccessionsFit(t *testing.T) {
	w := newWorld(t, 51)
	a := w.boot(1)
	for range 4 {
		w.rotate()
	}
	a.trust = w.trust
	p, err := parsePayload(a.self(5, w.wall()).append(nil, respondRoom))
	if err != nil || len(p.successions) != 2 {
		t.Fatalf("%d successions, %v", len(p.successions), err)
	}
	if !reflect.DeepEqual(p.successions[1], w.trust.Successions[0]) || !reflect.DeepEqual(p.successions[0], w.trust.Successions[1]) {
		t.Error("others, or in another order")
	}
}

func TestMalformedBodies(t *testing.T) {
	w := newWorld(t, 52)
	a := w.boot(1)
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"one octet":       {1},
		"another version": append([]byte{1, 2}, make([]byte, Size-2)...),
		"kind 0":          append([]byte{0, 1}, make([]byte, Size-2)...),
		"kind 6":          append([]byte{6, 1}, make([]byte, Size-2)...),
		"short":           append([]byte{1, 1}, make([]byte, Size-3)...),
		"long":            append([]byte{2, 1}, make([]byte, Size-1)...),
		"a long Confirm":  append([]byte{3, 1}, make([]byte, confirmBody-1)...),
		"a short Cookie":  append([]byte{4, 1}, make([]byte, cookieBody-3)...),
		"zeros":           append([]byte{1, 1}, make([]byte, Size-2)...),
	} {
		if out, err := a.Heard(0, w.wall(), attacker, 1, b, nil); !errors.Is(err, ErrBody) || len(out) > 0 {
			t.Errorf("%s: %d packets, %v", name, len(out), err)
		}
	}
	for _, k := range []kind{kindRespond, kindConfirm, kindCookie, kindAcknowledge} {
		b := append(appendHead(nil, k, 5), make([]byte, Size)...)
		b = b[:map[kind]int{kindRespond: Size, kindConfirm: confirmBody, kindCookie: cookieBody, kindAcknowledge: confirmBody}[k]]
		if out, err := a.Heard(0, w.wall(), attacker, 1, b, nil); !errors.Is(err, ErrUnknown) || len(out) > 0 {
			t.Errorf("kind %d that answers nothing: %d packets, %v", k, len(out), err)
		}
	}
}

func TestWordsOfVerdicts(t *testing.T) {
	for v := range Verdict(40) {
		if s := v.String(); s == "" || strings.Contains(s, "%!") {
			t.Errorf("%d: %q", v, s)
		}
	}
	if got := verdictOf(errors.New("x")); got != Unacceptable {
		t.Errorf("verdict %d", got)
	}
	for r, want := range map[cert.Reason]Verdict{
		cert.WrongDomain: WrongDomain, cert.BadSignature: BadSignature, cert.Expired: Expired,
		cert.NotYetValid: NotYetValid, cert.Revoked: Revoked, cert.OldKey: OldKey, cert.Fork: Unacceptable,
	} {
		if got := verdictOf(&cert.Error{Reason: r}); got != want {
			t.Errorf("reason %d goes over the wire as %d, want %d", r, got, want)
		}
	}
}

// The vectors that the library publishes for the pattern and suite used here.
func TestNoiseVectors(t *testing.T) {
	f, err := os.Open("testdata/noise_ix.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	count := 0
	v := map[string][]byte{}
	for s := bufio.NewScanner(f); ; {
		more := s.Scan()
		key, value, ok := strings.Cut(s.Text(), "=")
		switch {
		case ok && key == "handshake" && value != "Noise_IX_25519_ChaChaPoly_SHA256":
			t.Fatalf("vector of %s", value)
		case ok && key != "handshake":
			if v[key], err = hex.DecodeString(value); err != nil {
				t.Fatal(err)
			}
		case len(v) > 0:
			checkVector(t, v)
			count++
			v = map[string][]byte{}
		}
		if !more {
			break
		}
	}
	if count != 4 {
		t.Errorf("%d vectors, want 4", count)
	}
}

func checkVector(t *testing.T, v map[string][]byte) {
	state := func(static, ephemeral string, initiator bool) *noise.HandshakeState {
		key := cert.HostKeyOf([32]byte(v[static]))
		h, err := noise.NewHandshakeState(noise.Config{
			CipherSuite: suite, Pattern: noise.HandshakeIX, Initiator: initiator, Prologue: v["prologue"],
			StaticKeypair: noise.DHKey{Private: key.Private[:], Public: key.Public[:]},
			Random:        bytes.NewReader(v[ephemeral]),
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	i, r := state("init_static", "gen_init_ephemeral", true), state("resp_static", "gen_resp_ephemeral", false)
	b, _, _, err := i.WriteMessage(nil, v["msg_0_payload"])
	if err != nil || !bytes.Equal(b, v["msg_0_ciphertext"]) {
		t.Fatalf("message 0: %x, %v", b, err)
	}
	if p, _, _, err := r.ReadMessage(nil, b); err != nil || !bytes.Equal(p, v["msg_0_payload"]) {
		t.Fatalf("payload 0: %x, %v", p, err)
	}
	b, r1, r2, err := r.WriteMessage(nil, v["msg_1_payload"])
	if err != nil || !bytes.Equal(b, v["msg_1_ciphertext"]) {
		t.Fatalf("message 1: %x, %v", b, err)
	}
	p, i1, i2, err := i.ReadMessage(nil, b)
	if err != nil || !bytes.Equal(p, v["msg_1_payload"]) {
		t.Fatalf("payload 1: %x, %v", p, err)
	}
	if newKeys(i1, i2) != newKeys(r1, r2) || newKeys(i1, i2) == newKeys(i2, i1) {
		t.Error("the keys differ, or don't tell the directions apart")
	}
	for n, c := range []*noise.CipherState{i1, i2} {
		number := string(rune('2' + n))
		if b, err := c.Encrypt(nil, nil, v["msg_"+number+"_payload"]); err != nil || !bytes.Equal(b, v["msg_"+number+"_ciphertext"]) {
			t.Errorf("message %s: %x, %v", number, b, err)
		}
	}
}

// What is parsed is written again as it was, but for the zeros behind it.
func FuzzPayload(f *testing.F) {
	w := newWorld(f, 53)
	a := w.boot(1)
	f.Add(a.self(5, w.wall()).append(nil, initiateRoom))
	w.rotate()
	a.trust = w.trust
	f.Add(a.self(0xFFFFD, w.wall()).append(nil, respondRoom))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePayload(b)
		if err != nil {
			if !errors.Is(err, ErrBody) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := parsePayload(p.append(nil, len(b)))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v\n%+v, %v", p, again, err)
		}
	})
}

// Octets that come in any state of a table are answered by no more octets, and
// break nothing that stands.
func FuzzHeard(f *testing.F) {
	w := newWorld(f, 54)
	a, b := w.boot(1), w.boot(2)
	b.greet(a)
	w.run(time.Second)
	for _, p := range w.record {
		if p.body != nil {
			f.Add(p.body)
		}
	}
	f.Add(appendHead(nil, kindCookie, 7))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWorld(t, 54)
		a, b, c := w.boot(1), w.boot(2), w.boot(3)
		b.greet(a)
		w.run(time.Second)
		before := a.snapshot()
		a.Begin(w.now, w.wall(), Stranger{c.addr, 3, c.epoch, 1, Size}, nil)
		c.greet(a)
		for _, from := range []*node{b, c} {
			w.inject(a, from.addr, body)
			w.inject(b, from.addr, body)
		}
		if after := a.snapshot(); after != before {
			t.Fatalf("before\n%s\nafter\n%s", before, after)
		}
		w.greetFor(time.Second)
		w.both(a, b)
		w.both(a, c)
	})
}

func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b, 60)
	x, y := w.boot(1), w.boot(2)
	b.ReportAllocs()
	for b.Loop() {
		x.Drop(2)
		y.Drop(1)
		x.unload()
		y.unload()
		p := x.Begin(0, w.wall(), Stranger{y.addr, 2, y.epoch, 1, Size}, nil)
		p, _ = y.Heard(0, w.wall(), x.addr, 1, p[0].Body, nil)
		p, _ = x.Heard(0, w.wall(), y.addr, 1, p[0].Body, nil)
		if _, err := y.Heard(0, w.wall(), x.addr, 1, p[0].Body, nil); err != nil || y.Session(1) == nil {
			b.Fatal(err)
		}
		x.Table.Events()
		y.Table.Events()
	}
}

// A packet of a flood is answered with a cookie, or dropped.
func BenchmarkFlood(b *testing.B) {
	for _, drop := range []bool{false, true} {
		b.Run(map[bool]string{false: "cookie", true: "drop"}[drop], func(b *testing.B) {
			w := newWorld(b, 61)
			x := w.boot(1)
			next := w.flood(w.mallory(3, 5))
			body := next()
			for range freeRate {
				x.Heard(0, w.wall(), attacker, 1, next(), nil)
			}
			if drop {
				body[0] = byte(kindRespond)
			}
			var out []Packet
			b.ReportAllocs()
			for b.Loop() {
				out, _ = x.Heard(0, w.wall(), attacker, 1, body, out[:0])
			}
		})
	}
}
