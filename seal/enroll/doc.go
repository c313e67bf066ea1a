// Package enroll takes machines into a V domain: join codes, and the handshake in
// which a code is turned into a certificate.
//
// # The nouns
//
// A keeper makes an invitation, and tells it to a person as a [Code]: a number
// and eight words, said over the telephone if need be. The person gives it to
// the machine that is to join. There a [Joiner] asks, by multicast and at the
// addresses in the code, for whoever made invitation number so-and-so, and
// proves that it knows the words; the keeper's [Invitations] prove the same and
// answer with a [Grant]: the certificate and what the host has to trust. Or they
// refuse, with a [Reason].
//
// # The handshake
//
// Two messages, Noise_NNpsk0_25519_ChaChaPoly_SHA256; the words are the
// pre-shared key. Who doesn't know them can neither read a message nor make one,
// and they are of no use once the invitation is: each handshake has keys of its
// own. An invitation is good for one host, and remembered for a day after its
// use or end, so that a second comer hears why, even after a restart.
//
// # Use
//
// Keeper: [Invitations.New], print the Code; [Invitations.Heard] for each Join
// frame; write the Invitations to the disk when it says so, before the answer is
// sent. Host to be: [ParseCode], [NewJoiner], then [Joiner.Tick] at
// [Joiner.Deadline] and [Joiner.Heard], until [Joiner.Done]. All is pure: clocks,
// randomness and packets are arguments. Calls on one value must not overlap.
//
// # Limits
//
// 99 invitations, those remembered included. Who floods a keeper with requests
// that fail costs it a dozen microseconds each; the caller bounds how many it
// hears a second, and how many rejections go out. A machine on the wire can keep
// the messages from arriving, and can say "wrong code" without knowing it, which
// the Joiner takes for a hint only.
//
// Sources: docs/wire/join.md; The Noise Protocol Framework, revision 34; BIP 39
// (the list of words).
package enroll
