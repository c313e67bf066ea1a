package naming

import (
	"encoding/json"
	"io/fs"
	"strconv"

	"vsys/ipc"
)

// Prefix says that the names at and beneath Name are in a context of a server.
// On the wire it is a [Descriptor].
type Prefix struct {
	Name     string  // clean and absolute, as "/unix/beta"
	Server   ipc.PID // who answers for the names
	Context  uint32  // the server's id of the context
	Host     uint16  // number of the server's host
	HostName string  // its name, "" if not known
	Lost     bool    // the host is lost; the prefix is remembered
}

// Descriptor returns p as it travels.
func (p *Prefix) Descriptor() Descriptor {
	state := HostLive
	if p.Lost {
		state = HostLost
	}
	return Descriptor{
		Tag: TagPrefix, Name: p.Name, Mode: fs.ModeDir | 0o555,
		Values: map[string]string{
			"server": p.Server.String(), "context": strconv.FormatUint(uint64(p.Context), 10),
			"host": strconv.FormatUint(uint64(p.Host), 10), "host_name": p.HostName,
			"state": string(state),
		},
	}
}

// PrefixOf reads a Prefix from its descriptor. BadArgs: it is of another kind,
// its name can't be, or a number is none.
func PrefixOf(d *Descriptor) (Prefix, error) {
	clean, err := Clean(d.Name)
	v := valueParser{d: d, bad: d.Tag != TagPrefix || err != nil || clean != d.Name}
	p := Prefix{
		Name: d.Name, Server: v.pid("server"), Context: uint32(v.uint("context", 32)),
		Host: uint16(v.uint("host", 16)), HostName: d.Value("host_name"),
		Lost: d.Value("state") == string(HostLost),
	}
	return p, v.err()
}

// MarshalJSON returns the form that listings have with --json. Names of fields
// are stable.
func (p Prefix) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name    string `json:"prefix"`
		Server  string `json:"server"`
		Context uint32 `json:"context"`
		Host    string `json:"host"`
		Lost    bool   `json:"lost"`
	}{p.Name, p.Server.String(), p.Context, p.HostName, p.Lost})
}
