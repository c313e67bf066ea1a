// Package timeipc measures what a message costs, as the V command of the same
// name did: Send-Receive-Reply within a team, between two teams of a host and
// between two hosts, with segments of 0, 1,024 and 16,384 octets in the Request;
// and what the first request of two teams that never spoke costs more than their
// second.
//
// Hosts are sealed, as they are in use. The same is measured beside them in a clear
// domain, so that what sealing costs can be read off one run. Each figure stands
// beside yardsticks too: the round trip of an unbuffered channel, of a Unix socket
// and of plain Go UDP. All of them are taken in turn, round after round, forwards
// and backwards, so that a noisy machine disturbs all alike; a figure is the median
// over the rounds of the rounds' medians, with the 99th percentile of all
// transactions beside it. Ratios are medians of the ratios within a round. Both
// have a 95 % interval: a goal is met when the worse end meets it.
//
// Every server is a Linux process of its own, as it is in use: this program
// again, started with [Serve]. It has its keys by its standard input. Teams of
// first requests join their host by its socket, and the host kernel of each is
// another Linux process.
//
// Sources: timeipc of the V system; [Kernel83], table of remote message exchange.
package timeipc
