package settings

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vsys/ipc"
	"vsys/node"
)

// Values are the settings. A zero one is not set.
type Values struct {
	Name      string
	Addr      Address
	Clear     bool
	Peer      []Address
	Export    map[string]Path
	Interface []string
	State     Path
	Socket    Path
	LogLevel  Level
	LogFile   Path
}

// Address is an address and port. As text it is like 192.0.2.7:8145.
type Address netip.AddrPort

// UnmarshalText reads an address. BadArgs.
func (a *Address) UnmarshalText(text []byte) error {
	p, err := netip.ParseAddrPort(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address and port like 192.0.2.7:8145: %w", text, ipc.BadArgs)
	}
	*a = Address(p)
	return nil
}

// String prints the address as UnmarshalText reads it.
func (a Address) String() string { return netip.AddrPort(a).String() }

// Path is an absolute path of a Unix file. A socket may also be "@name", and "-"
// stands for none.
type Path struct{ name string }

// String returns the path, "" if it is not set.
func (p Path) String() string { return p.name }

// UnmarshalText reads a path. BadArgs: it is not absolute, and so would mean
// something else wherever it is used.
func (p *Path) UnmarshalText(text []byte) error {
	if s := string(text); !filepath.IsAbs(s) && s != node.NoSocket && !strings.HasPrefix(s, "@") {
		return fmt.Errorf("%q does not begin with a slash: %w", text, ipc.BadArgs)
	}
	p.name = string(text)
	return nil
}

// Level is from where on is logged: debug, info, warn or error.
type Level slog.Level

// levels are the names of the levels.
var levels = map[string]Level{
	"debug": Level(slog.LevelDebug), "info": Level(slog.LevelInfo), "warn": Level(slog.LevelWarn), "error": Level(slog.LevelError),
}

// UnmarshalText reads the name of a level. BadArgs.
func (l *Level) UnmarshalText(text []byte) error {
	level, ok := levels[string(text)]
	if !ok {
		return fmt.Errorf("%q is not one of debug, info, warn, error: %w", text, ipc.BadArgs)
	}
	*l = level
	return nil
}

// String prints the level as UnmarshalText reads it.
func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }

// text prints what a field of Values has; "" if it is not set.
func text(field any) string {
	switch v := field.(type) {
	case *string:
		return *v
	case *bool:
		return strconv.FormatBool(*v)
	case *Path:
		return v.name
	case *Level:
		return v.String()
	case *Address:
		if netip.AddrPort(*v).IsValid() {
			return v.String()
		}
		return ""
	}
	return strings.Join(list(field), ", ")
}

// list returns the elements of a field, each as its flag takes it.
func list(field any) []string {
	var all []string
	switch v := field.(type) {
	case *[]Address:
		for _, a := range *v {
			all = append(all, a.String())
		}
	case *[]string:
		all = *v
	case *map[string]Path:
		for _, name := range slices.Sorted(maps.Keys(*v)) {
			all = append(all, name+"="+(*v)[name].name)
		}
	default:
		return []string{text(field)}
	}
	return all
}
