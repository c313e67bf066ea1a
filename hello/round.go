package hello

import (
	"net/netip"
	"slices"
	"time"
)

// What a packet costs, in octets.
const (
	beatCost = headSize + Overhead
	askCost  = AskSize + Overhead
)

// askTurn is which of the beats by multicast is so large that strangers may
// answer: one of so many. As long as nobody is there all are.
const askTurn = 16

// pace is the mean time between two of a kind; 0 if there are none.
type pace struct {
	beat time.Duration // beats to one live host
	call time.Duration // beats by multicast
	try  time.Duration // beats to silent addresses
}

// round is the state of the beats. It goes on once in BeatInterval, and each
// time does as much as the pace allows.
type round struct {
	pace
	at     time.Duration // when it goes on
	last   time.Duration // when it last did
	callAt time.Duration
	tryAt  time.Duration
	saved  time.Duration // in which no beats were sent that might have been
	number uint16        // of the host that the last beat went to
	calls  int           // by multicast so far
	turn   int           // which silent address is next
}

func (r *round) begin(now, jitter time.Duration) {
	r.last, r.at = now, now+BeatInterval+jitter
}

// jitter returns up to a tenth of BeatInterval, so that hosts that started
// together do not beat together.
func (t *Table) jitter() time.Duration { return time.Duration(t.rand.Int64N(int64(BeatInterval / 10))) }

// pace divides nine tenths of the budget. The beats by multicast, and those to
// the silent addresses, get what the beats to the live hosts leave, but each at
// least a quarter. A packet by multicast counts once for each of the own
// addresses. All hosts together make no more than a hundred beats by multicast a
// second, since each host has to take them all.
func (t *Table) pace(silent []netip.AddrPort) (p pace) {
	const whole = Budget * 9 / 10
	live := t.live
	rest := whole
	share := max(whole/4, (whole-live*beatCost)*2/5)
	if t.multicast {
		cost := askCost
		if live > 0 {
			cost = ((askTurn-1)*beatCost + askCost) / askTurn
		}
		cost *= max(1, len(t.self.Addresses))
		p.call = max(spread(cost, share), time.Duration(live)*answerSpread)
		rest -= rate(cost, p.call)
	}
	if len(silent) > 0 {
		p.try = spread(askCost, share)
		rest -= rate(askCost, p.try)
	}
	p.beat = spread(live*beatCost, rest)
	return p
}

// spread returns in what time octets may be sent at rate octets a second.
func spread(octets, rate int) time.Duration {
	d := time.Duration(octets) * time.Second / time.Duration(rate)
	return max(BeatInterval, d.Round(time.Millisecond))
}

// rate returns octets in d as octets a second.
func rate(octets int, d time.Duration) int { return int(time.Duration(octets) * time.Second / d) }

// beat goes on with the round: it sends a beat by multicast, one to a silent
// address, and those to the live hosts whose turn it is.
func (t *Table) beat(now time.Duration, out []Packet) []Packet {
	r, silent := &t.round, t.silent()
	passed := min(now-r.last, 2*BeatInterval)
	r.begin(now, t.jitter())
	r.pace = t.pace(silent)
	if t.multicast && now >= r.callAt {
		r.callAt = max(r.callAt, now-r.call) + r.call
		out = append(out, t.call())
	}
	if len(silent) > 0 && now >= r.tryAt {
		r.tryAt = max(r.tryAt, now-r.try) + r.try
		r.turn++
		out = append(out, t.stranger(silent[r.turn%len(silent)], Beat))
	}
	return t.beatLive(passed, out)
}

// call makes the next beat by multicast.
func (t *Table) call() Packet {
	r := &t.round
	if r.calls++; r.calls%askTurn == 0 || t.live == 0 {
		return t.stranger(netip.AddrPort{}, Beat)
	}
	return t.packet(netip.AddrPort{}, Beat, 0)
}

// beatLive sends beats to as many live hosts as the time that has passed is
// worth, in turn.
func (t *Table) beatLive(passed time.Duration, out []Packet) []Packet {
	r := &t.round
	live := t.live
	if live == 0 {
		return out
	}
	r.saved += passed
	n := min(live, int(r.saved*time.Duration(live)/r.pace.beat))
	r.saved = min(r.saved-time.Duration(n)*r.pace.beat/time.Duration(live), r.pace.beat/time.Duration(live))
	body := t.body(Beat, 0).Append(nil)
	for i, _ := t.search(r.number + 1); n > 0; i++ {
		if e := t.hosts[i%len(t.hosts)]; e.State == Live {
			r.number = e.Number
			out = append(out, Packet{To: e.Addr, Body: body})
			n--
		}
	}
	return out
}

// silent returns the addresses where a host may be and none is heard: of lost
// hosts that did not say goodbye, and the configured ones.
func (t *Table) silent() (addrs []netip.AddrPort) {
	live := t.liveAddrs()
	for _, e := range t.hosts {
		if e.State == Lost && !e.left && !live[e.Addr] {
			addrs = append(addrs, e.Addr)
		}
	}
	for _, p := range t.peers {
		if p.fixed && p.addr.IsValid() && !live[p.addr] && !slices.Contains(addrs, p.addr) {
			addrs = append(addrs, p.addr)
		}
	}
	return addrs
}
