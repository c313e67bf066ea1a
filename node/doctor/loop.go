package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vsys/ipc"
	"vsys/link/frame"
	"vsys/link/nic"
	"vsys/link/udp"
)

// Implementation constants.
const (
	probeSize = 32 // octets of what is sent; a hello's frame is larger
	otherPort = 49152
	portTries = 16
)

// newProbe returns octets that are nobody's but this call's: a frame that hosts
// drop unread.
func newProbe() []byte {
	b := make([]byte, probeSize)
	rand.Read(b)
	copy(b, frame.Header{Type: frame.Bell}.Append(nil)[:4])
	return b
}

// loops says something to the group by each interface that carries the domain, and
// listens to what comes back and who else speaks.
func loops(ctx context.Context, group netip.AddrPort, interfaces []nic.Interface) (list []Loop) {
	t := &loopTest{group: group, probe: newProbe(), byIndex: map[int]*Loop{}}
	for _, i := range interfaces {
		for _, a := range i.Addrs {
			t.own = append(t.own, a.Addr())
		}
		if i.Sane && i.Has(group.Addr().Is4()) {
			t.indices = append(t.indices, i.Index)
			t.byIndex[i.Index] = &Loop{Interface: i.Name}
		}
	}
	if len(t.indices) == 0 {
		return nil
	}
	t.run(ctx)
	for _, i := range t.indices {
		list = append(list, *t.byIndex[i])
	}
	return list
}

// loopTest is one test of all interfaces.
type loopTest struct {
	group   netip.AddrPort
	probe   []byte
	own     []netip.Addr
	indices []int
	byIndex map[int]*Loop // written by listen only, while it runs
}

func (t *loopTest) run(ctx context.Context) {
	m, deaf, err := t.open()
	if err != nil {
		for _, l := range t.byIndex {
			l.Err = err
		}
		return
	}
	for _, i := range t.indices {
		l := t.byIndex[i]
		l.Deaf = deaf
		if l.Err = m.Join(i); l.Err == nil {
			l.Err = m.Send(i, t.probe)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	var listener sync.WaitGroup
	listener.Go(func() { t.listen(m); cancel() }) // ends when m is closed
	<-ctx.Done()
	m.Close()
	listener.Wait()
}

// open listens at the host's port or, where another user has that, at another one:
// then it does not hear other hosts, and deaf says so.
func (t *loopTest) open() (m *udp.Multicast, deaf string, err error) {
	m, err = udp.ListenMulticast(t.group.Addr(), int(t.group.Port()))
	if !errors.Is(err, ipc.DuplicateName) {
		return m, "", err
	}
	deaf = fmt.Sprintf("port %d is in use by a program of another user", t.group.Port())
	for i := 0; i < portTries && errors.Is(err, ipc.DuplicateName); i++ {
		m, err = udp.ListenMulticast(t.group.Addr(), otherPort+i)
	}
	return m, deaf, err
}

// listen takes what comes until m is closed, or all that can come has.
func (t *loopTest) listen(m *udp.Multicast) {
	b := make([]byte, 2048)
	for !t.complete() {
		n, from, index, err := m.Receive(b)
		if err != nil {
			return
		}
		l := t.byIndex[index]
		switch {
		case l == nil:
		case bytes.Equal(b[:n], t.probe):
			l.Own = true
		case !slices.Contains(t.own, from.Addr().WithZone("")) && !slices.Contains(l.Others, from) && len(l.Others) < maxProbes:
			l.Others = append(l.Others, from)
		}
	}
}

// complete tells whether every interface was heard by, and others on it.
func (t *loopTest) complete() bool {
	for _, l := range t.byIndex {
		if l.Err == nil && !(l.Own && len(l.Others) > 0) {
			return false
		}
	}
	return true
}

// deadlineIn returns the earlier of a time from now and ctx's end.
func deadlineIn(ctx context.Context, d time.Duration) time.Time {
	end := time.Now().Add(d)
	if e, ok := ctx.Deadline(); ok && e.Before(end) {
		return e
	}
	return end
}
