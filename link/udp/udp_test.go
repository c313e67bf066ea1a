package udp

import (
	"bytes"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/linktest"
)

func TestMain(m *testing.M) {
	if os.Getenv(teamEnv) != "" {
		os.Exit(teamMain())
	}
	os.Exit(m.Run())
}

var (
	local4 = netip.MustParseAddrPort("127.0.0.1:0")
	local6 = netip.MustParseAddrPort("[::1]:0")
)

func listen(t *testing.T, addr netip.AddrPort) *Link {
	t.Helper()
	l, err := Listen(addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLink4(t *testing.T) {
	linktest.Test(t, func(t *testing.T) (a, b link.Link) {
		return listen(t, local4), listen(t, local4)
	})
}

func TestLink6(t *testing.T) {
	linktest.Test(t, func(t *testing.T) (a, b link.Link) {
		return listen(t, local6), listen(t, local6)
	})
}

// A private port and slot 0 of a pool, which gets what is no frame.
func TestLinkPool(t *testing.T) {
	linktest.Test(t, func(t *testing.T) (a, b link.Link) {
		p := pool(t, local4, 2)
		return listen(t, local4), member(t, p, 0)
	})
}

func TestSendDoesNotAllocate(t *testing.T) {
	for _, addr := range []netip.AddrPort{local4, local6} {
		a, b := listen(t, addr), listen(t, addr)
		data, one, many := make([]byte, 96), link.NewBatch(1, 2048), link.NewBatch(8, 2048)
		equal, mixed := [][]byte{data, data, data}, [][]byte{data, data[:10], data}
		to := b.Addr()
		tests := []struct {
			name string
			run  func()
		}{
			{"Send and TryReceive", func() { a.Send(to, data); b.TryReceive(one) }},
			{"equal group and recvmmsg", func() { a.SendGroup(to, equal); b.TryReceive(many) }},
			{"mixed group and recvmmsg", func() { a.SendGroup(to, mixed); b.TryReceive(many) }},
			{"Sleep", func() { a.Send(to, data); b.Sleep(time.Second); b.TryReceive(one) }},
			{"Park", func() { a.Send(to, data); b.Park(time.Second); b.TryReceive(one) }},
			{"Kick", func() { b.Kick(); b.Sleep(time.Second); b.Kick(); b.Park(time.Second) }},
		}
		for _, test := range tests {
			if n := testing.AllocsPerRun(100, test.run); n != 0 {
				t.Errorf("%v: %s: %v allocations, want 0", addr, test.name, n)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	a := listen(t, local4)
	if err := a.Send(local6, nil); ipc.CodeOf(err) != ipc.BadArgs {
		t.Errorf("Send to another family: %v, want %v", err, ipc.BadArgs)
	}
	if err := a.SendGroup(local6, [][]byte{nil}); ipc.CodeOf(err) != ipc.BadArgs {
		t.Errorf("SendGroup to another family: %v, want %v", err, ipc.BadArgs)
	}
	big := make([]byte, link.LoopbackMTU4+1)
	if err := a.SendGroup(a.Addr(), [][]byte{big, big}); ipc.CodeOf(err) != ipc.BadByteCount {
		t.Errorf("SendGroup of large ones: %v, want %v", err, ipc.BadByteCount)
	}
	if _, err := Listen(a.Addr(), Options{}); ipc.CodeOf(err) != ipc.DuplicateName {
		t.Errorf("Listen on a taken port: %v, want %v", err, ipc.DuplicateName)
	}
	away := netip.MustParseAddrPort("192.0.2.1:0")
	if _, err := Listen(away, Options{}); ipc.CodeOf(err) != ipc.Unreachable {
		t.Errorf("Listen on a foreign address: %v, want %v", err, ipc.Unreachable)
	}
	if _, err := FromFd(int(os.Stderr.Fd()), 0, Options{}); err == nil {
		t.Error("FromFd took a file that is no socket")
	}
}

func TestMTU(t *testing.T) {
	l := &Link{}
	tests := []struct {
		to   string
		mtu  int // of the options
		want int
	}{
		{"127.0.0.1:1", 0, 65507},
		{"[::ffff:127.9.9.9]:1", 0, 65507},
		{"[::1]:1", 0, 65488},
		{"192.0.2.1:1", 0, 1472},
		{"[2001:db8::1]:1", 0, 1452},
		{"127.0.0.1:1", 1472, 1472},
		{"192.0.2.1:1", 9000, 1472},
	}
	for _, test := range tests {
		l.opts.MTU = test.mtu
		if got := l.MTU(netip.MustParseAddrPort(test.to)); got != test.want {
			t.Errorf("MTU(%s) with option %d = %d, want %d", test.to, test.mtu, got, test.want)
		}
	}
}

func TestSockaddr(t *testing.T) {
	tests := []struct {
		addr   string
		family int
		want   string // "" if refused
	}{
		{"10.1.2.3:8145", unix.AF_INET, "10.1.2.3:8145"},
		{"[::ffff:10.1.2.3]:8145", unix.AF_INET, "10.1.2.3:8145"},
		{"[2001:db8::7]:1", unix.AF_INET6, "[2001:db8::7]:1"},
		{"[fe80::1%3]:9", unix.AF_INET6, "[fe80::1%3]:9"},
		{"[fe80::1%lo]:9", unix.AF_INET6, "[fe80::1%1]:9"},
		{"10.1.2.3:8145", unix.AF_INET6, ""},
		{"[2001:db8::7]:1", unix.AF_INET, ""},
	}
	for _, test := range tests {
		var s sockaddr
		n := s.set(netip.MustParseAddrPort(test.addr), test.family)
		if test.want == "" {
			if n != 0 {
				t.Errorf("%s in family %d has %d octets, want a refusal", test.addr, test.family, n)
			}
			continue
		}
		if got := s.addrPort().String(); got != test.want {
			t.Errorf("%s comes back as %s, want %s", test.addr, got, test.want)
		}
	}
}

func TestSegments(t *testing.T) {
	of := func(sizes ...int) (bs [][]byte) {
		for _, n := range sizes {
			bs = append(bs, make([]byte, n))
		}
		return bs
	}
	tests := []struct {
		bs   [][]byte
		want int
	}{
		{of(5), 1}, {of(5, 5, 5), 3}, {of(5, 5, 3), 3}, {of(5, 3, 5), 2}, {of(5, 6), 1},
		{of(0, 0), 0}, {of(5, 0), 1}, {of(40000, 40000), 1}, {of(30000, 30000, 30000), 2},
	}
	for i, test := range tests {
		if got := segments(test.bs); got != test.want {
			t.Errorf("case %d: %d datagrams leave as one, want %d", i, got, test.want)
		}
	}
}

// A device without checksum offload: the same group goes by sendmmsg.
func TestGroupWithoutSegmentation(t *testing.T) {
	a, b := listen(t, local4), listen(t, local4)
	a.groups.noSegment.Store(true)
	bs := [][]byte{bytes.Repeat([]byte{1}, 100), bytes.Repeat([]byte{2}, 100)}
	if err := a.SendGroup(b.Addr(), bs); err != nil {
		t.Fatal(err)
	}
	batch := link.NewBatch(1, 100)
	for i := range bs {
		if b.TryReceive(batch) != 1 || !bytes.Equal(batch.Packets[0].Data, bs[i]) {
			t.Errorf("datagram %d did not come as it was sent", i)
		}
	}
}

// A single datagram is read by recvfrom; only when the look before found
// something does a look read more.
func TestStreak(t *testing.T) {
	a, b := listen(t, local4), listen(t, local4)
	for range 6 {
		a.Send(b.Addr(), []byte("x"))
	}
	batch := link.NewBatch(4, 64)
	for i, want := range []int{1, 4, 1, 0} {
		if n := b.TryReceive(batch); n != want {
			t.Errorf("look %d found %d, want %d", i, n, want)
		}
	}
}

// asleep waits until l's reader is in that state.
func asleep(l *Link, state int32) {
	for l.state.Load() != state {
		runtime.Gosched()
	}
}

// The bell itself ends Sleep: Linux was told of no time limit, and the Link
// believes that it was.
func TestBellEndsSleep(t *testing.T) {
	any4 := netip.MustParseAddrPort("0.0.0.0:0")
	any6 := netip.MustParseAddrPort("[::]:0")
	p := pool(t, any4, 3)
	links := []*Link{
		listen(t, local4), listen(t, local6), listen(t, any4), listen(t, any6),
		member(t, p, 0), member(t, p, 2),
	}
	for _, l := range links {
		l.timeout = sleepMax.Milliseconds()
		for range 20 {
			done := make(chan struct{})
			go func() { // ends by the kick
				l.Sleep(time.Hour)
				close(done)
			}()
			asleep(l, sleeping)
			l.Kick()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatalf("%v: Sleep goes on after Kick", l)
			}
		}
		if n := l.TryReceive(link.NewBatch(4, 64)); n != 0 {
			t.Errorf("%v: %d datagrams received, want no bell among them", l, n)
		}
	}
}

// What Sleep receives is neither lost nor given out of order.
func TestSleepHoldsWhatItReceives(t *testing.T) {
	a, b := listen(t, local4), listen(t, local4)
	a.Send(b.Addr(), []byte("first"))
	a.Send(b.Addr(), []byte("second"))
	b.Sleep(time.Hour)
	if !b.holding {
		t.Fatal("Sleep returned without the datagram that was there")
	}
	b.Sleep(time.Hour) // returns at once: something can be received
	b.Park(time.Hour)
	batch := link.NewBatch(1, 64)
	for _, want := range []string{"first", "second"} {
		if b.TryReceive(batch) != 1 || string(batch.Packets[0].Data) != want {
			t.Errorf("got %q, want %q", batch.Packets, want)
		}
	}
}

// While a reader parks the collector runs, and while it sleeps, too.
func TestCollectorRunsWhileWaiting(t *testing.T) {
	l := listen(t, local4)
	l.timeout = sleepMax.Milliseconds()
	for _, w := range []struct {
		state int32
		wait  func(time.Duration)
	}{{sleeping, l.Sleep}, {parked, l.Park}} {
		done := make(chan struct{})
		go func() { // ends by the kick
			w.wait(time.Hour)
			close(done)
		}()
		asleep(l, w.state)
		runtime.GC()
		l.Kick()
		<-done
	}
}

// The reason why Near is false: Linux does not say where a datagram came in.
// If this fails, Near can be made to tell.
func TestIncomingProcessorIsUnknown(t *testing.T) {
	a, b := listen(t, local4), listen(t, local4)
	a.Send(b.Addr(), []byte("x"))
	cpu, err := unix.GetsockoptInt(b.fd, unix.SOL_SOCKET, unix.SO_INCOMING_CPU)
	if err == nil && cpu != -1 {
		t.Errorf("SO_INCOMING_CPU of an unconnected socket is %d", cpu)
	}
	if b.Near() {
		t.Error("Near = true, which nobody can know")
	}
}

func TestOverruns(t *testing.T) {
	a, b := listen(t, local4), listen(t, local4)
	setBuffers(b.fd, retiredBytes)
	for range 50 {
		a.Send(b.Addr(), make([]byte, 500))
	}
	if s := b.Stats(); s.OverrunPackets == 0 || s.OverrunPackets >= 50 {
		t.Errorf("%d of 50 datagrams lost to a queue of 2,304 octets", s.OverrunPackets)
	}
}

func BenchmarkEcho(b *testing.B) {
	l, err := Listen(local4, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	batch, data, to := link.NewBatch(1, 2048), make([]byte, 96), l.Addr()
	b.ReportAllocs()
	for b.Loop() {
		l.Send(to, data)
		if l.TryReceive(batch) != 1 {
			b.Fatal("lost")
		}
	}
}

// A socket bound to a group's address can't be rung; it parks instead.
func TestGroupAddressParks(t *testing.T) {
	l := listen(t, netip.MustParseAddrPort("239.81.0.1:0"))
	done := make(chan struct{})
	go func() { // ends by the kick
		l.Sleep(time.Hour)
		close(done)
	}()
	asleep(l, parked)
	l.Kick()
	<-done
}
