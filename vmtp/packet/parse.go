package packet

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vsys/ipc"
)

// Parse reads what String prints. Between the server and the message the fields
// may be in any order, each at most once.
func Parse(s string) (Header, error) {
	f := strings.Fields(s)
	if len(f) < 5 {
		return Header{}, fmt.Errorf("packet %q: too few fields", s)
	}
	h := Header{Version: Version, Domain: Domain}
	if err := h.parseFixed(f[:4], f[len(f)-1]); err != nil {
		return Header{}, fmt.Errorf("packet %q: %w", s, err)
	}
	options := f[4 : len(f)-1]
	for i, option := range options {
		key, _, _ := strings.Cut(option, "=")
		twice := slices.ContainsFunc(options[:i], func(o string) bool {
			return o == key || strings.HasPrefix(o, key+"=")
		})
		if twice {
			return Header{}, fmt.Errorf("packet %q: two of %s", s, key)
		}
		if err := h.parseOption(option); err != nil {
			return Header{}, fmt.Errorf("packet %q: %w", s, err)
		}
	}
	return h, nil
}

// parseFixed reads the function, Client, Transaction and Server, and the
// message.
func (h *Header) parseFixed(f []string, message string) (err error) {
	switch f[0] {
	case "request":
	case "response":
		h.Response = true
	default:
		return fmt.Errorf("%q is neither request nor response", f[0])
	}
	if h.Client, err = ipc.ParsePID(f[1]); err != nil {
		return err
	}
	id, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil {
		return err
	}
	h.Transaction = uint32(id)
	if h.Server, err = ipc.ParsePID(f[3]); err != nil {
		return err
	}
	return parseMessage(&h.Message, message)
}

// parseOption reads key=number, a flag's name or nosum.
func (h *Header) parseOption(option string) error {
	key, value, isNumber := strings.Cut(option, "=")
	if isNumber {
		return h.parseNumber(key, value)
	}
	if key == noChecksum {
		h.NoChecksum = true
		return nil
	}
	for _, n := range flagNames {
		if n.name == key {
			h.Flags |= n.flag
			h.Control |= n.control
			return nil
		}
	}
	return fmt.Errorf("no flag %q", key)
}

func (h *Header) parseNumber(key, value string) error {
	for _, n := range numbers {
		if n.key != key {
			continue
		}
		v, err := strconv.ParseUint(value, 0, n.bits)
		if err != nil {
			return err
		}
		n.set(h, v)
		if n.get(h) != v {
			return fmt.Errorf("%s does not go with this packet", key)
		}
		return nil
	}
	return fmt.Errorf("no field %q", key)
}

// parseMessage reads what Message.String prints.
func parseMessage(m *ipc.Message, s string) error {
	words := strings.Split(s, "-")
	if len(words) != len(m)/4 {
		return fmt.Errorf("message has %d words", len(words))
	}
	for i, w := range words {
		b, err := hex.DecodeString(w)
		if err != nil {
			return err
		}
		if len(b) != 4 {
			return fmt.Errorf("%q is not a word", w)
		}
		copy(m[4*i:], b)
	}
	return nil
}
