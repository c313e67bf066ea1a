package settings

import (
	"encoding"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/node"
)

// Flags are the settings as flags.
type Flags struct {
	set    *pflag.FlagSet
	values Values
	file   string // of --config
	user   bool   // of --user
}

// AddFlags declares flags for the settings with these keys, for all if there is
// no key, and those that say which host is meant: --config and --user.
func AddFlags(set *pflag.FlagSet, keys ...string) *Flags {
	f := &Flags{set: set}
	for _, s := range Table {
		if len(keys) == 0 || slices.Contains(keys, s.Key) {
			field := s.field(&f.values)
			set.Var(&flag{s, field}, s.Key, s.usage())
			if _, ok := field.(*bool); ok {
				set.Lookup(s.Key).NoOptDefVal = "true"
			}
		}
	}
	set.StringVar(&f.file, "config", "", "configuration file\n(default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)")
	set.BoolVar(&f.user, "user", false, "root's own host, in root's home, not the machine's; for others it is so in any case")
	return f
}

// usage is what the help says of the flag.
func (s *Setting) usage() string {
	usage := s.Short
	if s.repeats() {
		usage += "; may be repeated"
	}
	if s.Default != "none" {
		sep := " "
		if len(s.Default) > 30 {
			sep = "\n"
		}
		usage += sep + "(default " + s.Default + ")"
	}
	return usage
}

// repeats tells whether the setting is a list.
func (s *Setting) repeats() bool {
	switch s.field(new(Values)).(type) {
	case *[]Address, *[]string, *map[string]Path:
		return true
	}
	return false
}

// Load reads the file and returns the settings: flags win over it, and it over
// defaults. It is called when the flags are parsed. Errors of the file name line
// and column.
func (f *Flags) Load() (*Settings, error) {
	s := &Settings{Dirs: node.DefaultDirs(), User: f.user, sources: map[string]string{}}
	if f.user {
		s.Dirs = node.UserDirs()
	}
	file, optional := s.Dirs.ConfigFile(), true
	if f.file != "" {
		var err error
		if file, err = filepath.Abs(f.file); err != nil {
			return nil, err
		}
		optional = false
	}
	if err := s.read(file, optional); err != nil {
		return nil, err
	}
	for _, row := range Table {
		if f.set.Changed(row.Key) {
			s.take(row, &f.values, SourceFlag)
		}
	}
	return s, nil
}

// flag is a setting as a pflag.Value.
type flag struct {
	s     *Setting
	field any
}

// Type says what the flag takes, for the help.
func (f *flag) Type() string { return f.s.arg }

// String prints nothing: the help has the default in words.
func (f *flag) String() string { return "" }

// Set reads an argument. A path may be relative to the working directory.
func (f *flag) Set(arg string) error {
	switch v := f.field.(type) {
	case *string:
		*v = arg
		return nil
	case *bool:
		on, err := strconv.ParseBool(arg)
		*v = on
		return err
	case *Path:
		return v.set(arg)
	case *[]Address:
		var a Address
		if err := a.UnmarshalText([]byte(arg)); err != nil {
			return err
		}
		*v = append(*v, a)
		return nil
	case *[]string:
		*v = append(*v, arg)
		return nil
	case *map[string]Path:
		name, dir, ok := strings.Cut(arg, "=")
		if !ok || name == "" || dir == "" {
			return fmt.Errorf("%q is not NAME=DIRECTORY: %w", arg, ipc.BadArgs)
		}
		var p Path
		if err := p.set(dir); err != nil {
			return err
		}
		if *v == nil {
			*v = map[string]Path{}
		}
		(*v)[name] = p
		return nil
	}
	return f.field.(encoding.TextUnmarshaler).UnmarshalText([]byte(arg)) // what else Values has is one
}

// set reads an argument.
func (p *Path) set(arg string) error {
	if arg == node.NoSocket || strings.HasPrefix(arg, "@") {
		p.name = arg
		return nil
	}
	var err error
	p.name, err = filepath.Abs(arg)
	return err
}
