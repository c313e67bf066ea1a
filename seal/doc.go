// Package seal encrypts and authenticates what hosts of a V domain send.
//
// # The nouns
//
// A domain has a [Group] key that all its hosts share: under it travel hellos
// and handshakes, so that a stranger's octets cost one failed seal and nothing
// else. Two hosts that have made a handshake (package seal/pair) share a
// session: one secret for each direction, its root. From the root come the keys
// of two teams, by two steps:
//
//	root of the direction A to B     known to the kernels of hosts A and B
//	  └─ Receiver of team b on B     dealt to team b by B's kernel
//	       └─ SendKey a to b         dealt to team a by A's kernel
//
// A team that knows its [Receiver] derives the key of any sender by itself, from
// what the frame's header says, and keeps nothing for it until a frame was
// genuine. A team that knows a [SendKey] can send as itself and to that team
// only. So the host kernel vouches for which team has sent; and a team's first
// packet to another is sealed without a packet in advance.
//
// A [Sealer] seals frames to one team, an [Opener] opens those of one team and
// refuses what it has seen (its [Window]). Neither allocates.
//
// # Nonces
//
// A key belongs to one direction, one session, one sending team in one
// incarnation and one receiving team. Within it no nonce comes twice: it is the
// sender's team number and the count of the frames that the team has sent, to
// whomever, in its life. A host kernel never deals a key twice to different teams:
// before a team number and incarnation come again in one session, it makes a new
// session. Group keys are used with 24 random octets for each frame.
//
// # Limits
//
// No key is kept secret from the kernel of either host. A session lives for an
// hour; 2^48 frames are the most that a team sends.
//
// Sources: docs/wire/seal.md; RFC 5116, RFC 8439 (AEADs), RFC 5869 (derivation),
// RFC 6479 (the window).
package seal
