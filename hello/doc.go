// Package hello knows which hosts there are: it tells a host's own presence,
// load and name prefixes to the others, and keeps what they tell.
//
// # The nouns
//
// A [Host] is one running kernel: its number, name, address, boot epoch, load
// and the prefixes that it serves. A [Table] is what one host knows of all, and
// the machine that keeps it true. It is pure: the time and the packets that came
// in go in, the [Packet]s to send come out; it holds no socket, clock, lock or
// goroutine, and draws its randomness from a [math/rand/v2.Rand] that it is
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
//	at start      a hello to every configured address, again every 150 ms to
//	              those that have not answered, for two seconds
//	to a stranger a hello at once, with the addresses of the other hosts, which
//	              the stranger greets in turn: one address is enough to join
//	on change     a hello at once (at most ten a second)
//	else          a beat every second, more slowly with more hosts, so that a
//	              host sends at most 1 kB a second
//	at shutdown   a goodbye, after which the host is lost at once
//
// A host from which nothing came for three seconds is asked for a beat four
// times a second, and is lost after four. (With more than ten hosts, whose
// beats come less often, both are two beats plus one and two seconds; the
// kernel, when a transaction gets no answer, says so with [Table.Suspect] and
// has the host asked at once.) Lost hosts are remembered with their prefixes,
// so that a name on one is unreachable and not unknown.
//
// # Who is who
//
// Numbers and names are claimed by using them. Where two hosts hold one number
// or one name, the elder, with the lower boot epoch, keeps it, and the other
// learns it from the elder's hello ([NameTaken], [NumberTaken]). A later boot
// epoch from the same address is the same host, booted again; from another
// address it is heard only once the elder does not answer. Where two hosts serve
// one prefix, each uses its own and all others use the elder's
// ([PrefixConflict]).
//
// # Use
//
// Call [New], [Table.Start], then [Table.Heard] for each packet and [Table.Tick]
// when [Table.Deadline] has come, and send what they append. A host that boots
// waits until [Table.Settled] before it offers service; if an event says that its
// name is taken, it does not. Calls on one Table must not overlap.
//
// # Limits
//
// 1,024 live hosts, 256 lost ones (the longest lost is forgotten), 64
// addresses told to a stranger, and as many prefixes as fit into one hello of
// [MaxBody] octets, about 35. Hosts are reached one by one; multicast comes
// later. Nothing here is authenticated: packets are to be sealed under the
// domain's key by the floor that sends them, and until that is built a domain
// lives on the loopback interface only.
//
// Sources: the V paper §3.3 (a host is chosen by its load); docs/wire/hello.md;
// docs/decisions/prefixes.md.
package hello
