package sim

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"strings"
	"time"

	"vsys/link/frame"
	"vsys/seal"
	"vsys/vmtp/packet"
)

// fate is what became of a packet.
type fate byte

const (
	fateArrived  fate = '>'
	fateLost     fate = 'x'
	fateCut      fate = '/'
	fateInjected fate = '!' // it did not come from a host
)

// trace sums up all that is sent, so that two runs can be compared, and prints it
// for people if there is somebody to read it.
type trace struct {
	out  io.Writer
	sum  hash.Hash64
	cols int
}

func (t *trace) init(out io.Writer, hosts int) {
	t.out, t.sum, t.cols = out, fnv.New64a(), hosts
}

// Hash returns a number that two runs have in common only if, as good as
// certainly, the same packets had the same fate at the same time.
func (w *World) Hash() uint64 { return w.trace.sum.Sum64() }

// Note puts a line into the trace.
func (w *World) Note(format string, args ...any) {
	if w.trace.out != nil {
		fmt.Fprintf(w.trace.out, "%12.6f  %s\n", w.now.Seconds(), fmt.Sprintf(format, args...))
	}
}

// packet notes the fate of a packet, at the end of its way.
func (t *trace) packet(now time.Duration, from, to *Host, b []byte, f fate) {
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], uint64(now))
	t.sum.Write(head[:])
	t.sum.Write([]byte{byte(from.index), byte(to.index), byte(f)})
	t.sum.Write(b[:min(len(b), frame.HeaderSize+packet.HeaderSize)])
	if t.out != nil {
		fmt.Fprintf(t.out, "%12.6f  %s  %s\n", now.Seconds(), t.rung(from, to, f), to.describe(b))
	}
}

// rung draws an arrow between the columns of two hosts: "|-------->|".
func (t *trace) rung(from, to *Host, f fate) string {
	const width = 6
	line := []byte(strings.Repeat("|"+strings.Repeat(" ", width-1), t.cols))[:(t.cols-1)*width+1]
	a, b := from.index*width, to.index*width
	if a == b {
		line[a] = 'o'
		if f == fateInjected {
			line[a] = byte(f)
		}
		return string(line)
	}
	for i := min(a, b) + 1; i < max(a, b); i++ {
		line[i] = '-'
	}
	head, at := byte(f), b-1
	if a > b {
		at = b + 1
		if f == fateArrived {
			head = '<'
		}
	}
	line[at] = head
	return string(line)
}

// describe prints what is in a frame for h.
func (h *Host) describe(b []byte) string {
	f, body, err := frame.Decode(b)
	switch {
	case err != nil:
		return err.Error()
	case f.Type == frame.Sealed || f.Type == frame.Wrapped && h.world.domain != nil:
		if h.trust == nil {
			return fmt.Sprintf("slot %d: %v, nobody to open it", f.Slot, f.Type)
		}
		if body, _, err = h.trust.open(&f, b); err != nil {
			session, sender := seal.SenderOf(&f)
			return fmt.Sprintf("slot %d: session %05x, team %d: %v", f.Slot, session, sender.Number, err)
		}
	case f.Type == frame.Hello || f.Type == frame.Handshake:
		return fmt.Sprintf("%v, %d octets", f.Type, len(body))
	}
	if f.Type == frame.Wrapped {
		if _, inner, err := frame.DecodeWrapped(body); err == nil {
			return fmt.Sprintf("slot %d, handed on: %s", f.Slot, h.describe(inner))
		}
	}
	p, _, err := packet.Decode(body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("slot %d: %v", f.Slot, p)
}
