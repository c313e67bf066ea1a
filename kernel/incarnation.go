package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"vsys/hello"
	"vsys/ipc"
)

// incarnations gives each team of a host an incarnation that no team of it had
// for a long time, also before a reboot: a count that is kept on disk. So that
// not each team costs a write, the file is ahead of the count.
type incarnations struct {
	dir    string // "": not kept; the count starts anywhere
	number uint16 // of the host

	mu       *sync.Mutex // guards below
	last     *uint32     // given out
	reserved *uint32     // on disk
}

const reserve = 64

// openIncarnations reads the host's number and count from dir, or picks them.
func openIncarnations(dir string) (incarnations, error) {
	i := incarnations{dir: dir, mu: new(sync.Mutex), last: new(uint32), reserved: new(uint32)}
	if dir == "" {
		i.number = hello.PickNumber(randomSource())
		*i.last = rand.Uint32N(ipc.MaxIncarnation)
		return i, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return i, fmt.Errorf("state directory %s: %w", dir, err)
	}
	number, err := readNumber(filepath.Join(dir, "number"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		number = uint64(hello.PickNumber(randomSource()))
		err = writeNumber(filepath.Join(dir, "number"), number)
	case err == nil && (number > 0xFFFF || !hello.ValidNumber(uint16(number))):
		err = fmt.Errorf("%d is no host number", number)
	}
	if err != nil {
		return i, fmt.Errorf("state directory %s: host number: %w", dir, err)
	}
	i.number = uint16(number)
	count, err := readNumber(filepath.Join(dir, "incarnation"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return i, fmt.Errorf("state directory %s: incarnation: %w", dir, err)
	}
	*i.last, *i.reserved = uint32(count), uint32(count)
	return i, nil
}

// NewNumber gives the host with that state directory another number, at its next
// boot: the one that it has is another's.
func NewNumber(state string) error {
	return writeNumber(filepath.Join(state, "number"), uint64(hello.PickNumber(randomSource())))
}

// epoch returns the host's boot epoch, larger than at any boot before: the time, even
// if the clock was set back.
func (i *incarnations) epoch() (uint64, error) {
	now := uint64(time.Now().UnixNano())
	if i.dir == "" {
		return now, nil
	}
	file := filepath.Join(i.dir, "epoch")
	last, err := readNumber(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("state directory %s: boot epoch: %w", i.dir, err)
	}
	now = max(now, last+1)
	return now, writeNumber(file, now)
}

// next returns an incarnation for a new team.
func (i *incarnations) next() (uint16, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*i.last++
	if i.dir != "" && *i.last >= *i.reserved {
		*i.reserved = *i.last + reserve
		if err := writeNumber(filepath.Join(i.dir, "incarnation"), uint64(*i.reserved)); err != nil {
			return 0, fmt.Errorf("state directory %s: %w", i.dir, err)
		}
	}
	return uint16(*i.last & ipc.MaxIncarnation), nil
}

func readNumber(file string) (uint64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

// writeNumber replaces the file, whole or not at all.
func writeNumber(file string, n uint64) error {
	temporary := file + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, n)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
