package naming

import (
	"path"
	"strings"

	"vsys/ipc"
)

// MaxName is the most octets a name may have.
const MaxName = 4095

// Clean returns the absolute name without empty, "." and ".." components; ".."
// at the root stays at the root. IllegalName: the name is empty or relative,
// holds a NUL or has more than MaxName octets when it is clean.
func Clean(name string) (string, error) {
	if !strings.HasPrefix(name, "/") || strings.IndexByte(name, 0) >= 0 {
		return "", ipc.IllegalName
	}
	name = path.Clean(name)
	if len(name) > MaxName {
		return "", ipc.IllegalName
	}
	return name, nil
}

// Join returns name as seen from the absolute name dir: clean, and name itself
// if it is absolute. Codes as Clean.
func Join(dir, name string) (string, error) {
	if name == "" {
		return "", ipc.IllegalName
	}
	if strings.HasPrefix(name, "/") {
		return Clean(name)
	}
	return Clean(dir + "/" + name)
}

// IsComponent tells whether s can be a component of a name in a context: it is
// neither empty nor "." nor "..", and holds no slash and no NUL.
func IsComponent(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= MaxName && !strings.ContainsAny(s, "/\x00")
}

// Base returns the last component of a clean name, "/" for the root.
func Base(name string) string { return path.Base(name) }

// Dir returns all but the last component of a clean name.
func Dir(name string) string { return path.Dir(name) }

// Covers tells whether prefix is name or one of the contexts above it; both are
// clean and absolute.
func Covers(prefix, name string) bool {
	if prefix == "/" {
		return true
	}
	return strings.HasPrefix(name, prefix) &&
		(len(name) == len(prefix) || name[len(prefix)] == '/')
}

// Beneath returns the first component of name after prefix, "" if name is not
// beneath prefix; both are clean and absolute.
func Beneath(prefix, name string) string {
	if len(name) <= len(prefix) || !Covers(prefix, name) {
		return ""
	}
	rest := strings.TrimPrefix(name[len(prefix):], "/")
	first, _, _ := strings.Cut(rest, "/")
	return first
}
