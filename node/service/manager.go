package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What a service manager says in the environment: sd_notify(3), sd_listen_fds(3),
// sd_watchdog_enabled(3).
const (
	notifySocket  = "NOTIFY_SOCKET"
	watchdogTime  = "WATCHDOG_USEC"
	watchdogPID   = "WATCHDOG_PID"
	listenFds     = "LISTEN_FDS"
	listenPID     = "LISTEN_PID"
	listenFdNames = "LISTEN_FDNAMES"
)

// fdName is the name of the socket for programs in the manager's store.
const fdName = "vsys"

// firstFd is the first descriptor that a manager passes.
const firstFd = 3

// Manager is the service manager that started this process. The zero value is
// none: it is told nothing and has kept nothing. Its methods may be called by any
// goroutine.
type Manager struct {
	socket string        // where it listens
	every  time.Duration // it wants to hear of the host that often; 0: it does not
	kept   *net.UnixListener
}

// NewManager reads the environment, and takes what is for this process out of it:
// programs that the host starts are not the manager's affair. It is called once,
// before other files are opened.
func NewManager() (*Manager, error) {
	m := &Manager{socket: os.Getenv(notifySocket)}
	own := func(pid string) bool { return pid == strconv.Itoa(os.Getpid()) }
	if usec, err := strconv.ParseInt(os.Getenv(watchdogTime), 10, 64); err == nil && usec > 0 {
		if pid := os.Getenv(watchdogPID); pid == "" || own(pid) {
			m.every = time.Duration(usec) * time.Microsecond
		}
	}
	var err error
	if count, bad := strconv.Atoi(os.Getenv(listenFds)); bad == nil && own(os.Getenv(listenPID)) {
		m.kept, err = take(count, strings.Split(os.Getenv(listenFdNames), ":"))
	}
	for _, v := range []string{notifySocket, watchdogTime, watchdogPID, listenFds, listenPID, listenFdNames} {
		os.Unsetenv(v)
	}
	return m, err
}

// take returns the listening socket among the descriptors passed, and closes the
// others.
func take(count int, names []string) (kept *net.UnixListener, err error) {
	for i := range count {
		f := os.NewFile(uintptr(firstFd+i), fdName)
		if f == nil {
			continue
		}
		if kept == nil && i < len(names) && names[i] == fdName {
			var l net.Listener
			if l, err = net.FileListener(f); err == nil { // of a copy, closed on exec
				kept, _ = l.(*net.UnixListener)
			}
		}
		f.Close()
	}
	if err != nil {
		err = fmt.Errorf("socket kept by the service manager: %w", err)
	}
	return kept, err
}

// There tells whether there is a manager.
func (m *Manager) There() bool { return m.socket != "" }

// Listener returns the listening socket called name that the manager has kept, nil
// if it has none or another one. It is the caller's.
func (m *Manager) Listener(name string) *net.UnixListener {
	l := m.kept
	m.kept = nil
	if l == nil || l.Addr().String() == name {
		return l
	}
	l.Close()
	return nil
}

// Notify tells the manager assignments like "READY=1". It does not wait: a manager
// that does not listen misses it.
func (m *Manager) Notify(assignments ...string) error { return m.send(nil, assignments) }

// Keep lets the manager keep the socket when this process ends, to be passed to the
// next one. It then must not be unlinked.
func (m *Manager) Keep(l *net.UnixListener) error {
	if !m.There() {
		return nil
	}
	f, err := l.File()
	if err != nil {
		return err
	}
	defer f.Close()
	l.SetUnlinkOnClose(false)
	return m.send(unix.UnixRights(int(f.Fd())), []string{"FDSTORE=1", "FDNAME=" + fdName})
}

// send sends one datagram, with rights.
func (m *Manager) send(rights []byte, assignments []string) error {
	if !m.There() {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = unix.Sendmsg(fd, []byte(strings.Join(assignments, "\n")), rights, &unix.SockaddrUnix{Name: m.socket}, unix.MSG_NOSIGNAL)
	if err != nil {
		return fmt.Errorf("service manager at %s: %w", m.socket, err)
	}
	return nil
}

// watch tells the manager again and again that the host works, twice in the time
// that it asked for, as long as alive returns nil. It ends with ctx, or at once if
// the manager does not want it.
func (m *Manager) watch(ctx context.Context, log *slog.Logger, alive func(context.Context) error) {
	if m.every == 0 || !m.There() {
		return
	}
	tick := time.NewTicker(m.every / 2)
	defer tick.Stop()
	for {
		probe, cancel := context.WithTimeout(ctx, m.every/2)
		err := alive(probe)
		cancel()
		if err == nil {
			err = m.Notify("WATCHDOG=1")
		}
		if err != nil && ctx.Err() == nil {
			log.Error("watchdog", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
