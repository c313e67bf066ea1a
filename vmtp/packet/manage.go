package packet

import "vsys/ipc"

// The operations of VMTP's management module (RFC 1045 appendix III). Their
// numbers are the RFC's. They are addressed to ipc.ManagerGroup; all but
// NotifyRemoteVmtpClient, ProbeEntityBlock and QueryVMTPNode name in
// CoResidentEntity whose module is meant.
const (
	ProbeEntity            = ipc.Op(ipc.InterfaceVMTP<<8) + 1 + iota // is it there? what is its state?
	AuthProbeEntity                                                  // the same with an authenticator
	ProbeEntityBlock                                                 // who holds this block of identifiers?
	QueryVMTPNode                                                    // what can the module do?
	GetRequestForwarder                                              // who forwarded this transaction?
	CreateEntity                                                     // make an entity
	DeleteEntity                                                     // end an entity or a group
	QueryEntity                                                      // describe an entity
	SignalEntity                                                     // interrupt an entity
	CreateGroup                                                      // make a group
	AddToGroup                                                       // make an entity a member
	RemoveFromGroup                                                  // end a membership
	QueryGroup                                                       // who are the members?
	ModifyService                                                    // change how Requests are queued
	NotifyVmtpClient                                                 // how a Request fares
	NotifyVmtpServer                                                 // how a Response fares
	NotifyRemoteVmtpClient                                           // how a forwarded Request fares
)

// manageFlags are the flags of the code word that tell one form of a
// management operation from another. The others are ignored: the RFC sets a
// reserved one in two operations (docs/wire/packet.md).
const manageFlags = ipc.FlagDGM | ipc.FlagCRE | ipc.FlagPIC

// managerRequest returns the header of a Request for op from the manager from.
func managerRequest(op ipc.Op, flags uint32, from ipc.PID, id uint32) Header {
	h := Header{
		Client: from, Domain: Domain, Version: Version,
		Transaction: id, Server: ipc.ManagerGroup,
	}
	h.Message.SetOp(op)
	h.Message.Set(flags)
	return h
}

// isManagement tells whether h is a Request for op with just the given flags.
func isManagement(h *Header, op ipc.Op, flags uint32) bool {
	m := &h.Message
	return !h.Response && m.Op() == op && m.Has(flags|ipc.FlagPIC) &&
		m.Uint32(0)&manageFlags == flags|ipc.FlagPIC
}

// Where parameters of management operations are in the message: in order
// behind the code (RFC 1045 appendix II).
const (
	paramCoResident = 4
	paramUser       = 12
	paramUser2      = 20
	paramDelivery   = 24
	paramSize       = 28
)
