package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vsys/link/frame"
)

// TestIntercepted gives the attacker frames that never arrived: to their receiver
// they are new. With any bit flipped it does nothing; as they are it does what they
// ask, which shows that the others could have; and that only once.
func TestIntercepted(t *testing.T) {
	a := newAssault(t)
	dir := filepath.Join(a.Machine(0).Home(), "drop")
	if out, err := a.Machine(0).Command(t.Context(), "mkdir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a.do(0, "shutdown")
	a.do(0, "boot", "--export", "drop="+dir)
	if err := a.see(1, 0, time.Now().Add(bootPatience)); err != nil {
		t.Fatal(err)
	}
	if err := a.Lose(Loss{From: 1, To: 0, Percent: 100}); err != nil {
		t.Fatal(err)
	}
	query := a.intercept(nil, func() { a.start(1, "mkdir", "/unix/"+a.Machine(0).Name+"/drop/made") })
	frames := a.intercept(query, func() { a.deliver(query) }) // what the answer to the first brings
	made := func() bool { _, err := os.Stat(filepath.Join(dir, "made")); return err == nil }
	a.sent = 0
	for _, p := range frames {
		for bit := range len(p.Payload) * 8 {
			b := slices.Clone(p.Payload)
			b[bit/8] ^= 1 << (bit % 8)
			a.send(p.From, p.To, b)
		}
	}
	if wait(time.Now().Add(500*time.Millisecond), made) {
		t.Fatal("a frame with a flipped bit was taken")
	}
	t.Logf("intercepted: %d frames with each bit flipped, %d packets: nothing done", len(frames), a.sent)
	if a.deliver(frames); !wait(time.Now().Add(bootPatience), made) {
		t.Fatal("the frames as they were do nothing, so the flipped ones show nothing")
	}
	if err := os.Remove(filepath.Join(dir, "made")); err != nil {
		t.Fatal(err)
	}
	if a.deliver(frames); wait(time.Now().Add(500*time.Millisecond), made) {
		t.Error("a replayed frame was taken")
	}
	t.Log("intercepted: as they were they are taken, and once only")
}

// deliver sends packets as they were.
func (a *assault) deliver(packets []Packet) {
	for _, p := range packets {
		a.send(p.From, p.To, p.Payload)
	}
}

// intercept captures what f brings about, and returns the sealed frames of machine 1
// to machine 0 but known ones.
func (a *assault) intercept(known []Packet, f func()) []Packet {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "pcap")
	c, err := a.Capture(path)
	if err != nil {
		a.t.Fatal(err)
	}
	f()
	<-time.After(500 * time.Millisecond) // they are sent at once
	if err := c.Close(); err != nil {
		a.t.Fatal(err)
	}
	packets, err := ReadPackets(path)
	if err != nil {
		a.t.Fatal(err)
	}
	frames := slices.DeleteFunc(packets, func(p Packet) bool {
		again := slices.ContainsFunc(known, func(k Packet) bool { return bytes.Equal(k.Payload, p.Payload) })
		return again || p.From.Addr() != a.Machine(1).Addr || p.To.Addr() != a.Machine(0).Addr ||
			!frame.IsFrame(p.Payload) || frame.TypeOf(p.Payload) != frame.Sealed
	})
	if len(frames) == 0 {
		a.t.Fatal("no sealed frame was intercepted")
	}
	return frames
}
