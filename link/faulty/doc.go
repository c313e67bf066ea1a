// Package faulty makes a worse network out of a good one: a Link that loses,
// doubles and reorders some of what it sends, by the numbers of a seed.
//
//	l = faulty.New(l, faulty.Config{Seed: 7, Loss: 0.01})
//
// Wrap both ends for faults in both directions. The same seed and the same
// sequence of sends give the same faults; where several goroutines send, the
// sequence is theirs.
//
// A datagram that is reordered is held back until up to four later ones have
// left, or for Config.Delay where none come. Held datagrams are bounded; what
// is held at Close is lost.
package faulty
