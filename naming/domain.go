package naming

import (
	"cmp"
	"slices"

	"vsys/ipc"
)

// Domain is what a kernel server knows of its V domain. Its methods may be
// called by several goroutines at once and must not wait for other processes.
type Domain interface {
	// Hosts returns all hosts that are known, its own among them.
	Hosts() []Host
	// Prefixes returns all prefixes that are known, those of lost hosts too.
	Prefixes() []Prefix
	// AddPrefix notes a prefix of a server on its own host, replacing an equal
	// one of the same server. NoServerResources.
	AddPrefix(Prefix) error
	// DeletePrefix forgets it. NotFound.
	DeletePrefix(name string, server ipc.PID) error
}

// ServeDomain answers the request m of transaction t, which p received with
// segment, if it is one for kernel servers: OpQueryName, OpAddPrefix,
// OpDeletePrefix, OpQueryPrefixes, OpQueryHosts. Else it returns false and does
// nothing. It may wait for the client's kernel while a long answer moves. m is
// overwritten.
//
// A server may only speak for itself: NoPermission to others than processes of
// its team, and to other hosts.
func ServeDomain(d Domain, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	s := domainServer{d, p, t, m.Capacity()}
	switch m.Op() { // who has given up can't be told
	case OpAddPrefix:
		_ = Respond(p, m, t, segment, s.addPrefix)
	case OpDeletePrefix:
		_ = Respond(p, m, t, segment, s.deletePrefix)
	case OpQueryPrefixes:
		_ = Respond(p, m, t, segment, s.queryPrefixes)
	case OpQueryName:
		s.queryName(m, segment)
	case OpQueryHosts:
		s.queryHosts(m)
	default:
		return false
	}
	return true
}

// domainServer answers one transaction.
type domainServer struct {
	d    Domain
	p    ipc.Process
	t    ipc.Transaction
	room int // octets that the client has for the answer
}

// own tells whether the client may speak for server.
func (s domainServer) own(server ipc.PID) bool {
	return s.t.Client.SameTeam(server) && server.Host() == s.p.PID().Host() && ipc.Direct(s.p, s.t)
}

func (s domainServer) addPrefix(r *Request, _ *ipc.Message) ([]byte, error) {
	server := r.ArgPID(0)
	name, err := Clean(r.Name)
	if err != nil || name != r.Name {
		return nil, ipc.IllegalName
	}
	if !s.own(server) {
		return nil, ipc.NoPermission
	}
	team := s.p.Team()
	return nil, s.d.AddPrefix(Prefix{
		Name: name, Server: server, Context: r.Context,
		Host: server.Host(), HostName: team.Host(),
	})
}

func (s domainServer) deletePrefix(r *Request, _ *ipc.Message) ([]byte, error) {
	if !s.own(r.ArgPID(0)) {
		return nil, ipc.NoPermission
	}
	return nil, s.d.DeletePrefix(r.Name, r.ArgPID(0))
}

// queryName answers in any case, so that a client need not wait for silence.
func (s domainServer) queryName(m *ipc.Message, segment []byte) {
	r, err := ParseRequest(m, segment)
	m.Reset()
	m.SetCode(ipc.NotFound)
	name, cleanErr := Clean(r.Name)
	if err != nil || cleanErr != nil {
		m.SetCode(ipc.IllegalName)
	} else {
		answerQuery(m, s.d, name, s.p.PID().Host())
	}
	m.Set(ipc.FlagDGM)
	// The client of a group may have enough answers and be gone.
	_ = s.p.Reply(m, s.t, nil)
}

// answerQuery makes m say which prefix covers name: of the longest that do a
// live one, on this host if there is one.
//
//	offset  size
//	 4      4     context id
//	 8      2     length of the prefix
//	10      2     host number of the server
//	12      8     server
//	20      2     flags: 1 its host is lost, 2 there are prefixes beneath name
//	22      2     live hosts of the domain
func answerQuery(m *ipc.Message, d Domain, name string, self uint16) {
	var best *Prefix
	var flags uint16
	prefixes := d.Prefixes()
	for i := range prefixes {
		p := &prefixes[i]
		switch {
		case Covers(p.Name, name):
			if best == nil || better(p, best, self) > 0 {
				best = p
			}
		case Covers(name, p.Name):
			flags |= queryBeneath
		}
	}
	if best != nil {
		m.SetCode(ipc.OK)
		m.PutUint32(atContext, best.Context)
		m.PutUint16(atIndex, uint16(len(best.Name)))
		m.PutUint16(10, best.Host)
		m.PutPID(12, best.Server)
		if best.Lost {
			flags |= queryLost
		}
	}
	m.PutUint16(20, flags)
	m.PutUint16(22, uint16(live(d.Hosts())))
}

// better compares two prefixes that cover a name.
func better(a, b *Prefix, self uint16) int {
	rank := func(p *Prefix) int {
		switch {
		case p.Lost:
			return 0
		case p.Host != self:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(rank(a), rank(b)))
}

// live returns how many hosts answer.
func live(hosts []Host) int {
	n := 0
	for i := range hosts {
		if hosts[i].Live() {
			n++
		}
	}
	return n
}

func (s domainServer) queryPrefixes(r *Request, reply *ipc.Message) ([]byte, error) {
	under, err := Clean(r.Name)
	if err != nil {
		return nil, err
	}
	prefixes := s.d.Prefixes()
	slices.SortFunc(prefixes, func(a, b Prefix) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Server, b.Server))
	})
	var list []Descriptor
	for i := range prefixes {
		if Covers(under, prefixes[i].Name) {
			list = append(list, prefixes[i].Descriptor())
		}
	}
	return s.list(list, reply)
}

func (s domainServer) queryHosts(m *ipc.Message) {
	hosts := s.d.Hosts()
	slices.SortFunc(hosts, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number))
	})
	list := make([]Descriptor, 0, len(hosts))
	for i := range hosts {
		list = append(list, hosts[i].Descriptor())
	}
	m.Reset()
	data, err := s.list(list, m)
	m.SetCode(CodeOf(err))
	_ = s.p.Reply(m, s.t, data) // nobody to tell if the client is gone
}

// list makes reply the answer to a query for descriptors:
//
//	offset  size
//	 4      4     octets of all the descriptors
//	 8      4     how many there are
//	12      2     hosts that are known
//	14      2     of them live
//
// It returns what to reply them with: nil if they were moved, or are more than
// the client has room for; it then asks again.
func (s domainServer) list(list []Descriptor, reply *ipc.Message) ([]byte, error) {
	var data []byte
	for i := range list {
		var err error
		if data, err = list[i].Append(data); err != nil {
			return nil, err
		}
	}
	hosts := s.d.Hosts()
	reply.Set(ipc.FlagDGM)
	reply.PutUint32(4, uint32(len(data)))
	reply.PutUint32(8, uint32(len(list)))
	reply.PutUint16(12, uint16(len(hosts)))
	reply.PutUint16(14, uint16(live(hosts)))
	switch {
	case len(data) > s.room:
		return nil, nil
	case len(data) <= ipc.MaxAppended:
		return data, nil
	}
	return nil, s.p.MoveTo(s.t, 0, data)
}
