package packet

import "vsys/ipc"

// Probe is the Request ProbeEntity: does this entity exist, and what is its
// state as a client? (RFC 1045 appendix III)
//
//	octet of the message
//	 4                8   CREntity
//	12                8   Entity
//	20                4   AuthDomain
//	24                8   not used
type Probe struct {
	CREntity   ipc.PID // whose module is asked: normally Entity
	Entity     ipc.PID // whom it is about
	AuthDomain uint32  // the authentication domain of the principals asked for
}

// Header returns the header of the packet that carries p, as transaction id of
// from, an entity of the asking module.
func (p *Probe) Header(from ipc.PID, id uint32) Header {
	h := managerRequest(ProbeEntity, ipc.FlagCRE, from, id)
	h.Message.PutPID(paramCoResident, p.CREntity)
	h.Message.PutPID(paramUser, p.Entity)
	h.Message.PutUint32(paramUser2, p.AuthDomain)
	return h
}

// ProbeOf returns the Probe that h carries, and whether it carries one.
func ProbeOf(h *Header) (p Probe, ok bool) {
	if !isManagement(h, ProbeEntity, ipc.FlagCRE) {
		return Probe{}, false
	}
	m := &h.Message
	return Probe{
		CREntity:   m.PID(paramCoResident),
		Entity:     m.PID(paramUser),
		AuthDomain: m.Uint32(paramUser2),
	}, true
}

// ProbeAnswer is the Response to a [Probe]. It has no segment: the state record
// fills the message (RFC 1045 appendix III).
//
//	octet of the message
//	 0                4   Code
//	 4                4   Transaction
//	 8                8   Process
//	16                8   Principal
//	24                8   EffectivePrincipal
type ProbeAnswer struct {
	Code               ipc.Code // OK, NonexistentEntity, EntityMigrated, NoPermission or VMTPError
	Transaction        uint32   // the entity's latest as a client
	Process            uint64   // whose entity it is
	Principal          uint64   // for whom it acts
	EffectivePrincipal uint64   // with whose rights
}

// Header returns the header of the packet in which manager, an entity of the
// module that was asked, answers request with a.
func (a *ProbeAnswer) Header(request *Header, manager ipc.PID) Header {
	h := *request
	h.Flags, h.Control, h.Gap, h.Delivery = 0, 0, 0, 0
	h.Response, h.Server = true, manager
	m := &h.Message
	m.Reset()
	m.SetCode(a.Code)
	m.PutUint32(4, a.Transaction)
	m.PutUint64(8, a.Process)
	m.PutUint64(16, a.Principal)
	m.PutUint64(24, a.EffectivePrincipal)
	return h
}

// ProbeAnswerOf returns what h, a Response to a Probe, says. That it answers a
// Probe only its transaction tells.
func ProbeAnswerOf(h *Header) ProbeAnswer {
	m := &h.Message
	return ProbeAnswer{
		Code:               m.Code(),
		Transaction:        m.Uint32(4),
		Process:            m.Uint64(8),
		Principal:          m.Uint64(16),
		EffectivePrincipal: m.Uint64(24),
	}
}
