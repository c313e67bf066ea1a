package naming

import "vsys/ipc"

// The operations of the naming protocol. Those marked C are CSname requests:
// they carry a name. docs/wire/naming.md has their layouts and codes.
const (
	OpGetContextID    = ipc.Op(ipc.InterfaceNaming<<8 | 1)  // C: the context that a name stands for
	OpQueryName       = ipc.Op(ipc.InterfaceNaming<<8 | 2)  // C: which server covers a name (kernel servers)
	OpAddPrefix       = ipc.Op(ipc.InterfaceNaming<<8 | 3)  // C: a server covers a prefix (kernel servers)
	OpDeletePrefix    = ipc.Op(ipc.InterfaceNaming<<8 | 4)  // C: and does so no more (kernel servers)
	OpQueryPrefixes   = ipc.Op(ipc.InterfaceNaming<<8 | 5)  // C: the prefixes at and beneath a name (kernel servers)
	OpQueryHosts      = ipc.Op(ipc.InterfaceNaming<<8 | 6)  // the hosts of the domain (kernel servers)
	OpReadDescriptor  = ipc.Op(ipc.InterfaceNaming<<8 | 7)  // C: describe an object
	OpWriteDescriptor = ipc.Op(ipc.InterfaceNaming<<8 | 8)  // C: change what its descriptor says
	OpRemove          = ipc.Op(ipc.InterfaceNaming<<8 | 9)  // C: remove an object or an empty context
	OpRename          = ipc.Op(ipc.InterfaceNaming<<8 | 10) // C: give it another name; two names
	OpCreateContext   = ipc.Op(ipc.InterfaceNaming<<8 | 11) // C: make an empty context
	OpLink            = ipc.Op(ipc.InterfaceNaming<<8 | 12) // C: give it one more name; two names
	OpSymlink         = ipc.Op(ipc.InterfaceNaming<<8 | 13) // C: make a symbolic link to a text
)

// Flags of OpReadDescriptor and OpWriteDescriptor.
const (
	// NoFollow asks for a symbolic link itself, not for what it leads to.
	NoFollow uint32 = 1 << 0
)

// Flags in the reply to OpQueryName.
const (
	queryLost    uint16 = 1 << 0 // the host of the server is lost
	queryBeneath uint16 = 1 << 1 // there are prefixes beneath the name
)

// Fields says which fields of a Descriptor an OpWriteDescriptor changes.
type Fields uint32

const (
	FieldMode     Fields = 1 << iota // Mode, its permission bits
	FieldSize                        // Size: shorten or extend
	FieldModified                    // Modified
	FieldAccessed                    // Accessed
	FieldOwner                       // Owner
	FieldValues                      // the Values that are given, each
)

// Places in the user data of a CSname request and of its reply.
const (
	atContext = 4  // u32: request and reply
	atIndex   = 8  // u16: request and reply
	atLength  = 10 // u16: request
	atArgs    = 12 // 12 octets: request, for the operation

	// ArgsSize is the room for the operation in a CSname request, in octets.
	ArgsSize = 12
)

// DefaultContext is the context id that every server understands: its root.
const DefaultContext uint32 = 0
