package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"vsys/ipc"
)

// listing is what a file of the tree says, in both its forms.
type listing struct {
	rows    [][]string // cells; the first row is the header, if there is one
	objects []any      // for JSON
}

// text returns the rows with their columns aligned.
func (l listing) text() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range l.rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush() // a bytes.Buffer does not fail
	return b.Bytes()
}

// json returns one object a line.
func (l listing) json() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, o := range l.objects {
		if err := e.Encode(o); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// pairs is a listing of one object, with a row for each of its fields.
func pairs(object any, rows ...[]string) listing {
	return listing{rows: rows, objects: []any{object}}
}

// names prints process identifiers with the names of their hosts.
type names map[uint16]string

// pid returns p as people read it, "-" for none.
func (n names) pid(p ipc.PID) string {
	if p == 0 {
		return "-"
	}
	return p.Name(n[p.Host()])
}

// hex returns p as programs read it, "" for none.
func hex(p ipc.PID) string {
	if p == 0 {
		return ""
	}
	return p.String()
}

// octets prints a number of octets in the largest unit that leaves it at 1 or
// more.
func octets(n uint64) string {
	const units = "kMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	i, f := 0, float64(n)/(1<<10)
	for ; f >= 1<<10 && i < len(units)-1; i++ {
		f /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

// ago prints how long before now t was, "-" if t is not known.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := max(0, now.Sub(t))
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
