package executive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/naming"
	"vsys/shell"
	"vsys/uio"
)

// Open opens name; see shell.Files.
func (s *system) Open(ctx context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error) {
	f, err := uio.Open(ctx, s.names, name, mode(flag), perm)
	if err != nil {
		return nil, err
	}
	own, err := s.own(ctx, f, flag)
	if own == nil || err != nil {
		return f, err
	}
	return own, f.Close()
}

// mode returns the mode of opening that os.OpenFile calls flag.
func mode(flag int) uio.Mode {
	var m uio.Mode
	switch flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) {
	case os.O_RDONLY:
		m = uio.Read
	case os.O_WRONLY:
		m = uio.Write
	default:
		m = uio.Read | uio.Write
	}
	for _, f := range []struct {
		flag int
		mode uio.Mode
	}{{os.O_CREATE, uio.Create}, {os.O_TRUNC, uio.Truncate}, {os.O_APPEND, uio.Append}, {os.O_EXCL, uio.Exclusive}} {
		if flag&f.flag != 0 {
			m |= f.mode
		}
	}
	return m
}

// own opens the file of this host that f is, nil if it is none or can't be opened
// from here. The server has made it, cut it and found it permitted.
func (s *system) own(ctx context.Context, f *uio.File, flag int) (*os.File, error) {
	if f.ID().Server.Host() != s.names.Team().HostServer().Host() {
		return nil, nil
	}
	d, err := s.names.Stat(ctx, f.Name())
	if err != nil || d.Tag != naming.TagFile || d.Value("path") == "" {
		return nil, nil
	}
	own, err := os.OpenFile(d.Value("path"), flag&^(os.O_CREATE|os.O_TRUNC|os.O_EXCL), 0)
	if err != nil {
		return nil, nil
	}
	info, err := own.Stat()
	if err != nil || !sameInode(info, d.ID) { // renamed meanwhile
		return nil, own.Close()
	}
	return own, nil
}

func sameInode(info fs.FileInfo, inode uint64) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Ino == inode
}

// Stat describes name; see shell.Files.
func (s *system) Stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	stat := s.names.Stat
	if !follow {
		stat = s.names.Lstat
	}
	d, err := stat(ctx, name)
	if err != nil {
		return nil, err
	}
	d.Name = naming.Base(name)
	return info{d.Info(), &d}, nil
}

// info is a description with Unix's view of it.
type info struct {
	naming.Info
	d *naming.Descriptor
}

// Sys returns a *syscall.Stat_t, if the server is one of Unix files.
func (i info) Sys() any {
	uid, err := strconv.ParseUint(i.d.Value("uid"), 10, 32)
	if err != nil {
		return nil
	}
	gid, _ := strconv.ParseUint(i.d.Value("gid"), 10, 32)     // 0 stands for
	links, _ := strconv.ParseUint(i.d.Value("links"), 10, 64) // what is not known
	var major, minor uint32
	_, _ = fmt.Sscanf(i.d.Value("device"), "%d:%d", &major, &minor)
	st := &syscall.Stat_t{
		Dev: unix.Mkdev(major, minor), Ino: i.d.ID, Size: i.Size(), Uid: uint32(uid), Gid: uint32(gid),
		Mode: unixMode(i.d.Mode),
		Mtim: timespec(i.d.Modified), Atim: timespec(i.d.Accessed), Ctim: timespec(i.d.Changed),
	}
	setLinks(st, links)
	return st
}

// unixMode returns what Linux says where Go says m.
func unixMode(m fs.FileMode) uint32 {
	u := uint32(m.Perm())
	for _, b := range []struct {
		mode fs.FileMode
		bits uint32
	}{
		{fs.ModeSetuid, unix.S_ISUID}, {fs.ModeSetgid, unix.S_ISGID}, {fs.ModeSticky, unix.S_ISVTX},
		{fs.ModeDir, unix.S_IFDIR}, {fs.ModeSymlink, unix.S_IFLNK}, {fs.ModeNamedPipe, unix.S_IFIFO},
		{fs.ModeSocket, unix.S_IFSOCK},
	} {
		if m&b.mode != 0 {
			u |= b.bits
		}
	}
	switch {
	case m.IsRegular():
		u |= unix.S_IFREG
	case m&fs.ModeCharDevice != 0:
		u |= unix.S_IFCHR
	case m&fs.ModeDevice != 0:
		u |= unix.S_IFBLK
	}
	return u
}

func timespec(t time.Time) syscall.Timespec {
	if t.IsZero() {
		return syscall.Timespec{}
	}
	return syscall.NsecToTimespec(t.UnixNano())
}

// Place tells who serves the context; see shell.Files. What only holds prefixes
// is served by nobody.
func (s *system) Place(ctx context.Context, dir string) (shell.Place, error) {
	at, err := s.names.Resolve(ctx, dir)
	if errors.Is(err, naming.ErrVirtual) {
		return shell.Place{}, nil
	}
	if err != nil {
		return shell.Place{}, err
	}
	p := shell.Place{Host: s.names.Team().HostName(at.Server.Host())}
	d, err := s.names.Stat(ctx, dir)
	if err == nil && !d.IsContext() {
		err = &ipc.OpError{Op: "executive.Place", Name: dir, Host: p.Host, Err: ipc.NotAContext}
	}
	p.Path = d.Value("path")
	return p, err
}
