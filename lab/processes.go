package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// markName is the variable in the environment of all programs of a lab. Its value
// tells labs apart.
const markName = "VSYS_LAB"

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

// proc reads a file of /proc about a process, nothing if it is gone or another
// user's.
func proc(pid int, file string) []byte {
	b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	return b
}

// marked returns the programs that have the mark in their environment.
func marked(mark string) []int {
	var found []int
	for _, pid := range osProcesses() {
		env := strings.Split(string(proc(pid, "environ")), "\x00")
		if pid != os.Getpid() && slices.Contains(env, markName+"="+mark) {
			found = append(found, pid)
		}
	}
	return found
}

// killMarked kills the programs that have the mark, until there are none: one may
// start another meanwhile.
func killMarked(mark string) {
	for range maxRounds {
		found := marked(mark)
		if len(found) == 0 {
			return
		}
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
		}
	}
}

// maxRounds bounds how often killMarked and killTree look again.
const maxRounds = 10

// killTree kills the process pid and all that descend from it. They are stopped
// first, so that none can start another meanwhile.
func killTree(pid int) {
	tree := map[int]bool{pid: true}
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	for range maxRounds {
		grown := false
		for _, child := range osProcesses() {
			if !tree[child] && tree[parent(child)] {
				tree[child], grown = true, true
				_ = syscall.Kill(child, syscall.SIGSTOP) // they may be gone
			}
		}
		if !grown {
			break
		}
	}
	for pid := range tree {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// parent returns the parent of a process, 0 if it is gone. In its line the name
// of the program, in parentheses, may hold anything.
func parent(pid int) int {
	line := string(proc(pid, "stat"))
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}
