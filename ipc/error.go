package ipc

import "errors"

// OpError says what failed: the operation as "package.Verb", the name or the
// process it was about, and why.
type OpError struct {
	Op   string // as "uio.Open"
	Name string // the V name it was about, "" if none
	Host string // the host it failed on, "" if not known
	PID  PID    // the process it was about, 0 if none
	Err  error
}

// Error prints "op name on host: why".
func (e *OpError) Error() string {
	s := e.Op
	switch {
	case e.Name != "":
		s += " " + e.Name
	case e.PID != 0:
		s += " " + e.PID.Name(e.Host)
	}
	if e.Host != "" && (e.Name != "" || e.PID == 0) {
		s += " on " + e.Host
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *OpError) Unwrap() error { return e.Err }

// CodeOf returns the Code in err: OK for nil, InternalError where there is
// none.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return InternalError
}
