package linktest

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vsys/link"
)

// long is a limit that no test waits for.
const long = time.Hour

// waits are the two ways of waiting.
var waits = []struct {
	name string
	wait func(l link.Link, limit time.Duration)
}{
	{"Sleep", link.Link.Sleep},
	{"Park", link.Link.Park},
}

// reader runs wait in a loop, as a reader does, until stop; what came is sent
// to got. It ends with the link's waits: close(done).
type reader struct {
	stop atomic.Bool
	got  chan string
	done chan struct{}
}

func startReader(l link.Link, wait func(link.Link, time.Duration)) *reader {
	r := &reader{got: make(chan string, 256), done: make(chan struct{})}
	go func() { // ends when r.stop is set and the link kicked or closed
		defer close(r.done)
		batch := link.NewBatch(4, 256)
		for !r.stop.Load() {
			if l.TryReceive(batch) == 0 {
				wait(l, long)
			}
			for _, p := range batch.Packets {
				r.got <- string(p.Data)
			}
		}
	}()
	return r
}

// within fails the test if the channel is silent for ten seconds.
func within[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not come", what)
	}
	return v
}

func testWaitForPacket(t *testing.T, a, b link.Link) {
	for _, w := range waits {
		r := startReader(b, w.wait)
		for i := range 50 {
			want := fmt.Sprint(w.name, i)
			send(t, a, b.Addr(), []byte(want))
			if got := within(t, r.got, want); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		r.stop.Store(true)
		b.Kick()
		within(t, r.done, w.name+"'s end")
	}
}

func testWaitLimit(t *testing.T, a, b link.Link) {
	for _, w := range waits {
		start := time.Now()
		w.wait(a, 0)
		w.wait(a, -long)
		for time.Since(start) < 5*time.Millisecond {
			w.wait(a, 5*time.Millisecond)
		}
	}
	if s := a.Stats(); s.Sleeps == 0 || s.Parks == 0 {
		t.Errorf("counts %+v, want sleeps and parks", s)
	}
}

func testKickSticks(t *testing.T, a, b link.Link) {
	for _, w := range waits {
		a.Kick()
		a.Kick()
		done := make(chan struct{})
		go func() { // ends because the kick stuck
			w.wait(a, long)
			close(done)
		}()
		within(t, done, w.name+"'s end by an earlier kick")
	}
}

func testKickEndsWait(t *testing.T, a, b link.Link) {
	for _, w := range waits {
		for range 200 {
			r := startReader(b, w.wait)
			runtime.Gosched()
			r.stop.Store(true)
			b.Kick()
			within(t, r.done, w.name+"'s end by a kick")
		}
	}
}

// testPingPong is two readers that answer each other, each waiting in turn in
// both ways.
func testPingPong(t *testing.T, a, b link.Link) {
	const rounds = 200
	turn := func(l link.Link, to netip.AddrPort, first bool) error {
		batch := link.NewBatch(1, 64)
		if first {
			if err := l.Send(to, []byte{0}); err != nil {
				return err
			}
		}
		for n := 0; n < rounds; {
			if l.TryReceive(batch) == 0 {
				waits[n%2].wait(l, time.Second)
				continue
			}
			n++
			if err := l.Send(to, batch.Packets[0].Data); err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error, 2)
	go func() { done <- turn(a, b.Addr(), true) }()  // ends after its rounds
	go func() { done <- turn(b, a.Addr(), false) }() // ends after its rounds
	for range 2 {
		if err := within(t, done, "the last round"); err != nil {
			t.Fatal(err)
		}
	}
}

func testManySenders(t *testing.T, a, b link.Link) {
	const senders, each = 4, 25
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() { // ends after its sends
			for i := range each {
				if i%5 == 0 {
					a.Kick()
				}
				a.Near()
				d := []byte{byte(s), byte(i)}
				if err := a.SendGroup(b.Addr(), [][]byte{d, d}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	last := map[byte]int{}
	for _, p := range receive(t, b, link.NewBatch(8, 64), 2*senders*each) {
		last[p.Data[0]] += int(p.Data[1])
	}
	wg.Wait()
	for s := range senders {
		if want := each * (each - 1); last[byte(s)] != want {
			t.Errorf("sender %d: sum %d, want %d", s, last[byte(s)], want)
		}
	}
}

func testCloseEndsWait(t *testing.T, a, b link.Link) {
	for i, w := range waits {
		l := []link.Link{a, b}[i]
		r := startReader(l, w.wait)
		runtime.Gosched()
		r.stop.Store(true)
		l.Close()
		within(t, r.done, w.name+"'s end by Close")
	}
}
