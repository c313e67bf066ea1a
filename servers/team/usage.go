package team

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what the processes of a program's group use.
type usage struct {
	cpu       time.Duration // of those that are there, and of children they waited for
	memory    uint64        // octets in memory
	processes int
	stopped   bool // all of them
}

// Linux's units: a tick is 1/100 s on all processors that V runs on.
const tick = time.Second / 100

// usages returns what the process groups of this host use, by number. It reads
// all of /proc: some 10 µs a process.
func usages() map[int]usage {
	use := make(map[int]usage)
	dir, err := os.Open("/proc")
	if err != nil {
		return use
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what was read until an error is better than nothing
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		if b, err := os.ReadFile("/proc/" + name + "/stat"); err == nil {
			addStat(use, string(b))
		}
	}
	return use
}

// Fields of /proc/PID/stat after the program's name, from 0 (proc(5)).
const (
	statState = 0
	statGroup = 2
	statTimes = 11 // utime, stime, cutime, cstime
	statRSS   = 21 // pages
)

// addStat adds what one process's stat says.
func addStat(use map[int]usage, stat string) {
	_, after, _ := strings.Cut(stat[strings.LastIndexByte(stat, ')')+1:], " ")
	f := strings.Fields(after)
	if len(f) <= statRSS {
		return
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	group := int(number(statGroup))
	u := use[group]
	for i := range 4 {
		u.cpu += time.Duration(number(statTimes+i)) * tick
	}
	u.memory += uint64(number(statRSS)) * uint64(os.Getpagesize())
	u.stopped = f[statState] == "T" && (u.processes == 0 || u.stopped)
	u.processes++
	use[group] = u
}
