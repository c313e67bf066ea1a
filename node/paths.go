package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"vsys/naming"
	"vsys/servers/unix"
)

// NoDir, the context of all team servers, is the working context of programs that
// have none of Unix files on their host. To them it is an empty directory, so that
// a relative name hits nothing by mistake.
const NoDir = "/team"

// emptyDir is that directory, in the state's.
const emptyDir = "empty"

// makeEmpty makes the directory, and empties it of what programs left there.
func (n *Node) makeEmpty() error {
	dir := filepath.Join(n.config.state(), emptyDir)
	return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o500))
}

// mapPath returns the path of a V name in the host's Unix file system, for the
// team server: where the host's programs find it. ok is false if the name is of
// another server or host.
func (n *Node) mapPath(name string) (path string, ok bool) {
	if name == NoDir {
		return filepath.Join(n.config.state(), emptyDir), true
	}
	return mapPath(n.Name(), n.config.exports(), name)
}

// mapPath maps the names of Unix files.
func mapPath(host string, exports []unix.Export, name string) (path string, ok bool) {
	clean, err := naming.Clean(name)
	if err != nil || !naming.Covers(unix.Prefix(host), clean) {
		return "", false
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(clean, unix.Prefix(host)), "/")
	first, below, _ := strings.Cut(rest, "/")
	for _, e := range exports {
		if e.Name == first && first != "" {
			return filepath.Join(e.Path, below), true
		}
		if e.Name == "" {
			path, ok = filepath.Join(e.Path, rest), true
		}
	}
	return path, ok
}
