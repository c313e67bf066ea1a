package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link/faulty"
	"vsys/link/udp"
	"vsys/seal"
)

// JoinVersion is that of the words between a team and its host kernel.
const JoinVersion = 1

// joinRequest is what a team says first on the host's socket, one JSON value;
// joinQuery is each later one. The host kernel answers each with one value.
type joinRequest struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	Process int    `json:"process"`
}

// joinAnswer comes with the team's UDP socket (SCM_RIGHTS).
type joinAnswer struct {
	Version     int           `json:"version"`
	Error       string        `json:"error,omitempty"`
	Code        ipc.Code      `json:"code,omitempty"`
	Host        string        `json:"host"`
	Number      uint16        `json:"number"` // of the host
	Team        uint16        `json:"team"`   // and slot
	Incarnation uint16        `json:"incarnation"`
	HostServer  ipc.PID       `json:"hostServer"`
	MTU         int           `json:"mtu,omitempty"`
	Faults      faulty.Config `json:"faults"`
	Sealed      bool          `json:"sealed"`
}

// joinQuery asks where a host is and how it is called (Op "host"), tells whether
// the team has members of a group ("members"), or asks for keys ("receivers",
// "sendKey", "renew"; see Keys).
type joinQuery struct {
	Number     uint64  `json:"number"` // of the question; the answer has it too
	Op         string  `json:"op"`
	Host       uint16  `json:"host,omitempty"`
	Team       uint16  `json:"team,omitempty"`
	Group      ipc.PID `json:"group,omitempty"`
	Has        bool    `json:"has,omitempty"`
	Generation uint64  `json:"generation,omitempty"`
	Session    uint32  `json:"session,omitempty"`
}

type joinReply struct {
	Number uint64         `json:"number"`
	Error  string         `json:"error,omitempty"`
	Name   string         `json:"name,omitempty"`
	Addr   netip.AddrPort `json:"addr"`

	Receivers  []seal.Receiver `json:"receivers,omitempty"`
	Generation uint64          `json:"generation,omitempty"`
	Unchanged  bool            `json:"unchanged,omitempty"`
	Session    uint32          `json:"session,omitempty"` // of a key to send by; 0: there is none
	AES        bool            `json:"aes,omitempty"`
	Secret     []byte          `json:"secret,omitempty"` // 32 octets
}

// listen opens the socket that teams join through. A socket file that nobody
// listens on any more is replaced.
func listen(name string) (*net.UnixListener, error) {
	addr := &net.UnixAddr{Name: name, Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if c, dialErr := net.DialUnix("unix", nil, addr); dialErr == nil {
		c.Close()
		return nil, fmt.Errorf("%s: another host has it: %w", name, ipc.DuplicateName)
	}
	if err := os.Remove(name); err != nil {
		return nil, err
	}
	return net.ListenUnix("unix", addr)
}

// acceptAgain is the wait after a connection that could not be accepted.
const acceptAgain = 100 * time.Millisecond

// acceptLoop lets teams join. It ends when the socket is closed.
func (h *Host) acceptLoop() {
	defer h.loops.Done()
	for {
		c, err := h.socket.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // as when descriptors run out
			h.log.Warn("no team can join", "err", err)
			select {
			case <-h.ctx.Done():
				return
			case <-time.After(acceptAgain):
				continue
			}
		}
		h.loops.Add(1)
		go h.teamLoop(c.(*net.UnixConn))
	}
}

// teamLoop serves one team for its life: when the connection ends, the team has
// died. It ends with the connection or the host.
func (h *Host) teamLoop(c *net.UnixConn) {
	defer h.loops.Done()
	defer c.Close()
	stop := context.AfterFunc(h.ctx, func() { c.Close() })
	defer stop()
	in, out := json.NewDecoder(c), json.NewEncoder(c)
	var request joinRequest
	var t *Team
	err := sameUser(c)
	if err == nil {
		c.SetReadDeadline(time.Now().Add(joinLimit))
		if err := in.Decode(&request); err != nil {
			return
		}
		c.SetReadDeadline(time.Time{})
		t, err = h.join(c, &request)
	}
	if err != nil {
		h.log.Info("team refused", "team", request.Name, "err", err)
		out.Encode(joinAnswer{Version: JoinVersion, Host: h.config.Name, Error: err.Error(), Code: ipc.CodeOf(err)})
		return
	}
	h.log.Debug("team joined", "team", t.Name, "number", t.Number)
	defer h.bury(t)
	domain := hostDomain{h, t}
	for {
		var q joinQuery
		if err := in.Decode(&q); err != nil {
			return
		}
		r := domain.answer(&q)
		if err := out.Encode(r); err != nil {
			return
		}
	}
}

// answer answers a question of the team.
func (d hostDomain) answer(q *joinQuery) joinReply {
	r := joinReply{Number: q.Number}
	switch {
	case q.Op == "host":
		r.Name = d.HostName(q.Host)
		if addr, ok := d.Locate(q.Host); ok {
			r.Addr = addr
		}
	case q.Op == "members":
		d.Members(q.Group, q.Has)
	case q.Op == "receivers" && d.keys() != nil:
		r.Receivers, r.Generation, r.Unchanged = d.Receivers(q.Generation)
	case q.Op == "renew" && d.keys() != nil:
		d.Renew(q.Session)
	case q.Op == "sendKey" && d.keys() != nil:
		if key, addr, ok := d.SendKey(q.Host, q.Team); ok {
			r.Session, r.AES, r.Secret, r.Addr = key.Session, key.AES, key.Secret[:], addr
		}
	default:
		r.Error = "unknown request " + q.Op
	}
	return r
}

// joinLimit bounds the wait for what a team says first.
const joinLimit = 5 * time.Second

// join admits the team and passes it its socket.
func (h *Host) join(c *net.UnixConn, r *joinRequest) (*Team, error) {
	if r.Version != JoinVersion {
		return nil, fmt.Errorf("host %s speaks version %d of the join protocol, the team %d: %w", h.config.Name, JoinVersion, r.Version, ipc.VMTPError)
	}
	t, err := h.admit(r.Name, r.Process)
	if err != nil {
		return nil, err
	}
	f, err := h.pool.File(int(t.Number))
	if err == nil {
		defer f.Close()
		a := joinAnswer{
			Version: JoinVersion, Host: h.config.Name, Number: h.ids.number, Team: t.Number,
			Incarnation: t.Incarnation, HostServer: h.HostServer(),
			MTU: h.config.MTU, Faults: h.config.Faults, Sealed: h.config.Member != nil,
		}
		var b []byte
		if b, err = json.Marshal(a); err == nil {
			_, _, err = c.WriteMsgUnix(b, unix.UnixRights(int(f.Fd())), nil)
		}
	}
	if err != nil {
		h.bury(t)
		return nil, err
	}
	return t, nil
}

// sameUser refuses processes of other users: who holds a socket of the pool
// could take over the port (docs/decisions/one-port.md).
func sameUser(c *net.UnixConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	if err := raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("process %d belongs to user %d, the host to user %d: %w", peer.Pid, peer.Uid, os.Geteuid(), ipc.NoPermission)
	}
	return nil
}

// Join makes this program a team of the host whose socket is given: a path, or
// "@name". It waits for the host kernel until ctx is done. The team ends with
// Close, or with the program. Errors say what is wrong; Unreachable: there is no
// host behind the socket.
func Join(ctx context.Context, socket, name string) (*Kernel, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("no host behind %s: %w: %w", socket, ipc.Unreachable, err)
	}
	c := conn.(*net.UnixConn)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	c.SetDeadline(time.Now().Add(joinLimit))
	a, fd, err := askToJoin(c, name)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the host does not answer within %v: %w", joinLimit, ipc.UserTimeout)
	}
	c.SetDeadline(time.Time{})
	if !stop() && err == nil {
		unix.Close(fd)
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("joining the host behind %s: %w", socket, err)
	}
	l, err := udp.FromFd(fd, a.Team, udp.Options{MTU: a.MTU})
	if err != nil {
		unix.Close(fd)
		c.Close()
		return nil, err
	}
	h := &joinedHost{conn: c, in: json.NewDecoder(c), out: json.NewEncoder(c), names: map[uint16]string{}}
	config := Config{
		Host: a.Host, LogicalHost: ipc.MakeLogicalHost(a.Number, a.Team), Incarnation: a.Incarnation,
		HostServer: a.HostServer, Link: withFaults(l, a.Faults, a.Team), Domain: h,
	}
	if a.Sealed {
		config.Keys = h
	}
	k := newKernel(config)
	k.closing = func() { c.Close() }
	k.startLoops()
	return k, nil
}

// askToJoin says hello and takes the answer with the socket in it.
func askToJoin(c *net.UnixConn, name string) (joinAnswer, int, error) {
	var a joinAnswer
	b, err := json.Marshal(joinRequest{Version: JoinVersion, Name: name, Process: os.Getpid()})
	if err != nil {
		return a, -1, err
	}
	if _, err := c.Write(b); err != nil {
		return a, -1, err
	}
	answer, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.ReadMsgUnix(answer, oob)
	if err != nil {
		return a, -1, err
	}
	if err := json.Unmarshal(answer[:n], &a); err != nil {
		return a, -1, err
	}
	if a.Error != "" {
		return a, -1, fmt.Errorf("%s: %w", a.Error, a.Code)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return a, -1, errors.Join(errors.New("the host kernel sent no socket"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return a, -1, errors.Join(errors.New("the host kernel sent no socket"), err)
	}
	unix.CloseOnExec(fds[0])
	return a, fds[0], nil
}

// joinedHost is the Domain of a team that joined through the host's socket.
type joinedHost struct {
	mu    sync.Mutex // guards the connection: one question at a time
	conn  *net.UnixConn
	in    *json.Decoder
	out   *json.Encoder
	names map[uint16]string
	asked uint64 // questions
}

// askLimit bounds the wait for the host kernel, which only looks into its tables.
const askLimit = 2 * time.Second

func (j *joinedHost) ask(q joinQuery) (r joinReply, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked++
	q.Number = j.asked
	j.conn.SetDeadline(time.Now().Add(askLimit))
	err = j.out.Encode(q)
	for err == nil && r.Number != q.Number { // late answers come first
		r = joinReply{}
		err = j.in.Decode(&r)
	}
	if err != nil {
		j.in = json.NewDecoder(io.MultiReader(j.in.Buffered(), j.conn)) // one that has failed stays so
	}
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r, err
}

func (j *joinedHost) Locate(host uint16) (netip.AddrPort, bool) {
	r, err := j.ask(joinQuery{Op: "host", Host: host})
	return r.Addr, err == nil && r.Addr.IsValid()
}

// HostName remembers names: errors ask for them.
func (j *joinedHost) HostName(host uint16) string {
	j.mu.Lock()
	name := j.names[host]
	j.mu.Unlock()
	if name != "" {
		return name
	}
	r, err := j.ask(joinQuery{Op: "host", Host: host})
	if err == nil && r.Name != "" {
		j.mu.Lock()
		j.names[host] = r.Name
		j.mu.Unlock()
	}
	return r.Name
}

func (j *joinedHost) Members(group ipc.PID, has bool) error {
	_, err := j.ask(joinQuery{Op: "members", Group: group, Has: has})
	if err != nil {
		return fmt.Errorf("the host kernel does not answer: %w: %w", ipc.Unreachable, err)
	}
	return nil
}

// Receivers implements Keys. If the host kernel does not answer, what is known
// stays.
func (j *joinedHost) Receivers(generation uint64) (all []seal.Receiver, current uint64, unchanged bool) {
	r, err := j.ask(joinQuery{Op: "receivers", Generation: generation})
	if err != nil {
		return nil, generation, true
	}
	return r.Receivers, r.Generation, r.Unchanged
}

// SendKey implements Keys.
func (j *joinedHost) SendKey(host, team uint16) (seal.SendKey, netip.AddrPort, bool) {
	r, err := j.ask(joinQuery{Op: "sendKey", Host: host, Team: team})
	if err != nil || len(r.Secret) != len(seal.Secret{}) {
		return seal.SendKey{}, netip.AddrPort{}, false
	}
	return seal.SendKey{Session: r.Session, AES: r.AES, Secret: seal.Secret(r.Secret)}, r.Addr, true
}

// Renew implements Keys.
func (j *joinedHost) Renew(session uint32) {
	_, _ = j.ask(joinQuery{Op: "renew", Session: session}) // it is asked again at the next chance
}
