package naming

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"vsys/ipc"
)

// HostState says how a host stands, as a kernel server sees it.
type HostState string

const (
	HostSelf HostState = "self" // the kernel server's own host
	HostLive HostState = "live" // heard within five seconds
	HostLost HostState = "lost" // silent, or gone; remembered with its prefixes
)

// Host describes a host of the domain. On the wire it is a [Descriptor].
type Host struct {
	Number      uint16
	Name        string
	Server      ipc.PID   // its kernel server
	Address     string    // as "192.0.2.7:8145", "" without a network
	Epoch       uint64    // grows with each boot
	Version     string    // of V
	Processor   string    // processor type, as runtime.GOARCH
	Processors  int       // how many
	Load        float64   // runnable processes, average of one minute
	MemoryTotal uint64    // octets
	MemoryFree  uint64    // octets
	State       HostState // as the answering kernel server sees it
	LastHeard   time.Time
	Clear       bool // nothing is sealed in its domain
}

// Live tells whether the host answers: it is live, or the kernel server's own.
func (h *Host) Live() bool { return h.State != HostLost }

// Descriptor returns h as it travels.
func (h *Host) Descriptor() Descriptor {
	return Descriptor{
		Tag: TagHost, Name: h.Name, ID: uint64(h.Number), Modified: h.LastHeard,
		Values: map[string]string{
			"server": h.Server.String(), "address": h.Address,
			"epoch": strconv.FormatUint(h.Epoch, 10), "version": h.Version,
			"processor": h.Processor, "processors": strconv.Itoa(h.Processors),
			"load":         strconv.FormatFloat(h.Load, 'f', 2, 64),
			"memory_total": strconv.FormatUint(h.MemoryTotal, 10),
			"memory_free":  strconv.FormatUint(h.MemoryFree, 10),
			"state":        string(h.State),
			"clear":        strconv.FormatBool(h.Clear),
		},
	}
}

// HostOf reads a Host from its descriptor. A value that is missing reads as
// zero. BadArgs: it is of another kind, or a number is none.
func HostOf(d *Descriptor) (Host, error) {
	h := Host{
		Name: d.Name, Number: uint16(d.ID), LastHeard: d.Modified,
		Address: d.Value("address"), Version: d.Value("version"),
		Processor: d.Value("processor"), State: HostState(d.Value("state")),
		Clear: d.Value("clear") == "true",
	}
	p := valueParser{d: d, bad: d.Tag != TagHost || d.ID > 0xFFFF}
	h.Server, h.Epoch = p.pid("server"), p.uint("epoch", 64)
	h.Processors = int(p.uint("processors", 31))
	h.MemoryTotal, h.MemoryFree = p.uint("memory_total", 64), p.uint("memory_free", 64)
	h.Load = p.float("load")
	return h, p.err()
}

// MarshalJSON returns the form that listings have with --json. Names of fields
// are stable.
func (h Host) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Number      uint16    `json:"number"`
		Name        string    `json:"name"`
		State       HostState `json:"state"`
		Address     string    `json:"address"`
		Server      string    `json:"server"`
		Epoch       uint64    `json:"epoch"`
		Version     string    `json:"version"`
		Processor   string    `json:"processor"`
		Processors  int       `json:"processors"`
		Load        float64   `json:"load"`
		MemoryTotal uint64    `json:"memory_total_bytes"`
		MemoryFree  uint64    `json:"memory_free_bytes"`
		LastHeard   time.Time `json:"last_heard,omitzero"`
		Clear       bool      `json:"clear"`
	}{h.Number, h.Name, h.State, h.Address, h.Server.String(), h.Epoch, h.Version, h.Processor,
		h.Processors, h.Load, h.MemoryTotal, h.MemoryFree, h.LastHeard, h.Clear})
}

// valueParser reads typed values of a descriptor; bad says that one was none.
type valueParser struct {
	d   *Descriptor
	bad bool
}

func (p *valueParser) uint(key string, bits int) uint64 {
	s := p.d.Value(key)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, bits)
	p.bad = p.bad || err != nil
	return n
}

func (p *valueParser) float(key string) float64 {
	s := p.d.Value(key)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	p.bad = p.bad || err != nil || f != f || f < 0 || f > 1e9
	return f
}

func (p *valueParser) pid(key string) ipc.PID {
	s := p.d.Value(key)
	if s == "" {
		return 0
	}
	pid, err := ipc.ParsePID(s)
	p.bad = p.bad || err != nil
	return pid
}

func (p *valueParser) err() error {
	if p.bad {
		return fmt.Errorf("%s descriptor of %q: %w", p.d.Tag, p.d.Name, ipc.BadArgs)
	}
	return nil
}
