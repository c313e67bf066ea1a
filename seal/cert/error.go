package cert

import (
	"fmt"
	"time"

	"vsys/ipc"
)

// Reason says why a certificate, a bulletin or a succession is not taken.
type Reason uint8

const (
	// WrongDomain: it is of another domain.
	WrongDomain Reason = 1 + iota
	// BadSignature: no key that this host trusts signed it, or it was changed.
	BadSignature
	// Expired: the certificate has ended.
	Expired
	// NotYetValid: the certificate begins later.
	NotYetValid
	// Revoked: the host was expelled.
	Revoked
	// OldKey: the domain's key was replaced, and it is signed by an older one;
	// or a keeper that holds an older one was asked to sign.
	OldKey
	// Fork: the key that it names the successor of has another one.
	Fork
	// Full: no more hosts can be expelled now.
	Full
)

// Error says what is wrong and what to do. It unwraps to ipc.NoPermission, of
// Full to ipc.NoServerResources.
type Error struct {
	Reason Reason
	Name   string    // of the host, where a certificate is judged
	When   time.Time // Expired: the end; NotYetValid: the begin; Full: when there is room again
	Wall   time.Time // this host's clock, with When
}

// Error says what is wrong and what to do.
func (e *Error) Error() string {
	of := "certificate of " + e.Name
	switch e.Reason {
	case WrongDomain:
		if e.Name == "" {
			return "bulletin of another domain"
		}
		return of + " is of another domain: join it to this one (vsys invite here, vsys join there)"
	case BadSignature:
		if e.Name == "" {
			return "not signed by the domain's key, or changed since"
		}
		return of + " is not signed by the domain, or was changed: join again (vsys invite here, vsys join there)"
	case Expired:
		return fmt.Sprintf("%s ended at %s, and the clock here says %s: set the clock that is wrong, or join again",
			of, stamp(e.When), stamp(e.Wall))
	case NotYetValid:
		return fmt.Sprintf("%s begins at %s, and the clock here says %s: set the clock that is wrong",
			of, stamp(e.When), stamp(e.Wall))
	case Revoked:
		return "host " + e.Name + " was expelled from the domain: to take it in again, give it a new key (vsys join there)"
	case OldKey:
		if e.Name == "" {
			return "the domain's key was replaced: this needs the newest one"
		}
		return of + " is signed by a key that the domain has retired: join again (vsys invite here, vsys join there)"
	case Fork:
		return "the domain's key was replaced twice, by two keepers: the hosts of one of them have to join again"
	case Full:
		return fmt.Sprintf("%d hosts are expelled already, no more fit: there is room at %s", MaxRevoked, stamp(e.When))
	}
	return fmt.Sprintf("reason %d", uint8(e.Reason))
}

// Unwrap returns the code.
func (e *Error) Unwrap() error {
	if e.Reason == Full {
		return ipc.NoServerResources
	}
	return ipc.NoPermission
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// ErrMalformed is wrapped by the errors of all Parse functions: the octets are
// not what they should be. It wraps ipc.BadArgs.
var ErrMalformed = fmt.Errorf("cert: malformed: %w", ipc.BadArgs)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}
