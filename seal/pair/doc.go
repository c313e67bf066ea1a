// Package pair makes two hosts of a V domain known to one another: a handshake of
// three packets, after which they share a [Session].
//
// # The nouns
//
// A [Table] is the sessions of one host, and the machine that makes them. It is
// pure: the times and the packets that came go in, the [Packet]s to send come out;
// it has no socket, clock, lock or goroutine, and its randomness is given to it. A
// [Stranger] is a host that was heard of but has no session. An [Event] says what
// has happened, in words for people.
//
// # How it works
//
//	alpha                                        beta
//	  ──── Initiate: ephemeral key, who I am ────►  a half-open session
//	  ◄─── Respond: ephemeral key, who I am ──────
//	  a session; frames may follow
//	  ──── Confirm ──────────────────────────────►  a session
//	  ◄─── Acknowledge ───────────────────────────  (only ends the repeating)
//
// It is the pattern IX of the Noise framework, with both hosts' certificates
// (package seal/cert) in the messages. Each host proves that it holds, now, the key
// that its certificate is for: alpha believes the Respond because it is sealed with
// a secret that needs alpha's new ephemeral key; beta believes the Confirm for the
// same reason, and nothing before it. So an Initiate by itself, forged or replayed,
// changes nothing; not even an event comes of it.
//
// What is lost is repeated by who began: the Initiate, and the Confirm until the
// Acknowledge or any frame of the session comes. Nobody repeats to a host that has
// not shown that it is there more than it has sent: an Initiate and a Respond have
// one size, and an Initiate is sent only for as many octets that were heard.
//
// If both begin at once the Initiate of the lower host number counts. A session
// is renewed each hour by the host with the lower number; the one before is good
// for receiving for five minutes more. A host that boots has a new epoch: its
// first handshake ends the sessions of its earlier boots.
//
// A host whose certificate is not good is told so, in the Respond or the Confirm,
// and both hosts' logs say what to do.
//
// # Use
//
// All bodies travel in handshake frames, sealed with the group key. For each hello
// ask [Table.Accept], and if it says no, throw the hello away and call
// [Table.Begin]; the host's next hello will be believed. Give handshake frames to
// [Table.Heard], open the others by [Table.ByID] and report them to
// [Table.Proven], send by [Table.Session]. Call [Table.Tick] at [Table.Deadline].
// After any call look at [Table.Events]. When the domain's trust has changed call
// [Table.Review].
//
// # Load
//
// In one second at most 20 Initiates are answered as they are. Then a Cookie is
// asked for, which only a host that receives at its address has, and 60 more with
// one are answered, 8 from one IP address. All else costs a hash and a MAC.
//
// # Limits
//
// 1,024 hosts with 4 sessions each; 64 handshakes begun, and 64 answered, at a
// time. Of too many the oldest goes. A host that knows none of the last three
// keys of the domain is not reached by its successions and has to join again: two
// fit into a message.
//
// Hosts of the domain are known by their certificates and trusted for the rest.
// Any of them can make a hello in another's name, since hellos are sealed with the
// group key; then hellos of the other may be missed until the next handshake. One
// that claims another's number and boot epoch where that has no session yet keeps
// it out there; the event names both. Those that flood from eight IP addresses and
// more can delay handshakes of others, not end sessions.
//
// Sources: the Noise protocol framework, revision 34; RFC 5869 (HKDF); RFC 4303
// §3.4.3 (the window); RFC 9147 §5.1 (cookies); docs/wire/handshake.md.
package pair
