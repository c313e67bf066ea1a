package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"vsys/ipc"
)

// clearXDG takes the variables of the XDG specification away.
func clearXDG(t *testing.T) {
	for _, v := range []string{"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(v, "")
	}
}

func TestUserDirs(t *testing.T) {
	clearXDG(t)
	t.Setenv("HOME", "/h")
	t.Setenv("XDG_RUNTIME_DIR", "/r")
	want := Dirs{
		State: "/h/.local/state/vsys", Cache: "/h/.cache/vsys", Runtime: "/r/vsys", Log: "/h/.local/state/vsys/log",
		Config: "/h/.config/vsys", Units: "/h/.config/systemd/user",
	}
	if got := UserDirs(); got != want {
		t.Errorf("by the home:\n%+v, want\n%+v", got, want)
	}
	for v, dir := range map[string]string{
		"XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c", "XDG_CONFIG_HOME": "/etc/x", "XDG_RUNTIME_DIR": "relative",
	} {
		t.Setenv(v, dir)
	}
	got := UserDirs()
	want = Dirs{
		State: "/s/vsys", Cache: "/c/vsys", Runtime: got.Runtime, Log: "/s/vsys/log", Config: "/etc/x/vsys",
		Units: "/etc/x/systemd/user",
	}
	if got != want || !filepath.IsAbs(got.Runtime) {
		t.Errorf("by the variables:\n%+v, want\n%+v", got, want)
	}
	if got.Socket() != got.Runtime+"/vsys.sock" || got.LogFile() != "/s/vsys/log/vsys.log" || got.ConfigFile() != "/etc/x/vsys/config.toml" || got.UnitFile() != "/etc/x/systemd/user/vsys.service" {
		t.Errorf("%q, %q, %q", got.Socket(), got.LogFile(), got.ConfigFile())
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_STATE_HOME", "")
	if got := UserDirs().State; !filepath.IsAbs(got) {
		t.Errorf("without a home: %q", got)
	}
}

func TestDefaultDirs(t *testing.T) {
	want := UserDirs()
	if os.Geteuid() == 0 {
		want = SystemDirs()
	}
	if got := DefaultDirs(); got != want || DefaultState() != want.State || DefaultSocket() != want.Socket() {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestMakeDir: what somebody else has made among the temporary files is not used.
func TestMakeDir(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := filepath.Join(fallbackDir(), "vsys")
	for range 2 {
		if err := MakeDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if fallbackDir() != filepath.Join(tmp, "vsys-"+strconv.Itoa(os.Geteuid())) {
		t.Errorf("temporary files are in %s", fallbackDir())
	}
	if os.Geteuid() == 0 { // who else could
		if err := os.Chown(fallbackDir(), 4711, -1); err != nil {
			t.Fatal(err)
		}
		if err := MakeDir(dir); !errors.Is(err, ipc.NoPermission) {
			t.Errorf("somebody else's: %v", err)
		}
	}
	if err := MakeDir(filepath.Join(tmp, "other", "dir")); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
}
