// Package keyring keeps what makes a machine a host of its domain, in files that
// only its user can read.
//
// # The files
//
// All are in the directory keys of the host's state directory:
//
//	host.key      the host's private key
//	certificate   what the domain says of it
//	trust         the domain's public keys, the group keys, the bulletin
//	domain.key    keepers only: the domain's private key, and the one before it
//	invitations   keepers only: codes that are or were good
//	peers         where other hosts were last, one address a line, for people to
//	              edit; they are greeted at boot
//
// Each but peers is text: a line that says what it is, the content in base64, and
// a checksum. The directory has mode 0700, the files 0600.
//
// # Use
//
// [Open] reads them all. Where there are none it fails with [ErrNone], and
// [Create] makes them, all or none: the directory appears when it is complete.
// The Set methods of a [Ring] replace one file, whole or not at all, and return
// when it is on the disk. The state directory must be locked (node.LockDir);
// calls on one Ring must not overlap.
//
// What can't be right is refused with an [Error] that says which file, why, and
// what mends it; nothing is changed then.
//
// # Limits
//
// The files are not encrypted: who can read them as the host's user, or steal the
// disk, has the host's key. docs/wire/certificate.md says what a domain does then.
package keyring
