package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// counts are what wc counts.
type counts struct{ lines, words, octets int64 }

// wcFlags say which counts are shown; none: all.
type wcFlags struct{ lines, words, octets bool }

var wc = &Command{
	Name: "wc", Args: "[NAME…]", Short: "Count lines, words and octets",
	New: func(f *pflag.FlagSet) Run {
		var o wcFlags
		f.BoolVarP(&o.lines, "lines", "l", false, "lines only")
		f.BoolVarP(&o.words, "words", "w", false, "words only")
		f.BoolVarP(&o.octets, "bytes", "c", false, "octets only")
		return func(ctx context.Context, e *Env, args []string) int { return e.wc(ctx, args, o) }
	},
}

func (e *Env) wc(ctx context.Context, args []string, o wcFlags) int {
	var total counts
	show := func(c counts, name string) error {
		_, err := fmt.Fprintln(e.Stdout, strings.TrimRight(o.text(c)+" "+name, " "))
		return err
	}
	status := e.inputs(ctx, args, func(arg string, r io.Reader) error {
		c, err := count(r)
		if err != nil {
			return err
		}
		total = counts{total.lines + c.lines, total.words + c.words, total.octets + c.octets}
		if len(args) == 0 {
			arg = ""
		}
		return show(c, arg)
	})
	if len(args) > 1 {
		status = max(status, e.written(show(total, "total")))
	}
	return status
}

// text prints the counts that are to be shown: a single one as it is.
func (o wcFlags) text(c counts) string {
	var shown []string
	all := o == wcFlags{}
	for _, n := range []struct {
		show  bool
		count int64
	}{{o.lines, c.lines}, {o.words, c.words}, {o.octets, c.octets}} {
		if n.show || all {
			shown = append(shown, strconv.FormatInt(n.count, 10))
		}
	}
	if len(shown) == 1 {
		return shown[0]
	}
	for i, s := range shown {
		shown[i] = fmt.Sprintf("%7s", s)
	}
	return " " + strings.Join(shown, " ")
}

// count counts what r yields; words are separated by ASCII spaces.
func count(r io.Reader) (c counts, err error) {
	buf := make([]byte, 256<<10)
	inWord := false
	for {
		n, err := r.Read(buf)
		c.octets += int64(n)
		for _, o := range buf[:n] {
			if o == '\n' {
				c.lines++
			}
			space := o == ' ' || o >= '\t' && o <= '\r'
			if !space && !inWord {
				c.words++
			}
			inWord = !space
		}
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}
