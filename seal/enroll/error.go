package enroll

import (
	"fmt"
	"time"

	"vsys/ipc"
)

// Reason says why a machine did not get in. A keeper may have others, below 128,
// that this version doesn't know.
type Reason uint8

const (
	// Used: another host joined with this code.
	Used Reason = 1 + iota
	// Ended: the invitation's time is over.
	Ended
	// Withdrawn: the keeper took the invitation back.
	Withdrawn
	// NameTaken: a host of the domain has that name.
	NameTaken
	// Clock: the two clocks differ by more than MaxSkew.
	Clock
	// Expelled: a host with this key was expelled from the domain.
	Expelled
)

// Reasons that no keeper says.
const (
	// NoAnswer: no host answered.
	NoAnswer Reason = 128 + iota
	// WrongCode: hosts answered, and none of them knows the code. Nothing proves
	// that they are of the right domain.
	WrongCode
	// Garbled: what the keeper granted can't be used.
	Garbled
)

// Error says why a machine did not get in. It unwraps to an ipc.Code: of Used,
// Ended, Withdrawn, Expelled and WrongCode NoPermission, of NameTaken
// DuplicateName, of Clock BadArgs, of NoAnswer UserTimeout, of Garbled VMTPError.
type Error struct {
	Reason Reason
	Number uint8         // of the invitation
	Name   string        // that the machine wished
	User   string        // Used: the host that joined with it; "" where unknown
	Skew   time.Duration // Clock: this machine's clock less the keeper's
	After  time.Duration // NoAnswer, WrongCode: how long it tried
	Port   uint16        // NoAnswer: UDP port that the keeper's firewall has to let in
	Err    error         // Garbled: what is wrong
}

// Error says what failed.
func (e *Error) Error() string {
	switch e.Reason {
	case Used:
		if e.User == "" {
			return fmt.Sprintf("code %d-… was used already", e.Number)
		}
		return fmt.Sprintf("code %d-… was used already, by host %s", e.Number, e.User)
	case Ended:
		return fmt.Sprintf("code %d-… has ended", e.Number)
	case Withdrawn:
		return fmt.Sprintf("code %d-… was taken back", e.Number)
	case NameTaken:
		return fmt.Sprintf("the domain has a host called %s already", e.Name)
	case Clock:
		if e.Skew > 0 {
			return fmt.Sprintf("the clock of this machine is ahead of the domain's by %v", round(e.Skew))
		}
		return fmt.Sprintf("the clock of this machine is behind the domain's by %v", round(-e.Skew))
	case Expelled:
		return "this machine's key was expelled from the domain"
	case NoAnswer:
		return fmt.Sprintf("no host answered within %v", round(e.After))
	case WrongCode:
		return fmt.Sprintf("hosts answered within %v, but none knows code %d-…", round(e.After), e.Number)
	case Garbled:
		return fmt.Sprintf("the keeper's answer can't be used: %v", e.Err)
	}
	return fmt.Sprintf("refused for reason %d", uint8(e.Reason))
}

// Hint says what to try.
func (e *Error) Hint() string {
	switch e.Reason {
	case Used:
		return "if that was not you, vsys expel it; make another code there: vsys invite"
	case Ended, Withdrawn:
		return "make another code there: vsys invite"
	case NameTaken:
		return "choose another name (--name NAME); the code is still good"
	case Clock:
		return "set the clock that is wrong (timedatectl set-ntp true), and join again; the code is still good"
	case Expelled:
		return "join with a new key: move the state directory away first"
	case NoAnswer:
		return fmt.Sprintf("there: is V running (vsys status), and does the firewall let UDP port %d in? "+
			"If the two are not on one network, put the address behind the code: …@ADDRESS. "+
			"vsys doctor on both tells more", e.Port)
	case WrongCode:
		return "is it the newest code of the right domain? Invitations that ended are forgotten after a day: vsys invite"
	}
	return "compare the versions of the two (vsys version)"
}

// Unwrap returns the code.
func (e *Error) Unwrap() error {
	switch e.Reason {
	case NameTaken:
		return ipc.DuplicateName
	case Clock:
		return ipc.BadArgs
	case NoAnswer:
		return ipc.UserTimeout
	case Garbled:
		return ipc.VMTPError
	}
	return ipc.NoPermission
}

// round makes a duration short enough for people.
func round(d time.Duration) time.Duration {
	if d > 10*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
