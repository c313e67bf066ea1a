package program

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
)

// Machine is a processor type as an ELF file names it (e_machine).
type Machine uint16

// machines are the types that V's hosts may have, and those next of kin that
// they run.
var machines = []struct {
	machine Machine
	name    string   // as runtime.GOARCH
	runs    []string // hosts that run it
}{
	{62, "amd64", []string{"amd64"}},
	{3, "386", []string{"amd64", "386"}},
	{183, "arm64", []string{"arm64"}},
	{40, "arm", []string{"arm", "arm64"}},
	{243, "riscv64", []string{"riscv64"}},
	{22, "s390x", []string{"s390x"}},
	{21, "ppc64", []string{"ppc64", "ppc64le"}},
	{8, "mips", []string{"mips", "mipsle", "mips64", "mips64le"}},
	{258, "loong64", []string{"loong64"}},
}

// String returns the processor type as runtime.GOARCH has it.
func (m Machine) String() string {
	for _, known := range machines {
		if known.machine == m {
			return known.name
		}
	}
	return fmt.Sprintf("machine %d", uint16(m))
}

// ELFHeader is how much of a file FileMachine has to see, in octets.
const ELFHeader = 20

// FileMachine returns what the program file that begins with header is for, 0 if
// it is no ELF file: a script, say.
func FileMachine(header []byte) Machine {
	if len(header) < ELFHeader || !bytes.HasPrefix(header, []byte("\x7fELF")) {
		return 0
	}
	const bigEndian = 2
	if header[5] == bigEndian {
		return Machine(binary.BigEndian.Uint16(header[18:]))
	}
	return Machine(binary.LittleEndian.Uint16(header[18:]))
}

// Native tells whether this host's processor runs programs for m.
func (m Machine) Native() bool {
	for _, known := range machines {
		if known.machine != m {
			continue
		}
		for _, r := range known.runs {
			if r == runtime.GOARCH {
				return true
			}
		}
	}
	return false
}
