package program

import "vsys/ipc"

// The operations of the program protocol, answered by team servers. OpLoad and
// OpFind are CSname requests (package naming) for the name that [Prefix]
// returns. docs/wire/program.md has their layouts and codes.
const (
	OpLoad      = ipc.Op(ipc.InterfaceProgram<<8 | 1) // start a program
	OpFind      = ipc.Op(ipc.InterfaceProgram<<8 | 2) // say what OpLoad would start
	OpWait      = ipc.Op(ipc.InterfaceProgram<<8 | 3) // wait until it has ended
	OpSignal    = ipc.Op(ipc.InterfaceProgram<<8 | 4) // send its process group a signal
	OpTerminate = ipc.Op(ipc.InterfaceProgram<<8 | 5) // end it, kindly and then by force
	OpQueryTeam = ipc.Op(ipc.InterfaceProgram<<8 | 6) // describe it
	OpQueryHost = ipc.Op(ipc.InterfaceProgram<<8 | 7) // describe the host; also to ipc.TeamServerGroup
)

// Prefix returns the name of the team server of a host.
func Prefix(host string) string { return "/team/" + host }

// Part says what of a Spec could not be had.
type Part uint16

const (
	PartProgram   Part = iota // the program file, or the starting itself
	PartDirectory             // the working directory
	PartStdin                 // standard input, output and error
	PartStdout
	PartStderr
)

var partText = [...]string{"program", "working directory", "standard input", "standard output", "standard error"}

// String returns the part in words.
func (p Part) String() string {
	if int(p) < len(partText) {
		return partText[p]
	}
	return "part"
}

// PutRefusal makes m the reply to an OpLoad or OpFind that failed, for a name of
// length octets.
//
//	offset  size
//	 8      2     length of the name: all of it was understood
//	12      2     Part
//	14      2     Machine that the program file is for, 0 if that is not why
func PutRefusal(m *ipc.Message, length int, r *Refusal) {
	m.Reset()
	m.SetCode(r.Code)
	m.PutUint16(8, uint16(length))
	m.PutUint16(12, uint16(r.Part))
	m.PutUint16(14, uint16(r.Machine))
}

// Refusal is why a team server did not start a program.
type Refusal struct {
	Part    Part
	Machine Machine // with NotExecutable, what the file is for, if known
	Code    ipc.Code
}

func readRefusal(m *ipc.Message) *Refusal {
	return &Refusal{Part(m.Uint16(12)), Machine(m.Uint16(14)), m.Code()}
}

// Error says what could not be had, and why.
func (r *Refusal) Error() string {
	switch {
	case r.Machine != 0:
		return "the program is for " + r.Machine.String() + ": " + r.Code.Error()
	case r.Part == PartDirectory && r.Code == ipc.CrossServer:
		return "the working directory is not on that host"
	case r.Part != PartProgram:
		return r.Part.String() + ": " + r.Code.Error()
	case r.Code == ipc.NotFound:
		return "no such program"
	}
	return r.Code.Error()
}

// Unwrap returns the code.
func (r *Refusal) Unwrap() error { return r.Code }

// loaded is what comes back from OpLoad.
//
//	offset  size
//	 4      4     id of the program in its team server
//	 8      4     Unix process id
type loaded struct{ id, unix uint32 }

// PutLoaded makes m the reply to an OpLoad that succeeded.
func PutLoaded(m *ipc.Message, id, unix uint32) {
	m.Reset()
	m.PutUint32(4, id)
	m.PutUint32(8, unix)
}

func readLoaded(m *ipc.Message) loaded { return loaded{m.Uint32(4), m.Uint32(8)} }

// Ending is how a program ended.
//
//	offset  size
//	 4      4     id
//	 8      4     exit status, 0 to 255
//	12      4     signal, 0 if it exited
//	16      4     code of what kept its standard streams from being moved; 0: nothing
//	20      4     processor time, milliseconds, of it and the children it waited for
type Ending struct {
	Exit   int
	Signal int
	Stdio  ipc.Code
	CPU    uint32
}

// Put makes m the reply to an OpWait for the program id.
func (e *Ending) Put(m *ipc.Message, id uint32) {
	m.Reset()
	m.Set(ipc.FlagDGM)
	m.PutUint32(4, id)
	m.PutUint32(8, uint32(e.Exit))
	m.PutUint32(12, uint32(e.Signal))
	m.PutUint32(16, uint32(e.Stdio))
	m.PutUint32(20, e.CPU)
}

func readEnding(m *ipc.Message) Ending {
	return Ending{
		Exit: int(m.Uint32(8) & 0xFF), Signal: int(m.Uint32(12) & 0x7F),
		Stdio: ipc.Code(m.Uint32(16)), CPU: m.Uint32(20),
	}
}
