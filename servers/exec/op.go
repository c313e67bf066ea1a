package exec

import (
	"strconv"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// The operations of the exec server. docs/wire/program.md has their layouts.
const (
	OpRegister   = ipc.Op(ipc.InterfaceExec<<8 | 1) // here is an executive
	OpUpdate     = ipc.Op(ipc.InterfaceExec<<8 | 2) // what it does now
	OpDeregister = ipc.Op(ipc.InterfaceExec<<8 | 3) // it is gone
	OpInterrupt  = ipc.Op(ipc.InterfaceExec<<8 | 4) // interrupt its command
)

// MaxExecutives is how many a server knows at most.
const MaxExecutives = 1024

// Prefix returns the name of the exec server of a host.
func Prefix(host string) string { return "/exec/" + host }

// Executive is what an executive says of itself. On the wire it is a
// naming.Descriptor.
type Executive struct {
	ID        uint32  // given by the server
	PID       ipc.PID // its process, which interrupts go to
	User      string
	Terminal  string // as "pts/4", "" without one
	Directory string // its current context
	Command   string // what it runs now, "" if it waits for a command
	Since     time.Time
}

// Descriptor returns e as it travels.
func (e *Executive) Descriptor() naming.Descriptor {
	return naming.Descriptor{
		Tag: naming.TagProcess, Name: strconv.FormatUint(uint64(e.ID), 10), Mode: 0o444,
		Owner: e.User, Modified: e.Since, ID: uint64(e.ID),
		Values: map[string]string{
			"pid": e.PID.String(), "terminal": e.Terminal,
			"directory": e.Directory, "command": e.Command,
		},
	}
}

// ExecutiveOf reads an Executive from its descriptor. BadArgs: it is none.
func ExecutiveOf(d *naming.Descriptor) (Executive, error) {
	pid, err := ipc.ParsePID(d.Value("pid"))
	if err != nil || d.Tag != naming.TagProcess || d.ID > 0xFFFFFFFF {
		return Executive{}, ipc.BadArgs
	}
	return Executive{
		ID: uint32(d.ID), PID: pid, User: d.Owner, Terminal: d.Value("terminal"),
		Directory: d.Value("directory"), Command: d.Value("command"), Since: d.Modified,
	}, nil
}
