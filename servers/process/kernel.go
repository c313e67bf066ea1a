package process

import (
	"time"

	"vsys/ipc"
)

// Kernel is what the process server shows of its host's kernel. Its methods may
// be called by several goroutines at once and must not block; what they return
// belongs to the caller.
type Kernel interface {
	// Processes returns the processes there are, in any order.
	Processes() []ProcessInfo
	// Groups returns the groups with members on this host, in any order.
	Groups() []GroupInfo
	// Teams returns the teams of this host, in any order.
	Teams() []TeamInfo
	// Stats returns the kernel's counters by name; units are in the names.
	Stats() map[string]uint64
}

// ProcessInfo describes a process.
type ProcessInfo struct {
	PID      ipc.PID
	Name     string    // as given to NewProcess
	State    string    // as "ready", "awaiting-reply", "receive-blocked"
	WaitsFor ipc.PID   // what it awaits a reply or a message of; 0 if nothing
	Since    time.Time // when it came into the state; zero: not known
}

// GroupInfo describes a process group, as far as it is on this host.
type GroupInfo struct {
	Group   ipc.PID
	Members []ipc.PID
}

// TeamInfo describes a team.
type TeamInfo struct {
	Number uint16 // 0: the host kernel
	OSPID  int    // of the operating system's process it is in
	Name   string
	Alive  bool // false: dead, its number not yet given out again
}
