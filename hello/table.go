package hello

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// The rules of the protocol, docs/wire/hello.md.
const (
	// BeatInterval is the time between two beats in a small domain. A table
	// that nothing happens to has something to do no more often.
	BeatInterval = time.Second
	// ClaimTime is how long a host that boots waits for an elder host of its
	// name, at most.
	ClaimTime = 500 * time.Millisecond
	// Budget bounds what a host sends when nothing happens, in octets a second;
	// beats are spaced for nine tenths of it.
	Budget = 1000
	// Overhead is what every packet has around its body, in octets: IPv4 (20),
	// UDP (8), the frame (32), the rest of the group seal's nonce (16) and the
	// sequence number (8).
	Overhead = 84

	greetEvery    = 150 * time.Millisecond // to an address that has not answered
	greetTime     = 2 * time.Second        // then only the beats go there
	greetMost     = 32                     // addresses in greetEvery
	announceEvery = 100 * time.Millisecond // hellos about a change
	answerSpread  = 10 * time.Millisecond  // a live host, between answers of all to one
	answerEvery   = 500 * time.Millisecond // to greetings of one host by multicast
	answerMost    = 32                     // hosts that tell neighbours to one greeting by multicast
	probeEvery    = 250 * time.Millisecond // to a host in doubt
	suspectTime   = time.Second            // from the first probe to lost
	lateTime      = 3 * time.Second        // a Tick that comes so late: the machine slept
	maxInterval   = 5 * time.Minute        // that a host may announce

	never = time.Duration(1<<63 - 1)
)

// How much a table holds.
const (
	maxLive       = 1024
	maxLost       = 256
	maxPeers      = 1024
	maxNeighbours = 64
)

// Packet is what the table wants sent. Body may be shared by several packets
// and must not be changed.
type Packet struct {
	To   netip.AddrPort // zero: by multicast on every interface
	Body []byte
	// Stranger says that nobody may be known where it goes, so that the answer
	// may be the beginning of a handshake; Body has AskSize octets or more.
	Stranger bool
}

// Config says who keeps a table.
type Config struct {
	// Self is the own host. State and Heard are ignored. Addr may be
	// unspecified. Addresses are better told by SetAddresses.
	Self Host
	// Peers are the addresses where other hosts may be; the own one among them
	// does no harm.
	Peers []netip.AddrPort
	// Multicast says that packets can be sent to all at once.
	Multicast bool
	// Rand spreads the beats and picks the addresses told to strangers.
	Rand *rand.Rand
}

// Table is what one host knows of all hosts. Its methods must not be called at
// the same time; now is a time since an arbitrary origin that never goes back.
type Table struct {
	self      Host     // with the name that it claims
	shown     string   // the name it is listed by
	revision  uint32   // of self's hello
	hosts     []*entry // the others, by number
	live      int      // how many of them are
	peers     []*peer
	multicast bool
	rand      *rand.Rand

	started    bool
	start      time.Duration
	announced  time.Duration // when the last hello about a change was sent
	announceAt time.Duration // when the next is due, never if nothing changed
	hostsAt    time.Duration // nothing is due to any of hosts before
	greetAt    time.Duration // end of the time in which greetMost addresses are greeted
	greeted    int           // in that time, so far
	round      round

	events   []Event
	reported map[conflictKey]bool
}

// entry is another host.
type entry struct {
	Host                   // listed by its name or alias
	claimed  string        // the name it claims
	revision uint32        // of the hello that Host is from
	left     bool          // it said goodbye
	copied   *Host         // another that has its key, until it is known which of them lives
	placed   time.Duration // when it was last heard from Addr
	askedAt  time.Duration // when Addr was first asked since, or never
	patience time.Duration // intervals that Addr may be silent while another is heard, in halves

	// If Live:
	callBy  time.Duration // when a packet by multicast has to have come; past if none do
	probeAt time.Duration // when to ask whether it is there
	lostAt  time.Duration // when it is lost
	owedAt  time.Duration // when to send it a hello, never if it has all
	owedAll bool          // that hello tells neighbours
	toldAt  time.Duration // when a hello was last sent to it
}

// peer is an address that is greeted until a host answers from it; the zero
// address is everybody's, by multicast.
type peer struct {
	addr  netip.AddrPort
	fixed bool          // configured; never forgotten
	until time.Duration // end of the greetings, 0 before the first
	next  time.Duration // next greeting, never if there is none
}

// New returns a table that knows only its own host.
func New(c Config) *Table {
	t := &Table{
		self: c.Self, shown: c.Self.Name, revision: 1, multicast: c.Multicast, rand: c.Rand,
		announceAt: never, hostsAt: never, reported: map[conflictKey]bool{},
	}
	t.self.Addr, t.self.State, t.self.Heard = unmap(t.self.Addr), Self, 0
	t.self.Prefixes = slices.Clone(t.self.Prefixes)
	if t.multicast {
		t.peers = append(t.peers, &peer{fixed: true, next: never})
	}
	t.self.Addresses = nil
	t.SetAddresses(0, c.Self.Addresses, nil)
	for _, a := range c.Peers {
		if a = unmap(a); a.IsValid() && !t.owns(a) && t.peer(a) == nil && len(t.peers) < maxPeers {
			t.peers = append(t.peers, &peer{addr: a, fixed: true, next: never})
		}
	}
	t.revision = 1
	t.round.pace = t.pace(nil)
	return t
}

// Start greets the configured addresses and begins the claim time.
func (t *Table) Start(now time.Duration, out []Packet) []Packet {
	t.started, t.start, t.announced, t.announceAt = true, now, now, never
	t.round.begin(now, t.jitter())
	for _, p := range t.peers {
		p.next, p.until = now, 0
	}
	return t.greet(now, out)
}

// Settled tells whether the claim time is over: all addresses have answered, or
// ClaimTime has passed since Start. By multicast it can't be known who has not
// answered.
func (t *Table) Settled(now time.Duration) bool {
	if !t.started {
		return false
	}
	live := t.liveAddrs()
	return now >= t.start+ClaimTime || !slices.ContainsFunc(t.peers, func(p *peer) bool { return !live[p.addr] })
}

// Deadline returns when Tick is to be called next; any other call may have
// changed it.
func (t *Table) Deadline() time.Duration {
	if !t.started {
		return never
	}
	d := min(t.round.at, t.announceAt, t.hostsAt)
	for _, p := range t.peers {
		if t.greeted < greetMost {
			d = min(d, p.next)
		} else {
			d = min(d, max(p.next, t.greetAt))
		}
	}
	return d
}

// Tick does what is due at now. Calling it early does no harm. Called more than
// three seconds late, it takes the silence for its own: nobody is lost before
// he was asked.
func (t *Table) Tick(now time.Duration, out []Packet) []Packet {
	if !t.started {
		return out
	}
	if now >= t.round.at {
		t.hostsAt = now // so that it is right again for a while
	}
	out = t.attend(now, out)
	out = t.greet(now, out)
	if now >= t.announceAt {
		out = t.announce(now, out)
	}
	if now >= t.round.at {
		out = t.beat(now, out)
	}
	return out
}

// wake notices that the machine has slept, or that the clock has jumped: all
// live hosts are asked afresh, and everybody is greeted.
func (t *Table) wake(now time.Duration, out []Packet) []Packet {
	if !t.started || now < t.round.at+lateTime {
		return out
	}
	t.round.at = now
	for _, e := range t.hosts {
		if e.State == Live {
			at := now + t.AnswerDelay()
			e.probeAt, e.lostAt = at, at+suspectTime
		}
	}
	t.hostsAt = now
	return t.Changed(now, out)
}

// attend does what is due to the hosts one by one: it asks those that are
// silent, gives up those that stay so, and sends the hellos that it owes.
func (t *Table) attend(now time.Duration, out []Packet) []Packet {
	if out = t.wake(now, out); now < t.hostsAt {
		return out
	}
	t.hostsAt = never
	for _, e := range t.hosts {
		if e.State == Live && now >= e.lostAt {
			t.becomeLost(e)
		}
		if e.State != Live {
			continue
		}
		if now >= e.probeAt {
			e.probeAt, e.askedAt = now+probeEvery, min(e.askedAt, now)
			p := t.packet(e.Addr, Beat, Probe)
			out = append(out, p)
			if now-e.Heard >= probeEvery {
				out = e.elsewhere(out, p.Body)
			}
		}
		if now >= e.owedAt {
			out = append(out, t.settle(now, e))
		}
		t.due(e)
	}
	t.forget()
	return out
}

// due notes when something is due to e.
func (t *Table) due(e *entry) { t.hostsAt = min(t.hostsAt, e.probeAt, e.lostAt, e.owedAt) }

// Suspect says that a host did not answer a transaction: it is asked at once,
// then at all its addresses, and is lost a second later unless it answers.
func (t *Table) Suspect(now time.Duration, number uint16, out []Packet) []Packet {
	if e := t.find(number); e != nil {
		t.suspect(now, e)
	}
	return t.attend(now, out)
}

func (t *Table) suspect(now time.Duration, e *entry) {
	if e.State == Live {
		e.probeAt = min(e.probeAt, now)
		e.lostAt = min(e.lostAt, now+suspectTime)
		t.due(e)
	}
}

// becomeLive notes that e was heard from.
func (t *Table) becomeLive(now time.Duration, e *entry, p *Body) {
	back := e.State == Lost
	if back {
		t.live++
	}
	e.State, e.Heard = Live, now
	e.Load, e.MemoryFree = p.Host.Load, p.Host.MemoryFree
	interval := min(max(p.Interval, BeatInterval), maxInterval)
	e.probeAt = now + 2*interval + time.Second
	if p.Flags&Multicast != 0 {
		e.callBy = e.probeAt
	} else if now < e.callBy {
		e.probeAt = min(e.probeAt, e.callBy)
	}
	e.lostAt = e.probeAt + suspectTime
	if back && !e.tells(e.Addr) {
		e.Addr = p.Host.Addr
	}
	e.place(now, p.Host.Addr, interval)
	t.due(e)
	if back {
		t.event(Event{Kind: Back, Host: e.Host})
		t.checkName(now, e)
	}
	if e.copied != nil {
		t.conflict(KeyTaken, *e.copied, e.Host, "")
		e.copied = nil
	}
}

func (t *Table) becomeLost(e *entry) {
	t.live--
	e.State, e.owedAt, e.copied = Lost, never, nil
	t.event(Event{Kind: LostHost, Host: e.Host})
	t.settleName(e.claimed)
}

// forget drops the longest lost hosts of more than maxLost.
func (t *Table) forget() {
	for len(t.hosts)-t.live > maxLost {
		oldest := -1
		for i, e := range t.hosts {
			if e.State == Lost && (oldest < 0 || e.Heard < t.hosts[oldest].Heard) {
				oldest = i
			}
		}
		name := t.hosts[oldest].claimed
		t.hosts = slices.Delete(t.hosts, oldest, oldest+1)
		t.settleName(name)
	}
}

// SetLoad notes the own host's load (runnable programs in hundredths) and
// memory (octets), which go out with the next beat.
func (t *Table) SetLoad(load uint32, total, free uint64) {
	t.self.Load, t.self.MemoryTotal, t.self.MemoryFree = load, total, free
}

func (t *Table) peer(a netip.AddrPort) *peer {
	if i := slices.IndexFunc(t.peers, func(p *peer) bool { return p.addr == a }); i >= 0 {
		return t.peers[i]
	}
	return nil
}
