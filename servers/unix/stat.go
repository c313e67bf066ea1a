package unix

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"vsys/naming"
)

// kinds says how each type of Unix file shows in V.
var kinds = map[uint32]struct {
	tag  naming.Tag
	mode fs.FileMode
}{
	unix.S_IFREG:  {naming.TagFile, 0},
	unix.S_IFDIR:  {naming.TagContext, fs.ModeDir},
	unix.S_IFLNK:  {naming.TagLink, fs.ModeSymlink},
	unix.S_IFIFO:  {naming.TagPipe, fs.ModeNamedPipe},
	unix.S_IFSOCK: {naming.TagConnection, fs.ModeSocket},
	unix.S_IFCHR:  {naming.TagDevice, fs.ModeDevice | fs.ModeCharDevice},
	unix.S_IFBLK:  {naming.TagDevice, fs.ModeDevice},
}

func isDir(st *unix.Stat_t) bool     { return st.Mode&unix.S_IFMT == unix.S_IFDIR }
func isRegular(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }
func isLink(st *unix.Stat_t) bool    { return st.Mode&unix.S_IFMT == unix.S_IFLNK }

func fstat(fd int) (st unix.Stat_t, err error) {
	err = code(unix.Fstat(fd, &st))
	return st, err
}

// descriptor describes the object called name that st is of.
func (s *Server) descriptor(name string, st *unix.Stat_t) naming.Descriptor {
	kind := kinds[st.Mode&unix.S_IFMT]
	d := naming.Descriptor{
		Tag: kind.tag, Name: name, Size: uint64(st.Size), Mode: kind.mode | permissions(st.Mode),
		Owner: s.owners.user(st.Uid), ID: st.Ino,
		Modified: instant(st.Mtim), Accessed: instant(st.Atim), Changed: instant(st.Ctim),
		Values: map[string]string{
			"uid": strconv.FormatUint(uint64(st.Uid), 10), "gid": strconv.FormatUint(uint64(st.Gid), 10),
			"group": s.owners.group(st.Gid), "links": strconv.FormatUint(uint64(st.Nlink), 10),
			"device": device(uint64(st.Dev)),
		},
	}
	if d.Tag == naming.TagDevice {
		d.Values["rdev"] = device(uint64(st.Rdev))
	}
	return d
}

// permissions returns the permission bits with those that lie above them.
func permissions(mode uint32) fs.FileMode {
	m := fs.FileMode(mode).Perm()
	if mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}

func instant(t unix.Timespec) time.Time { return time.Unix(t.Unix()) }

func device(dev uint64) string { return fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)) }

// describe describes the object called name of an open descriptor.
func (s *Server) describe(fd int, name string) (naming.Descriptor, error) {
	st, err := fstat(fd)
	if err != nil {
		return naming.Descriptor{}, err
	}
	d := s.descriptor(name, &st)
	if isLink(&st) {
		d.Values["target"], err = readlink(fd, "")
	} else if path, unknown := readlink(unix.AT_FDCWD, procPath(fd)); unknown == nil {
		d.Values["path"] = path
	}
	return d, err
}

// readlink returns the text of a symbolic link.
func readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", code(err)
	}
	return string(buf[:n]), nil
}

// procPath is a name for what an open descriptor stands for, which leads nowhere
// else even if the object is renamed meanwhile.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// stat describes what r names.
func (s *Server) stat(_ context.Context, r *naming.Request, follow bool) (naming.Descriptor, error) {
	p, err := s.find(r)
	if err != nil {
		return naming.Descriptor{}, s.blame(r, err)
	}
	if p.export == nil {
		return virtual, nil
	}
	fd, err := p.look(follow)
	if err != nil {
		return naming.Descriptor{}, s.blame(r, err)
	}
	defer closeFD(fd)
	return s.describe(fd, naming.Base("/"+p.name))
}

// virtual describes /unix/HOST where it is no export.
var virtual = naming.Descriptor{Tag: naming.TagContext, Mode: fs.ModeDir | 0o555}
