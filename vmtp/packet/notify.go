package packet

import "vsys/ipc"

// Notify is what one VMTP module tells another about a transaction: how its
// Request fares at the server (NotifyVmtpClient), how its Response fares at
// the client (NotifyVmtpServer), or how a forwarded Request fares at the next
// server (NotifyRemoteVmtpClient). It is a datagram, and never the subject of
// another Notify (RFC 1045 appendix III, §4.8, §5.8).
//
//	octet of the message  to the client, remote   to the server
//	 4                8   Client                  Server
//	12                8   word 4, recSeq (zero)   Client
//	20                4   Transaction             Transaction
//	24                4   Delivery                Delivery
//	28                4   Code                    Code
type Notify struct {
	ToServer bool // NotifyVmtpServer; else NotifyVmtpClient
	Remote   bool // NotifyRemoteVmtpClient, to the host that forwarded; not with ToServer

	Client      ipc.PID // whose transaction it is
	Transaction uint32  // which
	Server      ipc.PID // ToServer: who answered; else not sent
	Delivery    uint32  // the blocks that have been received
	Code        ipc.Code

	// To the client only: word 4 of the Response that there would be.
	Control         Control // of the Request; MDG and DRT are not sent
	RetransmitCount uint8   // of the Request
	ForwardCount    uint8   // of the Request
	PGcount         uint8   // how many earlier packet groups are acknowledged too
	Priority        uint8   // of the Request
}

// Header returns the header of the packet that carries n, as transaction id of
// from, an entity of the sending module. That must not be a client with a
// transaction of its own in progress, which a newer Request would end.
func (n *Notify) Header(from ipc.PID, id uint32) Header {
	op, flags := n.op()
	h := managerRequest(op, flags, from, id)
	m := &h.Message
	if n.ToServer {
		m.PutPID(paramCoResident, n.Server)
		m.PutPID(paramUser, n.Client)
	} else {
		m.PutPID(paramCoResident, n.Client)
		m.PutUint32(paramUser, n.word4())
	}
	m.PutUint32(paramUser2, n.Transaction)
	m.PutUint32(paramDelivery, n.Delivery)
	m.PutUint32(paramSize, uint32(n.Code))
	return h
}

// NotifyOf returns the Notify that h carries, and whether it carries one.
func NotifyOf(h *Header) (n Notify, ok bool) {
	m := &h.Message
	switch m.Op() {
	case NotifyVmtpServer:
		n.ToServer = true
	case NotifyRemoteVmtpClient:
		n.Remote = true
	}
	if op, flags := n.op(); !isManagement(h, op, flags) {
		return Notify{}, false
	}
	if n.ToServer {
		n.Server = m.PID(paramCoResident)
		n.Client = m.PID(paramUser)
	} else {
		n.Client = m.PID(paramCoResident)
		n.setWord4(m.Uint32(paramUser))
	}
	n.Transaction = m.Uint32(paramUser2)
	n.Delivery = m.Uint32(paramDelivery)
	n.Code = ipc.Code(m.Uint32(paramSize))
	return n, true
}

// op returns the operation that n is, and the flags of its code word.
func (n *Notify) op() (ipc.Op, uint32) {
	switch {
	case n.ToServer:
		return NotifyVmtpServer, ipc.FlagDGM | ipc.FlagCRE
	case n.Remote:
		return NotifyRemoteVmtpClient, ipc.FlagDGM
	}
	return NotifyVmtpClient, ipc.FlagDGM | ipc.FlagCRE
}

func (n *Notify) word4() uint32 {
	h := Header{
		Control: n.Control &^ requestOnly, Response: true, RetransmitCount: n.RetransmitCount,
		ForwardCount: n.ForwardCount, Gap: n.PGcount, Priority: n.Priority,
	}
	return h.word4()
}

func (n *Notify) setWord4(w uint32) {
	var h Header
	h.setWord4(w)
	n.Control = h.Control &^ requestOnly
	n.RetransmitCount, n.ForwardCount = h.RetransmitCount, h.ForwardCount
	n.PGcount, n.Priority = h.Gap, h.Priority
}
