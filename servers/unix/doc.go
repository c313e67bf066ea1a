// Package unix is the V server: it lets a host's Unix files be used as V files
// by all hosts, under /unix/HOST. A client can't tell it from a native V file
// server.
//
// # What it answers
//
// An [Export] is a directory of the host that is seen under a V name. A host
// exports for instance
//
//	/unix/beta        the machine's /, for reading
//	/unix/beta/lab    a directory of the user's, for reading and writing
//
// The name of an export hides a file of that name in the export around it. The
// server does all of naming (package naming) and of UIO (package uio): files are
// created, read, written at any position, appended to, truncated, synced,
// described, renamed, linked and removed, contexts (directories) are made,
// removed and read as files of descriptors.
//
// # Names
//
// Names are octets, as Unix has them. A name is interpreted by Linux in one
// step, beneath the export's directory as if that were the root of the file
// system (openat2 with RESOLVE_IN_ROOT). So symbolic links are followed as far
// as they stay inside; an absolute target begins at the export's directory, and
// ".." of that is itself. Nothing outside can be named. Those of Linux's links
// that are no text, as /proc/self/exe, are refused with IllegalName, as too long
// a chain of links is. Only where that fails is the name taken component by
// component, to say which one it was.
//
// # Descriptors
//
// A Descriptor has the size, mode, owner's name (the number where there is no
// name), the three times to the nanosecond and, as its ID, the inode. Values
// are "uid", "gid", "group", "links", "device" (major:minor of what holds it);
// of a device "rdev"; of a symbolic link "target"; and, if one object is asked
// for, "path", the host's own name of it.
//
// Mode, size, modified and accessed can be changed. Of the mode that is the nine
// permission bits: set-user-id, set-group-id and sticky are cleared.
//
// # Limits
//
// It acts with the rights of the Unix user that it runs as, whoever asks: what
// that user may read of an export all of the V domain may, and with / that is
// much (/proc/self is the server itself). That user's umask applies to what it
// makes. FIFOs, sockets and devices are listed and described,
// not opened: RequestUnsupported; nothing opens one even for a moment.
//
// An instance holds one descriptor of Linux for as long as it lives, except that
// of a directory, which gives its back when all is read. There are at most
// DefaultMaxInstances of package uio or half of what RLIMIT_NOFILE lets the
// process have, whichever is less. Beyond that, and when the process has none
// left, opening fails with NoServerResources, and what is open goes on.
//
// What is written is in Linux when the write is answered, and on the disk after
// Sync. A directory reads as it is at the time of the reading, each name once, up
// to 64 MiB of descriptors. Linux 5.6 is needed, with /proc.
//
// Sources: the V paper §3.5 (the V server); docs/wire/naming.md, uio.md;
// openat2(2).
package unix
