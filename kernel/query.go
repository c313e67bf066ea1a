package kernel

import (
	"slices"

	"vsys/ipc"
)

// ProcessInfo describes a process, at one moment.
type ProcessInfo struct {
	PID      ipc.PID
	Name     string
	State    State
	WaitsFor ipc.PID // whose reply or message it awaits; 0: nothing, or anybody
	Queued   int     // Requests that wait for it
}

// GroupInfo describes a process group, as far as its members are known here.
type GroupInfo struct {
	Group   ipc.PID
	Members []ipc.PID
}

// Processes returns the processes of the team, by number.
func (k *Kernel) Processes() []ProcessInfo {
	var out []ProcessInfo
	for p := range k.processes.all() {
		p.mu.Lock()
		info := ProcessInfo{PID: p.pid, Name: p.name, State: p.state, Queued: len(p.queue.waiting) - p.queue.first}
		switch p.state {
		case AwaitingReply:
			info.WaitsFor = p.sending.to
		case ReceiveSpecific:
			info.WaitsFor = p.receiving.from
		}
		p.mu.Unlock()
		out = append(out, info)
	}
	return out
}

// Groups returns the groups that the team has members in, by identifier.
func (k *Kernel) Groups() []GroupInfo {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []GroupInfo
	for group, members := range k.groups {
		info := GroupInfo{Group: group}
		for _, p := range members {
			info.Members = append(info.Members, p.pid)
		}
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b GroupInfo) int {
		if a.Group < b.Group {
			return -1
		}
		return 1
	})
	return out
}

// Kernels returns the kernels of the host's teams that live in this Linux
// process, the host kernel's own first.
func (h *Host) Kernels() []*Kernel {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []*Kernel{h.Kernel}
	for _, t := range h.teams {
		if t.kernel != nil {
			out = append(out, t.kernel)
		}
	}
	return out
}
