package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespace is a network and a host name of their own. It has no name in the file
// system: it is gone when this process has closed it, or has died, and no program
// runs in it.
type namespace struct {
	net, uts *os.File
	inode    uint64 // of net: tells which processes are inside
}

// kinds are what a namespace separates, as the files of /proc/…/ns call it.
var kinds = map[string]int{"net": unix.CLONE_NEWNET, "uts": unix.CLONE_NEWUTS}

// newNamespace makes a namespace with a loopback that is up.
func newNamespace(hostname string) (*namespace, error) {
	n := new(namespace)
	err := apart(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWUTS); err != nil {
			return fmt.Errorf("new namespaces: %w", err)
		}
		if err := unix.Sethostname([]byte(hostname)); err != nil {
			return err
		}
		var errs [2]error
		n.net, errs[0] = os.Open("/proc/thread-self/ns/net")
		n.uts, errs[1] = os.Open("/proc/thread-self/ns/uts")
		return errors.Join(errs[:]...)
	})
	var stat unix.Stat_t
	if err == nil {
		err = unix.Fstat(int(n.net.Fd()), &stat)
		n.inode = stat.Ino
	}
	if err == nil {
		err = n.links(func(h *netlink.Handle) error { return up(h, "lo") })
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *namespace) close() {
	for _, f := range []*os.File{n.net, n.uts} {
		if f != nil {
			f.Close()
		}
	}
}

// apart runs f on a thread that may change its namespaces. Those it had are given
// back to it; a thread that can't get them back ends.
func apart(f func() error) error {
	done := make(chan error)
	go func() { // ends with f
		runtime.LockOSThread()
		back := map[string]*os.File{}
		err := error(nil)
		for kind := range kinds {
			var open error
			back[kind], open = os.Open("/proc/thread-self/ns/" + kind)
			err = errors.Join(err, open)
		}
		if err == nil {
			err = f()
		}
		clean := true
		for kind, file := range back {
			if file == nil {
				continue
			}
			clean = unix.Setns(int(file.Fd()), kinds[kind]) == nil && clean
			file.Close()
		}
		if clean {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// do runs f inside. What f opens stays inside: sockets belong to the namespace that
// they were made in.
func (n *namespace) do(f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(n.net.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// links lets f change the interfaces inside.
func (n *namespace) links(f func(*netlink.Handle) error) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(n.net.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	return f(h)
}

// enter returns the arguments of a command that runs another one inside.
func (n *namespace) enter() []string {
	file := func(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }
	return []string{"nsenter", "--net=" + file(n.net), "--uts=" + file(n.uts), "--"}
}

// patience bounds what a tool that sets something up may take.
const patience = 10 * time.Second

// nft carries out a script of nftables inside, all of it or nothing.
func (n *namespace) nft(script string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append(n.enter(), "nft", "-f", "-")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}
