package command

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/pflag"

	"vsys/uio"
)

// defaultLines is how many lines head and tail print.
const defaultLines = 10

var head = &Command{
	Name: "head", Args: "[NAME…]", Short: "Print the first lines",
	Rewrite: countFlag,
	New:     func(f *pflag.FlagSet) Run { return partRun(f, "the first", (*Env).head, (*Env).headOctets) },
}

var tail = &Command{
	Name: "tail", Args: "[NAME…]", Short: "Print the last lines",
	Rewrite: countFlag,
	New:     func(f *pflag.FlagSet) Run { return partRun(f, "the last", (*Env).tail, (*Env).tailOctets) },
}

// countFlag makes the old -5 the flag -n 5.
func countFlag(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "0123456789") == "" {
		return append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	return args
}

// printPart prints n lines or octets of r.
type printPart func(e *Env, r io.Reader, n int64) error

// partRun is what head and tail have in common.
func partRun(f *pflag.FlagSet, which string, lines, octets printPart) Run {
	n := f.Int64P("lines", "n", defaultLines, "how many lines, "+which+" of each")
	c := f.Int64P("bytes", "c", 0, "how many octets, instead of lines")
	return func(ctx context.Context, e *Env, args []string) int {
		print, count := lines, *n
		if f.Changed("bytes") {
			print, count = octets, *c
		}
		if count < 0 {
			return e.usage("%d is too few", count)
		}
		gap := ""
		return e.inputs(ctx, args, func(arg string, r io.Reader) error {
			if len(args) > 1 {
				fmt.Fprintf(e.Stdout, "%s==> %s <==\n", gap, arg)
				gap = "\n"
			}
			return print(e, r, count)
		})
	}
}

func (e *Env) headOctets(r io.Reader, n int64) error {
	_, err := io.Copy(e.Stdout, io.LimitReader(r, n))
	return err
}

func (e *Env) head(r io.Reader, n int64) error {
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
func (e *Env) tail(r io.Reader, n int64) error {
	f := seekable(r)
	if f == nil {
		return e.tailStream(r, n)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	at, err := lastLines(f, size, n)
	if err != nil {
		return err
	}
	return e.from(f, at)
}

// seekable returns r as a file with positions, nil if it has none.
func seekable(r io.Reader) *uio.File {
	if f, ok := r.(*uio.File); ok && f.Attributes()&(uio.Stream|uio.DirectoryFile) == 0 {
		return f
	}
	return nil
}

// from prints f from the position at.
func (e *Env) from(f *uio.File, at int64) error {
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(e.Stdout, f)
	return err
}

func (e *Env) tailOctets(r io.Reader, n int64) error {
	if f := seekable(r); f != nil {
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		return e.from(f, max(0, size-n))
	}
	var last []byte
	buf := make([]byte, tailChunk)
	for {
		got, err := r.Read(buf)
		last = append(last, buf[:got]...)
		last = last[max(0, len(last)-int(min(n, math.MaxInt32))):]
		if err == io.EOF {
			_, err = e.Stdout.Write(last)
			return err
		}
		if err != nil {
			return err
		}
	}
}

// tailStream keeps the last n lines of r, and prints them.
func (e *Env) tailStream(r io.Reader, n int64) error {
	var lines [][]byte
	b := bufio.NewReader(r)
	for {
		line, err := readLine(b)
		if len(line) > 0 {
			lines = append(lines, line)
		}
		if int64(len(lines)) > n {
			lines[0], lines = nil, lines[1:]
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
func lastLines(r io.ReaderAt, size, n int64) (int64, error) {
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
