package naming

import (
	"errors"
	"fmt"

	"vsys/ipc"
)

// ComponentError says which component of a name the server could not go beyond,
// where that is not the last one.
type ComponentError struct {
	Component string
	Index     int // of its first octet in the name
	Code      ipc.Code
}

// Error prints the component and why.
func (e *ComponentError) Error() string { return fmt.Sprintf("%q: %v", e.Component, e.Code) }

// Unwrap returns the code.
func (e *ComponentError) Unwrap() error { return e.Code }

// ErrOutcomeUnknown is in the chain of the error of an operation that must not
// be done twice, and may or may not have been done.
var ErrOutcomeUnknown = errors.New("it is not known whether it was done")

// ErrVirtual is in the chain of the error of an operation on a name that is only
// a part of prefixes, like "/unix": a context that no server keeps. What is in
// it is told by [Client.Beneath].
var ErrVirtual = errors.New("it only holds prefixes")

// failure returns the error for a reply to a request for name.
func failure(m *ipc.Message, name string) error {
	r := Request{Name: name, Index: min(int(m.Uint16(atIndex)), len(name))}
	c := r.Peek()
	at := r.Index
	if r.Advance(); c == "" || r.Peek() == "" {
		return m.Code()
	}
	return &ComponentError{Component: c, Index: at, Code: m.Code()}
}
