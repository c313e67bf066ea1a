package node

import (
	"runtime/debug"
	"strings"
)

// Version returns the version of the program: its module's, with the commit that
// it was built from where that is known, as "devel-1a2b3c4d5e6f".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version := "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version += "-" + s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.HasSuffix(version, "+"):
			version += "+"
		}
	}
	return version
}
