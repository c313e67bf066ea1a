package wire

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// isInside tells whether a process is in one of the network namespaces.
func isInside(pid int, inodes []uint64) bool {
	var stat unix.Stat_t
	err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &stat)
	return err == nil && slices.Contains(inodes, stat.Ino)
}

// killAll kills the processes for which is holds, until there are none: one may
// have started another meanwhile. It does not wait for ever.
func killAll(is func(pid int) bool) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-tick.C {
		any := false
		for _, pid := range osProcesses() {
			if pid != os.Getpid() && is(pid) {
				any = true
				_ = unix.Kill(pid, unix.SIGKILL) // it may be gone
			}
		}
		if !any {
			return
		}
	}
}

// osProcesses returns the ids of all processes of the machine.
func osProcesses() []int {
	entries, _ := os.ReadDir("/proc") // without /proc there are none
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
