// Package cert says who belongs to a V domain: the domain's key, the keys of its
// hosts, the certificates that join the two, and the bulletin that takes them
// back.
//
// # The nouns
//
// A domain is known by its [DomainID], random and never changed. Its [DomainKey]
// (Ed25519) signs; the hosts that hold it are its keepers. A host is known by
// its [HostKey] (X25519), of which a [Fingerprint] is what people compare. A
// [Certificate] says that a key is a host of the domain, by which [Roles], under
// which name and how long. The [Bulletin] is the newest word of the keepers: who
// is expelled, and which [GroupKey] seals what all hosts may read. A [Succession]
// is the old domain key's word for the new one. [Trust] is all of it that one
// host knows and judges by, [Identity] what it shows to others.
//
// # Use
//
// [NewDomain] makes a domain of one. Its keeper makes certificates with [New] and
// [Issue], lengthens them with [Renew], takes them back with [Expel], replaces
// the domain's key with [Rotate] and ends what the older keys signed with
// [Retire]. Everybody else calls [Trust.Verify] for each certificate that comes,
// and [Trust.Adopt] for each bulletin.
//
// All of it is pure: wall clock and randomness are arguments. Calls on one value
// must not overlap.
//
// # Limits
//
// A certificate has at most [MaxCertificate] octets, a bulletin [MaxBulletin]
// and [MaxRevoked] hosts, whose certificates have all ended after [Term]. A
// domain remembers [MaxKeys] keys of each kind: who was away for more rotations
// than that joins again. Two keepers that rotate at the same time split the
// domain; that they both expel is healed by [Merge].
//
// Layouts: docs/wire/certificate.md. Sources: RFC 7748 (X25519), RFC 8032
// (Ed25519).
package cert
