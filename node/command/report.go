package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"vsys/ipc"
	"vsys/naming"
)

// Exit statuses of V's commands; package program has those of programs.
const (
	StatusFailed      = 1
	StatusUsage       = 2
	StatusLost        = 123 // a host was lost, the outcome is not known
	StatusTimeout     = 124
	StatusInterrupted = 130
	statusBrokenPipe  = 128 + int(syscall.SIGPIPE)
)

// Complain prints an error as V does: what failed and why, then what to try.
func Complain(w io.Writer, why, try string) {
	if try != "" {
		why += "\ntry: " + try
	}
	fmt.Fprintln(w, why)
}

// Report prints err as Complain does, with what may be tried, and returns the
// exit status that stands for it. doing says what was to be done.
func Report(w io.Writer, doing string, err error) int {
	Complain(w, doing+": "+reason(err), hint(err))
	return statusOf(err)
}

// fail is Report for the command that runs. That it was interrupted, or that
// nobody reads its output any more, needs no words.
func (e *Env) fail(err error) int {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return statusBrokenPipe
	case errors.Is(err, context.Canceled):
		return StatusInterrupted
	}
	return Report(e.Stderr, e.name, e.advised(err))
}

// unixTop are the usual directories at the top of a Unix file system.
var unixTop = []string{"bin", "dev", "etc", "home", "lib", "mnt", "opt", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"}

// advised returns err with the V name of what was sought by its Unix name.
func (e *Env) advised(err error) error {
	var op *ipc.OpError
	if !errors.Is(err, ipc.NotFound) || !errors.As(err, &op) || hint(err) != "" {
		return err
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(op.Name, "/"), "/")
	if !strings.HasPrefix(op.Name, "/") || !slices.Contains(unixTop, top) {
		return err
	}
	return &advice{err, shown("/unix/" + e.Names.Team().Host() + op.Name)}
}

// advice is an error, told as it is, with what to try.
type advice struct {
	error
	try string
}

func (a *advice) Unwrap() error { return a.error }
func (a *advice) Hint() string  { return a.try }

// parsing returns what is wrong with the flags, without Go's word for it.
func parsing(err error) string {
	why, _, _ := strings.Cut(err.Error(), ": strconv.")
	return why
}

// usage complains of how the command was called.
func (e *Env) usage(format string, args ...any) int {
	Complain(e.Stderr, e.name+": "+fmt.Sprintf(format, args...), e.name+" --help")
	return StatusUsage
}

// status returns the status of a command that was interrupted as such.
func (e *Env) status(ctx context.Context, status int) int {
	if status == StatusFailed && errors.Is(ctx.Err(), context.Canceled) {
		return StatusInterrupted
	}
	return status
}

// reason says what err says, without the Go name of the operation: the name it
// was about, the host and why.
func reason(err error) string {
	if a, ok := err.(*advice); ok {
		err = a.error
	}
	var op *ipc.OpError
	if !errors.As(err, &op) || err != error(op) {
		return err.Error()
	}
	why := reason(op.Err)
	switch {
	case op.Name != "" && op.Host != "":
		return shown(op.Name) + " on " + op.Host + ": " + why
	case op.Name != "":
		return shown(op.Name) + ": " + why
	case op.Host != "":
		return op.Host + ": " + why
	}
	return why
}

// shown returns name for a message: in quotes if it holds what is not seen.
func shown(name string) string {
	for _, r := range name {
		if !strconv.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// hints say what to try, by code.
var hints = map[ipc.Code]string{
	ipc.Unreachable:        "hosts shows which are alive",
	ipc.RetransTimeout:     "hosts shows which are alive",
	ipc.HostUnknown:        "hosts lists them",
	ipc.NoPermission:       "ls -l shows who may",
	ipc.ReadOnly:           "a place that is exported for writing, as /unix/HOST/lab in a lab",
	ipc.IsAContext:         "a file in it; ls lists them; cp and rm take whole trees with -r",
	ipc.ContextNotEmpty:    "rm -r",
	ipc.IllegalName:        "a name of 1 to 4095 octets without NUL",
	ipc.UserTimeout:        "again, or another host",
	ipc.NoServerResources:  "again, when fewer files are open there",
	ipc.NoSpace:            "rm what is not needed, or another host",
	ipc.RequestUnsupported: "stat shows what kind of object it is",
}

// hint returns what to try after err, "" if there is nothing to say.
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return hints[ipc.CodeOf(err)]
}

// statusOf returns the exit status that stands for err.
func statusOf(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, naming.ErrOutcomeUnknown):
		return StatusLost
	case errors.Is(err, ipc.UserTimeout):
		return StatusTimeout
	}
	return StatusFailed
}

// object prints v as one line of JSON.
func (e *Env) object(v any) error {
	enc := json.NewEncoder(e.Stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table prints rows with their columns aligned.
func (e *Env) table(rows [][]string) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// written returns the status after output, which err says whether it failed.
func (e *Env) written(err error) int {
	if err != nil {
		return e.fail(fmt.Errorf("standard output: %w", err))
	}
	return 0
}
