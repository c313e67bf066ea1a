package vmtp

import "time"

// peer is what is known about the way to a host: RFC 1045's ServerHost cache
// (§4.1) without the address, which the link knows.
type peer struct {
	srtt, rttvar time.Duration // smoothed response time and its deviation; 0: none yet
}

// tc2 is the wait for an answer from the host: smoothed as TCP does (RFC 6298),
// within limits. Retransmissions are header-only packets, so a wait that turns
// out too short costs little.
func (p *peer) tc2() time.Duration {
	if p.srtt == 0 {
		return firstTC2
	}
	return min(max(p.srtt+4*p.rttvar, minTC2), maxTC2)
}

// sample takes the time from a transmission to what answered it, which the
// RetransmitCount tells apart from other transmissions. A server that thinks
// for longer than maxTC2 says nothing about the way.
func (p *peer) sample(rtt time.Duration) {
	rtt = min(max(rtt, 1), maxTC2)
	if p.srtt == 0 {
		p.srtt, p.rttvar = rtt, rtt/2
		return
	}
	p.rttvar += (max(p.srtt-rtt, rtt-p.srtt) - p.rttvar) / 4
	p.srtt += (rtt - p.srtt) / 8
}
