package udp

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
)

func pool(t *testing.T, addr netip.AddrPort, n int) *Pool {
	t.Helper()
	p, err := NewPool(addr, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func member(t *testing.T, p *Pool, slot int) *Link {
	t.Helper()
	l, err := p.Link(slot, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// framed returns a null frame for that slot.
func framed(slot uint16, packet string) []byte {
	b := frame.Header{Type: frame.Null, Slot: slot}.Append(nil)
	return frame.AppendNullTag(append(b, packet...))
}

// toSelf returns where a pool's member can be reached on this machine.
func toSelf(addr netip.AddrPort) netip.AddrPort {
	if !addr.Addr().IsUnspecified() {
		return addr
	}
	if addr.Addr().Is4() {
		return netip.AddrPortFrom(local4.Addr(), addr.Port())
	}
	return netip.AddrPortFrom(local6.Addr(), addr.Port())
}

// only checks that one member, and no other, has received data.
func only(t *testing.T, members []*Link, slot int, data []byte) {
	t.Helper()
	batch := link.NewBatch(4, 2048)
	members[slot].Sleep(time.Second)
	for i, l := range members {
		n := l.TryReceive(batch)
		switch {
		case i != slot && n != 0:
			t.Errorf("% x: slot %d got it, want slot %d", data, i, slot)
		case i == slot && (n != 1 || !bytes.Equal(batch.Packets[0].Data, data)):
			t.Errorf("% x: slot %d has %d datagrams, want this one", data, i, n)
		}
	}
}

func TestSteering(t *testing.T) {
	const n = 5
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		t.Run(addr, func(t *testing.T) {
			p := pool(t, netip.MustParseAddrPort(addr), n)
			var members []*Link
			for i := range n {
				members = append(members, member(t, p, i))
			}
			outside := listen(t, netip.AddrPortFrom(toSelf(p.Addr()).Addr(), 0))
			deliver := func(data []byte, slot int) {
				t.Helper()
				if err := outside.Send(toSelf(p.Addr()), data); err != nil {
					t.Fatal(err)
				}
				only(t, members, slot, data)
			}
			for i := range n {
				deliver(framed(uint16(i), fmt.Sprint("for ", i)), i)
			}
			for _, slot := range []uint16{n, n + 1, 255, 256, 1<<16 - 1} {
				deliver(framed(slot, "out of range"), 0)
			}
			bare := bytes.Repeat([]byte{0, 0, 0, 3}, 16) // a client id, no group bit
			deliver(bare, 0)
			bare[0] = 0xC0 // RAE and group bit: no frame either
			deliver(bare, 0)
			for _, short := range [][]byte{{}, {0x41}, {0x41, 0}, {0x41, 0, 0}} {
				deliver(short, 0)
			}
		})
	}
}

// Both octets of the slot count.
func TestSteeringBeyond255(t *testing.T) {
	p := pool(t, local4, 300)
	outside := listen(t, local4)
	slots := []int{0, 1, 43, 255, 256, 299}
	var members []*Link
	for _, slot := range slots {
		members = append(members, member(t, p, slot))
	}
	for i, slot := range slots {
		data := framed(uint16(slot), "far")
		if err := outside.Send(p.Addr(), data); err != nil {
			t.Fatal(err)
		}
		only(t, members, i, data)
	}
}

// Members answer from the pool's port.
func TestPoolHasOneAddress(t *testing.T) {
	p := pool(t, local4, 3)
	outside := listen(t, local4)
	batch := link.NewBatch(1, 64)
	for i := range 3 {
		l := member(t, p, i)
		if l.Addr() != p.Addr() {
			t.Errorf("slot %d has address %v, want %v", i, l.Addr(), p.Addr())
		}
		if err := l.Send(outside.Addr(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		outside.Sleep(time.Second)
		if outside.TryReceive(batch) != 1 || batch.Packets[0].From != p.Addr() {
			t.Errorf("slot %d sends from %v, want %v", i, batch.Packets, p.Addr())
		}
	}
}

// A frame for a slot that is yet to come goes to slot 0; after Grow to it.
// Slots in use keep theirs.
func TestGrow(t *testing.T) {
	p := pool(t, local4, 1)
	outside := listen(t, local4)
	zero := member(t, p, 0)
	third := framed(3, "three")
	outside.Send(p.Addr(), third)
	only(t, []*Link{zero}, 0, third)

	if err := p.Grow(4); err != nil {
		t.Fatal(err)
	}
	if err := p.Grow(2); err != nil || p.Len() != 4 {
		t.Errorf("Grow(2) of 4: %v, %d members, want 4", err, p.Len())
	}
	members := []*Link{zero, member(t, p, 1), member(t, p, 2), member(t, p, 3)}
	for slot := range 4 {
		data := framed(uint16(slot), "again")
		outside.Send(p.Addr(), data)
		only(t, members, slot, data)
	}
}

func TestPoolErrors(t *testing.T) {
	p := pool(t, local4, 2)
	if _, err := NewPool(p.Addr(), 2); ipc.CodeOf(err) != ipc.DuplicateName {
		t.Errorf("a second pool on one port: %v, want %v", err, ipc.DuplicateName)
	}
	if _, err := Listen(p.Addr(), Options{}); ipc.CodeOf(err) != ipc.DuplicateName {
		t.Errorf("Listen on a pool's port: %v, want %v", err, ipc.DuplicateName)
	}
	for _, n := range []int{0, -1, PoolMax + 1} {
		if _, err := NewPool(local4, n); ipc.CodeOf(err) != ipc.BadArgs {
			t.Errorf("a pool of %d: %v, want %v", n, err, ipc.BadArgs)
		}
	}
	for _, slot := range []int{-1, 2} {
		if _, err := p.Link(slot, Options{}); ipc.CodeOf(err) != ipc.BadArgs {
			t.Errorf("Link(%d): %v, want %v", slot, err, ipc.BadArgs)
		}
		if _, err := p.File(slot); ipc.CodeOf(err) != ipc.BadArgs {
			t.Errorf("File(%d): %v, want %v", slot, err, ipc.BadArgs)
		}
	}
	p.Close()
	if _, err := p.Link(0, Options{}); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Link after Close: %v, want %v", err, ipc.Aborted)
	}
	if err := p.Grow(3); ipc.CodeOf(err) != ipc.Aborted {
		t.Errorf("Grow after Close: %v, want %v", err, ipc.Aborted)
	}
}

// Who holds a member can't put a program of his own into the group.
func TestMembersAreLocked(t *testing.T) {
	p := pool(t, local4, 3)
	l := member(t, p, 1)
	if err := steer(l.fd, 1); err == nil {
		t.Error("a member replaced the steering program")
	}
}

// Closing the Link of a member closes no member.
func TestMembersStay(t *testing.T) {
	p := pool(t, local4, 3)
	for i := range 3 {
		member(t, p, i).Close()
	}
	members := []*Link{member(t, p, 0), member(t, p, 1), member(t, p, 2)}
	outside := listen(t, local4)
	for slot := range 3 {
		data := framed(uint16(slot), "still")
		outside.Send(p.Addr(), data)
		only(t, members, slot, data)
	}
}

// A slot that nobody has keeps little; one that a Link reads, much; until the
// team is gone.
func TestQueuesOfMembers(t *testing.T) {
	p := pool(t, local4, 2)
	room := func() int {
		t.Helper()
		n, err := unix.GetsockoptInt(p.members[1], unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	unused := room()
	l := member(t, p, 1)
	used := room()
	if used < 10*unused {
		t.Errorf("a queue of %d octets unused, %d used", unused, used)
	}
	l.Close()
	if err := p.Retire(1); err != nil || room() != unused {
		t.Errorf("Retire: %v, %d octets, want %d", err, room(), unused)
	}
}
