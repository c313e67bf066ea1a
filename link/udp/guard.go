package udp

import (
	"sync"
	"sync/atomic"
)

// guard lets many goroutines use a descriptor and one close it: the close
// happens when the last of them is out, and nobody comes in afterwards. So a
// number that Linux gives to another file is never read or written by mistake.
type guard struct {
	users atomic.Int64 // goroutines inside; shut is added once when closing

	shutOnce  sync.Once
	closeOnce sync.Once
	closed    chan struct{} // closed when the descriptor is
	close     func()        // closes the descriptor
}

// shut is added to users by shutdown; it makes the sum negative for good.
const shut = -1 << 62

func newGuard(close func()) *guard {
	return &guard{closed: make(chan struct{}), close: close}
}

// enter returns false, and lets nobody in, after shutdown.
func (g *guard) enter() bool {
	if g.users.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

// leave ends what enter began.
func (g *guard) leave() {
	if g.users.Add(-1) == shut {
		g.closeNow()
	}
}

// shutdown keeps everybody else from entering, calls wake, itself inside, to
// get those out who wait, and returns when the descriptor is closed.
func (g *guard) shutdown(wake func()) {
	g.shutOnce.Do(func() {
		g.users.Add(shut + 1)
		wake()
		g.leave()
	})
	<-g.closed
}

func (g *guard) closeNow() {
	g.closeOnce.Do(func() {
		g.close()
		close(g.closed)
	})
}
