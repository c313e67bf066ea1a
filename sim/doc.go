// Package sim is a world of hosts, each with real V kernels, on a virtual
// network: a lab in which everything that goes wrong can be made to go wrong
// again. One goroutine runs it, with a heap of events and a clock of its own, so
// hours pass in seconds, and all that happens follows from one seed.
//
// # The parts
//
// A [World] has hosts and a [Network]. A [Host] has two teams, the host kernel
// and one more, so that traffic between teams, and a host kernel that answers
// for a team that is dead, are there too. A [Team] is one life of a team; what
// runs in it are state machines around a [kernel.Async], which [Team.Spawn]
// makes, and calls of [Team.After].
//
// The network loses, duplicates, delays and reorders packets, by chance, and
// cuts ways between hosts, in both directions or in one. Hosts and teams crash
// and start again, in a new incarnation; a host pauses and goes on. What does
// so and when is the user's to say.
//
// In a sealed world the hosts are of one domain (package seal/cert). They say hello
// each second, make sessions (package seal/pair) by packets over the network, and deal
// their teams the keys. A host that boots begins anew. [World.Tap] and [World.Inject]
// are for an attacker, and [Arrival] tells what a host made of a datagram.
//
// # Use
//
//	w := sim.New(seed, sim.Config{Hosts: 3, Network: sim.Network{Loss: 0.1}})
//	server, err := w.Hosts()[1].Team(1).Spawn("server", step)
//	w.Run(10 * time.Second)
//
// The tests of this package run worlds full of clients and servers, seed by
// seed, and check what VMTP promises: a Request that is not idempotent is
// executed at most once, an answer is not lost or mixed up, every Send ends,
// and what the kernels hold is bounded and goes away. In some worlds an attacker
// replays, changes and forges what it likes, floods the hosts, and has keys that were
// a host's: nothing of it is taken, nothing can be read, and nobody is sent more than
// has come from there.
//
//	go test ./sim -args -sim.seeds=1000                    # more worlds
//	go test ./sim -v -run TestSeeds -args -sim.seed=7      # one again, with a ladder of its packets
//	go test ./sim -v -run AttackerSeeds -args -sim.seed=7  # the same, with an attacker
//
// # Limits
//
// Kernels are driven by packets and timers only: sockets, the reader's role and
// joining a host through its socket are not in the world. Operations that block
// can't be used in it. Kernels share what hello would tell: every host knows the
// address of every other, and hellos tell nothing. Nor are there Control frames:
// all hosts know at once that one was expelled.
//
// Sources: RFC 1045 §2.5 and chapters 4 and 5; docs/wire/vmtp.md, frame.md,
// handshake.md.
package sim
