package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"vsys/ipc"
	"vsys/node"
)

// home makes an empty home for the test and returns where its configuration is.
func home(t *testing.T) (file string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	for _, v := range []string{"STATE_HOME", "CACHE_HOME", "RUNTIME_DIR", "CONFIG_HOME"} {
		t.Setenv("XDG_"+v, filepath.Join(dir, strings.ToLower(v)))
	}
	file = node.UserDirs().ConfigFile()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// load returns what the flags and a file of that text say.
func load(t *testing.T, text string, args ...string) (*Settings, error) {
	t.Helper()
	file := home(t)
	if text != "" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := AddFlags(set)
	if err := set.Parse(append([]string{"--user"}, args...)); err != nil {
		return nil, err
	}
	return f.Load()
}

func TestDefaults(t *testing.T) {
	s, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	d := node.UserDirs()
	for key, want := range map[string]string{
		"addr": node.DefaultAddr().String(), "clear": "false", "export": "none", "interface": "all that are fit for it", "log-file": d.LogFile(), "log-level": "info",
		"name": node.DefaultName(), "peer": "none", "socket": d.Socket(), "state": d.State, "nosuch": "",
	} {
		if got := s.Get(key); got != want || s.Source(key) != SourceDefault {
			t.Errorf("%s: %q from %s, want %q", key, got, s.Source(key), want)
		}
	}
	c := s.Config()
	if c.State != d.State || c.Socket != d.Socket() || c.Addr.IsValid() || len(c.Exports) != 1 || s.File != "" || len(s.Args()) > 0 {
		t.Errorf("%+v, of %q, with %q", c, s.File, s.Args())
	}
}

const everything = `# all of it
addr = "127.0.0.2:1"
clear = true
interface = ["eth0"]
log-file = "/f/log"
log-level = "warn"
name = "filed"
peer = ["127.0.0.3:1", "[::1]:2"]
socket = "@filed"
state = "/f/state"
[export]
a = "/f/a"
b = "/f/b"
`

func TestFile(t *testing.T) {
	s, err := load(t, everything)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"addr": "127.0.0.2:1", "clear": "true", "export": "a=/f/a, b=/f/b", "interface": "eth0", "log-file": "/f/log", "log-level": "warn", "name": "filed",
		"peer": "127.0.0.3:1, [::1]:2", "socket": "@filed", "state": "/f/state",
	} {
		if got := s.Get(key); got != want || s.Source(key) != s.File || s.File != node.UserDirs().ConfigFile() {
			t.Errorf("%s: %q from %s, want %q", key, got, s.Source(key), want)
		}
	}
	c := s.Config()
	if c.Name != "filed" || c.Addr.Port() != 1 || len(c.Peers) != 2 || len(c.Interfaces) != 1 || !c.Clear || len(c.Exports) != 3 || !c.Exports[2].Writable || c.Exports[2].Path != "/f/b" {
		t.Errorf("%+v", c)
	}
}

func TestFlagsWin(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--addr=127.0.0.9:9", "--clear=false", "--export=c=" + "rel", "--interface=lo", "--interface=eth1", "--log-level=debug", "--peer=127.0.0.8:8", "--peer=127.0.0.7:7",
		"--state=st", "--socket=-",
	}
	s, err := load(t, everything, args...)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"addr": "127.0.0.9:9", "clear": "false", "export": "c=" + wd + "/rel", "interface": "lo, eth1", "log-level": "debug", "peer": "127.0.0.8:8, 127.0.0.7:7",
		"state": wd + "/st", "socket": "-",
	} {
		if got := s.Get(key); got != want || s.Source(key) != SourceFlag {
			t.Errorf("%s: %q from %s, want %q", key, got, s.Source(key), want)
		}
	}
	if s.Get("name") != "filed" || s.Source("name") != s.File {
		t.Errorf("name %q from %s", s.Get("name"), s.Source("name"))
	}
	want := []string{
		"--addr=127.0.0.9:9", "--clear=false", "--export=c=" + wd + "/rel", "--interface=lo", "--interface=eth1", "--log-level=debug", "--peer=127.0.0.8:8", "--peer=127.0.0.7:7",
		"--socket=-", "--state=" + wd + "/st",
	}
	if got := s.Args(); !slices.Equal(got, want) {
		t.Errorf("said again: %q, want %q", got, want)
	}
	again, err := load(t, everything, s.Args()...)
	if err != nil || !reflect.DeepEqual(again.Values, s.Values) {
		t.Errorf("said again they are %+v, %v, want %+v", again.Values, err, s.Values)
	}
}

// TestLogFile: the log is in the state directory where that is not the default.
func TestLogFile(t *testing.T) {
	for args, want := range map[string]string{
		"": node.UserDirs().LogFile(), "--state=/s": "/s/log/vsys.log", "--log-file=/l": "/l",
	} {
		s, err := load(t, "", strings.Fields(args)...)
		if err != nil || args != "" && s.Get("log-file") != want || !strings.HasSuffix(s.Get("log-file"), filepath.Base(want)) {
			t.Errorf("%s: %q, %v", args, s.Get("log-file"), err)
		}
	}
}

func TestBadFile(t *testing.T) {
	for text, want := range map[string]string{
		"name = \"x\"\nprot = 1\n":            `:2:1: there is no key "prot": bad argument`,
		"[export]\na = \"/a\"\n[nosuch]\nx=1": `there is no key "nosuch`,
		"\naddr = \"nonsense\"\n":             `:2:8: "nonsense" is not an address and port like 192.0.2.7:8145: bad argument`,
		"peer = [\n\"127.0.0.1:1\",\n\"x\"]":  `:3:1: "x" is not an address`,
		"addr = 7":                            `:1:8: `,
		"peer = \"127.0.0.1:1\"":              `:1:8: `,
		"clear = \"yes\"":                     `:1:9: `,
		"state = \"relative\"":                `:1:9: "relative" does not begin with a slash: bad argument`,
		"log-level = \"loud\"":                `:1:13: "loud" is not one of debug, info, warn, error`,
		"name = \"x\"\nname = \"y\"":          `:2:`,
		"name = ":                             `:1:`,
		"[export]\na = 5":                     `:2:5: `,
	} {
		_, err := load(t, text)
		var advice interface{ Hint() string }
		if err == nil || !errors.Is(err, ipc.BadArgs) || !errors.As(err, &advice) ||
			!strings.HasPrefix(err.Error(), node.UserDirs().ConfigFile()+":") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestNamedFile(t *testing.T) {
	if _, err := load(t, "", "--config=nosuch.toml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other.toml")
	if err := os.WriteFile(other, []byte(`name = "other"`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(t, everything, "--config", other)
	if err != nil || s.Get("name") != "other" || s.Source("name") != other || s.Source("addr") != SourceDefault {
		t.Errorf("%v, %v", s, err)
	}
}

func TestBadFlags(t *testing.T) {
	for _, arg := range []string{"--addr=x", "--peer=1.2.3.4", "--export=x", "--export==/x", "--export=x=", "--log-level=loud", "--clear=maybe", "--frob=1"} {
		if _, err := load(t, "", arg); err == nil {
			t.Errorf("%s is taken", arg)
		}
	}
}

// TestTable: each setting can be set, has its own place, and is explained.
func TestTable(t *testing.T) {
	var v Values
	places := map[any]bool{}
	for i, s := range Table {
		if s.Key == "" || s.Type == "" || s.Short == "" || s.Default == "" || s.arg == "" || s.value(&Settings{Dirs: node.UserDirs()}) == "" {
			t.Errorf("%q: something is missing", s.Key)
		}
		if places[s.field(&v)] || i > 0 && s.Key <= Table[i-1].Key || Find(s.Key) != s {
			t.Errorf("%q is there twice, or not in order", s.Key)
		}
		places[s.field(&v)] = true
	}
	if want := reflect.TypeFor[Values]().NumField(); len(places) != want {
		t.Errorf("%d settings for %d values", len(places), want)
	}
	if Find("nosuch") != nil {
		t.Error("nosuch is there")
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(set, "state")
	if set.Lookup("state") == nil || set.Lookup("config") == nil || set.Lookup("name") != nil {
		t.Error("not the flags that were asked for")
	}
}

func TestRows(t *testing.T) {
	s, err := load(t, `name = "x"`)
	if err != nil {
		t.Fatal(err)
	}
	rows := s.Rows()
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Key == "name" })
	if len(rows) != len(Table) || i < 0 || rows[i].Value != "x" || rows[i].Source != s.File || fmt.Sprint(rows[i]) == "" {
		t.Errorf("%+v", rows)
	}
}
