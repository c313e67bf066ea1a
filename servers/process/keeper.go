package process

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"vsys/ipc"
	"vsys/naming"
)

// What a process server is asked about its domain: a request's segment is a JSON
// value, and so is the reply's; where the code is not OK it is the text of the error.
// Each may be sent to the host's own process server only, but OpSecurity
// (docs/wire/naming.md).
const (
	OpSecurity = ipc.Op(ipc.InterfaceProcess<<8 | 1) // how the domain is kept: null → Security
	OpInvite   = ipc.Op(ipc.InterfaceProcess<<8 | 2) // make an invitation: InviteRequest → Invitation
	OpExpel    = ipc.Op(ipc.InterfaceProcess<<8 | 3) // expel a host: its name → null
	OpRotate   = ipc.Op(ipc.InterfaceProcess<<8 | 4) // a new key for the domain: whether the old ones retire → null
)

// Keeper is what a host does for its domain. Its methods may be called by several
// goroutines at once, and may wait for the disk. Codes: NoPermission where this
// host does not keep the domain's key.
type Keeper interface {
	Security() Security
	Invite(InviteRequest) (Invitation, error)
	Expel(host string) error
	Rotate(retire bool) error
}

// Security is how a host's domain is kept.
type Security struct {
	Clear       bool      `json:"clear"` // nothing is sealed, and of what is below only troubles count
	Domain      string    `json:"domain,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"` // of this host
	Roles       string    `json:"roles,omitempty"`
	NotAfter    time.Time `json:"not_after,omitzero"` // the end of this host's certificate, unless renewed
	Revision    uint32    `json:"revision,omitempty"` // of the bulletin
	Keepers     []string  `json:"keepers,omitempty"`  // those that live
	Away        []string  `json:"away,omitempty"`     // keepers that were here since this host booted, and are lost
	Expelled    int       `json:"expelled,omitempty"`
	Troubles    []Trouble `json:"troubles,omitempty"` // of late, oldest first, each once
}

// MaxTroubles bounds those that a host tells of: they fit into one reply.
const MaxTroubles = 24

// Trouble is what went wrong with another host or, of the kinds about By, between
// two hosts, one of which may be the one that is asked.
type Trouble struct {
	At   time.Time     `json:"at"`   // the last time
	Kind TroubleKind   `json:"kind"` // says which of the fields below count; Host and Addr always do
	Host string        `json:"host"`
	Addr string        `json:"addr"`
	Text string        `json:"text"` // all of it in words
	Skew time.Duration `json:"skew,omitempty"`

	By     string `json:"by,omitempty"` // the elder host, which has what Host wants, too
	ByAddr string `json:"by_addr,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// TroubleKind says what a trouble is about.
type TroubleKind string

// The kinds.
const (
	Refused    TroubleKind = "refused"    // the host asked does not trust Host
	RefusedBy  TroubleKind = "refused by" // Host does not trust the host asked
	OwnKey     TroubleKind = "own key"    // Host has the key of the host asked
	Skew       TroubleKind = "skew"       // Host's clock is ahead by Skew, or behind
	SameName   TroubleKind = "name"       // of Host and By
	SameNumber TroubleKind = "number"     // of Host and By; the former boots again with another
	SameKey    TroubleKind = "key"        // of Host and By
	SamePrefix TroubleKind = "prefix"     // Prefix of Host and By; the latter's counts
)

// Latest returns of troubles that repeat the last one, and of too many the last
// ones, oldest first. It orders list, too.
func Latest(list []Trouble) (latest []Trouble) {
	slices.SortStableFunc(list, func(a, b Trouble) int { return a.At.Compare(b.At) })
	for _, t := range slices.Backward(list) {
		same := func(o Trouble) bool {
			return o.Kind == t.Kind && o.Host == t.Host && o.Addr == t.Addr && o.By == t.By && o.Prefix == t.Prefix
		}
		if len(latest) < MaxTroubles && !slices.ContainsFunc(latest, same) {
			latest = append(latest, t)
		}
	}
	slices.Reverse(latest)
	return latest
}

// InviteRequest says what for an invitation is.
type InviteRequest struct {
	Keeper bool          `json:"keeper"` // the host is to keep the domain's key, too
	Term   time.Duration `json:"term"`   // 0: an hour
}

// Invitation is a code, and until when it is good.
type Invitation struct {
	Code      string    `json:"code"`
	Ends      time.Time `json:"ends"`
	Addresses []string  `json:"addresses"` // of this host
}

// serveKeeper answers the request m if it is one about the domain.
func serveKeeper(k Keeper, p ipc.Process, m *ipc.Message, t ipc.Transaction, segment []byte) bool {
	op := m.Op()
	if op < OpSecurity || op > OpRotate || k == nil {
		return false
	}
	var out any
	err := error(ipc.NoPermission)
	if op == OpSecurity || t.Client.Host() == p.PID().Host() && ipc.Direct(p, t) {
		out, err = askKeeper(k, op, segment)
	} else {
		err = fmt.Errorf("only a program on this host may ask that: %w", err)
	}
	var reply []byte
	if err == nil {
		reply, err = json.Marshal(out)
	}
	m.Reset()
	if err != nil {
		m.SetCode(ipc.CodeOf(err))
		reply = []byte(err.Error())
	} else {
		m.SetCode(ipc.OK)
	}
	_ = p.Reply(m, t, reply) // who has given up can't be told
	return true
}

func askKeeper(k Keeper, op ipc.Op, segment []byte) (any, error) {
	parse := func(in any) error {
		if err := json.Unmarshal(segment, in); err != nil {
			return fmt.Errorf("the request is no such value: %w", ipc.BadArgs)
		}
		return nil
	}
	switch op {
	case OpInvite:
		var r InviteRequest
		if err := parse(&r); err != nil {
			return nil, err
		}
		return k.Invite(r)
	case OpExpel:
		var host string
		if err := parse(&host); err != nil {
			return nil, err
		}
		return nil, k.Expel(host)
	case OpRotate:
		var retire bool
		if err := parse(&retire); err != nil {
			return nil, err
		}
		return nil, k.Rotate(retire)
	}
	return k.Security(), nil
}

// Ask sends one of these requests to the process server of the client's own host;
// in and out, a pointer, are its values. It blocks until the server answers or ctx
// ends. The error has the server's text, and its Code.
func Ask(ctx context.Context, c *naming.Client, op ipc.Op, in, out any) error {
	request, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var m ipc.Message
	m.SetOp(op)
	reply := make([]byte, ipc.MaxAppended)
	if _, err := c.Send(ctx, &m, c.Team().HostServer(), ipc.Segment{Read: request, Write: reply}); err != nil {
		return err
	}
	reply = reply[:min(m.SegmentSize(), len(reply))]
	if code := m.Code(); code != ipc.OK {
		return &refused{string(reply), code}
	}
	return json.Unmarshal(reply, out)
}

// refused is what a process server says against a request.
type refused struct {
	text string
	code ipc.Code
}

func (e *refused) Error() string { return e.text }
func (e *refused) Unwrap() error { return e.code }

// Hint says what to try.
func (e *refused) Hint() string {
	if e.code == ipc.NoPermission {
		return "vsys status names the hosts that keep the domain's key: do it there"
	}
	return "vsys hosts, vsys status"
}
