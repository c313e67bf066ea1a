package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"vsys/ipc"
)

// Dirs are the directories of a host, absolute.
type Dirs struct {
	State   string // what outlives the host: its number, its keys
	Cache   string // what may be lost
	Runtime string // the socket; gone when the machine boots
	Log     string // its log, where nobody else keeps one
	Config  string // the configuration file
	Units   string // of systemd: the unit files
}

// Files of a host in its directories.
const (
	socketFile = "vsys.sock"
	logFile    = "vsys.log"
	configFile = "config.toml"
	unitFile   = "vsys.service"
)

// Socket returns the path of the socket for programs that join.
func (d Dirs) Socket() string { return filepath.Join(d.Runtime, socketFile) }

// LogFile returns the path of the log.
func (d Dirs) LogFile() string { return filepath.Join(d.Log, logFile) }

// ConfigFile returns the path of the configuration.
func (d Dirs) ConfigFile() string { return filepath.Join(d.Config, configFile) }

// UnitFile returns the path of systemd's unit file for the host.
func (d Dirs) UnitFile() string { return filepath.Join(d.Units, unitFile) }

// SystemDirs returns those of the machine's host, which root boots: the places
// that the Filesystem Hierarchy Standard has for them.
func SystemDirs() Dirs {
	return Dirs{
		State: "/var/lib/vsys", Cache: "/var/cache/vsys", Runtime: "/run/vsys", Log: "/var/log/vsys",
		Config: "/etc/vsys", Units: "/etc/systemd/system",
	}
}

// UserDirs returns those of this user's host: where the XDG Base Directory
// Specification has them. As it says, a variable that is not absolute is ignored.
func UserDirs() Dirs {
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		home = fallbackDir()
	}
	state := xdg("XDG_STATE_HOME", filepath.Join(home, ".local", "state"))
	config := xdg("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	return Dirs{
		State:   filepath.Join(state, "vsys"),
		Cache:   filepath.Join(xdg("XDG_CACHE_HOME", filepath.Join(home, ".cache")), "vsys"),
		Runtime: filepath.Join(xdg("XDG_RUNTIME_DIR", runtimeDir()), "vsys"),
		Log:     filepath.Join(state, "vsys", "log"),
		Config:  filepath.Join(config, "vsys"),
		Units:   filepath.Join(config, "systemd", "user"),
	}
}

// DefaultDirs returns SystemDirs for root and UserDirs for everybody else.
func DefaultDirs() Dirs {
	if os.Geteuid() == 0 {
		return SystemDirs()
	}
	return UserDirs()
}

// xdg returns the directory that a variable names, or another.
func xdg(variable, otherwise string) string {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return otherwise
}

// runtimeDir returns where this user's sockets are if the environment does not
// say, as in a job of cron: where systemd has them, or fallbackDir.
func runtimeDir() string {
	dir := filepath.Join("/run/user", strconv.Itoa(os.Geteuid()))
	if owner, err := ownerOf(dir); err == nil && owner == os.Geteuid() {
		return dir
	}
	return fallbackDir()
}

// fallbackDir is this user's directory among those of all for temporary files.
func fallbackDir() string {
	return filepath.Join(os.TempDir(), "vsys-"+strconv.Itoa(os.Geteuid()))
}

// DefaultSocket returns where programs of this user find the host of this
// machine: in /run for root, else in the user's directory for such things.
func DefaultSocket() string { return DefaultDirs().Socket() }

// DefaultState returns where a host of this user keeps what outlives it.
func DefaultState() string { return DefaultDirs().State }

// MakeDir makes a directory, and those above it as needed, that nobody else may
// read. Beneath the directory for temporary files somebody else might have made
// one of that name before: NoPermission.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fallback := fallbackDir()
	if rel, err := filepath.Rel(fallback, dir); err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	owner, err := ownerOf(fallback)
	if err == nil && owner != os.Geteuid() {
		err = fmt.Errorf("%s belongs to user %d: %w", fallback, owner, ipc.NoPermission)
	}
	return err
}

// ownerOf returns the user that a directory belongs to. A symbolic link is not
// followed: its owner is who could replace it.
func ownerOf(dir string) (int, error) {
	var s unix.Stat_t
	if err := unix.Lstat(dir, &s); err != nil {
		return 0, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	return int(s.Uid), nil
}
