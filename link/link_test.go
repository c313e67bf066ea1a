package link

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"vsys/ipc"
)

var from = netip.MustParseAddrPort("10.0.0.1:8145")

func TestBatch(t *testing.T) {
	b := NewBatch(3, 4)
	if b.Cap() != 3 || b.Full() || len(b.Packets) != 0 {
		t.Fatalf("a new batch: cap %d, full %v, %d packets", b.Cap(), b.Full(), len(b.Packets))
	}
	for i := range 3 {
		if s := b.Slot(i); len(s) != 4 || cap(s) != 4 {
			t.Errorf("slot %d: len %d, cap %d, want 4", i, len(s), cap(s))
		}
	}
	if !b.Copy(from, []byte("abcd")) || b.Copy(from, []byte("abcde")) {
		t.Error("Copy takes what fits and nothing else")
	}
	// A link passed over slot 1.
	copy(b.Slot(2), "xy")
	b.Add(from, 2, 2)
	if len(b.Packets) != 2 || string(b.Packets[0].Data) != "abcd" || string(b.Packets[1].Data) != "xy" {
		t.Errorf("packets %q", b.Packets)
	}
	b.Copy(from, nil)
	if !b.Full() {
		t.Error("three of three, and not full")
	}
	b.Reset()
	if b.Full() || len(b.Packets) != 0 || string(b.Slot(2)[:2]) != "xy" {
		t.Error("Reset forgets the packets and keeps the memory")
	}
}

func TestDefaultMTU(t *testing.T) {
	tests := []struct {
		to   string
		want int
	}{
		{"127.0.0.1", LoopbackMTU4}, {"127.8.8.8", LoopbackMTU4}, {"::ffff:127.0.0.1", LoopbackMTU4},
		{"::1", LoopbackMTU6}, {"10.0.0.1", EthernetMTU4}, {"::ffff:10.0.0.1", EthernetMTU4},
		{"fe80::1%eth0", EthernetMTU6}, {"239.81.0.1", EthernetMTU4},
	}
	for _, test := range tests {
		if got := DefaultMTU(netip.MustParseAddr(test.to)); got != test.want {
			t.Errorf("DefaultMTU(%s) = %d, want %d", test.to, got, test.want)
		}
	}
}

func TestError(t *testing.T) {
	tests := []struct {
		reason error
		want   ipc.Code
	}{
		{syscall.ENETUNREACH, ipc.Unreachable}, {syscall.EHOSTUNREACH, ipc.Unreachable},
		{syscall.EPERM, ipc.NoPermission}, {syscall.EMSGSIZE, ipc.BadByteCount},
		{syscall.EAFNOSUPPORT, ipc.BadArgs}, {syscall.EADDRINUSE, ipc.DuplicateName},
		{syscall.EMFILE, ipc.NoServerResources}, {syscall.EBADF, ipc.DeviceError},
		{errors.New("strange"), ipc.DeviceError}, {ErrClosed, ipc.Aborted},
	}
	for _, test := range tests {
		err := Error("link.Send", from, test.reason)
		if got := ipc.CodeOf(err); got != test.want {
			t.Errorf("%v: code %v, want %v", test.reason, got, test.want)
		}
		if !errors.Is(err, test.reason) {
			t.Errorf("%v: the reason is lost in %v", test.reason, err)
		}
	}
	const want = "link.Send 10.0.0.1:8145: unreachable: network is unreachable"
	if got := Error("link.Send", from, syscall.ENETUNREACH).Error(); got != want {
		t.Errorf("error reads %q, want %q", got, want)
	}
}
