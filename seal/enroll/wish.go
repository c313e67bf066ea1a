package enroll

import (
	"encoding/binary"
	"time"

	"vsys/seal/cert"
)

// Wish is what a machine says of itself when it asks to be let in.
type Wish struct {
	Key       [32]byte  // its public key
	Name      string    // as it wants to be called, as cert.ValidName has it
	Wall      time.Time // its clock, whole milliseconds
	Version   string    // of its program, at most 64 octets
	Processor string    // as Go's GOARCH, at most 64 octets
}

// append appends the wish as a payload.
func (w *Wish) append(b []byte) []byte {
	b = appendField(b, fieldKey, w.Key[:])
	b = appendField(b, fieldName, []byte(w.Name))
	b = appendField(b, fieldWall, binary.BigEndian.AppendUint64(nil, uint64(w.Wall.UnixMilli())))
	b = appendField(b, fieldVersion, []byte(w.Version[:min(len(w.Version), maxText)]))
	return appendField(b, fieldProcessor, []byte(w.Processor[:min(len(w.Processor), maxText)]))
}

// parseWish reads a payload. Errors wrap ipc.BadArgs.
func parseWish(b []byte) (w Wish, err error) {
	err = eachField(b, func(typ byte, v []byte) bool {
		switch typ {
		case fieldKey:
			return copy(w.Key[:], v) == len(w.Key) && len(v) == len(w.Key)
		case fieldName:
			w.Name = string(v)
			return cert.ValidName(w.Name)
		case fieldWall:
			ms, ok := number(v)
			w.Wall = time.UnixMilli(ms).UTC()
			return ok
		case fieldVersion:
			w.Version = string(v)
			return len(v) <= maxText
		case fieldProcessor:
			w.Processor = string(v)
			return len(v) <= maxText
		}
		return true
	})
	if err == nil && (w.Name == "" || w.Key == [32]byte{}) {
		err = errBody
	}
	return w, err
}

// number reads a field of 8 octets.
func number(v []byte) (int64, bool) {
	if len(v) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(v)), true
}
