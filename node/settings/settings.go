package settings

import (
	"cmp"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"vsys/node"
	"vsys/servers/unix"
)

// Where a value is from, besides the path of the file.
const (
	SourceDefault = "default"
	SourceFlag    = "flag"
)

// Settings say what a host is to be.
type Settings struct {
	Values
	Dirs node.Dirs // what the defaults are in
	File string    // the file that was read, "" if there was none
	User bool      // the host is a user's in any case

	sources map[string]string // by key; those that are no defaults
}

// take sets what row stands for as from has it.
func (s *Settings) take(row *Setting, from *Values, source string) {
	reflect.ValueOf(row.field(&s.Values)).Elem().Set(reflect.ValueOf(row.field(from)).Elem())
	s.sources[row.Key] = source
}

// Source returns where the value of a key is from: SourceFlag, the path of the
// file, or SourceDefault.
func (s *Settings) Source(key string) string { return cmp.Or(s.sources[key], SourceDefault) }

// Get returns the value of a key, with the default in its place, as text; "" if
// there is no such key.
func (s *Settings) Get(key string) string {
	if row := Find(key); row != nil {
		return row.value(s)
	}
	return ""
}

// Config returns the configuration of the host, without a logger.
func (s *Settings) Config() node.Config {
	c := node.Config{
		Name: s.Name, Addr: netip.AddrPort(s.Addr), State: s.Get("state"), Socket: s.Get("socket"),
		Interfaces: s.Interface, Clear: s.Clear,
		Exports: []unix.Export{{Path: "/"}},
	}
	for _, p := range s.Peer {
		c.Peers = append(c.Peers, netip.AddrPort(p))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Export)) {
		c.Exports = append(c.Exports, unix.Export{Name: name, Path: s.Export[name].name, Writable: true})
	}
	return c
}

// Level returns from where on is logged.
func (s *Settings) Level() slog.Level { return slog.Level(s.LogLevel) }

// Row is a setting as vsys config lists it.
type Row struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Source  string `json:"source"` // see Settings.Source
	Default string `json:"default"`
	Type    string `json:"type"`
	Short   string `json:"description"`
}

// Rows returns all settings, by key.
func (s *Settings) Rows() []Row {
	rows := make([]Row, len(Table))
	for i, t := range Table {
		rows[i] = Row{t.Key, t.value(s), s.Source(t.Key), t.Default, t.Type, t.Short}
	}
	return rows
}

// Args returns the flags that say again what flags have said. A file that was
// named is not among them.
func (s *Settings) Args() []string {
	var args []string
	for _, row := range Table {
		if s.Source(row.Key) == SourceFlag {
			for _, value := range list(row.field(&s.Values)) {
				args = append(args, "--"+row.Key+"="+value)
			}
		}
	}
	return args
}
