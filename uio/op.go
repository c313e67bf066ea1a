package uio

import (
	"strings"

	"vsys/ipc"
)

// The operations of UIO. All but OpCreateInstance, which is a CSname request
// (package naming), name their instance at octet 4 of the message.
// docs/wire/uio.md has their layouts and codes.
const (
	OpCreateInstance   = ipc.Op(ipc.InterfaceUIO<<8 | 1)  // open the object of a name
	OpQueryInstance    = ipc.Op(ipc.InterfaceUIO<<8 | 2)  // what OpCreateInstance said, as it is now
	OpReadInstance     = ipc.Op(ipc.InterfaceUIO<<8 | 3)  // read octets
	OpWriteInstance    = ipc.Op(ipc.InterfaceUIO<<8 | 4)  // write octets
	OpReleaseInstance  = ipc.Op(ipc.InterfaceUIO<<8 | 5)  // close
	OpSetInstanceOwner = ipc.Op(ipc.InterfaceUIO<<8 | 6)  // give it to another process
	OpSetInstanceSize  = ipc.Op(ipc.InterfaceUIO<<8 | 7)  // shorten or extend the object
	OpSyncInstance     = ipc.Op(ipc.InterfaceUIO<<8 | 8)  // wait until what is written is kept
	OpReadDescriptor   = ipc.Op(ipc.InterfaceUIO<<8 | 9)  // describe the object
	OpWriteDescriptor  = ipc.Op(ipc.InterfaceUIO<<8 | 10) // change what its descriptor says
)

// Mode says how an object is to be opened: 16 bits.
type Mode uint16

const (
	Read      Mode = 1 << iota // to read
	Write                      // to write
	Create                     // make it if it is not there
	Truncate                   // with Write: cut it to nothing
	Append                     // with Write: write at its end only
	Exclusive                  // with Create: it must not be there
	Directory                  // a context, to read what it holds; nothing else but Read
	NoFollow                   // not through a symbolic link at the end of the name
	Execute                    // to run it as a program; NotExecutable if that can't be

	allModes = Read | Write | Create | Truncate | Append | Exclusive | Directory | NoFollow | Execute
)

// Check returns InvalidMode if m can't be: it neither reads nor writes, or it
// combines what excludes or lacks another.
func (m Mode) Check() error {
	bad := m&^allModes != 0 || m&(Read|Write|Directory|Execute) == 0 ||
		m&(Truncate|Append) != 0 && m&Write == 0 ||
		m&Exclusive != 0 && m&Create == 0 ||
		m&Directory != 0 && m&^(Directory|Read|NoFollow) != 0
	if bad {
		return ipc.InvalidMode
	}
	return nil
}

// Attributes say what an instance can do, rather than pretend that all can do
// everything: 32 bits.
type Attributes uint32

const (
	Readable      Attributes = 1 << iota // it can be read
	Writeable                            // it can be written
	AppendOnly                           // what is written goes to the end, whatever the block number
	Stream                               // read in order, each octet once; written at the end
	FixedLength                          // its size does not change while it is open
	VariableBlock                        // a block may be short though it is not the last: records, lines
	Interactive                          // somebody sits at the other end
	Storage                              // it keeps what is written
	DirectoryFile                        // it holds the descriptors of a context
)

var attributeText = []string{"readable", "writeable", "append-only", "stream", "fixed-length",
	"variable-block", "interactive", "storage", "directory"}

// Has tells whether all of the given attributes are set.
func (a Attributes) Has(b Attributes) bool { return a&b == b }

// String prints the attributes in words.
func (a Attributes) String() string {
	var words []string
	for i, w := range attributeText {
		if a>>i&1 != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// DefaultBlockSize is the block size of an object that does not say.
const DefaultBlockSize = 4096
