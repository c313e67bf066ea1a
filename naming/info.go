package naming

import (
	"io/fs"
	"time"
)

// Info is a Descriptor as the standard library sees it: an [fs.FileInfo] and an
// [fs.DirEntry]. Sys returns the *Descriptor.
type Info struct{ d Descriptor }

// Info returns d as an fs.FileInfo and fs.DirEntry.
func (d Descriptor) Info() Info { return Info{d} }

func (i Info) Name() string               { return i.d.Name }
func (i Info) Size() int64                { return int64(min(i.d.Size, 1<<63-1)) }
func (i Info) Mode() fs.FileMode          { return i.d.Mode }
func (i Info) Type() fs.FileMode          { return i.d.Mode.Type() }
func (i Info) ModTime() time.Time         { return i.d.Modified }
func (i Info) IsDir() bool                { return i.d.Mode.IsDir() }
func (i Info) Info() (fs.FileInfo, error) { return i, nil }
func (i Info) Sys() any                   { return &i.d }
func (i Info) String() string             { return fs.FormatDirEntry(i) }
