package ipc

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Code is the answer in a Response: 24 bits. It crosses the network unchanged
// and is an error unless it is OK. Numbers are frozen.
type Code uint32

// Codes of VMTP (RFC 1045 appendix I), 0 to 63.
const (
	OK                     Code = 0
	Retry                  Code = 1  // parts are missing (notify)
	RetryAll               Code = 2  // all is missing (notify)
	Busy                   Code = 3  // no room now; try again
	NonexistentEntity      Code = 4  // no such process or group
	EntityMigrated         Code = 5  // it lives elsewhere now
	NoPermission           Code = 6  // not allowed
	NotAwaitingMsg         Code = 7  // conditional delivery, and nobody was waiting
	VMTPError              Code = 8  // the other side finds the packet wrong
	MsgTransOverflow       Code = 9  // too many transactions streamed
	BadTransactionID       Code = 10 // an old transaction
	StreamingNotSupported  Code = 11
	NoRunRecord            Code = 12
	RetransTimeout         Code = 13 // the host is silent: lost
	UserTimeout            Code = 14 // the deadline passed
	ResponseDiscarded      Code = 15 // answered once, and the answer is gone
	SecurityNotSupported   Code = 16
	BadReplySegment        Code = 17 // the answer does not fit, or parts of it never came
	SecurityRequired       Code = 18
	StreamedResponse       Code = 19 // never sent (docs/wire/vmtp.md)
	TooManyRetries         Code = 20
	NoPrincipal            Code = 21
	NoKey                  Code = 22
	EncryptionNotSupported Code = 23
	NoAuthenticator        Code = 24
)

// Codes of the protocols above VMTP, from 64.
const (
	IllegalRequest     Code = 64 + iota // the server does not know the operation
	BadArgs                             // a field or size is out of range
	EndOfFile                           // at or past the end
	BadBlockNo                          // no such block, or out of order in a stream
	BadByteCount                        // more or fewer octets than the operation takes
	NotFound                            // no such name; said with authority
	DuplicateName                       // the name is taken
	IllegalName                         // the name can't be: empty, too long, with NUL or '/'
	NotAContext                         // a component that is not a context (directory)
	IsAContext                          // a context (directory) where a file is wanted
	ContextNotEmpty                     // the context still has names
	InvalidContext                      // the context id is not (or no longer) ours
	InvalidInstance                     // the instance id is not (or no longer) ours
	InvalidMode                         // the mode of opening can't be
	NotReadable                         // the instance can't be read
	NotWriteable                        // the instance can't be written
	RequestUnsupported                  // the operation is known, not for this object
	NoServerResources                   // out of memory, descriptors, processes
	NoSpace                             // the disk is full, or over quota
	DeviceError                         // the disk or device failed
	Aborted                             // cancelled by its owner, or its owner is gone
	Unreachable                         // the host that serves it is lost
	ReadOnly                            // exported for reading only
	NotExecutable                       // no binary for that processor, or no program
	HostUnknown                         // no host of that name
	CrossServer                         // two names on different servers or devices
	InternalError                       // a bug; the server's log says more
)

// codeText is what people read.
var codeText = map[Code]string{
	OK: "ok", Retry: "retry", RetryAll: "retry all", Busy: "busy",
	NonexistentEntity: "no such process", EntityMigrated: "the process has moved",
	NoPermission: "permission denied", NotAwaitingMsg: "not awaiting a message",
	VMTPError: "protocol error", MsgTransOverflow: "too many transactions",
	BadTransactionID: "old transaction", StreamingNotSupported: "streaming not supported",
	NoRunRecord: "no record of the run", RetransTimeout: "host does not answer",
	UserTimeout: "timed out", ResponseDiscarded: "the answer was discarded",
	SecurityNotSupported: "security not supported", BadReplySegment: "the reply's segment is bad",
	SecurityRequired: "security required", StreamedResponse: "streamed response",
	TooManyRetries: "too many retries", NoPrincipal: "no principal", NoKey: "no key",
	EncryptionNotSupported: "encryption not supported", NoAuthenticator: "no authenticator",

	IllegalRequest: "unknown operation", BadArgs: "bad argument", EndOfFile: "end of file",
	BadBlockNo: "bad block number", BadByteCount: "bad byte count", NotFound: "no such name",
	DuplicateName: "name is taken", IllegalName: "illegal name", NotAContext: "not a directory",
	IsAContext: "is a directory", ContextNotEmpty: "directory not empty",
	InvalidContext: "stale context", InvalidInstance: "stale instance", InvalidMode: "bad mode",
	NotReadable: "not readable", NotWriteable: "not writeable",
	RequestUnsupported: "operation not supported", NoServerResources: "the server is out of resources",
	NoSpace: "no space left", DeviceError: "device error", Aborted: "aborted",
	Unreachable: "unreachable", ReadOnly: "read-only", NotExecutable: "cannot be executed",
	HostUnknown: "unknown host", CrossServer: "on different servers", InternalError: "internal error",
}

// String returns the code in words.
func (c Code) String() string {
	if s, ok := codeText[c]; ok {
		return s
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// Error makes a Code an error. OK is not one: test with Err.
func (c Code) Error() string { return c.String() }

// Err returns nil for OK and c otherwise.
func (c Code) Err() error {
	if c == OK {
		return nil
	}
	return c
}

// Is makes errors.Is work with the standard library's errors.
func (c Code) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return c == NotFound || c == NonexistentEntity
	case fs.ErrExist:
		return c == DuplicateName
	case fs.ErrPermission:
		return c == NoPermission || c == ReadOnly
	case fs.ErrInvalid:
		return c == BadArgs || c == IllegalName || c == InvalidMode
	case io.EOF:
		return c == EndOfFile
	case os.ErrDeadlineExceeded, context.DeadlineExceeded:
		return c == UserTimeout
	case context.Canceled:
		return c == Aborted
	case syscall.ENOTDIR:
		return c == NotAContext
	case syscall.EISDIR:
		return c == IsAContext
	case syscall.ENOSPC:
		return c == NoSpace
	case syscall.EROFS:
		return c == ReadOnly
	}
	return false
}
