package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/node"
)

// StopPatience is how long Stop waits for a host to end. Its programs have half a
// second of it.
const StopPatience = 10 * time.Second

// pollTime is how long it is waited at a time, so that the end of a context is seen.
const pollTime = 100 * time.Millisecond

// Stop ends the host of a state directory and returns its record when its process is
// gone, or nil if no host runs there. UserTimeout: it is there after patience; the
// error says what holds it.
func Stop(ctx context.Context, state string, patience time.Duration) (*Record, error) {
	r, err := Find(state)
	if err != nil || r == nil {
		return nil, err
	}
	fd, err := unix.PidfdOpen(r.Process, 0)
	if errors.Is(err, unix.ESRCH) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("%v: %w", r, err)
	}
	defer unix.Close(fd)
	// The number may have been another process's when it was opened; not if the
	// host still has its directory now.
	if again, err := Find(state); err != nil || again == nil || again.Process != r.Process {
		return r, err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return r, fmt.Errorf("%v: %w", r, err)
	}
	return r, wait(ctx, fd, r, patience)
}

// wait waits for the end of the process behind fd.
func wait(ctx context.Context, fd int, r *Record, patience time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ipc.UserTimeout)
	defer cancel()
	for ctx.Err() == nil {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int(pollTime.Milliseconds()))
		if n > 0 {
			return nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	if !errors.Is(context.Cause(ctx), ipc.UserTimeout) {
		return ctx.Err()
	}
	return &node.Refusal{
		Err: fmt.Errorf("%v is still there after %v%s: %w", r, patience, holding(r.Process), ipc.UserTimeout),
		Try: fmt.Sprintf("kill -CONT %d if it is stopped; kill -KILL %[1]d ends it without its goodbyes", r.Process),
	}
}

// states are those of a process that does not end, by their letters in /proc.
var states = map[string]string{"T": "it is stopped", "t": "a debugger has stopped it", "D": "it waits for a device", "Z": "its parent does not wait for it"}

// holding says what a process is busy with, as far as that is known: how it stands
// and which programs it has.
func holding(process int) string {
	dir := fmt.Sprint("/proc/", process)
	why := ""
	if stat, err := os.ReadFile(filepath.Join(dir, "stat")); err == nil {
		_, after, _ := bytes.Cut(stat, []byte(") ")) // the name may have spaces
		state, _, _ := strings.Cut(string(after), " ")
		if s := states[state]; s != "" {
			why += "; " + s
		}
	}
	var programs []string
	lists, _ := filepath.Glob(filepath.Join(dir, "task", "*", "children"))
	for _, list := range lists {
		children, _ := os.ReadFile(list) // it may end meanwhile
		for _, child := range strings.Fields(string(children)) {
			name, _ := os.ReadFile(filepath.Join("/proc", child, "comm"))
			programs = append(programs, strings.TrimSpace(string(name))+" ("+child+")")
		}
	}
	if len(programs) > 0 {
		why += "; its programs: " + strings.Join(programs, ", ")
	}
	return why
}
