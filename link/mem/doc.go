// Package mem is a network in memory: Links that deliver to one another
// through bounded queues, for tests.
//
//	n := mem.NewNetwork()
//	a, b := n.Link(addrA), n.Link(addrB)
//
// All waiting is on channels and time.Timers, so links made inside a
// testing/synctest bubble are durably blocked when they wait, and time there
// stands still. The network loses nothing but what a full queue has no room
// for; wrap its links with link/faulty for worse networks.
//
// A frame for any slot is delivered to the link of the address; there is no
// steering.
//
// Limits: a queue holds [Network.Queue] datagrams, a datagram up to
// link.LoopbackMTU4 octets.
package mem
