package unix

import (
	"io"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/uio"
)

const (
	// maxDirectory bounds the descriptors that an instance of a directory keeps,
	// in octets.
	maxDirectory = 64 << 20
	// direntSize is how many octets of names Linux is asked for at once.
	direntSize = 8 << 10
)

// directory is an instance of a directory: a file of descriptors, which grows as
// it is read. What was read is kept, so that it reads the same again.
type directory struct {
	s        *Server
	describe naming.Descriptor
	hidden   map[string]bool // names that other exports have here

	mu   sync.Mutex
	fd   int    // guarded by mu; -1 when there is no more to read
	data []byte // guarded by mu
}

// openDirectory opens the directory that fd stands for, which is at p.
func (s *Server) openDirectory(p place, fd int) (uio.Object, error) {
	opened, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, code(err)
	}
	d, err := s.newDirectory(p, opened)
	if err != nil {
		closeFD(opened)
		return nil, err
	}
	return d, nil
}

// newDirectory returns the instance of a directory that is open as fd. At the
// top it begins with the exports; there it may have no fd, -1.
func (s *Server) newDirectory(p place, fd int) (*directory, error) {
	d := &directory{s: s, describe: virtual, fd: fd, hidden: make(map[string]bool)}
	var err error
	if fd >= 0 {
		if d.describe, err = s.describe(fd, naming.Base("/"+p.name)); err != nil {
			return nil, err
		}
	}
	if p.name != "" {
		return d, nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.exports)) {
		if name == "" {
			continue
		}
		d.hidden[name] = true
		if err := d.add(name, s.exports[name].root, "."); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// add appends the descriptor of the object component in dir under a name. One
// that is gone meanwhile is left out, one that can't be looked at has its name
// and the value "error".
func (d *directory) add(name string, dir int, component string) error {
	var st unix.Stat_t
	err := unix.Fstatat(dir, component, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return nil
	}
	var record naming.Descriptor
	if err != nil {
		record = naming.Descriptor{
			Tag: naming.TagRecord, Name: name,
			Values: map[string]string{"error": naming.CodeOf(code(err)).String()},
		}
	} else {
		record = d.s.descriptor(name, &st)
		if isLink(&st) {
			record.Values["target"], _ = readlink(dir, component) // "" if it is one no more
		}
	}
	d.data, err = record.Append(d.data)
	return err
}

// Info returns what the instance can do. Its size is what was read so far.
func (d *directory) Info() uio.Info {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uio.Info{Attributes: uio.Readable | uio.DirectoryFile, Size: uint64(len(d.data))}
}

// ReadAt reads as much of the directory as it takes to fill p.
func (d *directory) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	buf := make([]byte, direntSize)
	for d.fd >= 0 && int64(len(d.data))-int64(len(p)) < off {
		if err := d.moreLocked(buf); err != nil {
			return 0, err
		}
	}
	if off >= int64(len(d.data)) {
		return 0, io.EOF
	}
	return copy(p, d.data[off:]), nil
}

// moreLocked reads some more names. The caller holds mu.
func (d *directory) moreLocked(buf []byte) error {
	if len(d.data) > maxDirectory {
		return ipc.NoServerResources
	}
	n, err := unix.ReadDirent(d.fd, buf)
	if err == unix.EINTR {
		return nil
	}
	if n <= 0 && (err == nil || err == unix.ENOENT) { // the end, or it is removed
		d.closeLocked()
		return nil
	}
	if err != nil {
		return code(err)
	}
	_, _, names := unix.ParseDirent(buf[:n], -1, nil)
	for _, name := range names {
		if d.hidden[name] {
			continue
		}
		if err := d.add(name, d.fd, name); err != nil {
			return err
		}
	}
	return nil
}

// closeLocked gives the descriptor back. The caller holds mu.
func (d *directory) closeLocked() {
	if d.fd >= 0 {
		closeFD(d.fd)
		d.fd = -1
	}
}

// Describe describes the directory as it was when it was opened.
func (d *directory) Describe() (naming.Descriptor, error) { return d.describe, nil }

func (d *directory) Release(bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closeLocked()
	return nil
}
