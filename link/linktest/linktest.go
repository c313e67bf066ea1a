package linktest

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/link"
)

// Pair makes two links that reach each other.
type Pair func(t *testing.T) (a, b link.Link)

// Test runs every check on fresh pairs of links.
func Test(t *testing.T, pair Pair) {
	checks := []struct {
		name string
		run  func(t *testing.T, a, b link.Link)
	}{
		{"Deliver", testDeliver},
		{"DeliverEmpty", testDeliverEmpty},
		{"DeliverLargest", testDeliverLargest},
		{"RefuseTooLarge", testRefuseTooLarge},
		{"NothingHere", testNothingHere},
		{"BatchOfOne", testBatchOfOne},
		{"BatchOfMany", testBatchOfMany},
		{"BatchTooSmall", testBatchTooSmall},
		{"GroupEqual", testGroupEqual},
		{"GroupMixed", testGroupMixed},
		{"GroupLong", testGroupLong},
		{"WaitForPacket", testWaitForPacket},
		{"WaitLimit", testWaitLimit},
		{"KickSticks", testKickSticks},
		{"KickEndsWait", testKickEndsWait},
		{"PingPong", testPingPong},
		{"ManySenders", testManySenders},
		{"CloseEndsWait", testCloseEndsWait},
		{"AfterClose", testAfterClose},
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			a, b := pair(t)
			defer a.Close()
			defer b.Close()
			c.run(t, a, b)
		})
	}
}

// receive reads until it has n datagrams, in copies.
func receive(t *testing.T, l link.Link, b *link.Batch, n int) []link.Packet {
	t.Helper()
	var got []link.Packet
	for end := time.Now().Add(10 * time.Second); len(got) < n; {
		if l.TryReceive(b) == 0 {
			if time.Now().After(end) {
				t.Fatalf("received %d datagrams, want %d", len(got), n)
			}
			l.Sleep(time.Millisecond)
		}
		for _, p := range b.Packets {
			got = append(got, link.Packet{From: p.From, Data: bytes.Clone(p.Data)})
		}
	}
	return got
}

// send sends and fails the test on an error.
func send(t *testing.T, l link.Link, to netip.AddrPort, b []byte) {
	t.Helper()
	if err := l.Send(to, b); err != nil {
		t.Fatalf("Send %d octets: %v", len(b), err)
	}
}

// numbered returns n different datagrams of those sizes, over and over.
func numbered(n int, sizes ...int) [][]byte {
	bs := make([][]byte, n)
	for i := range bs {
		bs[i] = bytes.Repeat([]byte{byte(i + 1)}, sizes[i%len(sizes)])
	}
	return bs
}

// equal compares what came with what was sent.
func equal(t *testing.T, got []link.Packet, want [][]byte, from netip.AddrPort) {
	t.Helper()
	for i, p := range got {
		if !bytes.Equal(p.Data, want[i]) {
			t.Errorf("datagram %d: %d octets, first %x; want %d, first %x",
				i, len(p.Data), p.Data[:min(4, len(p.Data))], len(want[i]), want[i][:min(4, len(want[i]))])
		}
		if p.From != from {
			t.Errorf("datagram %d from %v, want %v", i, p.From, from)
		}
	}
}

func testDeliver(t *testing.T, a, b link.Link) {
	want := [][]byte{[]byte("a message")}
	send(t, a, b.Addr(), want[0])
	equal(t, receive(t, b, link.NewBatch(1, 2048), 1), want, a.Addr())
	if s := a.Stats(); s.SentPackets != 1 || s.SentBytes != 9 {
		t.Errorf("sender counts %+v, want 1 packet of 9 octets sent", s)
	}
	if s := b.Stats(); s.ReceivedPackets != 1 || s.ReceivedBytes != 9 {
		t.Errorf("receiver counts %+v, want 1 packet of 9 octets received", s)
	}
}

func testDeliverEmpty(t *testing.T, a, b link.Link) {
	send(t, a, b.Addr(), nil)
	equal(t, receive(t, b, link.NewBatch(1, 64), 1), [][]byte{nil}, a.Addr())
}

func testDeliverLargest(t *testing.T, a, b link.Link) {
	want := numbered(1, a.MTU(b.Addr()))
	send(t, a, b.Addr(), want[0])
	equal(t, receive(t, b, link.NewBatch(1, 1<<16), 1), want, a.Addr())
}

func testRefuseTooLarge(t *testing.T, a, b link.Link) {
	err := a.Send(b.Addr(), make([]byte, link.LoopbackMTU4+1))
	if ipc.CodeOf(err) != ipc.BadByteCount {
		t.Errorf("Send of %d octets: %v, want %v", link.LoopbackMTU4+1, err, ipc.BadByteCount)
	}
	if s := a.Stats(); s.RefusedPackets != 1 || s.SentPackets != 0 {
		t.Errorf("counts %+v, want 1 packet refused", s)
	}
}

func testNothingHere(t *testing.T, a, b link.Link) {
	batch := link.NewBatch(4, 64)
	if n := a.TryReceive(batch); n != 0 || len(batch.Packets) != 0 {
		t.Errorf("TryReceive = %d with %d packets, want nothing", n, len(batch.Packets))
	}
}

func testBatchOfOne(t *testing.T, a, b link.Link) {
	want := numbered(5, 100)
	for _, d := range want {
		send(t, a, b.Addr(), d)
	}
	batch := link.NewBatch(1, 256)
	equal(t, receive(t, b, batch, 5), want, a.Addr())
	if n := b.TryReceive(batch); n != 0 {
		t.Errorf("TryReceive = %d after the last datagram, want 0", n)
	}
}

func testBatchOfMany(t *testing.T, a, b link.Link) {
	want := numbered(100, 100, 7, 300)
	for _, d := range want {
		send(t, a, b.Addr(), d)
	}
	batch := link.NewBatch(16, 512)
	equal(t, receive(t, b, batch, 100), want, a.Addr())
}

func testBatchTooSmall(t *testing.T, a, b link.Link) {
	want := numbered(6, 64, 65)
	for _, d := range want {
		send(t, a, b.Addr(), d)
	}
	got := receive(t, b, link.NewBatch(4, 64), 3)
	equal(t, got, [][]byte{want[0], want[2], want[4]}, a.Addr())
	b.TryReceive(link.NewBatch(4, 64))
	if s := b.Stats(); s.TooLargePackets != 3 {
		t.Errorf("%d packets too large, want 3", s.TooLargePackets)
	}
}

func testGroupEqual(t *testing.T, a, b link.Link) {
	want := append(numbered(15, 1088), bytes.Repeat([]byte{99}, 200))
	testGroup(t, a, b, want)
}

func testGroupMixed(t *testing.T, a, b link.Link) {
	testGroup(t, a, b, numbered(20, 10, 10, 800, 10, 0, 10, 10, 10, 11))
}

func testGroupLong(t *testing.T, a, b link.Link) {
	testGroup(t, a, b, numbered(150, 900))
}

func testGroup(t *testing.T, a, b link.Link, want [][]byte) {
	t.Helper()
	if err := a.SendGroup(b.Addr(), want); err != nil {
		t.Fatalf("SendGroup: %v", err)
	}
	equal(t, receive(t, b, link.NewBatch(8, 2048), len(want)), want, a.Addr())
	if err := a.SendGroup(b.Addr(), nil); err != nil {
		t.Errorf("SendGroup of nothing: %v", err)
	}
	if s := a.Stats(); s.SentPackets != uint64(len(want)) {
		t.Errorf("%d packets sent, want %d", s.SentPackets, len(want))
	}
}

func testAfterClose(t *testing.T, a, b link.Link) {
	send(t, a, b.Addr(), []byte("x"))
	b.Close()
	b.Close()
	if err := b.Send(a.Addr(), []byte("x")); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Send after Close: %v, want %v", err, ipc.Aborted)
	}
	if err := b.SendGroup(a.Addr(), numbered(2, 8)); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("SendGroup after Close: %v, want %v", err, ipc.Aborted)
	}
	b.Sleep(long)
	b.Park(long)
	b.Kick()
	b.Near()
	b.Stats()
	if n := b.TryReceive(link.NewBatch(1, 64)); n != 0 {
		t.Errorf("TryReceive after Close = %d, want 0", n)
	}
}
