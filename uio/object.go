package uio

import (
	"context"
	"io"

	"vsys/ipc"
	"vsys/naming"
)

// Object is what an instance is an opening of, in its server. What else it can
// do it says by the interfaces below, and by [io.ReaderAt] and [io.WriterAt],
// which are for objects that are no streams. Its methods may be called by
// several workers at once, but those of a stream's reading by one at a time.
//
// Errors are replied as [naming.CodeOf] says; [io.EOF] is the end of file.
type Object interface {
	// Info says what the object can do, and its size now. It must not block. The
	// attributes and the block size are those of the first call, at the opening.
	// Readable and Writeable must be set for what is to be read and written: the
	// skeleton refuses the rest.
	Info() Info
	// Release ends the instance; it is called once, and no other method after
	// it has begun, but those that are under way. keep is false if the client
	// abandons what it wrote, or is gone.
	Release(keep bool) error
}

// StreamReader is a stream's reading. ReadStream blocks until there is
// something, and returns at most what fits; io.EOF with nothing ends the stream.
//
// ctx ends when the instance is released or the client has given up. Its Done
// may tell of the client a second late, but its Err looks at that moment. So an
// object whose data others may read as well asks Err right before it takes
// anything out, lest it be taken for nobody.
type StreamReader interface {
	ReadStream(ctx context.Context, p []byte) (int, error)
}

// Unreader is a StreamReader that takes back what could not be delivered, as the
// client gave up just then: data is to be read next, by whichever instance reads.
// Without it the skeleton keeps that for the instance it was read from. Unread
// is called by who called ReadStream, before another does, perhaps while Release
// is called; data must be copied.
type Unreader interface {
	Unread(data []byte)
}

// StreamWriter is a stream's writing, or that of an object that is AppendOnly.
// WriteStream may block until there is room, and may write less than all where
// it then returns an error. ctx is as in StreamReader.
type StreamWriter interface {
	WriteStream(ctx context.Context, p []byte) (int, error)
}

// Owned is an object that wants to know whom its instance belongs to when it is
// passed on. At the opening that is OpenRequest.Owner.
type Owned interface {
	SetOwner(owner ipc.PID)
}

// Resizer is an object whose size can be set.
type Resizer interface {
	SetSize(size int64) error
}

// Syncer is an object that can say when what was written to it is kept.
type Syncer interface {
	Sync() error
}

// Describer is an object that can be described.
type Describer interface {
	Describe() (naming.Descriptor, error)
}

// Modifier is an object of which the descriptor can be changed.
type Modifier interface {
	Modify(d naming.Descriptor, fields naming.Fields) error
}

// bytesObject is an object with fixed contents, to be read.
type bytesObject struct {
	data       []byte
	attributes Attributes
	describe   func() naming.Descriptor
}

// NewBytes returns an object that reads as data, which must not change any more.
// d describes it; its size is set.
func NewBytes(data []byte, d naming.Descriptor) Object {
	d.Size = uint64(len(data))
	return &bytesObject{data, Readable | FixedLength, func() naming.Descriptor { return d }}
}

// NewDirectory returns the object that a context is read as: a file of the
// descriptors of what it holds, as they are now. d describes the context. BadArgs:
// a descriptor can't be encoded.
func NewDirectory(d naming.Descriptor, list []naming.Descriptor) (Object, error) {
	var data []byte
	for i := range list {
		var err error
		if data, err = list[i].Append(data); err != nil {
			return nil, err
		}
	}
	return &bytesObject{data, Readable | FixedLength | DirectoryFile, func() naming.Descriptor { return d }}, nil
}

func (b *bytesObject) Info() Info {
	return Info{Attributes: b.attributes, Size: uint64(len(b.data))}
}

func (b *bytesObject) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b.data)) {
		return 0, io.EOF
	}
	return copy(p, b.data[off:]), nil
}

func (b *bytesObject) Describe() (naming.Descriptor, error) { return b.describe(), nil }
func (b *bytesObject) Release(bool) error                   { return nil }
