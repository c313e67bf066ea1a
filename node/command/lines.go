package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/uio"
)

// defaultLines is how many lines head and tail print.
const defaultLines = 10

var head = &Command{
	Name: "head", Args: "[NAME…]", Short: "Print the first lines",
	New: func(f *pflag.FlagSet) Run { return linesRun(f, "the first", (*Env).head) },
}

var tail = &Command{
	Name: "tail", Args: "[NAME…]", Short: "Print the last lines",
	New: func(f *pflag.FlagSet) Run { return linesRun(f, "the last", (*Env).tail) },
}

// linesRun is what head and tail have in common: do prints n lines of r.
func linesRun(f *pflag.FlagSet, which string, do func(e *Env, r io.Reader, n int) error) Run {
	n := f.IntP("lines", "n", defaultLines, "how many lines, "+which)
	return func(ctx context.Context, e *Env, args []string) int {
		if *n < 0 {
			return e.usage("%d lines", *n)
		}
		first := true
		return e.inputs(ctx, args, func(arg string, r io.Reader) error {
			if len(args) > 1 {
				gap := "\n"
				if first {
					gap, first = "", false
				}
				fmt.Fprintf(e.Stdout, "%s==> %s <==\n", gap, arg)
			}
			return do(e, r, *n)
		})
	}
}

func (e *Env) head(r io.Reader, n int) error {
	b := bufio.NewReader(r)
	for range n {
		line, err := readLine(b)
		if _, werr := e.Stdout.Write(line); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readLine returns the next line with its end, whatever its length.
func readLine(b *bufio.Reader) ([]byte, error) { return b.ReadBytes('\n') }

// tail finds the place in a file, and reads a stream to its end.
func (e *Env) tail(r io.Reader, n int) error {
	f, ok := r.(*uio.File)
	if !ok || f.Attributes()&(uio.Stream|uio.DirectoryFile) != 0 {
		return e.tailStream(r, n)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	at, err := lastLines(f, size, n)
	if err == nil {
		_, err = f.Seek(at, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(e.Stdout, f)
	}
	return err
}

// tailStream keeps the last n lines of r, and prints them.
func (e *Env) tailStream(r io.Reader, n int) error {
	var lines [][]byte
	b := bufio.NewReader(r)
	for {
		line, err := readLine(b)
		if len(line) > 0 {
			lines = append(lines, line)
		}
		if len(lines) > n {
			lines = slices.Delete(lines, 0, len(lines)-n)
		}
		if err == io.EOF {
			_, err = e.Stdout.Write(bytes.Join(lines, nil))
			return err
		}
		if err != nil {
			return err
		}
	}
}

// tailChunk is how much tail reads at a time, from the end; octets.
const tailChunk = 64 << 10

// lastLines returns where the last n lines of a file of size octets begin.
func lastLines(r io.ReaderAt, size int64, n int) (int64, error) {
	buf := make([]byte, tailChunk)
	end := size
	if n == 0 {
		return size, nil
	}
	for end > 0 {
		start := max(0, end-tailChunk)
		chunk := buf[:end-start]
		if _, err := r.ReadAt(chunk, start); err != nil && err != io.EOF {
			return 0, err
		}
		for i := len(chunk) - 1; i >= 0; i-- {
			at := start + int64(i)
			if chunk[i] != '\n' || at == size-1 {
				continue // the end of the last line begins none
			}
			if n--; n == 0 {
				return at + 1, nil
			}
		}
		end = start
	}
	return 0, nil
}

// counts are what wc counts.
type counts struct{ lines, words, octets int64 }

var wc = &Command{
	Name: "wc", Args: "[NAME…]", Short: "Count lines, words and octets",
	New: func(f *pflag.FlagSet) Run {
		lines := f.BoolP("lines", "l", false, "lines only")
		words := f.BoolP("words", "w", false, "words only")
		octets := f.BoolP("bytes", "c", false, "octets only")
		return func(ctx context.Context, e *Env, args []string) int {
			all := !*lines && !*words && !*octets
			var total counts
			show := func(c counts, name string) error {
				text := ""
				for _, n := range []struct {
					show  bool
					count int64
				}{{*lines, c.lines}, {*words, c.words}, {*octets, c.octets}} {
					if n.show || all {
						text += fmt.Sprintf("%8d", n.count)
					}
				}
				if len(args) > 0 {
					text += " " + name
				}
				_, err := fmt.Fprintln(e.Stdout, text)
				return err
			}
			status := e.inputs(ctx, args, func(arg string, r io.Reader) error {
				c, err := count(r)
				if err != nil {
					return err
				}
				total = counts{total.lines + c.lines, total.words + c.words, total.octets + c.octets}
				return show(c, arg)
			})
			if len(args) > 1 {
				status = max(status, e.written(show(total, "total")))
			}
			return status
		}
	},
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

var cmpCommand = &Command{
	Name: "cmp", Args: "NAME NAME", Short: "Compare two files",
	Long: "The exit status is 0 if they are the same, 1 if they differ, and 2 if that can't be told.",
	New: func(f *pflag.FlagSet) Run {
		silent := f.BoolP("silent", "s", false, "only the exit status tells")
		return func(ctx context.Context, e *Env, args []string) int {
			if len(args) != 2 {
				return e.usage("two names are needed")
			}
			why := ""
			err := e.input(ctx, args[0], func(a io.Reader) error {
				return e.input(ctx, args[1], func(b io.Reader) (err error) {
					why, err = difference(args, a, b)
					return err
				})
			})
			if err != nil {
				return max(e.fail(err), StatusUsage)
			}
			if why != "" && !*silent {
				fmt.Fprintln(e.Stdout, why)
			}
			if why != "" {
				return StatusFailed
			}
			return 0
		}
	},
}

// difference says how what a and b yield differs, "" if it does not.
func difference(names []string, a, b io.Reader) (string, error) {
	bufA, bufB := make([]byte, tailChunk), make([]byte, tailChunk)
	at, line := int64(1), int64(1)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if err := errors.Join(failure(errA), failure(errB)); err != nil {
			return "", err
		}
		for i := range min(n, m) {
			if bufA[i] != bufB[i] {
				return fmt.Sprintf("%s %s differ: byte %d, line %d", names[0], names[1], at, line), nil
			}
			if at++; bufA[i] == '\n' {
				line++
			}
		}
		switch {
		case n < m:
			return fmt.Sprintf("%s ends after byte %d", names[0], at-1), nil
		case m < n:
			return fmt.Sprintf("%s ends after byte %d", names[1], at-1), nil
		case errA != nil:
			return "", nil
		}
	}
}

// failure returns err unless it only says that all is read.
func failure(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	if err != nil && ipc.CodeOf(err) == ipc.InternalError {
		return fmt.Errorf("reading: %w", err)
	}
	return err
}
