package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link/frame"
)

var root = Secret{1, 2, 3}

// pair returns both ends of a key from team 5 to team 9.
func pair(aes bool) (*Sealer, *Opener) {
	r := NewReceiver(0xABCDE, 7, aes, &root, 9)
	sender := Team{5, 0xFED}
	return NewSealer(r.SendKey(sender), sender), NewOpener(&r, sender)
}

func plain(body string) []byte {
	return append(frame.Header{Type: frame.Sealed, Slot: 9}.Append(make([]byte, 0, 256)), body...)
}

func TestSealAndOpen(t *testing.T) {
	for _, aes := range []bool{true, false} {
		s, o := pair(aes)
		var n Nonce
		b, err := s.Seal(plain("a packet"), 77, &n)
		if err != nil || len(b) != len("a packet")+frame.Overhead {
			t.Fatalf("Seal: %d octets, %v", len(b), err)
		}
		if bytes.Contains(b, []byte("packet")) {
			t.Error("the body can be read")
		}
		h, _, err := frame.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if session, team := SenderOf(&h); session != 0xABCDE || team != (Team{5, 0xFED}) {
			t.Errorf("SenderOf: %#x %v", session, team)
		}
		body, err := o.Open(&h, bytes.Clone(b), &n)
		if err != nil || string(body) != "a packet" {
			t.Errorf("Open: %q, %v", body, err)
		}
		if _, err := o.Open(&h, b, &n); !errors.Is(err, ErrReplayed) {
			t.Errorf("again: %v", err)
		}
	}
}

// Whatever bit is flipped, and wherever the frame is cut, it is refused, and the
// genuine one is taken afterwards.
func TestTampered(t *testing.T) {
	for _, aes := range []bool{true, false} {
		s, o := pair(aes)
		var n Nonce
		whole, _ := s.Seal(plain("a packet"), 1, &n)
		try := func(b []byte, what string) {
			h, _, err := frame.Decode(b)
			if err != nil {
				return
			}
			if _, err := o.Open(&h, b, &n); err == nil {
				t.Errorf("%s: taken", what)
			}
		}
		for bit := range len(whole) * 8 {
			b := bytes.Clone(whole)
			b[bit/8] ^= 1 << (bit % 8)
			try(b, "a flipped bit")
		}
		for cut := range whole {
			try(bytes.Clone(whole[:cut]), "cut")
		}
		h, _, _ := frame.Decode(whole)
		if _, err := o.Open(&h, whole, &n); err != nil {
			t.Error("the genuine one:", err)
		}
	}
}

// Each of what a key belongs to makes another key.
func TestKeysDiffer(t *testing.T) {
	other := Secret{9}
	keys := map[Secret]string{}
	add := func(what string, root *Secret, slot uint16, team Team) {
		r := NewReceiver(1, 1, true, root, slot)
		k := r.SendKey(team)
		if old, ok := keys[k.Secret]; ok {
			t.Errorf("%s has the key of %s", what, old)
		}
		keys[k.Secret] = what
	}
	add("one", &root, 1, Team{1, 1})
	add("another root", &other, 1, Team{1, 1})
	add("another receiver", &root, 2, Team{1, 1})
	add("another sender", &root, 1, Team{2, 1})
	add("another incarnation", &root, 1, Team{1, 2})
}

// The derivation of docs/wire/seal.md, computed beside this code by another
// program.
func TestGoldenKey(t *testing.T) {
	r := NewReceiver(1, 1, true, &root, 9)
	k := r.SendKey(Team{5, 0xFED})
	for _, test := range []struct{ what, got, want string }{
		{"receiver", hex.EncodeToString(r.Secret[:]), goldenReceiver},
		{"key", hex.EncodeToString(k.Secret[:]), goldenKey},
	} {
		if test.got != test.want {
			t.Errorf("%s: %s, want %s", test.what, test.got, test.want)
		}
	}
}

func TestExhausted(t *testing.T) {
	s, _ := pair(true)
	var n Nonce
	if _, err := s.Seal(plain(""), maxCount, &n); err != nil {
		t.Error(err)
	}
	if _, err := s.Seal(plain(""), maxCount+1, &n); ipc.CodeOf(err) != ipc.NoServerResources {
		t.Error(err)
	}
}

func TestGroup(t *testing.T) {
	g, other := NewGroup(&root), NewGroup(&Secret{4})
	random := rand.NewChaCha8(Secret{})
	b, err := g.Seal(nil, frame.Hello, []byte("who is there"), random)
	if err != nil || len(b) != 12+GroupOverhead {
		t.Fatalf("%d octets, %v", len(b), err)
	}
	again, _ := g.Seal(nil, frame.Hello, []byte("who is there"), random)
	if bytes.Equal(b, again) || bytes.Contains(b, []byte("who")) {
		t.Error("one body gives one frame, or can be read")
	}
	h, _, _ := frame.Decode(b)
	if h.Key != g.ID || h.Type != frame.Hello {
		t.Errorf("header %+v", h)
	}
	for bit := range len(b) * 8 {
		c := bytes.Clone(b)
		c[bit/8] ^= 1 << (bit % 8)
		if h, _, err := frame.Decode(c); err == nil {
			if _, err := g.Open(&h, c); err == nil {
				t.Errorf("bit %d is flipped, and it opens", bit)
			}
		}
	}
	if _, err := other.Open(&h, bytes.Clone(b)); !errors.Is(err, ErrForged) {
		t.Errorf("another domain's: %v", err)
	}
	if _, err := g.Open(&h, b[:frame.Overhead]); !errors.Is(err, frame.ErrShort) {
		t.Errorf("cut: %v", err)
	}
	if body, err := g.Open(&h, b); err != nil || string(body) != "who is there" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestDoesNotAllocate(t *testing.T) {
	for _, aes := range []bool{true, false} {
		s, o := pair(aes)
		n, buf, count := new(Nonce), make([]byte, 0, 256), uint64(0)
		allocs := testing.AllocsPerRun(100, func() {
			b := append(frame.Header{Type: frame.Sealed, Slot: 9}.Append(buf), "packet"...)
			b, _ = s.Seal(b, count, n)
			count++
			h, _, _ := frame.Decode(b)
			if _, err := o.Open(&h, b, n); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("AES %v: %v allocations", aes, allocs)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, _ := pair(true)
	b, _ := s.Seal(plain("a packet"), 1, new(Nonce))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, o := pair(true)
		g := NewGroup(&root)
		h, _, err := frame.Decode(b)
		if err != nil {
			return
		}
		if _, err := g.Open(&h, bytes.Clone(b)); err == nil {
			t.Error("a stranger's group frame is taken")
		}
		if body, err := o.Open(&h, b, new(Nonce)); err == nil && string(body) != "a packet" {
			t.Error("a stranger's frame is taken")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for _, c := range []struct {
		name string
		aes  bool
		size int
	}{{"AES/64", true, 64}, {"AES/1088", true, 1088}, {"ChaCha/64", false, 64}, {"ChaCha/1088", false, 1088}} {
		b.Run(c.name, func(b *testing.B) {
			s, _ := pair(c.aes)
			n, buf := new(Nonce), append(plain(""), make([]byte, c.size, c.size+16)...)
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			for i := range b.N {
				s.Seal(buf[:frame.HeaderSize+c.size], uint64(i), n)
			}
		})
	}
}

func BenchmarkOpenGroupForged(b *testing.B) {
	g := NewGroup(&root)
	f, _ := NewGroup(&Secret{4}).Seal(nil, frame.Handshake, make([]byte, 500), rand.NewChaCha8(Secret{}))
	h, _, _ := frame.Decode(f)
	b.ReportAllocs()
	for range b.N {
		g.Open(&h, f)
	}
}

// A frame that was held back is not opened when those after it came long ago.
func TestAge(t *testing.T) {
	s, o := pair(true)
	n := new(Nonce)
	frames := make([][]byte, 8)
	for i := range frames {
		frames[i], _ = s.Seal(plain("a packet"), uint64(i), n)
	}
	open := func(at time.Duration, i int) error {
		o.Age(at)
		b := bytes.Clone(frames[i])
		h, _, _ := frame.Decode(b)
		_, err := o.Open(&h, b, n)
		return err
	}
	for _, step := range []struct {
		at   time.Duration
		i    int
		want error
	}{
		{time.Hour, 1, nil},
		{time.Hour + OpenFor/2, 0, nil},           // a little late
		{time.Hour + OpenFor/2, 4, nil},           //
		{time.Hour + OpenFor, 3, nil},             // still
		{time.Hour + 2*OpenFor, 2, ErrReplayed},   // a later one was opened 6 s ago
		{time.Hour + 2*OpenFor, 5, nil},           // what is newer is good
		{2 * time.Hour, 6, nil},                   // after any silence
		{2*time.Hour + 2*OpenFor, 5, ErrReplayed}, //
		{2*time.Hour + 2*OpenFor, 7, nil},         //
	} {
		if err := open(step.at, step.i); !errors.Is(err, step.want) {
			t.Errorf("frame %d at %v: %v, want %v", step.i, step.at, err, step.want)
		}
	}
}
