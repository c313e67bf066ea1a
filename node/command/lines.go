package command

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

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
	n := f.IntP("lines", "n", defaultLines, "how many lines, "+which+" of each")
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
