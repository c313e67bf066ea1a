package settings

import (
	"cmp"
	"path/filepath"
	"strconv"

	"vsys/node"
)

// Setting is a row of the table.
type Setting struct {
	Key     string // of the file, and name of the flag
	Type    string // in words
	Short   string // what it is, in a few words
	Long    string // more about it, in sentences; "" if there is no more
	Default string // in words
	arg     string // what the flag takes, for its usage

	field func(*Values) any      // a pointer to what has the value
	value func(*Settings) string // the value now, with the default
}

// Table is all settings, by key.
var Table = []*Setting{
	{
		Key: "addr", Type: "address and port", arg: "ADDRESS", Short: "address and UDP port that hosts talk to",
		Long:    "All that hosts say to one another goes through this one port, so a firewall needs one\nrule. Port 0 takes a free one.",
		Default: node.DefaultAddr().String(),
		field:   func(v *Values) any { return &v.Addr },
		value:   func(s *Settings) string { return cmp.Or(text(&s.Addr), node.DefaultAddr().String()) },
	},
	{
		Key: "clear", Type: "true or false", arg: "bool", Short: "be in a domain in which nothing is sealed",
		Long:    "Whoever is on the network can then read and forge all that hosts say to one another. It is\nfor teaching, and for networks that nobody else is on.",
		Default: "false",
		field:   func(v *Values) any { return &v.Clear },
		value:   func(s *Settings) string { return strconv.FormatBool(s.Clear) },
	},
	{
		Key: "export", Type: "table of names and directories", arg: "NAME=DIRECTORY",
		Short:   "let all hosts write to a directory, as /unix/HOST/NAME",
		Long:    "The whole file tree is there for reading in any case. As a flag it may be repeated.",
		Default: "none",
		field:   func(v *Values) any { return &v.Export },
		value:   func(s *Settings) string { return cmp.Or(text(&s.Export), "none") },
	},
	{
		Key: "interface", Type: "list of names", arg: "NAME", Short: "network interface to look for other hosts on",
		Long:    "Virtual interfaces, as of containers, are left out by themselves. As a flag it may be repeated.",
		Default: "all that are fit for it",
		field:   func(v *Values) any { return &v.Interface },
		value:   func(s *Settings) string { return cmp.Or(text(&s.Interface), "all that are fit for it") },
	},
	{
		Key: "log-file", Type: "path", arg: "FILE", Short: "what a host in the background logs to",
		Long:    "A host in the foreground logs to standard error, so under systemd to its journal. The last\nlines are also /log/HOST/kernel, for all hosts. A file that has grown beyond 8 MiB gets the\nsuffix .old when a host boots.",
		Default: "/var/log/vsys/vsys.log for root, else $XDG_STATE_HOME/vsys/log/vsys.log;\nlog/vsys.log in a state directory of one's own",
		field:   func(v *Values) any { return &v.LogFile },
		value:   (*Settings).logFile,
	},
	{
		Key: "log-level", Type: "debug, info, warn or error", arg: "LEVEL", Short: "from where on is logged",
		Default: "info",
		field:   func(v *Values) any { return &v.LogLevel },
		value:   func(s *Settings) string { return s.LogLevel.String() },
	},
	{
		Key: "name", Type: "text", arg: "NAME", Short: "of the host",
		Long:    "1 to 63 letters, digits and hyphens, which no other host of the domain has.",
		Default: "the machine's, up to its first dot",
		field:   func(v *Values) any { return &v.Name },
		value:   func(s *Settings) string { return cmp.Or(s.Name, node.DefaultName()) },
	},
	{
		Key: "peer", Type: "list of addresses and ports", arg: "ADDRESS", Short: "address and port of another host",
		Long:    "Where hosts may be that can't be found otherwise. One that is there is enough: it tells of\nthe others. As a flag it may be repeated.",
		Default: "none",
		field:   func(v *Values) any { return &v.Peer },
		value:   func(s *Settings) string { return cmp.Or(text(&s.Peer), "none") },
	},
	{
		Key: "socket", Type: "path, @NAME, or -", arg: "PATH", Short: "socket for programs that join; - for none",
		Long:    "vsys ls, vsys exec and the other verbs find the host by it: the default one by themselves,\nanother one by --host-socket or $VSYS_HOST_SOCKET.",
		Default: "/run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock",
		field:   func(v *Values) any { return &v.Socket },
		value:   func(s *Settings) string { return cmp.Or(s.Socket.name, s.Dirs.Socket()) },
	},
	{
		Key: "state", Type: "path", arg: "DIRECTORY", Short: "directory for what outlives the host",
		Long:    "What makes the host the same one when it boots again. One host has it at a time. A copy of\nit is not a second host: never copy it to another machine.",
		Default: "/var/lib/vsys for root, else $XDG_STATE_HOME/vsys",
		field:   func(v *Values) any { return &v.State },
		value:   func(s *Settings) string { return cmp.Or(s.State.name, s.Dirs.State) },
	},
}

// Find returns the setting with that key, nil if there is none.
func Find(key string) *Setting {
	for _, s := range Table {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// logFile returns where a host in the background logs to.
func (s *Settings) logFile() string {
	switch {
	case s.LogFile.name != "":
		return s.LogFile.name
	case s.State.name != "" && s.State.name != s.Dirs.State:
		return filepath.Join(s.State.name, "log", filepath.Base(s.Dirs.LogFile()))
	}
	return s.Dirs.LogFile()
}
