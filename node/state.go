package node

import (
	"reflect"
	"strings"
	"unicode"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/servers/process"
)

// kernelState is what the process server shows of the host's kernels: those in
// this OS process. A process.Kernel.
type kernelState struct{ h *kernel.Host }

// Processes returns the processes of all of them.
func (s kernelState) Processes() []process.ProcessInfo {
	var all []process.ProcessInfo
	for _, k := range s.h.Kernels() {
		for _, p := range k.Processes() {
			all = append(all, process.ProcessInfo{
				PID: p.PID, Name: p.Name, State: p.State.String(), WaitsFor: p.WaitsFor,
			})
		}
	}
	return all
}

// Groups returns the groups with members in one of them.
func (s kernelState) Groups() []process.GroupInfo {
	members := map[ipc.PID][]ipc.PID{}
	for _, k := range s.h.Kernels() {
		for _, g := range k.Groups() {
			members[g.Group] = append(members[g.Group], g.Members...)
		}
	}
	all := make([]process.GroupInfo, 0, len(members))
	for group, m := range members {
		all = append(all, process.GroupInfo{Group: group, Members: m})
	}
	return all
}

// Teams returns the teams of the host, those of other OS processes too.
func (s kernelState) Teams() []process.TeamInfo {
	var all []process.TeamInfo
	for _, t := range s.h.Teams() {
		all = append(all, process.TeamInfo{Number: t.Number, OSPID: t.OSProcess, Name: t.Name, Alive: true})
	}
	return all
}

// counters are the fields of kernel.Stats by their names in listings.
var counters = func() map[string][]int {
	c := map[string][]int{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[kernel.Stats]()) {
		if f.Type.Kind() == reflect.Uint64 {
			c[snake(f.Name)] = f.Index
		}
	}
	return c
}()

// Stats returns the sums of their counters.
func (s kernelState) Stats() map[string]uint64 {
	sums := make(map[string]uint64, len(counters))
	for _, k := range s.h.Kernels() {
		v := reflect.ValueOf(k.Stats())
		for name, index := range counters {
			sums[name] += v.FieldByIndex(index).Uint()
		}
	}
	return sums
}

// snake returns the name of a Go field as listings have it: bad_packets.
func snake(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
