package pipe

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"vsys/ipc"
)

// open returns a pipe with an end on each side.
func open() *pipe {
	p := newPipe()
	p.join(true, 1)
	p.join(false, 2)
	return p
}

// TestRing holds the buffer to a slice that grows and shrinks.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, model, next := open(), []byte{}, byte(0)
		fresh := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = next
				next++
			}
			return b
		}
		size := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, Size))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				b := fresh(size.Draw(t, "n"))
				n, err := p.put(b)
				switch fits := len(model)-len(p.returned)+len(b) <= Size; {
				case err != nil, fits && n != len(b), !fits && n != 0:
					t.Fatalf("put %d to %d: %d, %v", len(b), len(model), n, err)
				case fits:
					model = append(model, b...)
				}
			},
			"take": func(t *rapid.T) {
				b := make([]byte, size.Draw(t, "n"))
				first := cmp.Or(len(p.returned), len(model)) // never both at once
				n, err := p.take(b)
				if err != nil || n != min(len(b), first) || !bytes.Equal(b[:n], model[:n]) {
					t.Fatalf("take %d of %d: %d, %v", len(b), len(model), n, err)
				}
				model = model[n:]
			},
			"unread": func(t *rapid.T) {
				b := fresh(size.Draw(t, "n"))
				p.unread(b)
				model = append(b, model...)
			},
			"": func(t *rapid.T) {
				if len(p.returned)+p.fill != len(model) || p.first < 0 || p.first >= Size {
					t.Fatalf("it has %d octets at %d, want %d", p.fill, p.first, len(model))
				}
			},
		})
	})
}

func TestEnds(t *testing.T) {
	ctx := t.Context()
	b := make([]byte, 10)
	p := open()
	if n, err := p.write(ctx, []byte("left")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	p.join(true, 1)
	if p.leave(true, 1) {
		t.Error("one of two writers was the last end")
	}
	if n, err := p.read(ctx, b); string(b[:n]) != "left" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if n, err := p.take(b); n != 0 || err != nil {
		t.Errorf("with a writer it ends: %d, %v", n, err)
	}
	if _, err := p.write(ctx, []byte("more")); err != nil {
		t.Fatal(err)
	}
	p.leave(true, 1)
	if n, err := p.read(ctx, b); string(b[:n]) != "more" || err != nil {
		t.Errorf("when the writer has gone: %q, %v", b[:n], err)
	}
	for range 2 {
		if n, err := p.read(ctx, b); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
	}
	p.join(true, 3)
	if _, err := p.write(ctx, []byte("anew")); err != nil {
		t.Errorf("a writer has come again: %v", err)
	}
	p.leave(false, 2)
	if n, err := p.write(ctx, []byte("x")); n != 0 || err != ipc.Aborted {
		t.Errorf("without a reader: %d, %v", n, err)
	}
	if !p.leave(true, 3) {
		t.Error("the last end was not the last")
	}
}

// TestBeforeTheOtherSide: what comes first waits for the other side.
func TestBeforeTheOtherSide(t *testing.T) {
	p := newPipe()
	p.join(true, 1)
	if n, err := p.put([]byte("early")); n != 5 || err != nil {
		t.Errorf("before a reader: %d, %v", n, err)
	}
	p = newPipe()
	p.join(false, 1)
	if n, err := p.take(make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("before a writer: %d, %v", n, err)
	}
}

// waiting starts do, which must wait; do ends with the context or when the test
// lets it.
func waiting(do func() error) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- do() }() // the caller waits for ended
	return ended
}

func TestWaiting(t *testing.T) {
	full := bytes.Repeat([]byte("x"), Size)
	ctx, cancel := context.WithCancel(t.Context())
	reader := open()
	read := waiting(func() error { _, err := reader.read(ctx, make([]byte, 1)); return err })
	behind := waiting(func() error { _, err := reader.read(ctx, make([]byte, 1)); return err })
	writer := open()
	if _, err := writer.write(ctx, full); err != nil {
		t.Fatal(err)
	}
	written := waiting(func() error { _, err := writer.write(ctx, full[:1]); return err })
	cancel()
	for _, ended := range []<-chan error{read, behind, written} {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	ctx = t.Context()
	read = waiting(func() error { _, err := reader.read(ctx, make([]byte, 1)); return err })
	reader.leave(true, 1)
	if err := <-read; err != io.EOF {
		t.Errorf("the writer goes: %v", err)
	}
	written = waiting(func() error { _, err := writer.write(ctx, full[:1]); return err })
	writer.leave(false, 2)
	if err := <-written; err != ipc.Aborted {
		t.Errorf("the reader goes: %v", err)
	}
}

// TestLargeWriteIsNotOvertaken: one that waits for much room is not kept waiting
// by small ones that would fit.
func TestLargeWriteIsNotOvertaken(t *testing.T) {
	p, ctx := open(), t.Context()
	if _, err := p.write(ctx, make([]byte, Size-10)); err != nil {
		t.Fatal(err)
	}
	large := waiting(func() error { _, err := p.write(ctx, bytes.Repeat([]byte("L"), 100)); return err })
	for len(p.writing) == 0 { // until it has its turn
		runtime.Gosched()
	}
	small := waiting(func() error { _, err := p.write(ctx, []byte("s")); return err })
	var got []byte
	for b := make([]byte, 50); len(got) < Size-10+101; {
		n, err := p.read(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b[:n]...)
	}
	if err := errors.Join(<-large, <-small); err != nil {
		t.Error(err)
	}
	if got[len(got)-1] != 's' || got[len(got)-101] != 'L' {
		t.Errorf("it ends with %q", got[len(got)-101:])
	}
}
