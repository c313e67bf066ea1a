package naming

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"time"

	"vsys/ipc"
)

// Descriptor describes a named object: the typed record of the naming protocol.
// It is a value; Values is shared by copies.
type Descriptor struct {
	Tag      Tag
	Name     string      // the last component, or a whole prefix; may be empty
	Size     uint64      // octets; 0 where it has no size
	Mode     fs.FileMode // with the type bits that go with Tag
	Owner    string      // name of the user, "" if nobody's
	Modified time.Time   // nanoseconds since 1970 on the wire; zero: not known
	Accessed time.Time
	Changed  time.Time
	ID       uint64 // inode or serial number, unique in the server; 0: none
	// Values are what else the server has to say, by key. Keys have 1 to 255
	// octets.
	Values map[string]string
}

// descriptorVersion is the version of the encoding. A later one may only add to
// the end of the record.
const descriptorVersion = 1

// descriptorFixed is the size of what stands before the strings, in octets.
const descriptorFixed = 48

// MaxDescriptor is the most octets an encoded descriptor has.
const MaxDescriptor = math.MaxUint16

// Append appends the encoding of d to b:
//
//	offset  size
//	 0      2     size of the record, in octets, with these
//	 2      1     version, 1
//	 3      1     tag
//	 4      4     mode: the bits of fs.FileMode
//	 8      8     size of the object, in octets
//	16      8     modified, nanoseconds since 1970, signed; 0: not known
//	24      8     accessed
//	32      8     changed
//	40      8     id
//	48      2+n   name
//	        2+n   owner
//	        2     number of values, then for each, by ascending key:
//	        1+n   key
//	        2+n   value
//
// BadArgs: a string or the whole is too long.
func (d *Descriptor) Append(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, descriptorVersion, byte(d.Tag))
	b = binary.BigEndian.AppendUint32(b, uint32(d.Mode))
	b = binary.BigEndian.AppendUint64(b, d.Size)
	for _, t := range []time.Time{d.Modified, d.Accessed, d.Changed} {
		b = binary.BigEndian.AppendUint64(b, uint64(nanoseconds(t)))
	}
	b = binary.BigEndian.AppendUint64(b, d.ID)
	ok := len(d.Values) <= math.MaxUint16
	b = appendString(b, d.Name, &ok)
	b = appendString(b, d.Owner, &ok)
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.Values)))
	for _, k := range slices.Sorted(maps.Keys(d.Values)) {
		ok = ok && k != "" && len(k) <= math.MaxUint8
		b = append(append(b, byte(len(k))), k...)
		b = appendString(b, d.Values[k], &ok)
	}
	size := len(b) - start
	if !ok || size > MaxDescriptor {
		return b[:start], fmt.Errorf("descriptor of %q: %w", d.Name, ipc.BadArgs)
	}
	binary.BigEndian.PutUint16(b[start:], uint16(size))
	return b, nil
}

// appendString appends the length and the octets of s, and clears ok if it is
// too long.
func appendString(b []byte, s string, ok *bool) []byte {
	*ok = *ok && len(s) <= math.MaxUint16
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// nanoseconds returns t for the wire, 0 where it is not known or out of range.
func nanoseconds(t time.Time) int64 {
	if y := t.Year(); t.IsZero() || y < 1678 || y > 2261 {
		return 0
	}
	return t.UnixNano()
}

// instant is the inverse of nanoseconds.
func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// DecodeDescriptor reads the descriptor at the front of b and returns what
// follows it. It keeps nothing of b. BadArgs: it is not one, or not all there.
func DecodeDescriptor(b []byte) (d Descriptor, rest []byte, err error) {
	bad := fmt.Errorf("descriptor: %w", ipc.BadArgs)
	if len(b) < descriptorFixed {
		return d, b, bad
	}
	size := int(binary.BigEndian.Uint16(b))
	if size < descriptorFixed || size > len(b) || b[2] < descriptorVersion {
		return d, b, bad
	}
	u64 := binary.BigEndian.Uint64
	d = Descriptor{
		Tag: Tag(b[3]), Mode: fs.FileMode(binary.BigEndian.Uint32(b[4:])), Size: u64(b[8:]),
		Modified: instant(int64(u64(b[16:]))), Accessed: instant(int64(u64(b[24:]))),
		Changed: instant(int64(u64(b[32:]))), ID: u64(b[40:]),
	}
	r := reader{b: b[descriptorFixed:size]}
	d.Name, d.Owner = r.string(2), r.string(2)
	d.Values = r.values()
	if r.bad || b[2] == descriptorVersion && len(r.b) > 0 {
		return Descriptor{}, b, bad
	}
	return d, b[size:], nil
}

// reader takes numbers and strings from the front of b; bad says that something
// was not there.
type reader struct {
	b   []byte
	bad bool
}

// number reads a number of 1 or 2 octets.
func (r *reader) number(width int) int {
	if r.bad = r.bad || len(r.b) < width; r.bad {
		return 0
	}
	n := 0
	for _, o := range r.b[:width] {
		n = n<<8 | int(o)
	}
	r.b = r.b[width:]
	return n
}

// string reads a string with a length of width octets before it.
func (r *reader) string(width int) string {
	n := r.number(width)
	if r.bad = r.bad || n > len(r.b); r.bad {
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// values reads the values of a descriptor, nil for none.
func (r *reader) values() map[string]string {
	n := r.number(2)
	if n == 0 || r.bad {
		return nil
	}
	values, last := make(map[string]string, min(n, 64)), ""
	for range n {
		k := r.string(1)
		if r.bad = r.bad || k <= last; r.bad {
			return nil
		}
		values[k], last = r.string(2), k
	}
	return values
}

// DecodeDescriptors reads the descriptors that fill b: a context directory.
func DecodeDescriptors(b []byte) ([]Descriptor, error) {
	var list []Descriptor
	for len(b) > 0 {
		d, rest, err := DecodeDescriptor(b)
		if err != nil {
			return list, err
		}
		list, b = append(list, d), rest
	}
	return list, nil
}

// IsContext tells whether names may lie beneath the object.
func (d *Descriptor) IsContext() bool { return d.Mode.IsDir() }

// Value returns the value with that key, "" if there is none.
func (d *Descriptor) Value(key string) string { return d.Values[key] }

// MarshalJSON returns the form that listings have with --json. Names of fields
// are stable.
func (d Descriptor) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Tag      Tag               `json:"type"`
		Name     string            `json:"name"`
		Size     uint64            `json:"size"`
		Mode     string            `json:"mode"`
		Owner    string            `json:"owner,omitempty"`
		Modified time.Time         `json:"modified,omitzero"`
		Accessed time.Time         `json:"accessed,omitzero"`
		Changed  time.Time         `json:"changed,omitzero"`
		ID       uint64            `json:"id,omitempty"`
		Values   map[string]string `json:"values,omitempty"`
	}{d.Tag, d.Name, d.Size, d.Mode.String(), d.Owner, d.Modified, d.Accessed, d.Changed, d.ID, d.Values})
}
