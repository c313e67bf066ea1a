// Package hello knows which hosts there are: it tells a host's own presence,
// load and name prefixes to the others, and keeps what they tell.
//
// # The nouns
//
// A [Host] is one running kernel: its number, name, addresses, key, boot epoch,
// load and the prefixes that it serves. A [Table] is what one host knows of all,
// and the machine that keeps it true. It is pure: the time and the packets that
// came in go in, the [Packet]s to send come out; it holds no socket, clock, lock
// or goroutine, and draws its randomness from a [math/rand/v2.Rand] that it is
// given. An [Event] says what changed, for the log.
//
// # How it works
//
// A host tells everyone everything once, in a hello, and then only that it is
// alive, in a short beat that carries its load and the revision of its hello.
// Who hears a beat with a revision or a boot epoch that it has no hello for
// asks for the hello. So nothing has to be acknowledged, any one packet that
// arrives repairs what earlier losses broke, and a silent domain costs little:
//
//	at start      a hello by multicast and to every configured address, again
//	              every 150 ms for two seconds, or until a host has answered
//	to a stranger a hello, with the addresses of other hosts, which the stranger
//	              greets in turn: one address, or multicast, is enough to join
//	on change     a hello at once (at most ten a second)
//	else          a beat every second by multicast and to each live host, more
//	              slowly with more hosts, so that a host sends at most 1 kB/s
//	at shutdown   a goodbye, after which the host is lost at once
//
// Multicast and the beats to each host don't depend on each other: where one of
// them does not arrive the other keeps the host alive. What all hosts would do
// at once, in answer to one packet by multicast, each puts off for a random time
// ([Table.AnswerDelay]), so that a newcomer to a thousand hosts hears about a
// hundred of them a second.
//
// A host from which nothing came for two of its intervals and a second is asked
// for a beat four times a second, and is lost a second later: four seconds in a
// small domain, five to twenty-two with multicast in one of a thousand. The kernel,
// when a transaction gets no answer, says so with [Table.Suspect] and has the
// host asked at once. Lost hosts are remembered with their prefixes, so that a
// name on one is unreachable and not unknown. A table that was not called for
// more than three seconds was asleep, and asks everybody afresh.
//
// # Who is who
//
// Numbers, names and keys are claimed by using them. Where two hosts hold one
// number, the one with the lower key fingerprint keeps it (design D1; in a clear domain
// the elder, with the lower boot epoch), and the other is told ([NumberTaken])
// and has to take a new one. Where two have one name the elder has it, and the
// other is listed by an alias, name~XXXX ([Host.Alias], [NameTaken]). One key at
// two living addresses is a copied state directory ([KeyTaken]). A later boot
// epoch from the same place is the same host, booted again; from another place
// it is heard only once the first does not answer. Where two hosts serve one
// prefix, each uses its own and all others use the elder's ([PrefixConflict]).
//
// A host is sent to where it was first heard, and moves only to an address that
// it has told ([Table.SetAddresses]) and only when the old one is gone; so one
// with a wire and WiFi does not waver, and a packet sent again from elsewhere
// moves nobody.
//
// # Use
//
// Call [New], [Table.Start], then [Table.Heard] ([Table.HeardSealed] where hosts
// have keys) for each packet and [Table.Tick] when [Table.Deadline] has come, and
// send what they append. A host that boots waits until [Table.Settled] before it
// offers service; if an event says that its name, number or key is taken, it
// does not. Tell the table when the network changes ([Table.Changed],
// [Table.SetAddresses]), and keep [Table.Learned] for the next boot. Calls on one
// Table must not overlap.
//
// # Limits
//
// 1,024 live hosts, 256 lost ones (the longest lost is forgotten), 8 addresses a
// host, 64 neighbours told to a stranger, and as many prefixes as fit into one hello
// of [MaxBody] octets, about 30. Nothing here is authenticated or kept secret:
// that is done by who seals and opens the packets, and gives this table only
// those that are genuine and no replays. A host that has a key and lies, about
// its prefixes, load or addresses, is believed.
//
// Sources: the V paper §3.3 (a host is chosen by its load); docs/wire/hello.md;
// docs/decisions/prefixes.md.
package hello
