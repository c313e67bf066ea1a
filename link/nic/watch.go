package nic

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Implementation constants.
const (
	// lookEvery is how often Watch looks where Linux doesn't tell it of changes.
	lookEvery = 5 * time.Second

	// settle is how long Watch waits after word of a change: one cable moves
	// several interfaces and addresses.
	settle = 200 * time.Millisecond
)

// Watch calls changed, from the calling goroutine, at once and then whenever
// Read returns something else than before. It returns when ctx ends. Changes
// that come together are one call, at most five a second. Linux sends word of
// them; where it doesn't, Watch looks every five seconds.
//
// The caller stays in one network namespace while it is here.
func Watch(ctx context.Context, changed func()) {
	w := watcher{changed: changed}
	word := make(chan struct{}, 1)
	var poll <-chan time.Time
	if s, err := subscribe(); err == nil {
		ended := make(chan struct{})
		// Ends when s is closed, and Watch waits for it.
		go func() { defer close(ended); receiveLoop(s, word) }()
		defer func() { s.Close(); <-ended }()
	} else {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		poll = ticker.C
	}
	w.last, w.err = Read()
	changed()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll:
		case <-word:
			if !wait(ctx, settle) {
				return
			}
		}
		w.look()
	}
}

// watcher remembers what was told.
type watcher struct {
	changed func()
	last    []Interface
	err     error
}

// look reads again and calls changed if there is anything new.
func (w *watcher) look() {
	list, err := Read()
	if (err == nil) == (w.err == nil) && slices.EqualFunc(list, w.last, Interface.equal) {
		return
	}
	w.last, w.err = list, err
	w.changed()
}

// subscribe opens a socket that Linux tells of changed links and addresses.
func subscribe() (*nl.NetlinkSocket, error) {
	return nl.Subscribe(unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
}

// receiveLoop passes on that there was word, not what it says: the lists are
// read anew. Word that was lost for want of room (ENOBUFS) is word, too.
func receiveLoop(s *nl.NetlinkSocket, word chan<- struct{}) {
	for {
		_, _, err := s.Receive()
		if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return
		}
		select {
		case word <- struct{}{}:
		default:
		}
	}
}

// wait returns false if ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
