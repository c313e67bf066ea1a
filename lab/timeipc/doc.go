// Package timeipc measures what a message costs, as the V command of the same
// name did: Send-Receive-Reply within a team, between two teams of a host and
// between two hosts, with segments of 0, 1,024 and 16,384 octets in the Request.
//
// Each figure stands beside yardsticks measured in the same run: the round trip
// of an unbuffered channel, of a Unix socket and of plain Go UDP. All of them are
// taken in turn, round after round, so that a noisy machine disturbs all alike;
// a figure is the median over the rounds of the rounds' medians, with the 99th
// percentile of all transactions beside it. Ratios are medians of the ratios
// within a round.
//
// Every server is a Linux process of its own, as it is in use: this program
// again, started with [Serve].
//
// Sources: timeipc of the V system; [Kernel83], table of remote message exchange.
package timeipc
