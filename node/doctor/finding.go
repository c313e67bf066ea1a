package doctor

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Status says how bad a finding is.
type Status string

// The statuses, from good to bad.
const (
	Skipped Status = "skipped" // it could not be checked; Why says why
	OK      Status = "ok"
	Warning Status = "warning" // something works less well than it could
	Error   Status = "error"   // hosts can't work together
)

// Finding is the result of one check.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	What   string `json:"what"`           // what was found
	Why    string `json:"why,omitempty"`  // what that means, or where it comes from
	Mend   string `json:"mend,omitempty"` // a command for a shell, or what to do in a few words
}

// Exit returns the exit status for findings: 0, with warnings 1, with errors 2.
func Exit(list []Finding) (status int) {
	for _, f := range list {
		switch f.Status {
		case Warning:
			status = max(status, 1)
		case Error:
			status = 2
		}
	}
	return status
}

// Print writes findings for people to read.
func Print(w io.Writer, list []Finding) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	last := ""
	for _, f := range list {
		check := f.Check
		if check == last {
			check = ""
		}
		last = f.Check
		fmt.Fprintf(tw, "%s\t%s\t%s\n", check, f.Status, line(f.What))
		if f.Why != "" {
			fmt.Fprintf(tw, "\t\t  %s\n", line(f.Why))
		}
		if f.Mend != "" {
			fmt.Fprintf(tw, "\t\t  try: %s\n", line(f.Mend))
		}
	}
	return tw.Flush()
}

// line keeps what was read elsewhere, as from a log, on one line of the table.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s)
}
