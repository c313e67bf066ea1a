package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"vsys/ipc"
	"vsys/link"
	"vsys/link/frame"
	"vsys/link/nic"
	"vsys/link/udp"
	"vsys/node/keyring"
	"vsys/seal/cert"
	"vsys/seal/enroll"
)

// Joining says how a machine gets into a domain.
type Joining struct {
	Code  enroll.Code
	Name  string         // that it wishes; "": the machine's
	Addr  netip.AddrPort // as Config.Addr
	State string         // as Config.State
	Again bool           // leave the domain that it is in
	Limit time.Duration  // 0: enroll.DefaultLimit
}

// Join gets this machine into the domain that the code is of, and keeps the keys in
// the state directory: the next Start is a host of that domain. It blocks until a
// keeper has answered, the limit is reached or ctx ends. It changes nothing if it
// fails. Errors: *enroll.Error; a *Refusal where the machine is a host already.
func Join(ctx context.Context, j Joining) (*enroll.Grant, error) {
	c := Config{Name: j.Name, Addr: j.Addr, State: j.State}
	lock, err := LockDir(c.state())
	if err != nil {
		return nil, &Refusal{
			Err: fmt.Errorf("state directory: %w", err),
			Try: "vsys shutdown, then vsys join again; --state makes another host",
		}
	}
	defer lock.Close()
	switch _, keys, err := keyring.Open(c.state()); {
	case errors.Is(err, keyring.ErrNone):
	case err != nil && !j.Again:
		return nil, err
	case !j.Again:
		return nil, &Refusal{
			Err: fmt.Errorf("this machine is host %s of a domain already (%s): %w", keys.Identity.Certificate.Name, c.state(), ipc.DuplicateName),
			Try: "vsys join --again leaves that domain; its keys are moved aside",
		}
	}
	key, err := cert.NewHostKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	how := enroll.Joining{
		Code: j.Code, Key: key, Name: c.name(), Version: c.version(), Processor: runtime.GOARCH,
		Port: DefaultPort, Limit: j.Limit,
	}
	grant, err := ask(ctx, how, c.addr())
	if err != nil {
		return nil, err
	}
	if j.Again {
		if _, err := keyring.SetAside(c.state(), time.Now()); err != nil && !errors.Is(err, keyring.ErrNone) {
			return nil, err
		}
	}
	_, err = keyring.Create(c.state(), &keyring.Keys{
		Identity: cert.Identity{Key: key, Certificate: grant.Certificate}, Trust: grant.Trust, Peers: grant.Addresses,
	})
	return grant, err
}

// joinSockets is how a machine that is no host yet asks: from the host's port, which
// its firewall lets answers in to, and by multicast.
type joinSockets struct {
	pool  *udp.Pool
	link  *udp.Link
	casts *udp.Multicast
	on    []int
}

func openJoinSockets(addr netip.AddrPort) (s *joinSockets, err error) {
	s = &joinSockets{}
	if s.pool, err = udp.NewPool(addr, 1); err != nil {
		return nil, fmt.Errorf("the port that the host is to have: %w", err)
	}
	if s.link, err = s.pool.Link(0, udp.Options{}); err != nil {
		s.pool.Close()
		return nil, err
	}
	if s.casts, err = s.pool.Multicast(); err != nil {
		return s, nil // the addresses in the code are left
	}
	list, err := nic.Read()
	if err != nil {
		return s, nil
	}
	for _, i := range list {
		if i.Sane && i.Has(addr.Addr().Is4()) {
			s.on = append(s.on, i.Index)
		}
	}
	return s, nil
}

func (s *joinSockets) close() {
	if s.casts != nil {
		s.casts.Close()
	}
	s.link.Close()
	s.pool.Close()
}

// send sends what the joiner wants sent. What can't be sent may be later: the
// joiner's limit tells.
func (s *joinSockets) send(packets []enroll.Packet) {
	for _, p := range packets {
		b := frame.Header{Type: frame.Join, Key: p.Number}.Append(nil)
		b = frame.AppendNullTag(append(b, p.Body...))
		if p.To.IsValid() {
			_ = s.link.Send(p.To, b)
			continue
		}
		for _, index := range s.on {
			_ = s.casts.Send(index, b)
		}
	}
}

// ask asks until a keeper grants or refuses.
func ask(ctx context.Context, how enroll.Joining, addr netip.AddrPort) (*enroll.Grant, error) {
	s, err := openJoinSockets(addr)
	if err != nil {
		return nil, err
	}
	defer s.close()
	stop := context.AfterFunc(ctx, s.link.Kick)
	defer stop()
	start := time.Now()
	j, err := enroll.NewJoiner(how, 0, start, rand.Reader)
	if err != nil {
		return nil, err
	}
	batch := link.NewBatch(16, 2048)
	for !j.Done() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.send(j.Tick(time.Since(start), nil))
		if j.Done() {
			break
		}
		for i := range s.link.TryReceive(batch) {
			p := &batch.Packets[i]
			if h, body, err := frame.Decode(p.Data); err == nil && h.Type == frame.Join {
				j.Heard(time.Now(), p.From, body)
			}
		}
		if !j.Done() {
			s.link.Park(j.Deadline() - time.Since(start))
		}
	}
	return j.Result()
}
