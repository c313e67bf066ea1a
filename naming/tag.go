package naming

import "fmt"

// Tag says what kind of object a Descriptor describes. Numbers are frozen.
type Tag uint8

const (
	TagFile       Tag = 1 + iota // a stored file
	TagContext                   // a context, a directory
	TagLink                      // a symbolic link; value "target"
	TagPrefix                    // a context that is served elsewhere (Prefix)
	TagHost                      // a host (Host)
	TagTeam                      // a team
	TagProcess                   // a process
	TagGroup                     // a process group
	TagProgram                   // a program in execution
	TagDevice                    // a device
	TagTerminal                  // a terminal or console
	TagPipe                      // a pipe
	TagConnection                // a network connection
	TagUser                      // a user
	TagRecord                    // any other thing with values only
)

var tagText = [...]string{
	TagFile: "file", TagContext: "context", TagLink: "link", TagPrefix: "prefix",
	TagHost: "host", TagTeam: "team", TagProcess: "process", TagGroup: "group",
	TagProgram: "program", TagDevice: "device", TagTerminal: "terminal",
	TagPipe: "pipe", TagConnection: "connection", TagUser: "user", TagRecord: "record",
}

// String returns the tag as it stands in JSON.
func (t Tag) String() string {
	if int(t) < len(tagText) && tagText[t] != "" {
		return tagText[t]
	}
	return fmt.Sprintf("tag %d", uint8(t))
}

// MarshalText returns what String does.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
