package kernel

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/cpu"

	"vsys/hello"
	"vsys/link/frame"
	"vsys/seal"
	"vsys/seal/cert"
	"vsys/seal/pair"
)

// trust is what a host kernel has beside its host table in a sealed domain: the
// sessions with the other hosts (package pair), what is known of the domain
// (package cert), and the frames between host kernels. All is guarded by hosts.mu
// but what is said to be not.
type trust struct {
	hosts  *hosts
	member Member
	number uint16
	epoch  uint64
	pairs  *pair.Table
	groups atomic.Pointer[[]group] // newest first; read without a lock

	sequence uint64         // of this host's hellos
	ids      uint64         // stands for the sessions that there are
	selves   [2]seal.Secret // of the host's sessions with itself: the present one, and the one before
	selfTurn uint32         // which is the present one
	held     map[boot]heldHello
	delayed  []delayedStranger
	peers    map[cert.Fingerprint]*peerTrust // what is known of others, by their keys
	retireAt time.Duration                   // when the domain's old keys are to end; 0: they are not
	renewAt  time.Duration
	judged   uint64        // serial of the own certificate, when it was found not to be due
	judgeAt  time.Duration // when to look again
	troubles []Trouble

	joins  chan joinArrival // nil: nobody is let in
	saves  chan struct{}    // 1: there is something to save
	cancel context.CancelFunc
}

// group is a group key that opens.
type group struct {
	generation uint32
	*seal.Group
}

// boot is one boot of a host.
type boot struct {
	number uint16
	epoch  uint64
}

// heldHello is a hello that waits for the handshake with its sender.
type heldHello struct {
	arrival  arrival
	sequence uint64
}

// delayedStranger is one that said hello to all: not all are to answer at once.
type delayedStranger struct {
	pair.Stranger
	at time.Duration
}

// Before a hello's body are 8 octets: the number of the host that it is for, 0 if it
// may be for any, and the sequence number, 48 bits. So a hello to one host is none to
// another.
const (
	sequenceSize  = 8
	sequenceBits  = 48
	sequenceMask  = 1<<sequenceBits - 1
	helloOverhead = seal.GroupOverhead + sequenceSize
	maxHeld       = 64
	lateHellos    = 8 // sent before a handshake, that count after it
)

func newTrust(t *hosts, m *Member, number uint16, epoch uint64) *trust {
	r := &trust{
		hosts: t, member: *m, number: number, epoch: epoch,
		held: map[boot]heldHello{}, peers: map[cert.Fingerprint]*peerTrust{}, saves: make(chan struct{}, 1),
	}
	rand.Read(r.selves[0][:])
	rand.Read(r.selves[1][:])
	r.noteGroups()
	r.pairs = pair.New(pair.Config{
		Number: number, Epoch: epoch, Rand: rand.Reader, AES: aesInHardware,
		Identity: func() *cert.Identity { return &r.member.Identity },
		Trust:    func() *cert.Trust { return &r.member.Trust },
		Sequence: func() uint64 { return r.sequence + 1 - min(r.sequence, lateHellos) },
	})
	ctx, cancel := context.WithCancel(t.h.ctx)
	r.cancel = cancel
	t.h.loops.Add(1)
	go r.saveLoop(ctx)
	if m.Join != nil {
		r.joins = make(chan joinArrival, maxJoins)
		t.h.loops.Add(1)
		go r.joinLoop(ctx)
	}
	return r
}

// aesInHardware tells whether AES-GCM is the faster cipher on this processor.
var aesInHardware = cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ || cpu.ARM64.HasAES && cpu.ARM64.HasPMULL

func (r *trust) stop() { r.cancel() }

func (r *trust) now() time.Duration { return r.hosts.h.since() }

// noteGroups renews what opens and seals hellos, after Trust has changed.
func (r *trust) noteGroups() {
	var all []group
	for _, g := range r.member.Trust.Groups {
		all = append(all, group{g.Generation, seal.NewGroup(&g.Key)})
	}
	r.groups.Store(&all)
}

// openGroup opens a frame that is sealed for all hosts. It holds no lock: this is
// what strangers are kept out by.
func (r *trust) openGroup(a *arrival, b []byte) (err error) {
	for _, g := range *r.groups.Load() {
		if g.ID == a.head.Key {
			a.group = g.generation
			a.body, err = g.Open(&a.head, b)
			return err
		}
	}
	return seal.ErrForged
}

// sealGroup puts a frame into b, sealed by the group key of that generation, or by
// the newest if generation is 0.
func (r *trust) sealGroup(b *buffer, kind frame.Type, generation uint32, body []byte) {
	for _, g := range *r.groups.Load() {
		if generation == 0 || g.generation == generation {
			if out, err := g.Seal(b.b, kind, body, rand.Reader); err == nil {
				b.b = out
			}
			return
		}
	}
}

// sealHello puts the frame of a hello into b.
func (r *trust) sealHello(b *buffer, p *hello.Packet) {
	r.sequence++
	body := newBuffer(sequenceSize + len(p.Body))
	defer body.free()
	var to uint64
	if !p.Stranger {
		to = uint64(r.hosts.at(p.To))
	}
	body.b = binary.BigEndian.AppendUint64(body.b, to<<sequenceBits|r.sequence&sequenceMask)
	body.b = append(body.b, p.Body...)
	r.sealGroup(b, frame.Hello, 0, body.b)
}

// takeLocked takes an opened frame of a host kernel.
func (r *trust) takeLocked(a *arrival) {
	switch a.head.Type {
	case frame.Hello:
		r.hearLocked(a)
	case frame.Handshake:
		out, err := r.pairs.Heard(r.now(), time.Now(), a.from, a.group, a.body, nil)
		if err != nil {
			r.hosts.h.log.Debug("handshake", "peer", a.from, "err", err)
		}
		r.pairsLocked(out)
	case frame.Control:
		r.controlLocked(a)
	case frame.Join:
		r.joinLocked(a)
	}
}

// hearLocked takes a hello. It counts only if its sender has proven, in this boot of
// it, who it is, and has not sent it before; else a handshake is begun.
func (r *trust) hearLocked(a *arrival) {
	if len(a.body) < sequenceSize {
		return
	}
	sequence, body := binary.BigEndian.Uint64(a.body), a.body[sequenceSize:]
	to := uint16(sequence >> sequenceBits)
	sequence &= sequenceMask
	number, epoch, ok := helloHead(body)
	if !ok || to != 0 && to != r.number || number == r.number && epoch == r.epoch {
		return
	}
	// Who has the newest group key uses no other; who may not have it, has the older
	// ones.
	if s := r.pairs.SessionOf(number, epoch); s != nil && a.group < r.member.Trust.Groups[0].Generation && r.peer(s).group {
		return
	}
	if r.pairs.Accept(r.now(), number, epoch, sequence) {
		r.believeLocked(a, body, number, epoch)
		return
	}
	if len(r.held) >= maxHeld {
		clear(r.held)
	}
	later := *a
	r.held[boot{number, epoch}] = heldHello{later, sequence}
	stranger := pair.Stranger{Addr: a.from, Number: number, Epoch: epoch, Generation: a.group, Octets: len(body)}
	if hello.ByMulticast(body) {
		if delay := r.hosts.table.AnswerDelay(); delay > 0 && len(r.delayed) < maxHeld {
			r.delayed = append(r.delayed, delayedStranger{stranger, r.now() + delay})
			return
		}
	}
	r.pairsLocked(r.pairs.Begin(r.now(), time.Now(), stranger, nil))
}

// beginLocked begins the handshakes whose delay is over.
func (r *trust) beginLocked() {
	now := r.now()
	var due []pair.Stranger
	r.delayed = slices.DeleteFunc(r.delayed, func(d delayedStranger) bool {
		if now >= d.at {
			due = append(due, d.Stranger)
		}
		return now >= d.at
	})
	for _, s := range due {
		r.pairsLocked(r.pairs.Begin(now, time.Now(), s, nil))
	}
}

// believeLocked gives the table a hello that is genuine and new. A host has the name
// of its certificate.
func (r *trust) believeLocked(a *arrival, body []byte, number uint16, epoch uint64) {
	s := r.pairs.SessionOf(number, epoch)
	p, err := hello.Decode(body)
	if err != nil || s == nil || p.Kind == hello.Full && p.Host.Name != s.Name {
		return
	}
	if p.Kind == hello.Goodbye { // it comes as a Control frame, too, which no other host can make
		r.hosts.afterLocked(r.hosts.table.Suspect(r.now(), number, nil))
		return
	}
	out, err := r.hosts.table.HeardSealed(r.now(), hello.Sender{Addr: a.from, Fingerprint: s.Fingerprint}, body, nil)
	r.hosts.heardLocked(a, out, err)
}

// pairsLocked sends what a call of the handshakes returned, and does what has
// happened.
func (r *trust) pairsLocked(out []pair.Packet) {
	for _, p := range out {
		b := newBuffer(len(p.Body) + seal.GroupOverhead)
		r.sealGroup(b, frame.Handshake, p.Generation, p.Body)
		r.hosts.sendLocked(p.To, b)
	}
	for _, e := range r.pairs.Events() {
		r.eventLocked(&e)
	}
	var ids uint64
	for _, s := range r.pairs.Inbound() {
		ids += uint64(s.ID)<<32 ^ uint64(s.PeerID)*0x9E3779B97F4A7C15 // a new session changes the sum
	}
	if ids != r.ids {
		r.ids = ids
		r.hosts.generation++
	}
}

func (r *trust) eventLocked(e *pair.Event) {
	t := r.hosts
	switch e.Kind {
	case pair.Established, pair.Replaced:
		t.h.log.Debug("handshake", "event", e.String())
		r.peers[e.Session.Fingerprint] = &peerTrust{}
		r.tellLocked(e.Session, r.peer(e.Session))
		key := boot{e.Number, e.Epoch}
		held, ok := r.held[key]
		delete(r.held, key)
		if ok && r.pairs.Accept(r.now(), e.Number, e.Epoch, held.sequence) {
			r.believeLocked(&held.arrival, held.arrival.body[sequenceSize:], e.Number, e.Epoch)
		}
		return
	case pair.Renewed:
		t.h.log.Debug("handshake", "event", e.String())
		return
	case pair.OwnKey:
		t.h.log.Warn("handshake", "event", e.String())
		if e.Epoch < r.epoch {
			t.lostLocked(fmt.Errorf("%v: %w", e, errTaken), hello.KeyTaken)
		}
	default:
		t.h.log.Warn("handshake", "event", e.String())
		if e.Kind == pair.Refused {
			t.afterLocked(t.table.Suspect(r.now(), e.Number, nil))
		}
	}
	r.troubleLocked(e)
}

// Trouble is something that went wrong between this host and another.
type Trouble struct {
	At   time.Time
	Kind pair.EventKind
	Name string // of the other host, as it says
	Addr string
	Text string // what, why, and what to do
	Skew time.Duration
}

const maxTroubles = 64

func (r *trust) troubleLocked(e *pair.Event) {
	if len(r.troubles) >= maxTroubles {
		r.troubles = r.troubles[1:]
	}
	r.troubles = append(r.troubles, Trouble{
		At: time.Now(), Kind: e.Kind, Name: e.Name, Addr: e.Addr.String(), Text: e.String(), Skew: e.Skew,
	})
}

func (r *trust) deadline() time.Duration {
	d := min(r.pairs.Deadline(), r.renewAt)
	for _, x := range r.delayed {
		d = min(d, x.at)
	}
	return d
}

// tickLocked does what is due.
func (r *trust) tickLocked() {
	r.beginLocked()
	if r.now() >= r.pairs.Deadline() {
		r.pairsLocked(r.pairs.Tick(r.now(), time.Now(), nil))
	}
	if r.now() >= r.renewAt {
		r.renewAt = r.now() + controlEvery
		r.retireLocked()
		r.spreadLocked()
		r.renewLocked()
	}
}

// saveLoop keeps what has changed on disk. It ends with the host.
func (r *trust) saveLoop(ctx context.Context) {
	defer r.hosts.h.loops.Done()
	for {
		select {
		case <-ctx.Done():
			select {
			case <-r.saves:
				r.save()
			default:
			}
			return
		case <-r.saves:
			r.save()
		}
	}
}

// save keeps what is known on disk.
func (r *trust) save() {
	r.hosts.mu.Lock()
	m := r.member
	r.hosts.mu.Unlock()
	if m.Save == nil {
		return
	}
	if err := m.Save(m); err != nil {
		r.hosts.h.log.Error("the keys are not kept", "err", err)
	}
}

// changedLocked does what follows when what is known of the domain has changed.
func (r *trust) changedLocked() {
	r.judgeAt = 0
	r.noteGroups()
	r.pairs.Review(r.now(), time.Now())
	r.pairsLocked(nil)
	r.saveLocked()
	r.spreadLocked()
}

func (r *trust) saveLocked() {
	select {
	case r.saves <- struct{}{}:
	default:
	}
}

// receivers returns what opens frames for a team of this host. A host that claims
// this one's number gets in touch by handshakes only.
func (r *trust) receivers(team uint16) []seal.Receiver {
	var all []seal.Receiver
	for i := range r.selves {
		all = append(all, r.ownReceiver(uint32(i), team))
	}
	holders := r.holders()
	for _, s := range r.pairs.Inbound() {
		if s.Number != r.number && holders[s.Number] == s.Fingerprint {
			all = append(all, seal.NewReceiver(s.ID, s.Number, s.AES, &s.Receive, team))
		}
	}
	return all
}

// holders returns whose each number is: where two hosts claim one, who has it in the
// host table, else who was here first.
func (r *trust) holders() map[uint16]cert.Fingerprint {
	all := map[uint16]cert.Fingerprint{}
	for _, s := range r.pairs.Sessions() {
		if _, ok := all[s.Number]; !ok {
			all[s.Number] = s.Fingerprint
		}
	}
	for _, h := range r.hosts.table.Hosts() {
		if h.State == hello.Live {
			all[h.Number] = h.Fingerprint
		}
	}
	return all
}

// ownReceiver is of one of the host's sessions with itself.
func (r *trust) ownReceiver(turn uint32, team uint16) seal.Receiver {
	return seal.NewReceiver(seal.SelfSession+turn, r.number, aesInHardware, &r.selves[turn], team)
}

// renewSelf makes a new session of the host with itself. The one before still opens.
func (r *trust) renewSelf() {
	r.selfTurn = 1 - r.selfTurn
	rand.Read(r.selves[r.selfTurn][:])
	r.hosts.generation++
}

// sessionWith returns the session with a host: where two claim the number, with the
// one that the host table has.
func (r *trust) sessionWith(number uint16) *pair.Session {
	if h, ok := r.hosts.table.ByNumber(number); ok {
		if s := r.pairs.SessionOf(number, h.Epoch); s != nil {
			return s
		}
	}
	return r.pairs.Session(number)
}

// sendKey returns by which key a team of this host, born at a time, seals for a
// team of a host.
func (r *trust) sendKey(sender seal.Team, after time.Duration, host, team uint16) (seal.SendKey, bool) {
	if host == r.number {
		v := r.ownReceiver(r.selfTurn, team)
		return v.SendKey(sender), true
	}
	s := r.sessionWith(host)
	if s == nil || s.Since < after {
		return seal.SendKey{}, false
	}
	v := seal.NewReceiver(s.PeerID, r.number, s.AES, &s.Send, team)
	return v.SendKey(sender), true
}

// openDead opens a frame for a team of this host that is dead. It may have come
// before: whoever sends it is only told that the team is dead.
func (t *hosts) openDead(h *frame.Header, b []byte) ([]byte, origin, error) {
	id, sender := seal.SenderOf(h)
	t.mu.Lock()
	r := t.trust
	var v seal.Receiver
	if seal.IsSelf(id) {
		v = r.ownReceiver(id-seal.SelfSession, h.Slot)
	} else if s := r.pairs.ByID(id); s != nil && s.Number != r.number && r.holders()[s.Number] == s.Fingerprint {
		v = seal.NewReceiver(id, s.Number, s.AES, &s.Receive, h.Slot)
	}
	t.mu.Unlock()
	if v.Session == 0 {
		return nil, origin{}, seal.ErrForged
	}
	var n seal.Nonce
	body, err := seal.NewOpener(&v, sender).Open(h, b, &n)
	return body, origin{host: v.Host, team: sender, self: seal.IsSelf(id)}, err
}
